%% @private
-module(erlang_python_app).
-behaviour(application).

-export([start/2, stop/1, priv_dir/0, forget_published/0]).

%% @doc What keeps Python from starting is the reason itself, not one inside of a supervisor's.
-spec start(application:start_type(), term()) -> {ok, pid()} | {error, term()}.
start(_Type, _Args) ->
    case py_config:check() of
        ok -> start();
        {error, Text} -> {error, {python_not_started, Text}}
    end.

start() ->
    case py_nif:load() of
        ok -> not_started(erlang_python_sup:start_link());
        {error, Text} -> {error, {python_not_started, unicode:characters_to_binary(Text)}}
    end.

not_started({error, {shutdown, {failed_to_start_child, py_runtime, {shutdown, Reason}}}}) ->
    {error, Reason};
not_started(Other) ->
    Other.

-spec stop(term()) -> ok.
stop(_State) ->
    forget_published().

%% @doc Nobody finds the loops of a runtime that is gone.
-spec forget_published() -> ok.
forget_published() ->
    _ = [persistent_term:erase(Key) || {Key, _} <- persistent_term:get(), is_ours(Key)],
    ok.

%% @doc Where the library and the Python package are. The folder of the application may have any
%% name, and then the code server does not know it.
-spec priv_dir() -> file:filename().
priv_dir() ->
    case code:priv_dir(erlang_python) of
        {error, bad_name} -> filename:join([filename:dirname(code:which(?MODULE)), "..", "priv"]);
        Dir -> Dir
    end.

%% What the loops, and how many there are, were published under.
is_ours({Module, _}) -> lists:member(Module, [py_context, py_event_loop, py_event_loop_pool]);
is_ours(_) -> false.

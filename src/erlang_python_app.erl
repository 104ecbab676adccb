%% @private
-module(erlang_python_app).
-behaviour(application).

-export([start/2, stop/1]).

-spec start(application:start_type(), term()) -> {ok, pid()} | {error, term()}.
start(_Type, _Args) ->
    erlang_python_sup:start_link().

-spec stop(term()) -> ok.
stop(_State) ->
    _ = [persistent_term:erase(Key) || {Key, _} <- persistent_term:get(), is_ours(Key)],
    ok.

%% What the loops, and how many there are, were published under.
is_ours({Module, _}) -> lists:member(Module, [py_context, py_event_loop, py_event_loop_pool]);
is_ours(_) -> false.

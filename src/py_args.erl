%% @private
%% @doc What callers write: checked, and brought into one form, before anything is done with it.
%%
%% A refusal is an error of the public function that was called, with the number of the argument and
%% what was expected in its place, in the way of `erlang:error/3': the shell and the logger show
%% them. `Called' is that function with its arguments; `At' is the number of an argument.
-module(py_args).

-export([call/6, call_method/6, getattr/4, eval/4, exec/3, calls/3]).
-export([name/3, to_keywords/1, path/3]).
-export([timeout/3, is_timeout/1, expected/1, refuse/3, refuse/4, format_error/2]).

-export_type([called/0]).

-type called() :: {module(), atom(), [term()]}.
-type at() :: pos_integer().

-define(NAME, "a name: an atom, UTF-8 text, or a charlist").

%% ---- requests

%% @doc A call of a function; `At' is the number of `Module', the others follow.
-spec call(term(), term(), term(), term(), at(), called()) -> py_nif:request().
call(Module, Function, Args, Kwargs, _At, _Called) when
    is_atom(Module), Module =/= '', is_atom(Function), Function =/= '', length(Args) >= 0,
    map_size(Kwargs) =:= 0
->
    %% Most calls; and a tenth of a microsecond is to be had.
    {call, Module, Function, Args, Kwargs};
call(Module, Function, Args, Kwargs, At, Called) ->
    {call, name(Module, At, Called), name(Function, At + 1, Called), list(Args, At + 2, Called),
     keywords(Kwargs, At + 3, Called)}.

%% @doc A call of a method; `At' is the number of `Object'.
-spec call_method(term(), term(), term(), term(), at(), called()) -> py_nif:request().
call_method(Object, Name, Args, Kwargs, At, Called) ->
    {call_method, Object, name(Name, At + 1, Called), list(Args, At + 2, Called),
     keywords(Kwargs, At + 3, Called)}.

-spec getattr(term(), term(), at(), called()) -> py_nif:request().
getattr(Object, Name, At, Called) ->
    {getattr, Object, name(Name, At + 1, Called)}.

-spec eval(term(), term(), at(), called()) -> py_nif:request().
eval(Code, Locals, At, Called) ->
    {eval, code(Code, At, Called), keywords(Locals, At + 1, Called)}.

-spec exec(term(), at(), called()) -> py_nif:request().
exec(Code, At, Called) ->
    {exec, code(Code, At, Called)}.

%% @doc A list of calls, as `py:async_gather/1' takes them.
-spec calls(term(), at(), called()) -> [py_nif:request()].
calls(Calls, At, Called) ->
    [one_call(Call, At, Called) || Call <- list(Calls, At, Called)].

one_call({Module, Function, Args}, At, Called) ->
    one_call({Module, Function, Args, #{}}, At, Called);
one_call({Module, Function, Args, Kwargs} = Call, At, Called) ->
    case {to_name(Module), to_name(Function), is_proper(Args), to_keywords(Kwargs)} of
        {{ok, M}, {ok, F}, true, {ok, K}} -> {call, M, F, Args, K};
        _ -> not_a_call(Call, At, Called)
    end;
one_call(Call, At, Called) ->
    not_a_call(Call, At, Called).

-spec not_a_call(term(), at(), called()) -> no_return().
not_a_call(Call, At, Called) ->
    Text = io_lib:format(
        "expected calls, {Module, Function, Args} or {Module, Function, Args, Kwargs}, not ~0tP",
        [Call, 20]
    ),
    refuse(Text, At, Called).

%% ---- arguments

%% @doc A name of Python's.
-spec name(term(), at(), called()) -> py:name().
name(Name, _At, _Called) when is_atom(Name), Name =/= '' ->
    Name;
name(Name, At, Called) ->
    case to_name(Name) of
        {ok, Text} -> Text;
        error -> refuse("expected " ?NAME, At, Called)
    end.

to_name(Name) when is_atom(Name), Name =/= '' ->
    {ok, Name};
to_name(Name) when is_binary(Name); is_list(Name) ->
    case text(Name) of
        {ok, Text} when Text =/= <<>> -> {ok, Text};
        _ -> error
    end;
to_name(_) ->
    error.

text(Chardata) ->
    try unicode:characters_to_binary(Chardata) of
        Text when is_binary(Text) -> {ok, Text};
        _ -> error
    catch
        error:badarg -> error
    end.

list(List, _At, _Called) when length(List) >= 0 -> List;
list([_ | _], At, Called) -> refuse("expected a proper list, which ends in []", At, Called);
list(_, At, Called) -> refuse("expected a list", At, Called).

is_proper(List) when length(List) >= 0 -> true;
is_proper(_) -> false.

%% Keyword arguments, or local variables.
keywords(Keywords, At, Called) ->
    case to_keywords(Keywords) of
        {ok, Map} -> Map;
        {error, Text} -> refuse(Text, At, Called)
    end.

%% @doc The map that names of keyword arguments or local variables make; or what is wrong with them.
-spec to_keywords(term()) -> {ok, #{py:name() => term()}} | {error, iolist()}.
to_keywords(Map) when Map =:= #{} ->
    {ok, Map};
to_keywords(Map) when is_map(Map) ->
    case lists:all(fun is_atom/1, maps:keys(Map)) of
        true -> {ok, Map};
        false -> to_keywords(maps:to_list(Map))
    end;
to_keywords(List) when length(List) >= 0 ->
    add_keywords(List, #{});
to_keywords(Timeout) when is_integer(Timeout); Timeout =:= infinity ->
    {error, "expected a map or a keyword list of names; a time limit is an option, which comes "
            "after them"};
to_keywords(_) ->
    {error, "expected a map or a keyword list of names"}.

add_keywords([], Map) ->
    {ok, Map};
add_keywords([{Key, Value} | Rest], Map) ->
    case to_name(Key) of
        {ok, Name} when is_map_key(Name, Map) ->
            {error, io_lib:format("~ts is given twice", [Name])};
        {ok, Name} ->
            add_keywords(Rest, Map#{Name => Value});
        error ->
            {error, io_lib:format("~0tP is not " ?NAME, [Key, 10])}
    end;
add_keywords([Other | _], _Map) ->
    {error, io_lib:format("expected pairs of a name and a value, not ~0tP", [Other, 10])}.

%% Source text.
code(Code, At, Called) when is_binary(Code); is_list(Code) ->
    case text(Code) of
        {ok, Text} -> Text;
        error -> refuse("expected code: UTF-8 text or a charlist", At, Called)
    end;
code(_, At, Called) ->
    refuse("expected code: UTF-8 text or a charlist", At, Called).

%% @doc The bytes that the system knows a file by.
-spec path(term(), at(), called()) -> binary().
path(Name, _At, _Called) when is_binary(Name) ->
    Name;
path(Name, At, Called) ->
    Encoding = file:native_name_encoding(),
    try unicode:characters_to_binary(filename:flatten(Name), unicode, Encoding) of
        Bytes when is_binary(Bytes) -> Bytes;
        _ -> refuse("expected the name of a folder", At, Called)
    catch
        error:_ -> refuse("expected the name of a folder", At, Called)
    end.

%% @doc A time limit.
-spec timeout(term(), at(), called()) -> timeout().
timeout(Timeout, At, Called) ->
    case is_timeout(Timeout) of
        true -> Timeout;
        false -> refuse(expected(timeout), At, Called)
    end.

-spec expected(timeout) -> string().
expected(timeout) -> "expected milliseconds, from 0 to 4294967295, or infinity".

%% @doc What `receive ... after' takes.
-spec is_timeout(term()) -> boolean().
is_timeout(Timeout) ->
    Timeout =:= infinity orelse
        (is_integer(Timeout) andalso Timeout >= 0 andalso Timeout =< 16#ffffffff).

%% ---- refusals

-spec refuse(unicode:chardata(), at(), called()) -> no_return().
refuse(Text, At, Called) ->
    refuse(badarg, Text, At, Called).

%% @doc Raises `Reason' where the public function was called.
-spec refuse(term(), unicode:chardata(), at(), called()) -> no_return().
refuse(Reason, Text, At, {Module, Function, Args}) ->
    Cause = #{At => unicode:characters_to_binary(Text)},
    Frame = {Module, Function, Args, [{error_info, #{module => ?MODULE, cause => Cause}}]},
    erlang:raise(error, Reason, [Frame | callers()]).

%% Our own functions are not what the caller wrote.
callers() ->
    {current_stacktrace, Stack} = process_info(self(), current_stacktrace),
    lists:dropwhile(fun({Module, _, _, _}) -> is_ours(Module) end, Stack).

is_ours(Module) ->
    lists:member(Module, [?MODULE, py, py_options, py_work, py_context, py_event_loop,
                          py_event_loop_pool, py_callback]).

%% @doc For `erl_error:format_exception/3': the text for an argument.
-spec format_error(term(), erlang:stacktrace()) -> #{pos_integer() => unicode:chardata()}.
format_error(_Reason, [{_, _, _, Info} | _]) ->
    #{cause := Cause} = proplists:get_value(error_info, Info),
    Cause.

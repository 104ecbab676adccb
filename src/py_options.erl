%% @private
%% @doc The options of public functions: a map, or a keyword list as Elixir writes them, or a time
%% limit alone. The one place that knows them:
%%
%% <ul>
%% <li>`timeout': milliseconds until the work is given up, or `infinity'</li>
%% <li>`kwargs': keyword arguments, where these have no position of their own</li>
%% <li>`binary': what binaries in arguments become: `auto' (str if they are UTF-8, else bytes),
%% `str' or `bytes'</li>
%% <li>`none': what None becomes in results, and in what the code sends: `none', `nil', `undefined',
%% or `default': as the context was started, else as the application is set</li>
%% <li>`name': under which a process is registered</li>
%% </ul>
%%
%% A function says by its defaults which of them it takes; all others are refused.
-module(py_options).

-export([call/0, run/0, start/0, parse/4]).
-export_type([options/0]).

-type options() :: #{
    timeout => timeout(),
    kwargs => #{py:name() => term()},
    binary => auto | str | bytes,
    none => none | nil | undefined | default,
    name => atom()
}.

%% @doc Of what waits for a call of a context.
-spec call() -> options().
call() -> #{timeout => 30000, binary => auto, none => default}.

%% @doc Of what waits for a task of a loop.
-spec run() -> options().
run() -> #{timeout => 5000, kwargs => #{}, binary => auto, none => default}.

%% @doc Of what does not wait.
-spec start() -> options().
start() -> #{binary => auto, none => default}.

%% @doc `Given' on top of `Defaults', whose keys are the known ones.
-spec parse(term(), options(), pos_integer(), py_args:called()) -> options().
parse(Given, Defaults, _At, _Called) when Given =:= #{} ->
    Defaults;
parse(Given, Defaults, At, Called) ->
    Where = {At, Called},
    maps:merge(Defaults, add(pairs(Given, Defaults, Where), Defaults, #{}, Where)).

-spec refuse(term(), unicode:chardata(), {pos_integer(), py_args:called()}) -> no_return().
refuse(Reason, Text, {At, Called}) ->
    py_args:refuse(Reason, Text, At, Called).

%% A property list's atom alone stands for `true'.
pairs(Given, _Defaults, _Where) when is_map(Given) ->
    maps:to_list(Given);
pairs(Given, _Defaults, Where) when length(Given) >= 0 ->
    [pair(Option, Where) || Option <- Given];
pairs(Timeout, #{timeout := _}, _Where) when is_number(Timeout); is_atom(Timeout) ->
    [{timeout, Timeout}];
pairs(_Other, #{timeout := _}, Where) ->
    refuse(badarg, "expected a map or a keyword list of options, or a time limit", Where);
pairs(_Other, _Defaults, Where) ->
    refuse(badarg, "expected a map or a keyword list of options", Where).

pair({_, _} = Pair, _Where) -> Pair;
pair(Name, _Where) when is_atom(Name) -> {Name, true};
pair(Other, Where) ->
    refuse(badarg, io_lib:format("~0tP is not an option", [Other, 10]), Where).

add([], _Known, Options, _Where) ->
    Options;
add([{Name, _} | _], _Known, Options, Where) when is_map_key(Name, Options) ->
    refuse(badarg, io_lib:format("the option ~0tP is given twice", [Name, 10]), Where);
add([{Name, Value} | Rest], Known, Options, Where) when is_map_key(Name, Known) ->
    case check(Name, Value) of
        {ok, Checked} ->
            add(Rest, Known, Options#{Name => Checked}, Where);
        {error, Expected} ->
            Text = io_lib:format("the option ~0tp: ~ts", [Name, Expected]),
            refuse({bad_option, {Name, Value}}, Text, Where)
    end;
add([{Name, _} | _], Known, _Options, Where) ->
    Hint = py_nearest:hint(Name, maps:keys(Known)),
    Text = io_lib:format("there is no option ~0tP here; ~ts", [Name, 10, Hint]),
    refuse({unknown_option, Name}, Text, Where).

check(timeout, Timeout) ->
    valid(py_args:is_timeout(Timeout), Timeout, py_args:expected(timeout));
check(kwargs, Kwargs) ->
    py_args:to_keywords(Kwargs);
check(binary, As) ->
    valid(lists:member(As, [auto, str, bytes]), As, "expected auto, str or bytes");
check(none, None) ->
    Known = [none, nil, undefined, default],
    valid(lists:member(None, Known), None, "expected none, nil, undefined or default");
check(name, Name) ->
    valid(is_atom(Name) andalso Name =/= undefined, Name, "expected an atom").

valid(true, Value, _Expected) -> {ok, Value};
valid(false, _Value, Expected) -> {error, Expected}.

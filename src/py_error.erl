%% @private
%% @doc Text for every error of the application; see docs/errors.md.
-module(py_error).

-export([format/1]).

%% @doc The reason of an error, or all of it. Any other term is printed as it is, so that whoever
%% reports an error need not look at it first.
-spec format(term()) -> unicode:chardata().
format({error, Reason}) ->
    format(Reason);
format(Reason) ->
    case start_failure(Reason) of
        {ok, Text} -> Text;
        none -> reason(Reason)
    end.

reason({exception, #{traceback := Traceback}}) when is_binary(Traceback), Traceback =/= <<>> ->
    text(Traceback);
reason({exception, #{type := Type, message := Message}}) ->
    [text(Type), ": ", text(Message)];
reason({conversion, Path, Why}) when length(Path) >= 0 ->
    ["cannot convert ", path(Path), ": ", why(Why)];
reason({not_found, Module, Function}) ->
    ["there is no ", name(Module), ".", name(Function), " in Python"];
reason({executor_died, Why}) ->
    io_lib:format("the Python thread or event loop ended before there was a result: ~tp", [Why]);
reason({wrong_interpreter, Which}) ->
    io_lib:format("the object belongs to another Python interpreter: ~tp", [Which]);
reason({nodedown, Node}) ->
    io_lib:format("there is no connection to the node ~tp", [Node]);
reason({unknown_option, Name}) ->
    io_lib:format("there is no such option: ~tp", [Name]);
reason({bad_option, {Name, Value}}) ->
    io_lib:format("the option ~tp can't be ~tp", [Name, Value]);
reason(badarg) ->
    "an argument is not what the function takes";
reason(timeout) ->
    "there was no result in time";
reason(cancelled) ->
    "the work was cancelled";
reason(overloaded) ->
    "too much work is queued";
reason(not_started) ->
    "the application erlang_python is not running";
reason(Other) ->
    io_lib:format("~tp", [Other]).

%% Supervisors and the application's master wrap the reason why the application did not start.
start_failure({python_not_started, Text}) ->
    {ok, ["Python did not start: ", text(Text)]};
start_failure({erlang_python, Reason}) ->
    start_failure(Reason);
start_failure({shutdown, Reason}) ->
    start_failure(Reason);
start_failure({failed_to_start_child, _Child, Reason}) ->
    start_failure(Reason);
start_failure({Reason, {erlang_python_app, start, _Args}}) ->
    start_failure(Reason);
start_failure(_) ->
    none.

text(Text) when is_binary(Text); is_list(Text) ->
    case catch unicode:characters_to_binary(Text) of
        Binary when is_binary(Binary) -> Binary;
        _ -> io_lib:format("~tp", [Text])
    end;
text(Other) ->
    io_lib:format("~tp", [Other]).

name(Name) when is_atom(Name) -> atom_to_binary(Name);
name(Name) -> text(Name).

path([]) -> "the value";
path(Path) -> [step(Step) || Step <- Path].

step({index, N}) when is_integer(N) -> io_lib:format("[~b]", [N]);
step({key, Key}) -> io_lib:format("[~tp]", [Key]);
step({map_key, Key}) -> io_lib:format("[key ~tp]", [Key]);
step(Other) -> io_lib:format("~tp", [Other]).

why(Why) when is_atom(Why) -> string:replace(atom_to_list(Why), "_", " ", all);
why(Why) -> text(Why).

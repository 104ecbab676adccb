%% @private
%% @doc The application's environment: every setting, what it may be, and what it is if nobody says.
-module(py_config).

-export([check/0, get/1, keys/0]).

-define(APPLICATION, erlang_python).

-type key() ::
    num_contexts | event_loop_pool_size | event_loop_spin | max_pending | subprocess | sandbox
    | venv | python | spawner_beside | none.

-record(setting, {default :: term(), expected :: string(), is_valid :: fun((term()) -> boolean())}).

settings() ->
    #{
        %% How many contexts serve py:call and its like.
        num_contexts => count(1024),
        %% How many loops serve py_event_loop_pool.
        event_loop_pool_size => count(65536),
        %% For how long at most a thread looks for work before it sleeps; 0: never.
        event_loop_spin => number(50, 0, 1000000, "microseconds"),
        %% How many replies a context or loop may owe; more work is refused: {error, overloaded}.
        max_pending => number(1000000, 1, 1000000000, "replies"),
        %% Whether asyncio may start programs; they are not children of the VM.
        subprocess => boolean(true),
        %% Whether forking or replacing the VM from Python is refused; for the life of the VM.
        sandbox => boolean(true),
        %% What Python's None becomes, where neither a call nor its context says.
        none => one_of([none, nil, undefined]),
        %% The virtual environment to start in.
        venv => path("a folder, or undefined for $VIRTUAL_ENV, if that is set"),
        %% sys.executable.
        python => path("a file, or undefined for the Python that the build was made for"),
        %% The socket of a spawner that runs beside the VM; bin/erlpy sets it.
        spawner_beside => path("the name of a socket, or undefined")
    }.

count(Max) ->
    #setting{
        default = undefined,
        expected =
            io_lib:format("a whole number from 1 to ~b, or undefined for one a scheduler", [Max]),
        is_valid = fun(Value) -> Value =:= undefined orelse is_between(Value, 1, Max) end
    }.

number(Default, Min, Max, Unit) ->
    #setting{
        default = Default,
        expected = io_lib:format("a whole number of ~ts from ~b to ~b", [Unit, Min, Max]),
        is_valid = fun(Value) -> is_between(Value, Min, Max) end
    }.

one_of([Default | Others]) ->
    #setting{
        default = Default,
        expected = lists:join(" or ", [atom_to_list(Atom) || Atom <- [Default | Others]]),
        is_valid = fun(Value) -> lists:member(Value, [Default | Others]) end
    }.

boolean(Default) ->
    #setting{default = Default, expected = "true or false", is_valid = fun is_boolean/1}.

path(Expected) ->
    #setting{
        default = undefined,
        expected = Expected,
        is_valid = fun(Value) -> Value =:= undefined orelse is_path(Value) end
    }.

is_between(Value, Min, Max) ->
    is_integer(Value) andalso Value >= Min andalso Value =< Max.

is_path(Value) ->
    (is_binary(Value) orelse is_list(Value)) andalso
        try unicode:characters_to_binary(Value) of
            Text -> is_binary(Text) andalso Text =/= <<>>
        catch
            error:badarg -> false
        end.

%% @doc Looks at the whole environment. `Text' is one line that says which setting is wrong and what
%% it should be.
-spec check() -> ok | {error, Text :: binary()}.
check() ->
    Settings = settings(),
    %% Older releases of OTP keep this there.
    Environment = proplists:delete(included_applications, application:get_all_env(?APPLICATION)),
    case [Text || {Key, Value} <- lists:sort(Environment), Text <- wrong(Key, Value, Settings)] of
        [] -> ok;
        [First | _] -> {error, First}
    end.

wrong(Key, Value, Settings) ->
    case Settings of
        #{Key := #setting{is_valid = IsValid, expected = Expected}} ->
            Format = "the setting ~tp of erlang_python has to be ~ts, not ~0tP",
            [text(Format, [Key, Expected, Value, 20]) || not IsValid(Value)];
        #{} ->
            Hint = py_nearest:hint(Key, maps:keys(Settings)),
            [text("erlang_python has no setting ~tp; ~ts", [Key, Hint])]
    end.

text(Format, Args) ->
    unicode:characters_to_binary(io_lib:format(Format, Args)).

%% @doc The known settings.
-spec keys() -> [key()].
keys() ->
    maps:keys(settings()).

%% @doc The value of a setting. It may have changed since the start; a wrong one is an error here.
-spec get(key()) -> term().
get(Key) ->
    #{Key := #setting{default = Default}} = Settings = settings(),
    Value = application:get_env(?APPLICATION, Key, Default),
    case wrong(Key, Value, Settings) of
        [] -> resolved(Key, Value);
        [Text] -> exit({python_not_started, Text})
    end.

resolved(Key, undefined) when Key =:= num_contexts; Key =:= event_loop_pool_size ->
    erlang:system_info(schedulers);
resolved(_Key, Value) ->
    Value.

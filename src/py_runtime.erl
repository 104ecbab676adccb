%% @private
%% @doc Starts CPython's side of the application, and stops it within a bound.
%%
%% The interpreter itself is started once in the life of the VM; see docs/decisions.
-module(py_runtime).
-behaviour(gen_server).

-export([start_link/0]).
-export([init/1, handle_call/3, handle_cast/2, terminate/2]).

-define(START_TIMEOUT, 60000).
-define(STOP_TIMEOUT, 10000).
%% When the whole node ends: whoever asked for that does not wait for Python that does not react.
-define(NODE_STOP_TIMEOUT, 800).

-spec start_link() -> gen_server:start_ret().
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], [{timeout, ?START_TIMEOUT}]).

-spec init([]) -> {ok, nil} | {stop, {shutdown, {python_not_started, binary()}}}.
init([]) ->
    process_flag(trap_exit, true),
    %% Those of a run whose runtime was killed.
    ok = erlang_python_app:forget_published(),
    %% ERTS ignores SIGCHLD, which would take the exit status of Python's child processes away.
    ok = os:set_signal(sigchld, default),
    Executors = min(py_config:get(event_loop_pool_size), erlang:system_info(schedulers)),
    ok = py_nif:set_none(default, py_config:get(none)),
    Tag = make_ref(),
    Asked = py_nif:start(Tag, #{
        executable => executable(),
        package_dir => package_dir(),
        loop_executors => Executors,
        max_spin => py_config:get(event_loop_spin),
        max_pending => py_config:get(max_pending),
        sandbox => py_config:get(sandbox)
    }),
    Started =
        case Asked of
            ok -> receive {started, Tag, Answer} -> Answer end;
            {error, Posix} -> {error, iolist_to_binary(io_lib:format("~p", [Posix]))}
        end,
    case Started of
        ok -> {ok, nil};
        {error, Text} -> {stop, {shutdown, {python_not_started, Text}}}
    end.

-spec handle_call(term(), gen_server:from(), nil) -> {reply, {error, unknown}, nil}.
handle_call(_Request, _From, State) ->
    {reply, {error, unknown}, State}.

-spec handle_cast(term(), nil) -> {noreply, nil}.
handle_cast(_Message, State) ->
    {noreply, State}.

-spec terminate(term(), nil) -> ok.
terminate(_Reason, nil) ->
    Tag = make_ref(),
    {Timeout, Patience} =
        case init:get_status() of
            {stopping, _} -> {?NODE_STOP_TIMEOUT, 200};
            _ -> {?STOP_TIMEOUT, 2000}
        end,
    ok = py_nif:stop(Tag, Timeout),
    receive
        {stopped, Tag, 0} ->
            ok;
        {stopped, Tag, Stuck} ->
            logger:warning("~b Python threads did not end; they go when their code does", [Stuck])
    after Timeout + Patience ->
        logger:error("Python did not stop: some code holds its lock")
    end.

%% A configured virtual environment, else one that is active in the node's own environment, else
%% the interpreter that the library was built for.
executable() ->
    Default = or_else(py_config:get(python), <<>>),
    unicode:characters_to_binary(
        case or_else(py_config:get(venv), virtual_env()) of
            undefined -> Default;
            Venv -> in_venv(unicode:characters_to_list(Venv), Default)
        end
    ).

or_else(undefined, Default) -> Default;
or_else(Value, _Default) -> Value.

%% An environment of another Python version than ours can't be used, and must not stop us.
in_venv(Venv, Default) ->
    case py_venv:check(Venv) of
        ok ->
            filename:join([Venv, "bin", "python3"]);
        {error, Why} ->
            logger:warning("the virtual environment ~ts is not used: ~ts", [Venv, Why]),
            Default
    end.

%% Absolute, since the code path may be relative and Python code may change the directory.
package_dir() ->
    Folder = filename:join(erlang_python_app:priv_dir(), "python"),
    unicode:characters_to_binary(filename:absname(Folder)).

virtual_env() ->
    case os:getenv("VIRTUAL_ENV") of
        false -> undefined;
        Dir -> Dir
    end.

%% @private
%% @doc Starts programs for Python's asyncio, through a port, so that the VM is never forked.
%%
%% The port program starts with the first subprocess that Python asks for, and again if it has died;
%% Python's loops talk to it directly, over a Unix socket. `{subprocess, false}' in the environment
%% switches it off.
-module(py_spawner).
-behaviour(gen_server).

-export([start_link/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

%% The name under which priv/python/erlang/_spawner.py asks for the socket.
-define(FUNCTION, <<"erlang_python.spawner">>).
-define(START_TIMEOUT, 10000).

-record(state, {port = none :: none | port(), answer = none :: answer()}).

%% The socket's name and the spawner's process id; or what is wrong; or that it is switched off.
-type answer() :: {binary(), pos_integer()} | {binary(), none} | none.

-spec start_link() -> gen_server:start_ret().
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

-spec init([]) -> {ok, #state{}}.
init([]) ->
    Ask = fun
        ([]) -> gen_server:call(?MODULE, spawner, infinity);
        ([<<"port">>]) -> gen_server:call(?MODULE, port, infinity)
    end,
    ok = py_callback:register(?FUNCTION, Ask),
    {ok, #state{}}.

%% Of bin/erlpy's own spawner, which runs beside the VM, there is just a name to tell.
-spec handle_call(term(), gen_server:from(), #state{}) -> {reply, term(), #state{}}.
handle_call(Which, _From, State) when Which =:= spawner; Which =:= port ->
    Allowed = py_config:get(subprocess),
    Beside = py_config:get(spawner_beside),
    case {Allowed, Beside} of
        {true, Name} when Which =:= spawner, Name =/= undefined ->
            {reply, unicode:characters_to_binary(Name), State};
        {true, _} ->
            Running = ensure_running(State),
            {reply, Running#state.answer, Running};
        {false, _} ->
            {reply, none, State}
    end;
handle_call(_Request, _From, State) ->
    {reply, {error, unknown}, State}.

-spec handle_cast(term(), #state{}) -> {noreply, #state{}}.
handle_cast(_Message, State) ->
    {noreply, State}.

-spec handle_info(term(), #state{}) -> {noreply, #state{}}.
handle_info({Port, {exit_status, Status}}, #state{port = Port}) ->
    logger:error("erlang_python_spawner ended with status ~b; another starts when needed", [
        Status
    ]),
    {noreply, #state{}};
handle_info(_Other, State) ->
    {noreply, State}.

ensure_running(#state{port = none}) ->
    Program = filename:join(erlang_python_app:priv_dir(), "erlang_python_spawner"),
    %% open_port/2 finds that out, too, but loses a descriptor then.
    case os:find_executable(Program) of
        false -> #state{answer = wrong("~ts can't be executed", [Program])};
        _ -> open(Program)
    end;
ensure_running(State) ->
    State.

open(Program) ->
    %% Not a secret: the program lets nobody but this VM in, and Python asks who listens.
    Socket = <<"erlang_python-", (integer_to_binary(rand:uniform(1 bsl 80), 36))/binary>>,
    try open_port({spawn_executable, Program}, options(Socket)) of
        Port -> await_ready(Port, Socket)
    catch
        error:Reason -> #state{answer = wrong("~ts: ~p", [Program, Reason])}
    end.

options(Socket) ->
    [{args, [Socket, os:getpid()]}, exit_status, binary, {line, 80}].

await_ready(Port, Socket) ->
    receive
        {Port, {data, {eol, <<"ready">>}}} ->
            {os_pid, Pid} = erlang:port_info(Port, os_pid),
            #state{port = Port, answer = {Socket, Pid}};
        {Port, {exit_status, Status}} ->
            #state{answer = wrong("it ended with status ~b", [Status])}
    after ?START_TIMEOUT ->
        port_close(Port),
        #state{answer = wrong("it does not answer", [])}
    end.

wrong(Format, Args) ->
    {unicode:characters_to_binary(io_lib:format(Format, Args)), none}.

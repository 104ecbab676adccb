%% @private
%% @doc Starts programs for Python's asyncio, through a port, so that the VM is never forked.
%%
%% The port program starts with the first subprocess that Python asks for, and Python's loops talk
%% to it directly, over a Unix socket. `{subprocess, false}' in the environment switches it off.
-module(py_spawner).
-behaviour(gen_server).

-export([start_link/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

%% The name under which priv/python/erlang/_spawner.py asks for the socket.
-define(FUNCTION, <<"erlang_python.spawner">>).
-define(START_TIMEOUT, 10000).

-record(state, {port = none :: none | port(), socket = <<>> :: binary()}).

-spec start_link() -> gen_server:start_ret().
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

-spec init([]) -> {ok, #state{}}.
init([]) ->
    ok = py_callback:register(?FUNCTION, fun([]) -> gen_server:call(?MODULE, socket, infinity) end),
    {ok, #state{}}.

-spec handle_call(term(), gen_server:from(), #state{}) -> {reply, term(), #state{}}.
handle_call(socket, _From, State) ->
    case application:get_env(erlang_python, subprocess, true) of
        true -> socket(State);
        false -> {reply, none, State}
    end;
handle_call(_Request, _From, State) ->
    {reply, {error, unknown}, State}.

-spec handle_cast(term(), #state{}) -> {noreply, #state{}}.
handle_cast(_Message, State) ->
    {noreply, State}.

-spec handle_info(term(), #state{}) -> {noreply, #state{}}.
handle_info({Port, {exit_status, Status}}, #state{port = Port} = State) ->
    logger:error("erlang_python_spawner ended with status ~b", [Status]),
    {noreply, State#state{port = none}};
handle_info(_Other, State) ->
    {noreply, State}.

socket(#state{port = none}) ->
    Unique = integer_to_binary(binary:decode_unsigned(rand_bytes()), 36),
    Socket = <<"erlang_python-", (list_to_binary(os:getpid()))/binary, "-", Unique/binary>>,
    Program = filename:join(code:priv_dir(erlang_python), "erlang_python_spawner"),
    Port = open_port({spawn_executable, Program}, [
        {args, [Socket, os:getpid()]}, exit_status, binary, {line, 80}
    ]),
    receive
        {Port, {data, {eol, <<"ready">>}}} ->
            {reply, Socket, #state{port = Port, socket = Socket}};
        {Port, {exit_status, Status}} ->
            error({spawner_not_started, Status})
    after ?START_TIMEOUT -> error({spawner_not_started, timeout})
    end;
socket(#state{socket = Socket} = State) ->
    {reply, Socket, State}.

%% The name need not be a secret: the program lets nobody but this VM in.
rand_bytes() ->
    rand:bytes(10).

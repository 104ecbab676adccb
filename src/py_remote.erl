%% @private
%% @doc Messages from Python to processes of other nodes.
%%
%% Sending can suspend the sender, until a connection is made or has room again. So each node has a
%% sender of its own here, and neither the router nor messages to other nodes wait for it. What goes
%% to one node keeps its order.
-module(py_remote).
-behaviour(gen_server).

-export([start_link/0, send/2]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-define(IDLE, 10000).

-type to() :: pid() | {atom(), node()}.
-type state() :: #{node() => pid(), pid() => node()}.

-spec start_link() -> gen_server:start_ret().
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% @doc Does not wait, and does not say whether anybody gets it.
-spec send(to(), term()) -> ok.
send(To, Message) ->
    gen_server:cast(?MODULE, {send, To, Message}).

-spec init([]) -> {ok, state()}.
init([]) ->
    process_flag(trap_exit, true),
    {ok, #{}}.

-spec handle_call(term(), gen_server:from(), state()) -> {reply, {error, unknown}, state()}.
handle_call(_Request, _From, State) ->
    {reply, {error, unknown}, State}.

-spec handle_cast(term(), state()) -> {noreply, state()}.
handle_cast({send, To, Message}, State) ->
    {Sender, Next} = sender(node_of(To), State),
    Sender ! {send, To, Message},
    {noreply, Next};
handle_cast(_Other, State) ->
    {noreply, State}.

%% Whoever is idle asks to go, and goes when the messages that came before the answer are sent.
-spec handle_info(term(), state()) -> {noreply, state()}.
handle_info({idle, Sender}, State) ->
    Sender ! stop,
    {noreply, forget(Sender, State)};
handle_info({'EXIT', Sender, _Reason}, State) ->
    {noreply, forget(Sender, State)};
handle_info(_Other, State) ->
    {noreply, State}.

node_of(Pid) when is_pid(Pid) -> node(Pid);
node_of({_Name, Node}) -> Node.

sender(Node, State) ->
    case State of
        #{Node := Sender} ->
            {Sender, State};
        #{} ->
            Server = self(),
            Sender = spawn_link(fun() -> run(Server) end),
            {Sender, State#{Node => Sender, Sender => Node}}
    end.

forget(Sender, State) ->
    case maps:take(Sender, State) of
        {Node, Rest} -> maps:remove(Node, Rest);
        error -> State
    end.

run(Server) ->
    receive
        {send, To, Message} ->
            catch To ! Message,
            run(Server)
    after ?IDLE ->
        Server ! {idle, self()},
        finish()
    end.

finish() ->
    receive
        {send, To, Message} ->
            catch To ! Message,
            finish();
        stop ->
            ok
    end.

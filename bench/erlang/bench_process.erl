%% @doc The yardstick: a round trip between two processes, and the same through a gen_server.
-module(bench_process).
-behaviour(gen_server).

-export([round_trips/1, gen_server_calls/1]).
-export([init/1, handle_call/3, handle_cast/2]).

%% @doc Send a message to a process and wait for it to come back, Count times.
-spec round_trips(pos_integer()) -> ok.
round_trips(Count) ->
    Echo = spawn_link(fun echo/0),
    ok = round_trips(Echo, Count),
    unlink(Echo),
    exit(Echo, kill),
    ok.

round_trips(_Echo, 0) ->
    ok;
round_trips(Echo, Count) ->
    Echo ! {self(), Count},
    receive
        {Echo, Count} -> round_trips(Echo, Count - 1)
    end.

echo() ->
    receive
        {From, Message} ->
            From ! {self(), Message},
            echo()
    end.

%% @doc Call an idle gen_server, Count times.
-spec gen_server_calls(pos_integer()) -> ok.
gen_server_calls(Count) ->
    {ok, Server} = gen_server:start_link(?MODULE, [], []),
    gen_server_calls(Server, Count),
    gen_server:stop(Server).

gen_server_calls(_Server, 0) ->
    ok;
gen_server_calls(Server, Count) ->
    Count = gen_server:call(Server, Count),
    gen_server_calls(Server, Count - 1).

-spec init([]) -> {ok, []}.
init([]) ->
    {ok, []}.

-spec handle_call(term(), gen_server:from(), []) -> {reply, term(), []}.
handle_call(Message, _From, State) ->
    {reply, Message, State}.

-spec handle_cast(term(), []) -> {noreply, []}.
handle_cast(_Message, State) ->
    {noreply, State}.

%% @private
%% @doc Keeps the contexts that stand in for others.
%%
%% When the thread of a context or loop waits for Erlang (`erlang.call'), another context starts
%% what is queued there. If all have something to do, this process is told, and makes one more.
%% Those that have had nothing to do for some time go away again.
%%
%% There are at most `?MOST'. If work still waits for one when they all wait for Erlang, it may well
%% be what they wait for: when none has been free for a while, it is refused as overload.
-module(py_stand_ins).
-behaviour(gen_server).

-export([start_link/0, count/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-define(MOST, 500).
%% Milliseconds.
-define(LOOK_EVERY, 500).
-define(IDLE, 2000).

-record(state, {
    stand_ins = #{} :: #{reference() => pid()},  % by monitor
    timer = none :: none | reference(),
    served = 0 :: non_neg_integer()  % at the last look
}).

-spec start_link() -> gen_server:start_ret().
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% @doc How many there are.
-spec count() -> non_neg_integer().
count() ->
    gen_server:call(?MODULE, count, infinity).

-spec init([]) -> {ok, #state{}}.
init([]) ->
    ok = py_nif:stand_in_keeper(self()),
    {ok, #state{}}.

-spec handle_call(term(), gen_server:from(), #state{}) -> {reply, term(), #state{}}.
handle_call(count, _From, State) ->
    {reply, map_size(State#state.stand_ins), State};
handle_call(_Request, _From, State) ->
    {reply, {error, unknown}, State}.

-spec handle_cast(term(), #state{}) -> {noreply, #state{}}.
handle_cast(_Message, State) ->
    {noreply, State}.

-spec handle_info(term(), #state{}) -> {noreply, #state{}}.
handle_info(stand_in_wanted, State) ->
    case py_nif:stand_in_demand() of
        {0, _} -> {noreply, State};
        {_, _} -> {noreply, looking(add(State))}
    end;
handle_info({timeout, Timer, look}, #state{timer = Timer} = State) ->
    {noreply, look(State#state{timer = none})};
handle_info({'DOWN', Monitor, process, _Pid, _Reason}, #state{stand_ins = StandIns} = State) ->
    {noreply, State#state{stand_ins = maps:remove(Monitor, StandIns)}};
handle_info(_Other, State) ->
    {noreply, State}.

add(#state{stand_ins = StandIns} = State) when map_size(StandIns) < ?MOST ->
    case py_context_sup:start_stand_in() of
        {ok, Pid} -> State#state{stand_ins = StandIns#{monitor(process, Pid) => Pid}};
        %% The system gives no thread or descriptor now, or the application stops.
        {error, _} -> State
    end;
add(State) ->
    State.

looking(#state{timer = none} = State) ->
    State#state{timer = erlang:start_timer(?LOOK_EVERY, self(), look)};
looking(State) ->
    State.

look(#state{stand_ins = StandIns, served = Before} = State) ->
    [ok = py_nif:stand_in_retire(Loop, ?IDLE) || Pid <- maps:values(StandIns),
                                                 Loop <- [py_context:ref(Pid)],
                                                 is_reference(Loop)],
    {Asking, Served} = py_nif:stand_in_demand(),
    Next =
        case Asking > 0 of
            true when map_size(StandIns) < ?MOST -> add(State);
            true when Served =:= Before -> ok = py_nif:stand_in_refuse(), State;
            _ -> State
        end,
    case {Asking, map_size(Next#state.stand_ins)} of
        {0, 0} -> Next#state{served = Served};
        _ -> looking(Next#state{served = Served})
    end.

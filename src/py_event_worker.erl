%% @doc The process that stands for a hosted event loop in the VM.
%%
%% While the loop has something to do it runs on its executor's thread, and this process sleeps.
%% When the loop parks it says so: `{park, Number, Milliseconds | infinity, HasDescriptors}'. Then
%% this process waits for the loop's poller, with `enif_select', and for the time, with an Erlang
%% timer, and wakes it. If it dies its loop ends, and all that the loop owes is answered.
-module(py_event_worker).
-behaviour(gen_server).

-export([start_link/1, start_link/2]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

-define(LONGEST_TIMER, 16#7fffffff).
%% How long a loop stays parked, in milliseconds, whose descriptors nobody waits for.
-define(UNARMED, 100).

-record(state, {
    loop :: py_nif:loop(),
    key :: term(),
    park = 0 :: non_neg_integer(),
    timer = none :: none | reference()
}).

%% @private
%% @doc Makes a loop of its own and publishes it as the persistent term `Key'.
-spec start_link(Key :: term()) -> gen_server:start_ret().
start_link(Key) ->
    gen_server:start_link(?MODULE, {new, Key}, []).

%% @doc The worker of a loop that `py_nif:event_loop_new/0' has made. `Name' is for people.
-spec start_link(Name :: binary(), py_nif:loop()) -> gen_server:start_ret().
start_link(Name, Loop) when is_binary(Name), is_reference(Loop) ->
    gen_server:start_link(?MODULE, {serve, Name, Loop}, []).

%% @private
-spec init(term()) -> {ok, #state{}} | {stop, term()}.
init({serve, Name, Loop}) ->
    process_flag(trap_exit, true),
    put('$erlang_python_worker', Name),
    case py_nif:event_loop_set_worker(Loop, self()) of
        ok -> {ok, #state{loop = Loop, key = none}};
        {error, Ended} -> {stop, Ended}
    end;
init({new, Key}) ->
    case py_nif:event_loop_new() of
        {ok, Loop} ->
            Name = iolist_to_binary(io_lib:format("~tp", [Key])),
            publish(Key, init({serve, Name, Loop}));
        {error, Reason} -> {stop, Reason}
    end.

publish(Key, {ok, #state{loop = Loop} = State}) ->
    persistent_term:put(Key, Loop),
    _ = Key =:= {py_event_loop, default} andalso py_nif:event_loop_set_default(Loop),
    {ok, State#state{key = Key}};
publish(_Key, Stop) ->
    Stop.

%% @private
-spec handle_call(term(), gen_server:from(), #state{}) -> {reply, {error, unknown}, #state{}}.
handle_call(_Request, _From, State) ->
    {reply, {error, unknown}, State}.

%% @private
-spec handle_cast(term(), #state{}) -> {noreply, #state{}}.
handle_cast(_Message, State) ->
    {noreply, State}.

%% @private
-spec handle_info(term(), #state{}) -> {noreply, #state{}} | {stop, term(), #state{}}.
handle_info({park, Park, Delay, HasDescriptors}, #state{loop = Loop} = State) ->
    IsArmed = not HasDescriptors orelse py_nif:loop_arm(Loop),
    {noreply, start_timer(longest(IsArmed, Delay), State#state{park = Park})};
handle_info({select, Loop, _Ref, ready_input}, #state{loop = Loop, park = Park} = State) ->
    ok = py_nif:loop_wake(Loop, Park),
    {noreply, State};
handle_info({timeout, Timer, Park}, #state{loop = Loop, timer = Timer} = State) ->
    ok = py_nif:loop_wake(Loop, Park),
    {noreply, State#state{timer = none}};
handle_info(retire, State) ->
    {stop, normal, State};
handle_info({'EXIT', _From, Reason}, State) ->
    {stop, Reason, State};
handle_info(_Other, State) ->
    {noreply, State}.

%% @private
-spec terminate(term(), #state{}) -> ok.
terminate(Reason, #state{loop = Loop}) ->
    Why =
        case Reason of
            normal -> stopped;
            shutdown -> stopped;
            _ -> Reason
        end,
    py_nif:loop_close(Loop, Why).

%% Without a descriptor for it the VM can't wait for the poller; next time there may be one.
%% `infinity' is more than any number.
longest(true, Delay) -> Delay;
longest(false, Delay) -> min(Delay, ?UNARMED).

start_timer(Delay, #state{timer = Old, park = Park} = State) ->
    _ = Old =/= none andalso erlang:cancel_timer(Old, [{async, true}, {info, false}]),
    Timer =
        case Delay of
            infinity -> none;
            _ -> erlang:start_timer(min(Delay, ?LONGEST_TIMER), self(), Park)
        end,
    State#state{timer = Timer}.

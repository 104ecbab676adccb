%% @doc Measures one kind of call between Erlang and Python, alternating with a process round trip.
%%
%% `erl … -run bench_calls main NAME SCALE' prints one line of JSON: the microseconds of one such
%% call, and of one round trip. Of each the best of a few repetitions counts: what disturbs a
%% repetition only makes it slower. Differences between nodes are for the caller, who starts
%% several.
-module(bench_calls).

-export([main/1]).

-define(REPETITIONS, 3).
-define(ROUND_TRIPS, 50000).
-define(PROCESSES, 50).
-define(PATIENCE_MS, 60000).

-type measurement() :: {Count :: pos_integer(), fun((pos_integer()) -> ok | {us, float()})}.

%% @doc Name and Scale as strings. Ends the node: status 1, with the reason, if anything fails.
-spec main([string()]) -> ok.
main([Name, Scale]) ->
    %% Not in the caller, which is the process that boots the node.
    _ = spawn(fun() -> report_and_halt(Name, Scale) end),
    ok.

report_and_halt(Name, Scale) ->
    try
        report(Name, number(Scale)),
        halt(0)
    catch
        Class:Reason ->
            io:format(standard_error, "~0P~n", [{Class, Reason}, 20]),
            halt(1)
    end.

number(Text) ->
    try
        list_to_float(Text)
    catch
        error:badarg -> float(list_to_integer(Text))
    end.

report(Name, Scale) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    {FullCount, Run} = measurement(Name),
    Count = max(?PROCESSES, round(FullCount * Scale)),
    RoundTrips = max(1000, round(?ROUND_TRIPS * Scale)),
    %% Once for the code, the imports and the caches.
    _ = Run(?PROCESSES),
    ok = bench_process:round_trips(1000),
    Pairs = [
        {each(fun bench_process:round_trips/1, RoundTrips), each(Run, Count)}
     || _ <- lists:seq(1, ?REPETITIONS)
    ],
    {Process, Ours} = lists:unzip(Pairs),
    io:format("{\"name\": \"~s\", \"us\": ~.4f, \"process_us\": ~.4f}~n", [
        Name, lists:min(Ours), lists:min(Process)
    ]).

%% Microseconds of one of Count, unless the measurement knows better itself.
each(Run, Count) ->
    erlang:garbage_collect(),
    Started = erlang:monotonic_time(nanosecond),
    Result = Run(Count),
    Elapsed = erlang:monotonic_time(nanosecond) - Started,
    case Result of
        {us, Us} -> Us;
        ok -> Elapsed / 1000 / Count
    end.

-spec measurement(string()) -> measurement().
measurement("gen_server_call") ->
    {50000, fun bench_process:gen_server_calls/1};
measurement("py_call_sqrt") ->
    {20000, fun(Count) -> times(Count, fun() -> {ok, 4.0} = py:call(math, sqrt, [16.0]) end) end};
measurement("py_call_binary") ->
    Binary = binary:copy(<<255>>, 10240),
    Call = fun() -> {ok, Binary} = py:call(bench_target, identity, [Binary]) end,
    {10000, fun(Count) -> times(Count, Call) end};
measurement("py_call_50_processes") ->
    {20000, fun(Count) ->
        in_processes(Count, fun() -> {ok, 4.0} = py:call(math, sqrt, [16.0]) end)
    end};
measurement("py_cast") ->
    {20000, fun casts/1};
measurement("erlang_call") ->
    ok = py:register_function(bench_identity, fun([Value]) -> Value end),
    {5000, fun(Count) ->
        {ok, Us} = py:call(bench_target, call_erlang, [Count]),
        {us, Us}
    end};
measurement("task_sequential") ->
    {10000, fun(Count) -> times(Count, fun() -> one_task(py_event_loop) end) end};
measurement("task_fire_and_collect") ->
    {50000, fun(Count) ->
        Results = fire_and_collect(math, sqrt, lists:duplicate(Count, 16.0)),
        Results = lists:duplicate(Count, 4.0),
        ok
    end};
measurement("coroutine_fire_and_collect") ->
    {50000, fun(Count) ->
        Numbers = lists:seq(1, Count),
        Numbers = fire_and_collect(bench_target, identity_coroutine, Numbers),
        ok
    end};
measurement("pool_50_processes") ->
    {20000, fun(Count) -> in_processes(Count, fun() -> one_task(py_event_loop_pool) end) end};
measurement(Name) ->
    error({no_such_measurement, Name}).

times(0, _Fun) ->
    ok;
times(Count, Fun) ->
    _ = Fun(),
    times(Count - 1, Fun).

%% Casts only say that they are accepted; the call after them is answered when they are done.
casts(Count) ->
    ok = times(Count, fun() -> ok = py:cast(math, sqrt, [16.0]) end),
    {ok, 4.0} = py:call(math, sqrt, [16.0]),
    ok.

one_task(Module) ->
    Ref = Module:create_task(bench_target, identity_coroutine, [1]),
    {ok, 1} = Module:await(Ref, ?PATIENCE_MS).

fire_and_collect(Module, Function, Arguments) ->
    Refs = [py_event_loop:create_task(Module, Function, [Argument]) || Argument <- Arguments],
    [result(Ref) || Ref <- Refs].

result(Ref) ->
    {ok, Result} = py_event_loop:await(Ref, ?PATIENCE_MS),
    Result.

in_processes(Count, Fun) ->
    Share = Count div ?PROCESSES,
    Monitors = [
        element(2, spawn_monitor(fun() -> times(Share, Fun) end))
     || _ <- lists:seq(1, ?PROCESSES)
    ],
    lists:foreach(fun await_normal_end/1, Monitors).

await_normal_end(Monitor) ->
    receive
        {'DOWN', Monitor, process, _, Reason} -> normal = Reason
    end.

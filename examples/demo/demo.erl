%% What `make demo' shows: an asyncio HTTP server, unchanged, that serves fifty Erlang processes,
%% and Python coroutines that others start and await, in one node. Started by scripts/demo.
-module(demo).

-export([start/0]).

-define(PROCESSES, 50).
-define(CALLBACKS, 1000).

-spec start() -> pid().
start() ->
    spawn(fun() -> halt(main(init:get_plain_arguments())) end).

main([Requests, Tasks, IdleMilliseconds]) ->
    try run(list_to_integer(Requests), list_to_integer(Tasks), list_to_integer(IdleMilliseconds)) of
        ok -> 0
    catch
        throw:Wrong ->
            io:format("~nWrong: ~tp~n", [Wrong]),
            1;
        Class:Reason:Stack ->
            io:format("~nFailed: ~tp: ~tp~n~tp~n", [Class, Reason, Stack]),
            1
    end.

run(Requests, Tasks, Idle) ->
    ok = demo_count:new(),
    {ok, _} = application:ensure_all_started(erlang_python),
    {ok, Port} = py_event_loop:run(server, start, []),
    ok = introduce(Port),
    ok = py:register_function(demo_double, fun demo_tasks:double/1),

    io:format("~nAt the same time, by ~b processes each: ~ts requests, ~ts coroutines~n", [
        ?PROCESSES, demo_table:number(Requests), demo_table:number(Tasks)
    ]),
    Progress = demo_table:start_progress(),
    HTTP = start_crew(Requests, fun(First, Last) ->
        demo_http:run(Port, First, Last, counter(requests))
    end),
    Coroutines = start_crew(Tasks, fun(First, Last) ->
        demo_tasks:run(First, Last, counter(tasks))
    end),
    {HTTPTime, Times} = await_crew(HTTP),
    {TasksTime, []} = await_crew(Coroutines),
    ok = demo_table:stop_progress(Progress),

    io:format("~ts coroutines that call Erlang~n", [demo_table:number(?CALLBACKS)]),
    Calls = start_crew(?CALLBACKS, fun(First, Last) ->
        demo_tasks:run_callbacks(First, Last, fun() -> ok end)
    end),
    {CallsTime, []} = await_crew(Calls),
    ok = equal(calls, ?CALLBACKS, demo_count:get(called)),

    io:format("Nothing, for ~ts s~n", [demo_table:decimal(Idle / 1000)]),
    IdleCPU = cpu_of_idling(Idle),

    ok = equal(requests, Requests, demo_count:get(requests)),
    ok = equal(requests, Requests, length(Times)),
    ok = equal(tasks, Tasks, demo_count:get(tasks)),
    demo_table:print([
        {"HTTP requests", Requests, HTTPTime, demo_table:percentiles(Times)},
        {"coroutines", Tasks, TasksTime, ""},
        {"calls of Erlang", ?CALLBACKS, CallsTime, ""}
    ]),
    io:format("~nCPU used in ~ts s of doing nothing: ~ts ms. Every reply was right.~n", [
        demo_table:decimal(Idle / 1000), demo_table:decimal(IdleCPU)
    ]).

introduce(Port) ->
    {ok, Python} = py:version(),
    {ok, AioHTTP} = py:eval(<<"__import__('aiohttp').__version__">>),
    {ok, Loop} = py_event_loop:run(server, loop_name, []),
    io:format(
        "OTP ~ts, ~b schedulers, Python ~ts~n"
        "examples/demo/server.py, with aiohttp ~ts on ~ts: http://127.0.0.1:~b~n",
        [
            erlang:system_info(otp_release), erlang:system_info(schedulers),
            Python, AioHTTP, Loop, Port
        ]
    ).

counter(What) ->
    fun() -> demo_count:add(What) end.

equal(_What, Same, Same) -> ok;
equal(What, Expected, Got) -> throw({What, {expected, Expected}, {got, Got}}).

%% Processes that share out the numbers from 1 to Total.
start_crew(Total, Work) ->
    Start = erlang:monotonic_time(microsecond),
    {Start, [
        spawn_monitor(fun() ->
            Result = Work((I - 1) * Total div ?PROCESSES + 1, I * Total div ?PROCESSES),
            exit({erlang:monotonic_time(microsecond), Result})
        end)
     || I <- lists:seq(1, ?PROCESSES)
    ]}.

%% Seconds until the last one was done, and all that they gave.
await_crew({Start, Crew}) ->
    {Ends, Results} = lists:unzip([await_member(Member) || Member <- Crew]),
    {(lists:max(Ends) - Start) / 1000000, lists:append(Results)}.

await_member({Pid, Monitor}) ->
    receive
        {'DOWN', Monitor, process, Pid, {End, {ok, Result}}} -> {End, Result};
        {'DOWN', Monitor, process, Pid, {_End, {wrong, Wrong}}} -> throw(Wrong);
        {'DOWN', Monitor, process, Pid, Reason} -> throw(Reason)
    end.

%% Milliseconds of CPU that the whole VM, Python included, uses while it has nothing to do.
cpu_of_idling(Milliseconds) ->
    ok = timer:sleep(Milliseconds div 10),  % for what is still being closed
    Before = cpu(),
    ok = timer:sleep(Milliseconds),
    cpu() - Before.

cpu() ->
    {ok, Seconds} = py:call(time, process_time, []),
    Seconds * 1000.

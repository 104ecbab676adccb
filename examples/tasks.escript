#!/usr/bin/env escript
%% Ten thousand coroutines, started and awaited by a hundred processes.
%%
%%   ERL_LIBS=_build/default/lib escript examples/tasks.escript

main([]) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    ok = py:exec(<<
        "import asyncio\n"
        "async def double(n):\n"
        "    await asyncio.sleep(0.001 * (n % 10))\n"
        "    return 2 * n\n"
    >>),
    {Microseconds, Total} = timer:tc(fun() -> lists:sum(in_parallel(100, 100)) end),
    Total = lists:sum([2 * N || _ <- lists:seq(1, 100), N <- lists:seq(1, 100)]),
    io:format("10000 tasks on ~b loops in ~b ms~n", [
        maps:get(num_loops, py_event_loop_pool:get_stats()), Microseconds div 1000
    ]).

in_parallel(Processes, Tasks) ->
    Parent = self(),
    Pids = [spawn_link(fun() -> Parent ! {self(), run(Tasks)} end) || _ <- lists:seq(1, Processes)],
    [receive {Pid, Sum} -> Sum end || Pid <- Pids].

%% All tasks of a process go to one loop of the pool and overlap there.
run(Tasks) ->
    Refs = [py_event_loop_pool:create_task('__main__', double, [N]) || N <- lists:seq(1, Tasks)],
    lists:sum([begin {ok, Value} = py_event_loop_pool:await(Ref, 30000), Value end || Ref <- Refs]).

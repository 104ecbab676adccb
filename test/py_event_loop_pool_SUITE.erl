%% @doc The pool of loops: the same functions as py_event_loop's, affinity, order, parallelism.
-module(py_event_loop_pool_SUITE).
-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 60}}].

all() ->
    [
        same_functions_as_the_loop, loop_of_a_process_is_the_same, processes_are_spread,
        all_tasks_of_a_process_on_its_loop, order_of_each_process, stats, stats_when_stopped,
        size_from_the_environment, many_callers_at_once, fire_and_collect,
        guide_parallel_processing, killed_worker_of_the_pool, killed_workers_under_load,
        loops_of_one_executor_take_turns,
        nested_through_the_pool, nested_coroutines_through_the_pool
    ].

init_per_suite(Config) ->
    ok = ep_test:start(),
    define(),
    Config.

define() ->
    ep_test:define(<<"
import asyncio, erlang, threading, time
notes = {}
async def value_after(seconds, value):
    await asyncio.sleep(seconds)
    return value
async def note(who, n):
    notes.setdefault(who, []).append(n)
    await asyncio.sleep(0)
    return n
def which_loop(): return id(asyncio.get_running_loop())
def nest(n): return 0 if n == 0 else 1 + erlang.call('nest', n - 1)
async def anest(n): return 0 if n == 0 else 1 + erlang.call('anest', n - 1)
async def asyncnest(n): return 0 if n == 0 else 1 + await erlang.async_call('asyncnest', n - 1)
">>).

end_per_suite(_Config) -> ep_test:stop().
init_per_testcase(_Case, Config) -> ep_test:before(Config).
end_per_testcase(_Case, Config) -> ep_test:audit(Config).

same_functions_as_the_loop(_) ->
    Ref = py_event_loop_pool:create_task(math, sqrt, [16.0]),
    {ok, 4.0} = py_event_loop_pool:await(Ref),
    {ok, 4.0} = py_event_loop_pool:await(py_event_loop_pool:create_task(math, sqrt, [16]), 1000),
    {ok, 7} = py_event_loop_pool:await(
        py_event_loop_pool:create_task(asyncio, sleep, [0], #{result => 7}), infinity),
    {ok, 4.0} = py_event_loop_pool:run(math, sqrt, [16.0]),
    Options = #{timeout => 1000, kwargs => #{result => 7}},
    {ok, 7} = py_event_loop_pool:run(asyncio, sleep, [0], Options),
    {error, timeout} = py_event_loop_pool:run(asyncio, sleep, [100], #{timeout => 10}),
    ok = py_event_loop_pool:spawn_task(math, sqrt, [16]),
    ok = py_event_loop_pool:spawn_task(asyncio, sleep, [0], #{result => 7}),
    {ok, Loop} = py_event_loop_pool:get_loop(),
    true = is_reference(Loop),
    ep_test:no_message().

loop_of_a_process_is_the_same(_) ->
    {ok, Loop} = py_event_loop_pool:get_loop(),
    [{ok, Loop} = py_event_loop_pool:get_loop() || _ <- lists:seq(1, 100)].

processes_are_spread(_) ->
    Self = self(),
    Processes = [ep_test:monitored(fun(_) -> Self ! {loop, py_event_loop_pool:get_loop()} end)
                 || _ <- lists:seq(1, 200)],
    [normal = ep_test:down(P) || P <- Processes],
    Loops = lists:usort([Loop || {loop, {ok, Loop}} <- ep_test:flush()]),
    2 = length(Loops).

all_tasks_of_a_process_on_its_loop(_) ->
    {ok, Id} = py_event_loop_pool:run('__main__', which_loop, []),
    [{ok, Id} = py_event_loop_pool:run('__main__', which_loop, []) || _ <- lists:seq(1, 100)].

order_of_each_process(_) ->
    ok = py:exec(<<"notes.clear()">>),
    Processes = [ep_test:monitored(fun(_) ->
        Refs = [py_event_loop_pool:create_task('__main__', note, [Who, N])
                || N <- lists:seq(1, 300)],
        [{ok, N} = py_event_loop_pool:await(Ref) || {N, Ref} <- lists:zip(lists:seq(1, 300), Refs)]
    end) || Who <- lists:seq(1, 20)],
    [normal = ep_test:down(P) || P <- Processes],
    {ok, [true, 20]} =
        py:eval(<<"[all(v == list(range(1, 301)) for v in notes.values()), len(notes)]">>).

stats(_) ->
    #{num_loops := 2, supported := true} = py_event_loop_pool:get_stats().

stats_when_stopped(_) ->
    ok = ep_test:stop(),
    #{num_loops := 0, supported := true} = py_event_loop_pool:get_stats(),
    {error, not_started} = py_event_loop_pool:get_loop(),
    {error, not_started} = py_event_loop_pool:run(math, sqrt, [1]),
    Refused = py_event_loop_pool:create_task(math, sqrt, [1]),
    false = py_event_loop_pool:cancel(Refused),
    {error, not_started} = py_event_loop_pool:await(Refused),
    ?assertError(badarg, py_event_loop_pool:cancel(Refused)),
    ?assertError(badarg, py_event_loop_pool:await(Refused)),
    ok = ep_test:start(),
    define().

size_from_the_environment(_) ->
    ok = ep_test:stop(),
    ok = ep_test:start([{num_contexts, 1}, {event_loop_pool_size, 5}]),
    #{num_loops := 5} = py_event_loop_pool:get_stats(),
    ok = ep_test:stop(),
    ok = ep_test:start([{num_contexts, 1}]),
    Schedulers = erlang:system_info(schedulers),
    #{num_loops := Schedulers} = py_event_loop_pool:get_stats(),
    ok = ep_test:stop(),
    ok = ep_test:start(),
    define().

many_callers_at_once(_) ->
    Callers = [ep_test:monitored(fun(_) ->
        [{ok, N} = py_event_loop_pool:run('__main__', value_after, [0.001 * (N rem 3), N])
         || N <- lists:seq(1, 40)],
        [] = ep_test:flush()
    end) || _ <- lists:seq(1, 100)],
    [normal = ep_test:down(Caller) || Caller <- Callers].

fire_and_collect(_) ->
    Refs = [{N, py_event_loop_pool:create_task('__main__', value_after, [0, N])}
            || N <- lists:seq(1, 10000)],
    [{ok, N} = py_event_loop_pool:await(Ref) || {N, Ref} <- Refs],
    ep_test:no_message().

guide_parallel_processing(_) ->
    Parent = self(),
    Pids = [spawn_link(fun() ->
        Results = [begin
            Ref = py_event_loop_pool:create_task(math, sqrt, [Item * Item]),
            py_event_loop_pool:await(Ref)
        end || Item <- lists:seq(1, 20)],
        Parent ! {done, self(), Results}
    end) || _ <- lists:seq(1, 10)],
    Expected = [{ok, float(N)} || N <- lists:seq(1, 20)],
    [receive {done, Pid, Results} -> ?assertEqual(Expected, Results) end || Pid <- Pids].

worker(N) ->
    Children = supervisor:which_children(py_event_loop_sup),
    {_, Pid, _, _} = lists:keyfind({py_event_loop_pool, N}, 1, Children),
    Pid.

killed_worker_of_the_pool(_) ->
    [begin
        {ok, Loop} = py_event_loop_pool:get_loop(),
        Tasks = [py_event_loop_pool:create_task(asyncio, sleep, [1000]) || _ <- lists:seq(1, 10)],
        N = erlang:phash2(self(), 2) + 1,
        exit(worker(N), kill),
        [{error, {executor_died, _}} = py_event_loop_pool:await(Task) || Task <- Tasks],
        ep_test:wait_until(fun() -> {ok, Loop} =/= py_event_loop_pool:get_loop() end),
        {ok, 4.0} = py_event_loop_pool:run(math, sqrt, [16])
     end || _ <- lists:seq(1, 5)],
    ep_test:no_message().

killed_workers_under_load(_) ->
    Callers = [ep_test:monitored(fun(_) ->
        Results = [py_event_loop_pool:run('__main__', value_after, [0.001, N])
                   || N <- lists:seq(1, 60)],
        [] = [R || {error, R} <- Results, element(1, R) =/= executor_died],
        [] = ep_test:flush()
    end) || _ <- lists:seq(1, 30)],
    [begin
        Pid = worker(N),
        exit(Pid, kill),
        ep_test:wait_until(fun() -> P = worker(N), is_pid(P) andalso P =/= Pid end)
     end || N <- [1, 2, 1, 2, 1, 2]],
    [normal = ep_test:down(Caller) || Caller <- Callers].

loops_of_one_executor_take_turns(_) ->
    %% More loops than threads: each makes progress while another is busy.
    Loops = [begin {ok, Loop} = py_nif:event_loop_new(), Loop end || _ <- lists:seq(1, 10)],
    Workers = [element(2, {ok, _} = py_event_worker:start_link(<<"w">>, Loop)) || Loop <- Loops],
    Callers = [ep_test:monitored(fun(_) ->
        [{ok, N} = py_event_loop:run_on(Loop, '__main__', value_after, [0.002, N], #{})
         || N <- lists:seq(1, 30)]
    end) || Loop <- Loops],
    [normal = ep_test:down(Caller) || Caller <- Callers],
    [begin unlink(Pid), ok = gen_server:stop(Pid) end || Pid <- Workers].

nested_through_the_pool(_) ->
    nested(nest, fun(F, N) -> py_event_loop_pool:run('__main__', F, [N]) end, 200),
    nested(nest, fun(F, N) ->
        py_event_loop_pool:await(py_event_loop_pool:create_task('__main__', F, [N]))
    end, 200),
    nested(nest, fun(F, N) -> py_event_loop:run('__main__', F, [N]) end, 200),
    nested(nest, fun(F, N) -> py:call('__main__', F, [N]) end, 200),
    nested(nest, fun(F, N) -> py:await(py:spawn_call('__main__', F, [N])) end, 200).

nested_coroutines_through_the_pool(_) ->
    [begin
        nested(F, fun(G, N) -> py_event_loop_pool:run('__main__', G, [N]) end, 40),
        nested(F, fun(G, N) -> py:call('__main__', G, [N]) end, 40),
        nested(F, fun(G, N) when N rem 2 =:= 0 -> py:call('__main__', G, [N]);
                     (G, N) -> py_event_loop:run('__main__', G, [N]) end, 40)
     end || F <- [anest, asyncnest]].

nested(Name, Call, Depth) ->
    ok = py_callback:register(Name, fun([N]) -> {ok, V} = Call(Name, N), V end),
    Callers = [ep_test:monitored(fun(_) -> {ok, Depth} = Call(Name, Depth) end)
               || _ <- lists:seq(1, 4)],
    [normal = ep_test:down(Caller) || Caller <- Callers],
    ok = py_callback:unregister(Name).

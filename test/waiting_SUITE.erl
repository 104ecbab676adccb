%% @doc Python waits for Erlang, which waits for Python: nothing that is asked of Python meanwhile
%% stands behind the code that waits, whoever asks and however.
-module(waiting_SUITE).
-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 120}}].

all() -> [{group, Group} || {Group, _, _} <- groups()].

groups() ->
    [{one_context, [], cases()}, {two_contexts, [], cases()}, {eight_contexts, [], cases()}].

cases() ->
    [
        servers_that_call_python, chain_of_servers, callback_with_many_processes,
        call_that_was_queued_before, task_that_was_queued_before, spawned_calls, casts,
        tasks_of_a_blocked_loop, event_loop_of_a_blocked_thread, continuations,
        threads_that_wait, nested_calls_of_many_callers,
        spawned_calls_start_in_order, timeouts_where_others_started_it, killed_stand_in,
        stand_ins_go_away
    ].

init_per_group(Group, Config) ->
    Count = proplists:get_value(Group, [{one_context, 1}, {two_contexts, 2}, {eight_contexts, 8}]),
    ok = ep_test:start([{num_contexts, Count}, {event_loop_pool_size, min(Count, 2)}]),
    define(),
    [{count, Count} | Config].

end_per_group(_Group, _Config) -> ep_test:stop().

init_per_testcase(_Case, Config) -> ep_test:before(Config).

end_per_testcase(_Case, Config) ->
    [Server ! stop || Server <- servers()],
    ep_test:audit(Config).

define() ->
    ep_test:define(<<"
import asyncio, erlang, threading, time
started = []
def ask(fun, *args): return fun(*args)
def double(x): return 2 * x
async def double_later(x):
    await asyncio.sleep(0.001)
    return 2 * x
def ask_in_thread(fun, *args):
    results = []
    thread = threading.Thread(target=lambda: results.append(fun(*args)))
    thread.start()
    thread.join()
    return results[0]
def note(x):
    started.append(x)
def note_and_ask(x, fun):
    started.append(x)
    fun()
held = []
def hold_and_ask(fun):
    held.append(1)
    gate.wait()
    return fun()
def nest(n): return 0 if n == 0 else 1 + erlang.call('nest', n - 1)
def step(n): return n if n == 0 else erlang.schedule_py('__main__', 'step', [n - 1])
">>).

%% A process that answers one at a time, with what Python says.
server(Ask) ->
    Server = spawn_link(fun() -> serve(Ask) end),
    put(servers, [Server | servers()]),
    Server.

servers() ->
    case get(servers) of
        undefined -> [];
        Servers -> Servers
    end.

serve(Ask) ->
    receive
        {ask, From, Ref, X} -> From ! {Ref, Ask(X)}, serve(Ask);
        stop -> ok
    end.

ask(Server, X) ->
    Ref = monitor(process, Server),
    Server ! {ask, self(), Ref, X},
    receive
        {Ref, Answer} -> demonitor(Ref, [flush]), Answer;
        {'DOWN', Ref, process, Server, Reason} -> exit(Reason)
    end.

python_double(X) ->
    {ok, Y} = py:call('__main__', double, [X]),
    Y.

%% In processes of their own, whose pids give them contexts of all kinds.
in_parallel(Count, Fun) ->
    Pids = [ep_test:monitored(fun(_) -> Fun(N) end) || N <- lists:seq(1, Count)],
    [?assertEqual(normal, ep_test:down(Pid)) || Pid <- Pids],
    ok.

servers_that_call_python(_) ->
    Servers = [server(fun python_double/1) || _ <- lists:seq(1, 8)],
    in_parallel(8, fun(N) ->
        [begin
             Server = lists:nth((N + Round) rem 8 + 1, Servers),
             {ok, R} = py:call('__main__', ask, [fun(X) -> ask(Server, X) end, Round]),
             R = 2 * Round
         end || Round <- lists:seq(1, 1000)]
    end).

%% Each asks Python to ask the next.
chain_of_servers(_) ->
    Last = server(fun python_double/1),
    First = lists:foldl(fun(_, Next) ->
        server(fun(X) ->
            {ok, Y} = py:call('__main__', ask, [fun(Z) -> ask(Next, Z) end, X]),
            Y
        end)
    end, Last, lists:seq(1, 20)),
    {ok, 42} = py:call('__main__', ask, [fun(X) -> ask(First, X) end, 21]),
    in_parallel(5, fun(N) ->
        Twice = 2 * N,
        {ok, Twice} = py:call('__main__', ask, [fun(X) -> ask(First, X) end, N])
    end).

callback_with_many_processes(_) ->
    Fun = fun([Count]) ->
        in_parallel(Count, fun(N) -> Twice = 2 * N, Twice = python_double(N) end),
        Count
    end,
    ok = py_callback:register(fan_out, Fun),
    in_parallel(4, fun(_) -> {ok, 50} = py:call(erlang, call, [fan_out, 50]) end),
    {ok, 50} = py_event_loop_pool:run(erlang, call, [fan_out, 50]),
    ok = py_callback:unregister(fan_out).

%% A call that is queued behind Python code that then comes to wait for who made the call.
call_that_was_queued_before(Config) ->
    queued_before(proplists:get_value(count, Config), fun(N, Function, Args) ->
        py:call(py:context(N), '__main__', Function, Args)
    end).

task_that_was_queued_before(_) ->
    queued_before(1, fun(_, Function, Args) ->
        py_event_loop:run('__main__', Function, Args, #{timeout => 30000})
    end).

queued_before(Count, Call) ->
    ok = py:exec(<<"gate = threading.Event()\nheld.clear()">>),
    Callers = [spawn_link(fun() ->
        receive go -> ok end,
        Answer = Call(N, double, [4]),
        receive {ask, From, Ref} -> From ! {Ref, Answer} end
    end) || N <- lists:seq(1, Count)],
    Holders = [ep_test:monitored(fun(_) ->
        {ok, {ok, 8}} = Call(N, hold_and_ask, [fun() ->
            Ref = monitor(process, Caller),
            Caller ! {ask, self(), Ref},
            receive {Ref, Answer} -> Answer end
        end])
    end) || {N, Caller} <- lists:enumerate(Callers)],
    {ok, Own} = py_context:start_link(),
    ep_test:wait_until(fun() -> {ok, Count} =:= py_context:eval(Own, <<"len(held)">>) end),
    [Caller ! go || Caller <- Callers],
    [ep_test:wait_until(fun() -> waits_for_python(Caller) end) || Caller <- Callers],
    ok = py_context:exec(Own, <<"gate.set()">>),
    ok = py_context:stop(Own),
    [?assertEqual(normal, ep_test:down(Holder)) || Holder <- Holders].

waits_for_python(Pid) ->
    case process_info(Pid, [current_function, status]) of
        [{current_function, {py_work, _, _}}, {status, waiting}] -> true;
        _ -> false
    end.

spawned_calls(_) ->
    Server = server(fun(X) ->
        Refs = [py:spawn_call('__main__', double, [X]) || _ <- lists:seq(1, 20)],
        [{ok, _} = py:await(Ref) || Ref <- Refs],
        2 * X
    end),
    in_parallel(8, fun(N) ->
        Twice = 2 * N,
        {ok, Twice} = py:call('__main__', ask, [fun(X) -> ask(Server, X) end, N])
    end).

casts(_) ->
    Server = server(fun(X) ->
        ok = py:cast(erlang, send, [self(), X]),
        receive X -> 2 * X end
    end),
    in_parallel(8, fun(N) ->
        Twice = 2 * N,
        {ok, Twice} = py:call('__main__', ask, [fun(X) -> ask(Server, X) end, N])
    end).

%% Plain functions that run as tasks, and block their loops; the servers use the same loops.
tasks_of_a_blocked_loop(_) ->
    [begin
         Servers = [server(fun(X) -> {ok, Y} = Module:run('__main__', double, [X]), Y end)
                    || _ <- lists:seq(1, 8)],
         in_parallel(16, fun(N) ->
             [begin
                  Server = lists:nth((N + Round) rem 8 + 1, Servers),
                  {ok, R} = Module:run('__main__', ask, [fun(X) -> ask(Server, X) end, Round],
                                       #{timeout => 30000}),
                  R = 2 * Round
              end || Round <- lists:seq(1, 50)]
         end)
     end || Module <- [py_event_loop, py_event_loop_pool]].

event_loop_of_a_blocked_thread(_) ->
    Server = server(fun(X) ->
        {ok, Y} = py_event_loop_pool:run('__main__', double_later, [X]),
        Y
    end),
    in_parallel(8, fun(N) ->
        Twice = 2 * N,
        {ok, Twice} = py:call('__main__', ask, [fun(X) -> ask(Server, X) end, N])
    end).

continuations(_) ->
    Server = server(fun(X) -> {ok, 0} = py:call('__main__', step, [X]), X end),
    in_parallel(8, fun(N) ->
        {ok, N} = py:call('__main__', ask, [fun(X) -> ask(Server, X) end, N])
    end).

threads_that_wait(_) ->
    Server = server(fun python_double/1),
    in_parallel(8, fun(N) ->
        Twice = 2 * N,
        {ok, Twice} = py:call('__main__', ask_in_thread, [fun(X) -> ask(Server, X) end, N])
    end).

%% A nested call is handed in at any moment, also just before the thread that it is meant for
%% begins to sleep.
nested_calls_of_many_callers(_) ->
    ok = py_callback:register(nest, fun([N]) -> {ok, V} = py:call('__main__', nest, [N]), V end),
    [in_parallel(4, fun(_) -> {ok, 200} = py:call('__main__', nest, [200]) end)
     || _ <- lists:seq(1, 20)],
    ok = py_callback:unregister(nest).

spawned_calls_start_in_order(_) ->
    ok = py:exec(<<"started.clear()">>),
    Fun = fun() -> receive after 1 -> ok end end,
    Refs = [case N rem 10 of
                0 -> py:spawn_call('__main__', note_and_ask, [N, Fun]);
                _ -> py:spawn_call('__main__', note, [N])
            end || N <- lists:seq(1, 200)],
    [{ok, none} = py:await(Ref) || Ref <- Refs],
    {ok, Started} = py:eval(<<"started">>),
    ?assertEqual(lists:seq(1, 200), Started).

%% The deadline interrupts it where it runs.
timeouts_where_others_started_it(_) ->
    Server = server(fun(_) -> py:eval(<<"[None for _ in iter(int, 1)]">>, #{}, 50) end),
    in_parallel(4, fun(_) ->
        {ok, {error, timeout}} = py:call('__main__', ask, [fun(X) ->
            {error, timeout} = ask(Server, X),
            {error, timeout}
        end, 1])
    end),
    4 = python_double(2).

%% What another context has started ends with that one.
killed_stand_in(Config) ->
    Self = self(),
    Wait = fun() -> Self ! {waits, self()}, receive go -> ok end end,
    Count = proplists:get_value(count, Config),
    Holders = [ep_test:monitored(fun(_) ->
        {ok, ok} = py:call(py:context(N), '__main__', ask, [Wait])
    end) || N <- lists:seq(1, Count)],
    Waiting = [receive {waits, Pid} -> Pid end || _ <- Holders],
    Victim = ep_test:monitored(fun(_) ->
        exit(py:call('__main__', ask, [Wait]))
    end),
    Last = receive {waits, P} -> P end,
    true = py_stand_ins:count() > 0,
    [exit(Pid, kill) || {Id, Pid, _, _} <- supervisor:which_children(py_context_sup),
                        is_reference(Id)],
    {error, {executor_died, _}} = ep_test:down(Victim),
    [Pid ! go || Pid <- [Last | Waiting]],
    [?assertEqual(normal, ep_test:down(Holder)) || Holder <- Holders],
    4 = python_double(2).

stand_ins_go_away(_) ->
    servers_that_call_python_once(),
    ep_test:wait_until(fun() -> py_stand_ins:count() =:= 0 end).

servers_that_call_python_once() ->
    Server = server(fun python_double/1),
    in_parallel(8, fun(N) ->
        Twice = 2 * N,
        {ok, Twice} = py:call('__main__', ask, [fun(X) -> ask(Server, X) end, N])
    end).

%% @doc The fourteen rules of the design, each with cases that fail if it is broken; a case is named
%% after its rule.
-module(rules_SUITE).
-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-define(EXCEPTION(Type), {error, {exception, #{type := Type}}}).

suite() -> [{timetrap, {seconds, 120}}].

all() ->
    [
        rule_1_schedulers_are_free_while_python_blocks,
        rule_1_schedulers_are_free_while_python_computes,
        rule_1_cancel_does_not_wait_for_python, rule_1_no_python_thread_is_a_scheduler,
        rule_2_one_thread_for_life, rule_2_greenlets_and_thread_locals,
        rule_3_side_effects_once, rule_3_nothing_is_run_again_after_a_callback,
        rule_4_one_reply_under_random_cancellation,
        rule_4_one_reply_for_tasks_under_random_cancellation,
        rule_4_one_reply_when_loops_die, rule_4_no_reply_after_the_owner_died,
        rule_5_deadline_covers_queueing, rule_5_deadline_covers_nested_calls,
        rule_5_deadline_of_a_queued_call_means_it_never_runs,
        rule_6_idle_node_wakes_nobody, rule_6_bursts_lose_nothing,
        rule_6_bursts_of_threadsafe_calls,
        rule_7_descriptors_closed_behind_the_loop, rule_7_reused_descriptor_numbers,
        rule_8_no_lock_is_held_over_python, rule_9_objects_die_on_attached_threads,
        rule_10_exact_or_error, rule_10_no_atoms_from_python, rule_10_hostile_depth,
        rule_11_timers_never_early, rule_11_erlang_deadlines_never_early,
        rule_12_code_is_no_argument, rule_12_markers_are_only_data,
        rule_13_unknown_options_raise, rule_13_python_options_raise,
        rule_14_no_mutable_globals, rule_14_restart_starts_afresh
    ].

init_per_suite(Config) ->
    ok = ep_test:start(),
    define(),
    Config.

define() ->
    ep_test:define(<<"
import asyncio, erlang, os, socket, threading, time
notes = []
def spin():
    while True: pass
def spin_while(name):
    globals()['spinning'] = True
    while not globals().get(name): pass
async def value_after(seconds, value):
    await asyncio.sleep(seconds)
    return value
">>).

end_per_suite(_Config) -> ep_test:stop().

init_per_testcase(_Case, Config) ->
    ok = py:exec(<<"notes.clear()">>),
    ep_test:before(Config).

end_per_testcase(_Case, Config) -> ep_test:audit(Config).

%% ---- 1: no scheduler runs Python or waits for it

rule_1_schedulers_are_free_while_python_blocks(Config) ->
    blocked(Config, time, sleep, [0.5], 20).

rule_1_schedulers_are_free_while_python_computes(Config) ->
    blocked(Config, '__main__', spin, [], 20).

%% Far more calls than there are schedulers of any kind.
blocked(Config, Module, Function, Args, N) ->
    Callers = [ep_test:monitored(fun(_) ->
        py:call(py:context(I rem 2 + 1), Module, Function, Args)
    end) || I <- lists:seq(1, N)],
    Loops = [ep_test:monitored(fun(_) -> py_event_loop_pool:run(Module, Function, Args) end)
             || _ <- lists:seq(1, N)],
    File = filename:join(proplists:get_value(priv_dir, Config), "rule_1"),
    [begin
        ok = file:write_file(File, crypto:strong_rand_bytes(10000)),
        {ok, Data} = file:read_file(File),
        _ = crypto:hash(sha256, Data),
        _ = zlib:compress(Data),
        _ = erlang:md5(Data)
     end || _ <- lists:seq(1, 50)],
    Echo = [spawn_link(fun echo/0) || _ <- lists:seq(1, 4)],
    [begin Pid ! {ping, self()}, receive pong -> ok end end || _ <- lists:seq(1, 250), Pid <- Echo],
    [Pid ! stop || Pid <- Echo],
    %% All of that was done while Python was at it.
    true = lists:any(fun({Pid, _}) -> is_process_alive(Pid) end, Callers),
    [exit(Pid, kill) || {Pid, _} <- Callers ++ Loops],
    [ep_test:down(P) || P <- Callers ++ Loops].

echo() ->
    receive
        {ping, From} -> From ! pong, echo();
        stop -> ok
    end.

%% The text of an exception is made by user code, which here does not end before the test says so.
rule_1_cancel_does_not_wait_for_python(_) ->
    {Mark, Wait} = ep_test:marked(),
    ok = py:register_function(in_str, fun([]) -> Mark(in_str) end),
    ep_test:define(<<"
class Slow(Exception):
    def __str__(self):
        erlang.in_str()
        spin_while('go_on')
        return 'slow'
def raise_slow(): raise Slow
globals().pop('go_on', None)
">>),
    Ref = py:spawn_call('__main__', raise_slow, []),
    in_str = Wait(),
    true = py:cancel(Ref),
    [Other] = [py:context(1), py:context(2)] -- [py:context()],
    ok = py:exec(Other, <<"go_on = True">>),
    {ok, 4.0} = py:call(math, sqrt, [16]),
    ok = py:unregister_function(in_str),
    [in_str = Text || {_Tag, Text} <- ep_test:flush()],  % the traceback has the text, too
    ep_test:no_message().

rule_1_no_python_thread_is_a_scheduler(_) ->
    ep_test:define(<<"
def comm():
    return open(f'/proc/self/task/{threading.get_native_id()}/comm').read().strip()
async def comm_later(): return comm()
class WhereDropped:
    def __del__(self): notes.append(comm())
def dropped(): return WhereDropped()
">>),
    Names = [begin {ok, Name} = Call('__main__', F, []), Name end
             || Call <- [fun py:call/3, fun py_event_loop:run/3, fun py_event_loop_pool:run/3],
                F <- [comm, comm_later]],
    Dropper = ep_test:monitored(fun(_) -> {ok, _} = py:call('__main__', dropped, []) end),
    normal = ep_test:down(Dropper),
    ep_test:wait_until(fun() -> {ok, []} =/= py:eval(<<"notes">>) end),
    {ok, More} = py:eval(<<"notes">>),
    [<<"py_", _/binary>> = Name || Name <- Names ++ More].

%% ---- 2: one thread for life

rule_2_one_thread_for_life(_) ->
    ep_test:define(<<"
async def ident():
    before = threading.get_native_id()
    await asyncio.sleep(0.003)
    return [before, threading.get_native_id()]
">>),
    [begin
        {ok, [Thread, Thread]} = Call('__main__', ident, []),
        [{ok, [Thread, Thread]} = Call('__main__', ident, []) || _ <- lists:seq(1, 10)]
     end || Call <- [fun py:call/3, fun py_event_loop:run/3, fun py_event_loop_pool:run/3]].

rule_2_greenlets_and_thread_locals(_) ->
    ep_test:define(<<"
local = threading.local()
import sqlite3
def keep():
    local.value = 'kept'
    local.db = sqlite3.connect(':memory:')
def kept(): return [local.value, local.db.execute('select 1').fetchone()[0]]
def forget(): local.__dict__.clear()
">>),
    [begin
        {ok, none} = py:call(C, '__main__', keep, []),
        {ok, [<<"kept">>, 1]} = py:call(C, '__main__', kept, []),
        {ok, none} = py:call(C, '__main__', forget, [])
     end || C <- [py:context(1), py:context(2)]].

%% ---- 3: user code runs exactly once

rule_3_side_effects_once(_) ->
    ep_test:define(<<"
counter = 0
def count():
    global counter
    counter += 1
async def count_later():
    count()
    await asyncio.sleep(0)
">>),
    Callers = [ep_test:monitored(fun(_) ->
        [{ok, none} = Call('__main__', F, []) || _ <- lists:seq(1, 50), F <- [count, count_later],
            Call <- [fun py:call/3, fun py_event_loop_pool:run/3]]
    end) || _ <- lists:seq(1, 10)],
    [normal = ep_test:down(Caller) || Caller <- Callers],
    {ok, 2000} = py:eval(<<"counter">>).

rule_3_nothing_is_run_again_after_a_callback(_) ->
    Counter = counters:new(1, []),
    ok = py:register_function(side_effect, fun([_]) -> counters:add(Counter, 1, 1) end),
    ep_test:define(<<"
def with_callbacks():
    for i in range(10):
        notes.append(i)
        erlang.side_effect(i)
    return 'once'
">>),
    {ok, <<"once">>} = py:call('__main__', with_callbacks, []),
    ?assertEqual({ok, lists:seq(0, 9)}, py:eval(<<"notes">>)),
    10 = counters:get(Counter, 1),
    ok = py:unregister_function(side_effect).

%% ---- 4: one terminal reply

rule_4_one_reply_under_random_cancellation(_) ->
    Functions = [{math, sqrt, [16], {ok, 4.0}}, {asyncio, sleep, [0.0005], {ok, none}},
                 {time, sleep, [0.0002], {ok, none}}, {math, sqrt, [-1], any_error}],
    random_cancellation(Functions, fun py:spawn_call/3).

rule_4_one_reply_for_tasks_under_random_cancellation(_) ->
    Functions = [{math, sqrt, [16], {ok, 4.0}}, {asyncio, sleep, [0.0005], {ok, none}},
                 {'__main__', value_after, [0, 1], {ok, 1}}, {math, sqrt, [-1], any_error}],
    random_cancellation(Functions, fun py_event_loop_pool:create_task/3).

random_cancellation(Functions, Start) ->
    Workers = [ep_test:monitored(fun(_) ->
        _ = rand:seed(exsss, Seed),
        [one_random(Functions, Start) || _ <- lists:seq(1, 400)],
        %% Whatever could still send has had its turn when this has been answered.
        [{ok, none} = py:call(py:context(N), asyncio, sleep, [0]) || N <- [1, 2]],
        {ok, none} = py_event_loop_pool:run(asyncio, sleep, [0.002]),
        [] = ep_test:flush()
    end) || Seed <- lists:seq(1, 16)],
    [normal = ep_test:down(Worker) || Worker <- Workers].

one_random(Functions, Start) ->
    {Module, Function, Args, Expected} = lists:nth(rand:uniform(length(Functions)), Functions),
    Ref = Start(Module, Function, Args),
    erlang:yield(),
    Result = py:await(Ref, rand:uniform(3) - 1),
    case {Result, Expected} of
        {Expected, _} -> ok;
        {{error, timeout}, _} -> give_up(Ref);
        {?EXCEPTION(_), any_error} -> ok
    end,
    Result =:= {error, timeout} orelse ?assertError(badarg, py:await(Ref, 0)).

give_up(Ref) ->
    case py:cancel(Ref) of
        true ->
            {error, cancelled} = py:await(Ref, 0);
        false ->
            Result = py:await(Ref, infinity),
            {true, Result} = {Result =/= {error, cancelled}, Result},
            ?assertError(badarg, py:await(Ref, infinity))
    end.

rule_4_one_reply_when_loops_die(_) ->
    Workers = [ep_test:monitored(fun(_) ->
        Refs = [py_event_loop_pool:create_task('__main__', value_after, [0.001 * (I rem 5), I])
                || I <- lists:seq(1, 300)],
        [case py_event_loop_pool:await(Ref, 20000) of
            {ok, _} -> ok;
            {error, {executor_died, _}} -> ok
         end || Ref <- Refs],
        [] = ep_test:flush()
    end) || _ <- lists:seq(1, 10)],
    [begin
        Children = supervisor:which_children(py_event_loop_sup),
        [exit(Pid, kill) || {{py_event_loop_pool, _}, Pid, _, _} <- Children, is_pid(Pid)],
        ep_test:wait_until(fun() -> {ok, 4.0} =:= py_event_loop_pool:run(math, sqrt, [16]) end)
     end || _ <- lists:seq(1, 3)],
    [normal = ep_test:down(Worker) || Worker <- Workers].

rule_4_no_reply_after_the_owner_died(_) ->
    Owners = [ep_test:monitored(fun(_) ->
        [py:spawn_call('__main__', value_after, [0.001, 1]) || _ <- lists:seq(1, 20)]
    end) || _ <- lists:seq(1, 50)],
    [normal = ep_test:down(Owner) || Owner <- Owners],
    ep_test:no_message().

%% ---- 5: one deadline

rule_5_deadline_covers_queueing(_) ->
    C = py:context(1),
    Busy = keep_busy(C),
    [{error, timeout} = py_context:call(C, math, sqrt, [16], #{}, 20) || _ <- lists:seq(1, 3)],
    ok = py:exec(py:context(2), <<"go_on = True">>),
    {ok, none} = ep_test:down(Busy),
    {ok, 4.0} = py:call(C, math, sqrt, [16]).

%% Until `go_on' is set.
keep_busy(Context) ->
    ok = py:exec(<<"go_on = spinning = False">>),
    Busy = ep_test:monitored(fun(_) ->
        exit(py:call(Context, '__main__', spin_while, [<<"go_on">>]))
    end),
    ep_test:wait_until(fun() -> {ok, true} =:= py_context:eval(py:context(2), <<"spinning">>) end),
    Busy.

rule_5_deadline_of_a_queued_call_means_it_never_runs(_) ->
    C = py:context(1),
    Busy = keep_busy(C),
    [{error, timeout} = py_context:call(C, '__main__', 'notes.append', [N], #{}, 5)
     || N <- lists:seq(1, 5)],
    ok = py:exec(py:context(2), <<"go_on = True">>),
    {ok, none} = ep_test:down(Busy),
    {ok, []} = py_context:eval(C, <<"notes">>).

rule_5_deadline_covers_nested_calls(_) ->
    Self = self(),
    ok = py:register_function(down, fun([]) ->
        Self ! {inner, py:call('__main__', spin, [], #{}, infinity)},
        receive never -> ok end
    end),
    {error, timeout} = py:call(erlang, call, [down], #{}, 50),
    {ok, 4.0} = py:call(math, sqrt, [16]),
    ok = py:unregister_function(down),
    _ = ep_test:flush(),
    ep_test:no_message().

%% ---- 6: wake-ups are level-triggered, and there are none without work

rule_6_idle_node_wakes_nobody(_) ->
    %% Loops with a timer far away and a watched descriptor are idle, too.
    ep_test:define(<<"
async def watch():
    read, write = os.pipe()
    asyncio.get_running_loop().add_reader(read, lambda: None)
    try: await asyncio.sleep(1000)
    finally:
        asyncio.get_running_loop().remove_reader(read)
        os.close(read)
        os.close(write)
">>),
    Tasks = [py_event_loop:create_task('__main__', watch, []) || _ <- lists:seq(1, 3)],
    Contexts = [py:spawn_call(py:context(N), '__main__', watch, []) || N <- [1, 2]],
    {ok, 1} = py_event_loop:run('__main__', value_after, [0.005, 1]),
    ep_test:wait_until(fun() ->
        Then = switches(),
        receive after 50 -> ok end,
        Then =:= switches()
    end),
    %% Two seconds without a single wake-up of any thread of Python's.
    Before = switches(),
    receive after 2000 -> ok end,
    ?assertEqual(Before, switches()),
    [{error, timeout} = py:await(Ref, 0) || Ref <- Tasks ++ Contexts],
    [true = py:cancel(Ref) || Ref <- Tasks ++ Contexts],
    ep_test:no_message().

%% How often each of Python's threads has been put to sleep and taken off.
switches() ->
    [{Id, Count} || Id <- ep_test:python_threads(),
        {ok, Status} <- [file:read_file(["/proc/self/task/", Id, "/status"])],
        {match, Count} <- [re:run(Status, "ctxt_switches:\\s*(\\d+)\\s+nonvoluntary.*:\\s*(\\d+)",
                                  [{capture, all_but_first, list}])]].

rule_6_bursts_lose_nothing(_) ->
    Workers = [ep_test:monitored(fun(_) ->
        [begin
            Refs = [Start(math, sqrt, [float(N * N)]) || N <- lists:seq(1, 500)],
            Roots = [float(N) || N <- lists:seq(1, 500)],
            [{ok, Root} = py:await(Ref) || {Ref, Root} <- lists:zip(Refs, Roots)],
            [receive after 3 -> ok end || Burst rem 2 =:= 0]
         end || Burst <- lists:seq(1, 6),
                Start <- [fun py:spawn_call/3, fun py_event_loop_pool:create_task/3,
                          fun py_event_loop:create_task/3]]
    end) || _ <- lists:seq(1, 4)],
    [normal = ep_test:down(Worker) || Worker <- Workers].

rule_6_bursts_of_threadsafe_calls(_) ->
    ep_test:define(<<"
async def counted(threads, calls):
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    count = 0
    def add():
        nonlocal count
        count += 1
        if count == threads * calls: done.set_result(count)
    def body():
        for i in range(calls):
            loop.call_soon_threadsafe(add)
            if i % 97 == 0: time.sleep(0.0013)
    started = [threading.Thread(target=body) for _ in range(threads)]
    for thread in started: thread.start()
    result = await done
    for thread in started: thread.join()
    return result
">>),
    {ok, 20000} = py_event_loop:run('__main__', counted, [10, 2000], #{timeout => 60000}).

%% ---- 7: the VM's poll set holds only our own descriptors

rule_7_descriptors_closed_behind_the_loop(_) ->
    ok = ep_log:start(),
    ep_test:define(<<"
async def closed_behind():
    loop = asyncio.get_running_loop()
    for i in range(20):
        a, b = socket.socketpair()
        number = a.fileno()
        loop.add_reader(number, lambda: None)
        if i % 2: await asyncio.sleep(0.005)
        a.close()
        b.close()
        await asyncio.sleep(0.003)
        loop.remove_reader(number)
    # And a descriptor that is there still works.
    a, b = socket.socketpair()
    future = loop.create_future()
    loop.add_reader(a, future.set_result, 'read')
    loop.call_later(0.01, b.send, b'x')
    result = await future
    loop.remove_reader(a)
    a.close()
    b.close()
    return result
">>),
    [{ok, <<"read">>} = Run('__main__', closed_behind, [])
     || Run <- [fun py_event_loop:run/3, fun py_event_loop_pool:run/3, fun py:call/3]],
    %% The VM reports stolen descriptors to its log.
    [] = [Event || #{level := error} = Event <- ep_log:events()],
    ok = ep_log:stop().

rule_7_reused_descriptor_numbers(_) ->
    ep_test:define(<<"
async def reused():
    loop = asyncio.get_running_loop()
    a, b = socket.socketpair()
    number = a.fileno()
    loop.add_reader(number, lambda: None)
    await asyncio.sleep(0.005)
    a.close()
    c, d = socket.socketpair()
    numbers = [c.fileno(), d.fileno()]
    future = loop.create_future()
    loop.add_reader(c.fileno(), lambda: future.done() or future.set_result(c.recv(10)))
    await asyncio.sleep(0.005)
    d.send(b'new')
    data = await future
    loop.remove_reader(c.fileno())
    for s in (b, c, d): s.close()
    return [number in numbers, data]
">>),
    {ok, [_, <<"new">>]} = py_event_loop:run('__main__', reused, []).

%% ---- 8: no lock is held while Python runs

rule_8_no_lock_is_held_over_python(_) ->
    %% Every way into the library, from Python code that runs wherever the library calls it.
    F = fun(X) -> X end,
    ep_test:define(<<"
def everything(f):
    erlang.call(f, 1)
    erlang.send(erlang.whereis('py_callback'), 'ignored')
    erlang.sleep(0)
    hasattr(erlang, 'nothing')
    erlang.consume_time_slice(1)
class Busy:
    f = None
    def __str__(self): everything(Busy.f); return 'busy'
    def __repr__(self): everything(Busy.f); return 'busy'
    def __hash__(self): everything(Busy.f); return 1
    def __eq__(self, other): everything(Busy.f); return True
    def __del__(self): everything(Busy.f); notes.append('del')
class BusyError(Exception):
    def __str__(self): everything(Busy.f); return 'busy'
def set_f(f): Busy.f = f
def give(): return Busy()
def fail(): raise BusyError
">>),
    {ok, none} = py:call('__main__', set_f, [F]),
    [begin
        Giver = ep_test:monitored(fun(_) -> {ok, _} = Call('__main__', give, []) end),
        normal = ep_test:down(Giver),
        ?EXCEPTION(<<"BusyError">>) = Call('__main__', fail, [])
     end || Call <- [fun py:call/3, fun py_event_loop_pool:run/3]],
    ep_test:wait_until(fun() -> {ok, 2} =:= py:eval(<<"len(notes)">>) end),
    {ok, none} = py:call('__main__', set_f, [none]).

%% ---- 9: objects die on attached threads

rule_9_objects_die_on_attached_threads(_) ->
    ep_test:define(<<"
dropped = 0
class Tracked:
    def __del__(self):
        global dropped
        dropped += 1
        threading.current_thread()
def many(n): return [Tracked() for _ in range(n)]
">>),
    Holders = [ep_test:monitored(fun(_) ->
        {ok, Objects} = py:call('__main__', many, [100]),
        Half = lists:sublist(Objects, 50),
        Other = ep_test:monitored(fun(_) -> erlang:garbage_collect(), length(Half) end),
        normal = ep_test:down(Other)
    end) || _ <- lists:seq(1, 20)],
    [normal = ep_test:down(Holder) || Holder <- Holders],
    ep_test:wait_until(fun() -> {ok, 2000} =:= py:eval(<<"dropped">>) end).

%% ---- 10: conversions are exact or errors

rule_10_exact_or_error(_) ->
    Terms = [0, -1, 1 bsl 200, -(1 bsl 64), 1.0e300, -0.0, <<"text">>, <<255, 0, 1>>, <<>>,
             [], {}, #{}, [1, [2, [3]]], {a, {b}}, #{a => #{b => [1]}}, true, false, none, an_atom,
             self(), make_ref(), fun erlang:abs/1, "charlist"],
    [?assertEqual({ok, Term}, py:call(builtins, max, [[Term]])) || Term <- Terms],
    [{error, {conversion, [_ | _], _}} = py:call(builtins, max, [[Term]])
     || Term <- [<<1:7>>, [a | b]]],
    [{error, {conversion, _, _}} = py:eval(Code)
     || Code <- [<<"(x := [], x.append(x), x)">>]],
    {ok, [nan, infinity, neg_infinity]} =
        py:eval(<<"[float('nan'), float('inf'), -float('inf')]">>).

rule_10_no_atoms_from_python(_) ->
    ep_test:define(<<"
async def texts(n): return texts_now(n)
def texts_now(n):
    return [f'ep_new_text_{i}' for i in range(n)] + [{f'ep_new_key_{i}': i for i in range(n)}]
def errors(i):
    error = type(f'EpNewError{i}', (Exception,), {'__module__': f'ep_new_module_{i}'})
    raise error(f'ep_new_message_{i}')
def sends(i):
    for destination in (f'ep_new_name_{i}', (f'ep_new_name_{i}', f'ep_new_node_{i}')):
        try: erlang.send(destination, i)
        except ValueError: pass
    try: erlang.call(f'ep_new_function_{i}')
    except erlang.ErlangError: pass
    hasattr(erlang, f'ep_new_attribute_{i}')
    erlang.whereis(f'ep_new_name_{i}')
">>),
    Round = fun(I) ->
        {ok, _} = py:call('__main__', texts_now, [5]),
        {ok, _} = py_event_loop:run('__main__', texts, [5]),
        ?EXCEPTION(_) = py:call('__main__', errors, [I]),
        {ok, none} = py:call('__main__', sends, [I])
    end,
    Round(0),
    Before = erlang:system_info(atom_count),
    [Round(I) || I <- lists:seq(1, 200)],
    ?assert(erlang:system_info(atom_count) - Before < 50).

rule_10_hostile_depth(_) ->
    Deep = lists:foldl(fun(_, Acc) -> [Acc] end, [], lists:seq(1, 1000000)),
    {error, {conversion, _, _}} = py:call(builtins, len, [Deep]),
    ep_test:define(<<"
def deep(n):
    x = []
    for _ in range(n): x = [x]
    return x
">>),
    {error, {conversion, _, _}} = py:call('__main__', deep, [1000000]),
    {ok, 4.0} = py:call(math, sqrt, [16]).

%% ---- 11: a timer never fires early

rule_11_timers_never_early(_) ->
    ep_test:define(<<"
async def lateness(delays):
    loop = asyncio.get_running_loop()
    async def one(delay):
        at = loop.time() + delay
        clock = time.monotonic_ns()
        future = loop.create_future()
        loop.call_at(at, future.set_result, None)
        await future
        return loop.time() - at, (time.monotonic_ns() - clock) / 1e9 - delay
    return min([min(await one(delay)) for delay in delays])
">>),
    Delays = [0.0001, 0.001, 0.002, 0.003, 0.05]
        ++ [rand:uniform() * 0.012 || _ <- lists:seq(1, 150)],
    [begin
        {ok, Earliest} = Run('__main__', lateness, [Delays]),
        %% 0.1 microseconds for the rounding of floats.
        ?assert(Earliest >= -1.0e-7)
     end || Run <- [fun run_patiently/3, fun py:call/3]].

%% On a busy machine the timers may be late, all together by more than the default limit.
run_patiently(Module, Function, Args) ->
    py_event_loop:run(Module, Function, Args, #{timeout => 60000}).

rule_11_erlang_deadlines_never_early(_) ->
    [begin
        Start = erlang:monotonic_time(microsecond),
        {error, timeout} = py:call(asyncio, sleep, [1000], #{}, Timeout),
        ?assert(erlang:monotonic_time(microsecond) - Start >= Timeout * 1000)
     end || Timeout <- [1, 2, 5, 20]].

%% ---- 12: nothing is made up of text, and no text has a meaning

rule_12_code_is_no_argument(_) ->
    Hostile = [<<"'; import os; os.abort(); '">>, <<"\"\"\" + exit() + \"\"\"">>,
               <<"{0.__class__}">>, <<"%s%n">>, <<"$(kill 0)">>, <<"a\nb">>, <<"\\">>, <<0>>],
    [begin
        {ok, Text} = py:call(builtins, str, [Text]),
        {ok, Text} = py:eval(<<"x">>, #{x => Text}),
        {error, {not_found, _, _}} = py:call(math, <<"no ", Text/binary>>, []),
        {error, _} = py:call(<<"no ", Text/binary>>, f, [])
     end || Text <- Hostile].

rule_12_markers_are_only_data(_) ->
    Markers = [<<"__schedule__">>, <<"__error__">>, <<"ErlangError">>, <<"__suspend__">>,
               {error, <<"x">>}, {ok, 1}, {schedule, a, []}, {suspended, 1},
               #{<<"__erlang__">> => 1}, timeout, cancelled],
    [begin
        {ok, Marker} = py:eval(<<"x">>, #{x => Marker}),
        {ok, Marker} = py:eval(<<"f(x)">>, #{x => Marker, f => fun(X) -> X end})
     end || Marker <- Markers].

%% ---- 13: nothing is accepted and ignored

rule_13_unknown_options_raise(_) ->
    ?assertError({unknown_option, retries}, py:call(math, sqrt, [1], #{}, #{retries => 1})),
    ?assertError({unknown_option, retries}, py:eval(<<"1">>, #{}, #{retries => 1})),
    ?assertError({unknown_option, retries}, py:exec(<<"1">>, #{retries => 1})),
    [?assertError({unknown_option, retries}, Module:run(math, sqrt, [1], #{retries => 1}))
     || Module <- [py_event_loop, py_event_loop_pool]],
    ?assertError({unknown_option, retries}, py_context:start_link([{retries, 1}])),
    ?assertError({unknown_option, retries},
                 py_context:start_link([{name, ep_x}, {retries, 1}])).

rule_13_python_options_raise(_) ->
    [?EXCEPTION(<<"TypeError">>) = py:eval(Code) || Code <- [
        <<"erlang.run(asyncio.sleep(0), retries=1)">>, <<"erlang.sleep(0, retries=1)">>,
        <<"erlang.call('x', retries=1)">>, <<"erlang.send(1, 2, retries=1)">>,
        <<"erlang.new_event_loop(retries=1)">>, <<"erlang.ErlangEventLoop(retries=1)">>,
        <<"erlang.schedule_py('m', 'f', retries=1)">>, <<"erlang.setup_logging(retries=1)">>
    ]].

%% ---- 14: all state hangs off the library's and the modules'

rule_14_no_mutable_globals(_) ->
    Library = filename:join(code:priv_dir(erlang_python), "erlang_python_nif.so"),
    Writable = sections(Library, [".data", ".bss"]),
    true = length(Writable) > 0,
    IsIn = fun(Address, {From, To}) -> From =< Address andalso Address < To end,
    %% The library itself is stripped.
    Symbols = symbols(project:file("_build/cmake/erlang_python_nif.debug")),
    Ours = [Name || {Address, Name} <- Symbols, string:find(Name, "ep::") =/= nomatch,
                    lists:any(fun(Section) -> IsIn(Address, Section) end, Writable)],
    true = length(Ours) > 5,
    %% Where the next load of the library finds what the first has made.
    Anchor = "ep::nif::(anonymous namespace)::anchor",
    ?assertEqual([Anchor], [Name || Name <- Ours, nomatch =:= re:run(Name, tables())]).

%% Tables that CPython or the VM take without const and keep, written by nobody, some of them made
%% at first use.
tables() ->
    "(functions|methods|all|slots|spec|specs|members|attributes|getset|def)(\\[.*\\])?$"
    "|::method$|::k(Functions|Methods|Definition|Attributes|GetSet|\\w*Slots|\\w*Spec|\\w*Members)$"
    "|^guard variable for .*(methods|all|slots|attributes)$".

%% What the loader makes read-only again is in other sections.
sections(Library, Names) ->
    Lines = string:lexemes(os:cmd("readelf -SW " ++ Library), "\n"),
    [{Start, Start + list_to_integer(Size, 16)}
     || Line <- Lines,
        {match, [Name, Address, Size]} <- [re:run(Line, "\\] (\\S+)\\s+\\S+\\s+(\\S+) \\S+ (\\S+)",
                                                  [{capture, all_but_first, list}])],
        lists:member(Name, Names),
        Start <- [list_to_integer(Address, 16)]].

symbols(Library) ->
    [{list_to_integer(Address, 16), Name}
     || Line <- string:lexemes(os:cmd("nm -C " ++ Library), "\n"),
        {match, [Address, Name]} <- [re:run(Line, "^([0-9a-f]+) [bBdD] (.*)$",
                                            [{capture, all_but_first, list}])]].

rule_14_restart_starts_afresh(_) ->
    ok = py:exec(<<"state_of_a_run = 1">>),
    ok = py:register_function(of_a_run, fun([]) -> 1 end),
    ok = ep_test:stop(),
    ok = ep_test:start(),
    {ok, [false, false]} =
        py:eval(<<"['state_of_a_run' in globals(), hasattr(erlang, 'of_a_run')]">>),
    define().

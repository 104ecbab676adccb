%% @doc The default loop, from Erlang: tasks, order, cancellation, timers, and its worker.
-module(py_event_loop_SUITE).
-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-define(EXCEPTION(Type), {error, {exception, #{type := Type}}}).

suite() -> [{timetrap, {seconds, 60}}].

all() ->
    [
        run_of_functions_and_coroutines, run_options, create_task_and_await, await_in_any_order,
        await_that_times_out_leaves_the_task, polling_finds_the_result,
        cancel_says_whether_it_did, task_that_ignores_cancellation, spawn_task_forgets,
        spawn_task_logs_failures, get_loop_is_the_same, tasks_start_in_order,
        tasks_run_concurrently, running_loop_is_ours, children_of_a_task, task_cancelled_by_python,
        base_exceptions_in_tasks, result_that_has_no_term, dead_owner_cancels_its_tasks,
        owner_that_dies_at_once, one_thread_for_life, timers_are_never_early, many_timers,
        threadsafe_call_wakes_a_parked_loop, descriptor_wakes_a_parked_loop,
        descriptor_wakes_a_loop_that_parked_without_one,
        descriptor_of_a_pipe_again_and_again, transports_of_a_parked_loop,
        loop_without_work_is_parked, worker_of_ones_own, worker_of_a_destroyed_loop,
        destroy_answers_what_is_owed, killed_worker_answers_what_is_owed, loop_that_is_dropped,
        submission_to_closed_loop,
        closing_runs_cancellation, closing_after_a_stop_in_vain,
        deadline_reaches_erlang_call_in_a_coroutine,
        child_without_deadline_of_a_finished_task, async_call_is_cancelled_with_its_task,
        asyncio_debug_free_of_reports, asyncgens_are_closed
    ].

init_per_suite(Config) ->
    ok = ep_test:start(),
    ep_test:define(<<"
import asyncio, erlang, os, threading, time
notes = []
async def value_after(seconds, value):
    await asyncio.sleep(seconds)
    return value
async def note_in_turn(n):
    notes.append(n)
    await asyncio.sleep(0)
    return n
async def until_cancelled():
    try: await asyncio.sleep(1000)
    except asyncio.CancelledError:
        notes.append('cancelled')
        raise
async def behind_the_gate(value):
    await gate.wait()
    return value
async def tell(name, value):
    await erlang.async_call(name, value)
">>),
    Config.

end_per_suite(_Config) -> ep_test:stop().

init_per_testcase(_Case, Config) ->
    ok = py:exec(<<"notes.clear()">>),
    ep_test:before(Config).

end_per_testcase(_Case, Config) -> ep_test:audit(Config).

run_of_functions_and_coroutines(_) ->
    {ok, 4.0} = py_event_loop:run(math, sqrt, [16]),
    {ok, 4.0} = py_event_loop:run(<<"math">>, <<"sqrt">>, [16]),
    {ok, <<"x">>} = py_event_loop:run('__main__', value_after, [0.001, <<"x">>]),
    {error, {not_found, math, nope}} = py_event_loop:run(math, nope, []),
    ?EXCEPTION(<<"TypeError">>) = py_event_loop:run(math, sqrt, []).

run_options(_) ->
    {ok, 7} = py_event_loop:run(asyncio, sleep, [0], #{timeout => 10000, kwargs => #{result => 7}}),
    Kwargs = #{<<"result">> => 7},
    {ok, 7} = py_event_loop:run(asyncio, sleep, [0], #{timeout => infinity, kwargs => Kwargs}),
    {error, timeout} = py_event_loop:run(asyncio, sleep, [100], #{timeout => 20}),
    ?assertError({bad_option, {kwargs, 1}}, py_event_loop:run(math, sqrt, [1], #{kwargs => 1})),
    ?assertError({bad_option, {timeout, x}}, py_event_loop:run(math, sqrt, [1], #{timeout => x})),
    ep_test:no_message().

create_task_and_await(_) ->
    Ref = py_event_loop:create_task(math, sqrt, [16]),
    true = is_reference(Ref),
    {ok, 4.0} = py_event_loop:await(Ref),
    {ok, 4.0} = py_event_loop:await(py_event_loop:create_task(math, sqrt, [16]), 10000),
    {ok, 4.0} = py_event_loop:await(py_event_loop:create_task(math, sqrt, [16]), infinity),
    {ok, 7} = py_event_loop:await(py_event_loop:create_task(asyncio, sleep, [0], #{result => 7})),
    ?EXCEPTION(<<"ValueError">>) = py_event_loop:await(py_event_loop:create_task(math, sqrt, [-1])).

await_in_any_order(_) ->
    Refs = [{N, py_event_loop:create_task('__main__', value_after, [0.001 * (N rem 7), N])}
            || N <- lists:seq(1, 500)],
    [{ok, N} = py_event_loop:await(Ref) || {N, Ref} <- lists:reverse(Refs)],
    ep_test:no_message().

await_that_times_out_leaves_the_task(_) ->
    [begin
        ep_test:define(<<"gate = asyncio.Event()">>),
        Ref = Module:create_task('__main__', behind_the_gate, [<<"x">>]),
        [{error, timeout} = Module:await(Ref, Timeout) || Timeout <- [0, 1, 0, 20]],
        {ok, none} = Module:run('__main__', 'gate.set', []),
        {ok, <<"x">>} = Module:await(Ref),
        ?assertError(badarg, Module:await(Ref, 0)),
        ?assertError(badarg, Module:cancel(Ref))
     end || Module <- [py_event_loop, py_event_loop_pool]],
    ep_test:no_message().

polling_finds_the_result(_) ->
    Ref = py_event_loop:create_task('__main__', value_after, [0.05, <<"x">>]),
    {ok, <<"x">>} = poll(fun() -> py_event_loop:await(Ref, 1) end),
    %% A result that has come while nobody waited is still there.
    Left = py_event_loop:create_task('__main__', value_after, [0.005, <<"y">>]),
    {error, timeout} = py_event_loop:await(Left, 0),
    {ok, none} = py_event_loop:run(asyncio, sleep, [0.02]),
    {ok, <<"y">>} = py_event_loop:await(Left, infinity),
    ep_test:no_message().

poll(Await) ->
    case Await() of
        {error, timeout} -> poll(Await);
        Result -> Result
    end.

cancel_says_whether_it_did(_) ->
    [begin
        ep_test:define(<<"notes.clear()">>),
        Waiting = Module:create_task('__main__', until_cancelled, []),
        {error, timeout} = Module:await(Waiting, 20),
        true = Module:cancel(Waiting),
        noted([<<"cancelled">>]),
        false = Module:cancel(Waiting),
        {error, cancelled} = Module:await(Waiting),
        {error, cancelled} = Module:await(Waiting, 0),
        Done = Module:create_task(math, sqrt, [16]),
        {ok, _} = Module:run(asyncio, sleep, [0.005]),
        false = Module:cancel(Done),
        false = Module:cancel(Done),
        {ok, 4.0} = Module:await(Done),
        ?assertError(badarg, Module:cancel(Done)),
        Canceller = ep_test:monitored(fun(_) -> Module:cancel(Waiting) end),
        {_, {badarg, _}} = {Module, ep_test:down(Canceller)},
        ?assertError(badarg, Module:cancel(make_ref())),
        ?assertError(badarg, Module:cancel(task))
     end || Module <- [py_event_loop, py_event_loop_pool]],
    ep_test:no_message().

noted(Expected) ->
    ep_test:wait_until(fun() -> {ok, Expected} =:= py:eval(<<"notes">>) end).

task_that_ignores_cancellation(_) ->
    ep_test:define(<<"
async def stubborn():
    try: await asyncio.sleep(1000)
    except asyncio.CancelledError: pass
    await asyncio.sleep(0.01)
    notes.append('went on')
    return 'too late'
">>),
    {error, timeout} = py_event_loop:run('__main__', stubborn, [], #{timeout => 20}),
    noted([<<"went on">>]),
    ep_test:no_message().

spawn_task_forgets(_) ->
    {Mark, Wait} = ep_test:marked(),
    ok = py_callback:register(marked, fun([X]) -> Mark(X) end),
    ok = py_event_loop:spawn_task('__main__', tell, [<<"marked">>, 1]),
    1 = Wait(),
    ok = py_event_loop:spawn_task('__main__', tell, [<<"marked">>], #{value => 2}),
    2 = Wait(),
    ok = py_callback:unregister(marked),
    ep_test:no_message().

spawn_task_logs_failures(_) ->
    ok = ep_log:start(),
    ok = py_event_loop:spawn_task(math, sqrt, [-1]),
    #{level := error} = ep_log:wait_for("ValueError"),
    ok = ep_log:stop(),
    ep_test:no_message().

get_loop_is_the_same(_) ->
    {ok, Loop} = py_event_loop:get_loop(),
    true = is_reference(Loop),
    {ok, Loop} = py_event_loop:get_loop().

tasks_start_in_order(_) ->
    Refs = [py_event_loop:create_task('__main__', note_in_turn, [N]) || N <- lists:seq(1, 2000)],
    [{ok, N} = py_event_loop:await(Ref) || {N, Ref} <- lists:zip(lists:seq(1, 2000), Refs)],
    {ok, Notes} = py:eval(<<"notes">>),
    ?assertEqual(lists:seq(1, 2000), Notes).

tasks_run_concurrently(_) ->
    ep_test:define(<<"
gate = None
async def meet(n):
    global gate
    if gate is None: gate = asyncio.Event()
    if n == 0: gate.set()
    await gate.wait()
    return n
">>),
    Refs = [py_event_loop:create_task('__main__', meet, [N]) || N <- lists:seq(50, 0, -1)],
    [{ok, _} = py_event_loop:await(Ref) || Ref <- Refs],
    ok = py:exec(<<"gate = None">>).

running_loop_is_ours(_) ->
    ep_test:define(<<"
def in_loop():
    loop = asyncio.get_running_loop()
    return [isinstance(loop, erlang.ErlangEventLoop), loop.is_running()]
async def ain_loop(): return in_loop()
">>),
    [{ok, [true, true]} = py_event_loop:run('__main__', F, []) || F <- [in_loop, ain_loop]].

children_of_a_task(_) ->
    ep_test:define(<<"
async def family(n):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(value_after(0.001, i)) for i in range(n)]
    gathered = await asyncio.gather(*(value_after(0, i) for i in range(n)))
    return [task.result() for task in tasks] + gathered
async def in_thread(): return await asyncio.to_thread(lambda: 'thread')
async def with_timeout():
    try:
        async with asyncio.timeout(0.01): await asyncio.sleep(100)
    except TimeoutError: return 'timed out'
">>),
    {ok, [0, 1, 2, 0, 1, 2]} = py_event_loop:run('__main__', family, [3]),
    {ok, <<"timed out">>} = py_event_loop:run('__main__', with_timeout, []).

task_cancelled_by_python(_) ->
    ep_test:define(<<"
async def cancel_me():
    asyncio.current_task().cancel()
    await asyncio.sleep(1000)
async def awaiting_a_cancelled_future():
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future
">>),
    {error, cancelled} = py_event_loop:run('__main__', cancel_me, []),
    {error, cancelled} = py_event_loop:run('__main__', awaiting_a_cancelled_future, []),
    {error, cancelled} = py:call('__main__', cancel_me, []).

base_exceptions_in_tasks(_) ->
    ep_test:define(<<"
async def araise(name): raise getattr(__import__('builtins'), name)('x')
async def araise_later(name):
    await asyncio.sleep(0.001)
    raise getattr(__import__('builtins'), name)('x')
">>),
    [?EXCEPTION(Name) = py_event_loop:run('__main__', F, [Name])
     || F <- [araise, araise_later],
        Name <- [<<"SystemExit">>, <<"KeyboardInterrupt">>, <<"GeneratorExit">>]],
    {ok, 1} = py_event_loop:run('__main__', value_after, [0.001, 1]).

result_that_has_no_term(_) ->
    ep_test:define(<<"
async def cyclic():
    x = []
    x.append(x)
    return x
">>),
    {error, {conversion, _, _}} = py_event_loop:run('__main__', cyclic, []).

dead_owner_cancels_its_tasks(_) ->
    Owner = ep_test:monitored(fun(Parent) ->
        [py_event_loop:create_task('__main__', until_cancelled, []) || _ <- lists:seq(1, 10)],
        {ok, none} = py_event_loop:run(asyncio, sleep, [0.001]),
        Parent ! started,
        receive never -> ok end
    end),
    receive started -> ok end,
    exit(element(1, Owner), kill),
    killed = ep_test:down(Owner),
    noted(lists:duplicate(10, <<"cancelled">>)).

owner_that_dies_at_once(_) ->
    Owners = [ep_test:monitored(fun(_) ->
        [py_event_loop:create_task('__main__', until_cancelled, []) || _ <- lists:seq(1, 10)]
    end) || _ <- lists:seq(1, 50)],
    [normal = ep_test:down(Owner) || Owner <- Owners],
    %% Each task was cancelled, be it before it began or later: none is left.
    ep_test:define(<<"
def tasks_left(): return len(asyncio.all_tasks(asyncio.get_running_loop()))
">>),
    ep_test:wait_until(fun() -> {ok, 0} =:= py_event_loop:run('__main__', tasks_left, []) end).

one_thread_for_life(_) ->
    {ok, Thread} = py_event_loop:run(threading, get_ident, []),
    Same = [ep_test:monitored(fun(_) ->
        [{ok, Thread} = py_event_loop:run(threading, get_ident, []) || _ <- lists:seq(1, 50)]
    end) || _ <- lists:seq(1, 10)],
    [normal = ep_test:down(P) || P <- Same].

timers_are_never_early(_) ->
    ep_test:define(<<"
async def slept(seconds):
    start = time.monotonic()
    await asyncio.sleep(seconds)
    return time.monotonic() - start
">>),
    [begin
        {ok, Slept} = py_event_loop:run('__main__', slept, [Seconds]),
        true = Slept >= Seconds
     end || Seconds <- [0.0001, 0.0007, 0.001, 0.0013, 0.0029, 0.0041, 0.0077, 0.05, 0.1]].

many_timers(_) ->
    ep_test:define(<<"
async def timers(n):
    loop = asyncio.get_running_loop()
    order = []
    done = loop.create_future()
    start = loop.time()
    for i in range(n):
        loop.call_at(start + ((i * 7919) % n) / 100000, lambda k: order.append(k), (i * 7919) % n)
    loop.call_at(start + n / 100000 + 0.001, done.set_result, None)
    await done
    return order == sorted(order) and len(order) == n
">>),
    {ok, true} = py_event_loop:run('__main__', timers, [5003]).

threadsafe_call_wakes_a_parked_loop(_) ->
    ep_test:define(<<"
async def woken_by_thread(seconds):
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    def body():
        time.sleep(seconds)
        loop.call_soon_threadsafe(future.set_result, 'woken')
    thread = threading.Thread(target=body)
    thread.start()
    try: return await future
    finally: thread.join()
">>),
    %% Less than a loop lingers, about as long, and more.
    [{ok, <<"woken">>} = py_event_loop:run('__main__', woken_by_thread, [Seconds])
     || Seconds <- [0, 0.0005, 0.001, 0.0011, 0.002, 0.005, 0.03], _ <- lists:seq(1, 10)].

descriptor_wakes_a_parked_loop(_) ->
    ep_test:define(<<"
async def woken_by_descriptor(seconds):
    loop = asyncio.get_running_loop()
    read, write = os.pipe()
    future = loop.create_future()
    loop.add_reader(read, future.set_result, None)
    thread = threading.Thread(target=lambda: (time.sleep(seconds), os.write(write, b'x')))
    thread.start()
    try:
        await future
        return os.read(read, 10)
    finally:
        loop.remove_reader(read)
        thread.join()
        os.close(read)
        os.close(write)
">>),
    [{ok, <<"x">>} = py_event_loop:run('__main__', woken_by_descriptor, [Seconds])
     || Seconds <- [0, 0.0005, 0.001, 0.0011, 0.002, 0.005, 0.03], _ <- lists:seq(1, 10)].

%% The node had no descriptor left for the VM to wait with.
descriptor_wakes_a_loop_that_parked_without_one(_) ->
    ep_test:define(<<"
import resource, socket
async def received_by_the_last_descriptor(pid):
    global taken, sender
    receiver, sender = socket.socketpair()
    received = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_reader(receiver, received.set_result, None)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = os.listdir('/proc/self/fd')
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(taken) + 20, limits[1]))
    taken = []
    try:
        while True: taken.append(os.dup(receiver.fileno()))
    except OSError: pass
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(taken) + 1, limits[1]))
    erlang.send(pid, 'taken')
    try: await received
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        asyncio.get_running_loop().remove_reader(receiver)
        receiver.close()
        sender.close()
def give_back():
    for descriptor in taken: os.close(descriptor)
    sender.send(b'x')
">>),
    {ok, Loop} = py_nif:event_loop_new(),
    {ok, Worker} = py_event_worker:start_link(<<"worker">>, Loop),
    1 = erlang:trace(Worker, true, ['receive']),
    Task = py_work:start(Loop, task,
        {call, '__main__', received_by_the_last_descriptor, [self()], #{}},
        py_options:start()),
    receive <<"taken">> -> ok end,
    receive {trace, Worker, 'receive', {park, _, _, true}} -> ok end,
    {error, unknown} = gen_server:call(Worker, is_that_done),
    {ok, none} = py:call('__main__', give_back, []),
    {ok, none} = py_event_loop:await(Task),
    1 = erlang:trace(Worker, false, ['receive']),
    _ = ep_test:flush(),
    stop_worker(Worker).

descriptor_of_a_pipe_again_and_again(_) ->
    ep_test:define(<<"
async def ping_pong(rounds):
    loop = asyncio.get_running_loop()
    ends = [os.pipe(), os.pipe()]
    def echo():
        for _ in range(rounds): os.write(ends[1][1], os.read(ends[0][0], 1))
    thread = threading.Thread(target=echo)
    thread.start()
    for i in range(rounds):
        future = loop.create_future()
        loop.add_reader(ends[1][0], future.set_result, None)
        if i % 100 == 0: await asyncio.sleep(0.005)
        os.write(ends[0][1], b'x')
        await future
        os.read(ends[1][0], 1)
        loop.remove_reader(ends[1][0])
    thread.join()
    for pair in ends:
        for end in pair: os.close(end)
    return rounds
">>),
    {ok, 2000} = py_event_loop:run('__main__', ping_pong, [2000], #{timeout => 50000}).

%% TCP, Unix, TLS and UDP servers, whose clients are slow enough for the loop to park in between.
transports_of_a_parked_loop(_) ->
    ep_test:define(<<"
import socket, ssl

class EchoDatagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport): self.transport = transport
    def datagram_received(self, data, address): self.transport.sendto(data, address)

async def echo(reader, writer):
    while data := await reader.read(100):
        writer.write(data)
    writer.close()
    await writer.wait_closed()

def slow_client(sock, address, tls):
    with sock:
        sock.settimeout(20)
        sock.connect(address)
        if tls is not None:
            sock = tls.wrap_socket(sock, server_hostname='localhost')
        with sock:
            for n in range(5):
                time.sleep(0.004)
                sock.sendall(b'%d' % n)
                assert sock.recv(100) == b'%d' % n

async def visited(sock, address, tls=None):
    loop, outcome = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()
    def visit():
        try: slow_client(sock, address, tls)
        except Exception as error: result = repr(error)
        else: result = 'fine'
        loop.call_soon_threadsafe(outcome.set_result, result)
    thread = threading.Thread(target=visit)
    thread.start()
    result = await outcome
    thread.join()
    return result

async def served_by_streams(kind, certificates):
    theirs = None
    if kind == 'unix':
        sock, address = socket.socket(socket.AF_UNIX), '\\0erlang-hosted-test'
        server = await asyncio.start_unix_server(echo, address)
    else:
        ours = None
        if kind == 'tls':
            ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            ours.load_cert_chain(certificates + '/localhost.pem')
            theirs = ssl.create_default_context(cafile=certificates + '/authority.pem')
        sock = socket.socket()
        server = await asyncio.start_server(echo, '127.0.0.1', 0, ssl=ours)
        address = server.sockets[0].getsockname()
    result = await visited(sock, address, theirs)
    server.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.wait(tasks) if tasks else None
    return result

async def served_by_datagrams():
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        EchoDatagrams, local_addr=('127.0.0.1', 0))
    sock = socket.socket(type=socket.SOCK_DGRAM)
    result = await visited(sock, transport.get_extra_info('sockname'))
    transport.close()
    return result
">>),
    Certificates = list_to_binary(project:file("test/python/certificates")),
    [{ok, <<"fine">>} = py_event_loop:run('__main__', served_by_streams, [Kind, Certificates])
     || Kind <- [<<"tcp">>, <<"unix">>, <<"tls">>]],
    {ok, <<"fine">>} = py_event_loop:run('__main__', served_by_datagrams, []).

loop_without_work_is_parked(_) ->
    %% A parked loop leaves its thread to others: another loop of the same executor goes on.
    {ok, Default} = py_event_loop:get_loop(),
    Sleeping = py_event_loop:create_task(asyncio, sleep, [1000]),
    [{ok, 1} = py_event_loop:run_on(Loop, '__main__', value_after, [0.005, 1], #{})
     || N <- [1, 2], Loop <- [persistent_term:get({py_event_loop_pool, N}), Default]],
    {error, timeout} = py_event_loop:await(Sleeping, 0),
    true = py_event_loop:cancel(Sleeping).

worker_of_ones_own(_) ->
    {ok, LoopRef} = py_nif:event_loop_new(),
    {ok, WorkerPid} = py_event_worker:start_link(<<"worker">>, LoopRef),
    ok = py_nif:event_loop_set_worker(LoopRef, WorkerPid),
    {ok, 5} = py_event_loop:run_on(LoopRef, '__main__', value_after, [0.02, 5], #{}),
    stop_worker(WorkerPid).

stop_worker(Pid) ->
    unlink(Pid),
    Monitor = monitor(process, Pid),
    exit(Pid, shutdown),
    ok = gen_stopped(Pid, Monitor).

gen_stopped(Pid, Monitor) ->
    receive {'DOWN', Monitor, process, Pid, _} -> ok end.

worker_of_a_destroyed_loop(_) ->
    {ok, LoopRef} = py_nif:event_loop_new(),
    {ok, WorkerPid} = py_event_worker:start_link(<<"worker">>, LoopRef),
    {ok, 5} = py_event_loop:run_on(LoopRef, '__main__', value_after, [0.001, 5], #{}),
    ok = py_nif:event_loop_destroy(LoopRef),
    ok = py_nif:event_loop_destroy(LoopRef),
    {error, {executor_died, stopped}} = py_event_loop:run_on(LoopRef, math, sqrt, [1], #{}),
    stop_worker(WorkerPid).

destroy_answers_what_is_owed(_) ->
    {ok, LoopRef} = py_nif:event_loop_new(),
    {ok, WorkerPid} = py_event_worker:start_link(<<"worker">>, LoopRef),
    Tasks = [py_work:start(LoopRef, task, {call, '__main__', until_cancelled, [], #{}},
                           py_options:start())
             || _ <- lists:seq(1, 20)],
    {ok, _} = py_event_loop:run_on(LoopRef, asyncio, sleep, [0.001], #{}),
    ok = py_nif:event_loop_destroy(LoopRef),
    [{error, {executor_died, stopped}} = py:await(Task) || Task <- Tasks],
    stop_worker(WorkerPid),
    noted(lists:duplicate(20, <<"cancelled">>)),
    ep_test:no_message().

killed_worker_answers_what_is_owed(_) ->
    {ok, Loop} = py_event_loop:get_loop(),
    Tasks = [py_event_loop:create_task('__main__', until_cancelled, []) || _ <- lists:seq(1, 20)],
    {ok, none} = py_event_loop:run(asyncio, sleep, [0.001]),
    exit(worker_of({py_event_loop, default}), kill),
    [{error, {executor_died, _}} = py_event_loop:await(Task) || Task <- Tasks],
    ep_test:wait_until(fun() -> {ok, Loop} =/= py_event_loop:get_loop() end),
    {ok, 1} = py_event_loop:run('__main__', value_after, [0.001, 1]),
    noted(lists:duplicate(20, <<"cancelled">>)),
    ep_test:no_message().

worker_of(Key) ->
    {_, Pid, _, _} = lists:keyfind(Key, 1, supervisor:which_children(py_event_loop_sup)),
    Pid.

loop_that_is_dropped(_) ->
    Maker = ep_test:monitored(fun(_) ->
        {ok, Loop} = py_nif:event_loop_new(),
        {ok, 4.0} = py_event_loop:run_on(Loop, math, sqrt, [16], #{})
    end),
    normal = ep_test:down(Maker).

submission_to_closed_loop(_) ->
    %% Loops are closed while others hand in work: each gets one answer.
    Rounds = [begin
        {ok, Loop} = py_nif:event_loop_new(),
        Callers = [ep_test:monitored(fun(_) ->
            Results = [py_event_loop:run_on(Loop, math, sqrt, [16], #{}) || _ <- lists:seq(1, 20)],
            [] = [R || R <- Results, R =/= {ok, 4.0}, element(1, element(2, R)) =/= executor_died],
            [] = ep_test:flush()
        end) || _ <- lists:seq(1, 4)],
        ok = py_nif:event_loop_destroy(Loop),
        Callers
    end || _ <- lists:seq(1, 50)],
    [normal = ep_test:down(Caller) || Caller <- lists:append(Rounds)],
    ep_test:no_message().

closing_runs_cancellation(_) ->
    ep_test:define(<<"
async def tidying():
    try: await asyncio.sleep(1000)
    finally:
        await asyncio.sleep(0.01)
        notes.append('tidied')
">>),
    {ok, Loop} = py_nif:event_loop_new(),
    Task = py_work:start(Loop, task, {call, '__main__', tidying, [], #{}}, py_options:start()),
    {ok, none} = py_event_loop:run_on(Loop, asyncio, sleep, [0], #{}),
    ok = py_nif:event_loop_destroy(Loop),
    {error, {executor_died, stopped}} = py:await(Task),
    noted([<<"tidied">>]).

%% A task asks its loop to stop, which it can't: it is Erlang's.
closing_after_a_stop_in_vain(_) ->
    ep_test:define(<<"
async def stopping():
    asyncio.get_running_loop().stop()
    try: await asyncio.sleep(1000)
    except asyncio.CancelledError:
        await asyncio.sleep(0.01)
        notes.append('tidied all the same')
">>),
    {ok, Loop} = py_nif:event_loop_new(),
    Task = py_work:start(Loop, task, {call, '__main__', stopping, [], #{}}, py_options:start()),
    {ok, none} = py_event_loop:run_on(Loop, asyncio, sleep, [0], #{}),
    ok = py_nif:event_loop_destroy(Loop),
    {error, {executor_died, stopped}} = py:await(Task),
    noted([<<"tidied all the same">>]).

deadline_reaches_erlang_call_in_a_coroutine(_) ->
    Self = self(),
    Forever = fun([]) -> Self ! {running, self()}, receive never -> ok end end,
    ok = py_callback:register(forever, Forever),
    ep_test:define(<<"
async def blocking():
    try: erlang.call('forever')
    except TimeoutError: notes.append('deadline')
    except BaseException as error: notes.append(type(error).__name__)
async def child(): await asyncio.create_task(blocking())
">>),
    [begin
        ok = py:exec(<<"notes.clear()">>),
        %% At the deadline the code may still be faster than its caller.
        case py_event_loop:run('__main__', F, [], #{timeout => 50}) of
            {error, timeout} -> ok;
            {ok, none} -> ok
        end,
        Pid = receive {running, P} -> P end,
        Monitor = monitor(process, Pid),
        receive {'DOWN', Monitor, process, Pid, _} -> ok end,
        noted([<<"deadline">>])
     end || F <- [blocking, child]],
    ok = py_callback:unregister(forever),
    ep_test:no_message().

child_without_deadline_of_a_finished_task(_) ->
    {Mark, Wait} = ep_test:marked(),
    ok = py_callback:register(slow, fun([]) -> Mark(called), slow end),
    ep_test:define(<<"
async def later():
    await asyncio.sleep(0.1)
    notes.append(erlang.call('slow'))
async def parent():
    globals()['kept'] = asyncio.create_task(later())
">>),
    {ok, none} = py_event_loop:run('__main__', parent, [], #{timeout => 50}),
    called = Wait(),
    noted([slow]),
    ok = py:exec(<<"del kept">>),
    ok = py_callback:unregister(slow).

async_call_is_cancelled_with_its_task(_) ->
    Self = self(),
    Forever = fun([]) -> Self ! {running, self()}, receive never -> ok end end,
    ok = py_callback:register(forever, Forever),
    ep_test:define(<<"
async def waiting(): await erlang.async_call('forever')
">>),
    Task = py_event_loop:create_task('__main__', waiting, []),
    Pid = receive {running, P} -> P end,
    Monitor = monitor(process, Pid),
    true = py_event_loop:cancel(Task),
    receive {'DOWN', Monitor, process, Pid, killed} -> ok end,
    ok = py_callback:unregister(forever).

asyncio_debug_free_of_reports(_) ->
    ep_test:define(<<"
async def debugged():
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    await asyncio.sleep(0.001)
    loop.set_debug(False)
    return await value_after(0.001, 'debugged')
">>),
    {ok, <<"debugged">>} = py_event_loop:run('__main__', debugged, []).

asyncgens_are_closed(_) ->
    ep_test:define(<<"
async def numbers():
    try:
        for i in range(10): yield i
    finally: notes.append('closed')
async def take_two():
    agen = numbers()
    taken = [await agen.__anext__(), await agen.__anext__()]
    globals()['agen'] = agen
    return taken
">>),
    {ok, Loop} = py_nif:event_loop_new(),
    {ok, [0, 1]} = py_event_loop:run_on(Loop, '__main__', take_two, [], #{}),
    ok = py_nif:event_loop_destroy(Loop),
    noted([<<"closed">>]),
    ok = py:exec(<<"del agen">>).

%% @doc Contexts: threads of one's own, their death, and what is owed then.
-module(py_context_SUITE).
-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-define(EXCEPTION(Type), {error, {exception, #{type := Type}}}).

suite() -> [{timetrap, {seconds, 60}}].

all() ->
    [
        start_and_stop, named_context, every_function_on_a_context, one_thread_for_life,
        calls_run_one_after_the_other, order_of_calls, context_ends_with_its_owner,
        stop_answers_what_runs_and_waits, killed_context_answers_what_is_owed,
        killed_application_context_is_restarted, killed_workers_of_contexts,
        contexts_killed_under_load, dead_caller_interrupts, dead_callers_by_the_hundred,
        dead_context_by_pid, blocking_loop_serves_its_context,
        tasks_go_on_beside_a_blocking_loop, interrupt_of_a_blocking_loop,
        timeout_of_a_busy_blocking_loop, timeout_of_a_blocking_loop_whose_task_waits,
        interruption_of_a_finalizer, other_errors_in_finalizers,
        context_in_c_code_goes_when_it_returns, many_contexts, contexts_without_process
    ].

init_per_suite(Config) ->
    ok = ep_test:start(),
    ep_test:define(<<"
import asyncio, erlang, threading, time
notes = []
class Point:
    def __init__(self, x=0): self.x = x
    def plus(self, y, z=0): return self.x + y + z
def spin():
    while True: pass
def marked_spin():
    erlang.call('started', 1)
    spin()
async def until_cancelled():
    try: await asyncio.sleep(1000)
    finally: notes.append('cancelled')
">>),
    Config.

end_per_suite(_Config) -> ep_test:stop().

init_per_testcase(_Case, Config) ->
    ok = py:exec(<<"notes.clear()">>),
    ep_test:before(Config).

end_per_testcase(_Case, Config) -> ep_test:audit(Config).

start_and_stop(_) ->
    {ok, Context} = py_context:start_link(),
    {ok, 4.0} = py_context:call(Context, math, sqrt, [16]),
    ok = py_context:stop(Context),
    {ok, Another} = py_context:start_link([]),
    {ok, 4.0} = py:call(Another, math, sqrt, [16]),
    ok = py_context:stop(Another).

named_context(_) ->
    {ok, Context} = py_context:start_link([{name, ep_context}]),
    Context = whereis(ep_context),
    {ok, 4.0} = py_context:call(ep_context, math, sqrt, [16]),
    {ok, 4} = py_context:eval(ep_context, <<"2 + 2">>),
    ok = py_context:stop(ep_context),
    {error, {executor_died, stopped}} = py_context:call(ep_context, math, sqrt, [16]).

every_function_on_a_context(_) ->
    {ok, C} = py_context:start_link(),
    {ok, [3, 2, 1]} = py_context:call(C, builtins, sorted, [[1, 2, 3]], #{reverse => true}),
    {ok, 4.0} = py_context:call(C, math, sqrt, [16], #{}, #{timeout => 5000}),
    {ok, 4.0} = py_context:call(C, math, sqrt, [16], #{}, 5000),
    {ok, 3} = py_context:eval(C, <<"1 + 2">>),
    {ok, 3} = py_context:eval(C, <<"x + 2">>, #{x => 1}),
    {ok, 3} = py_context:eval(C, <<"x + 2">>, #{x => 1}, 5000),
    ok = py_context:exec(C, <<"notes.append(1)">>),
    ok = py_context:exec(C, <<"notes.append(2)">>, 5000),
    {ok, [1, 2]} = py_context:eval(C, <<"notes">>),
    {ok, Point} = py_context:call(C, '__main__', 'Point', [1]),
    {ok, 3} = py_context:call_method(C, Point, plus, [2]),
    {ok, 6} = py_context:call_method(C, Point, plus, [2], #{z => 3}),
    {ok, 1} = py_context:getattr(C, Point, x),
    ok = py_context:interrupt(C),
    {error, timeout} = py_context:call(C, '__main__', spin, [], #{}, 20),
    ok = py_context:stop(C).

one_thread_for_life(_) ->
    {ok, C} = py_context:start_link(),
    {ok, Thread} = py_context:call(C, threading, get_ident, []),
    ep_test:define(<<"async def athread(): return threading.get_ident()">>),
    [{ok, Thread} = py_context:call(C, M, F, []) || _ <- lists:seq(1, 50),
        {M, F} <- [{threading, get_ident}, {'__main__', athread}]],
    ok = py_context:stop(C).

calls_run_one_after_the_other(_) ->
    ep_test:define(<<"
inside = most = 0
def alone():
    global inside, most
    inside += 1
    most = max(most, inside)
    time.sleep(0.0005)
    inside -= 1
">>),
    C = py:context(1),
    Callers = [ep_test:monitored(fun(_) ->
        [{ok, none} = py:call(C, '__main__', alone, []) || _ <- lists:seq(1, 5)]
    end) || _ <- lists:seq(1, 20)],
    [normal = ep_test:down(Caller) || Caller <- Callers],
    {ok, 1} = py:eval(<<"most">>).

order_of_calls(_) ->
    Refs = [py:spawn_call('__main__', 'notes.append', [N]) || N <- lists:seq(1, 1000)],
    [{ok, none} = py:await(Ref) || Ref <- Refs],
    {ok, Notes} = py:eval(<<"notes">>),
    ?assertEqual(lists:seq(1, 1000), Notes).

context_ends_with_its_owner(_) ->
    Self = self(),
    [begin
        Owner = ep_test:monitored(fun(_) ->
            {ok, C} = py_context:start_link(),
            {ok, 4.0} = py:call(C, math, sqrt, [16]),
            Self ! {context, C},
            exit(Reason)
        end),
        Context = receive {context, C} -> C end,
        Reason = ep_test:down(Owner),
        ep_test:wait_until(fun() -> not is_process_alive(Context) end)
     end || Reason <- [normal, shutdown, crash]].

started() ->
    {Mark, Wait} = ep_test:marked(),
    ok = py_callback:register(started, fun([X]) -> Mark(X) end),
    Wait.

%% A process that waits as long as it takes, and exits with the result.
caller(Context, Function) ->
    ep_test:monitored(fun(_) ->
        exit(py_context:call(Context, '__main__', Function, [], #{}, infinity))
    end).

stop_answers_what_runs_and_waits(_) ->
    Wait = started(),
    {ok, C} = py_context:start_link(),
    Caller = fun(F) -> caller(C, F) end,
    Running = Caller(marked_spin),
    1 = Wait(),
    Waiting = [Caller(spin) || _ <- lists:seq(1, 10)],
    %% Those have handed in their work when the context knows of it.
    ep_test:wait_until(fun() -> lists:all(fun({P, _}) -> waits(P) end, Waiting) end),
    ok = py_context:stop(C),
    [{error, {executor_died, stopped}} = ep_test:down(P) || P <- [Running | Waiting]],
    ok = py_callback:unregister(started).

waits(Pid) ->
    {current_function, {py_work, call, 4}} =:= process_info(Pid, current_function) andalso
        {status, waiting} =:= process_info(Pid, status).

killed_context_answers_what_is_owed(_) ->
    Wait = started(),
    process_flag(trap_exit, true),
    {ok, C} = py_context:start_link(),
    Caller = caller(C, marked_spin),
    1 = Wait(),
    Request = {call, '__main__', until_cancelled, [], #{}},
    Coroutine = py_work:start(py_context:ref(C), task, Request, py_options:start()),
    exit(C, kill),
    {error, {executor_died, killed}} = ep_test:down(Caller),
    {error, {executor_died, killed}} = py:await(Coroutine),
    receive {'EXIT', C, killed} -> ok end,
    ok = py_callback:unregister(started),
    ep_test:no_message().

context_pid(N) ->
    {N, Pid, _, _} = lists:keyfind(N, 1, supervisor:which_children(py_context_sup)),
    Pid.

killed_application_context_is_restarted(_) ->
    Wait = started(),
    [begin
        Old = py:context(N),
        Caller = caller(Old, marked_spin),
        1 = Wait(),
        exit(context_pid(N), kill),
        {error, {executor_died, killed}} = ep_test:down(Caller),
        ep_test:wait_until(fun() -> py:context(N) =/= Old end),
        {ok, 4.0} = py:call(py:context(N), math, sqrt, [16]),
        {error, {executor_died, stopped}} = py:call(Old, math, sqrt, [16])
     end || N <- [1, 2, 1]],
    ok = py_callback:unregister(started).

killed_workers_of_contexts(_) ->
    [begin
        Old = py:context(N),
        Work = {call, '__main__', until_cancelled, [], #{}},
        Task = py_work:start(Old, call, Work, py_options:start()),
        {ok, none} = py:call(Old, asyncio, sleep, [0.001]),
        {links, Links} = process_info(context_pid(N), links),
        [Worker] = [P || P <- Links, P =/= whereis(py_context_sup)],
        exit(Worker, kill),
        {error, {executor_died, _}} = py:await(Task),
        ep_test:wait_until(fun() -> py:context(N) =/= Old end),
        {ok, none} = py:call(py:context(N), asyncio, sleep, [0.001])
     end || N <- [1, 2]],
    ep_test:no_message().

contexts_killed_under_load(_) ->
    Callers = [ep_test:monitored(fun(_) ->
        Calls = [{math, sqrt, [16]}, {asyncio, sleep, [0.0005]}],
        Results = [py:call(M, F, A) || _ <- lists:seq(1, 40), {M, F, A} <- Calls],
        [] = [R || {error, R} <- Results, element(1, R) =/= executor_died],
        [] = ep_test:flush()
    end) || _ <- lists:seq(1, 30)],
    [begin
        Old = py:context(N),
        exit(context_pid(N), kill),
        ep_test:wait_until(fun() -> py:context(N) =/= Old end)
     end || N <- [1, 2, 1, 2, 1, 2]],
    [normal = ep_test:down(Caller) || Caller <- Callers].

dead_caller_interrupts(_) ->
    Wait = started(),
    ep_test:define(<<"
def noting_spin():
    try: marked_spin()
    except Exception: notes.append('ordinary')
    finally: notes.append('interrupted')
async def anoting_spin(): noting_spin()
">>),
    [begin
        ok = py:exec(<<"notes.clear()">>),
        C = py:context(1),
        Caller = caller(C, F),
        1 = Wait(),
        exit(element(1, Caller), kill),
        killed = ep_test:down(Caller),
        {ok, 4.0} = py:call(C, math, sqrt, [16]),
        % It may have run on top of the other, to which the answer of started() was on its way.
        ep_test:wait_until(fun() -> {ok, [<<"interrupted">>]} =:= py:eval(<<"notes">>) end)
     end || F <- [noting_spin, anoting_spin, noting_spin]],
    ok = py_callback:unregister(started).

dead_callers_by_the_hundred(_) ->
    [begin
        Callers = [ep_test:monitored(fun(_) -> py:call('__main__', F, []) end)
                   || _ <- lists:seq(1, 50), F <- [spin, until_cancelled]],
        [exit(Pid, kill) || {Pid, _} <- Callers],
        [killed = ep_test:down(Caller) || Caller <- Callers],
        [{ok, 4.0} = py:call(py:context(N), math, sqrt, [16]) || N <- [1, 2]]
     end || _ <- lists:seq(1, 5)].

dead_context_by_pid(_) ->
    {ok, C} = py_context:start_link(),
    ok = py_context:stop(C),
    [{error, {executor_died, stopped}} = Result || Result <- [
        py:call(C, math, sqrt, [16]), py_context:eval(C, <<"1">>), py_context:exec(C, <<"1">>),
        py_context:getattr(C, 1, real), py_context:call_method(C, 1, bit_length, []),
        py:interrupt(C)
    ]].

blocking_loop_serves_its_context(_) ->
    {ok, C} = py_context:start_link(),
    ep_test:define(<<"
async def serve():
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    globals()['stop'] = lambda: loop.call_soon_threadsafe(stop.set)
    notes.append('serving')
    await stop.wait()
    return 'served'
def run_server(): return erlang.run(serve())
">>),
    Server = caller(C, run_server),
    ep_test:wait_until(fun() -> {ok, [<<"serving">>]} =:= py:eval(<<"notes">>) end),
    [{ok, 4.0} = py:call(C, math, sqrt, [16]) || _ <- lists:seq(1, 50)],
    {ok, none} = py:call(C, asyncio, sleep, [0.001]),
    {error, timeout} = py_context:call(C, '__main__', spin, [], #{}, 20),
    {ok, _} = py:call(C, '__main__', stop, []),
    {ok, <<"served">>} = ep_test:down(Server),
    ok = py_context:stop(C).

%% The context's own loop had just had something to do, and was about to look for more.
tasks_go_on_beside_a_blocking_loop(_) ->
    ep_test:define(<<"
import erlang
release = None
async def until_released():
    global release
    event, loop = asyncio.Event(), asyncio.get_running_loop()
    release = lambda: loop.call_soon_threadsafe(event.set)
    await event.wait()
def block(): erlang.run(until_released())
def is_blocked(): return release is not None
def unblock():
    global release
    release()
    release = None
">>),
    [begin
        {ok, none} = py:call(asyncio, sleep, [0.0001]),
        Task = py:spawn_call(asyncio, sleep, [0.0001, N]),
        Blocking = py:spawn_call('__main__', block, []),
        {ok, N} = py:await(Task),
        ep_test:wait_until(fun() -> {ok, true} =:= py:call('__main__', is_blocked, []) end),
        {ok, none} = py:call('__main__', unblock, []),
        {ok, none} = py:await(Blocking)
     end || N <- lists:seq(1, 20)].

interrupt_of_a_blocking_loop(_) ->
    {ok, C} = py_context:start_link(),
    ep_test:define(<<"
async def forever(notes):
    notes.append('serving')
    try: await asyncio.sleep(1000)
    finally: notes.append('tidied')
notes_of = {}
def run_forever(key): return erlang.run(forever(notes_of.setdefault(key, [])))
">>),
    [ok = interrupt_while_serving(C, 100) || _ <- [1, 2]],
    ok = py_context:stop(C).

%% On a busy machine the time may be over before it serves; then there has to be more. The next call
%% is perhaps served by that loop, before the interruption ends it.
interrupt_while_serving(C, Timeout) ->
    Key = ep_test:unique(),
    Notes = fun() -> py:eval(<<"notes_of.get(key, [])">>, #{key => Key}) end,
    {error, timeout} = py_context:call(C, '__main__', run_forever, [Key], #{}, Timeout),
    {ok, 4.0} = py:call(C, math, sqrt, [16]),
    case Notes() of
        {ok, []} ->
            interrupt_while_serving(C, 2 * Timeout);
        {ok, [<<"serving">> | _]} ->
            ep_test:wait_until(fun() -> Notes() =:= {ok, [<<"serving">>, <<"tidied">>]} end),
            {ok, 4.0} = py:call(C, math, sqrt, [16]),
            ok
    end.

%% Python swallows what is raised there, and goes on.
interruption_of_a_finalizer(_) ->
    ep_test:define(<<"
import weakref
class Object: pass
class Finalized:
    def __del__(self): spin_for(0.01)
def spin_for(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end: pass
def finalize_for_ever():
    while True: Finalized()
def call_back_for_ever():
    while True:
        target = Object()
        reference = weakref.ref(target, lambda _: spin_for(0.01))
        del target
async def finalize_in_loop(): finalize_for_ever()
def finalize_in_blocking_loop(): erlang.run(finalize_in_loop())
">>),
    {ok, C} = py_context:start_link(),
    [begin
         {error, timeout} = py_context:call(C, '__main__', F, [], #{}, 50),
         {ok, 4.0} = py:call(C, math, sqrt, [16])
     end || F <- [finalize_for_ever, call_back_for_ever, finalize_in_blocking_loop,
                  finalize_in_loop]],
    ok = py_context:stop(C).

%% They are reported, as without an Erlang call.
other_errors_in_finalizers(_) ->
    ep_test:define(<<"
import contextlib, io
class Failing:
    def __del__(self): raise self.error
def fail_to_stderr(error):
    text = io.StringIO()
    with contextlib.redirect_stderr(text):
        failing = Failing()
        failing.error = error
        del failing
    return text.getvalue().splitlines()[-1]
">>),
    {ok, <<"KeyError: ">>} = py:eval(<<"fail_to_stderr(KeyError)">>),
    %% Nobody has interrupted this call: the program does as it likes.
    {ok, <<"erlang.Interrupted: ">>} = py:eval(<<"fail_to_stderr(erlang.Interrupted)">>),
    {ok, 4.0} = py:call(math, sqrt, [16]).

%% The interruption hits a task or callback that nobody waits for.
timeout_of_a_busy_blocking_loop(_) ->
    ep_test:define(<<"
import erlang
ended = None
def busy_for(milliseconds):
    end = time.monotonic() + milliseconds / 1000
    while time.monotonic() < end: pass
async def busy_task():
    while True:
        busy_for(1)
        await asyncio.sleep(0)
def busy_callback(loop):
    loop.call_soon(busy_callback, loop)
    busy_for(1)
async def busy_main(callbacks):
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: None)
    if callbacks: busy_callback(loop)
    else: task = loop.create_task(busy_task())
    await loop.create_future()
def serve_until_interrupted(callbacks):
    global ended
    ended = None
    try: erlang.run(busy_main(callbacks))
    except BaseException as error: ended = type(error).__name__
    finally: ended = ended or 'nothing raised'
">>),
    each_is_interrupted(serve_until_interrupted, [true, false, true, false]).

%% What is raised in a wait is kept by the task or callback that waits, too.
timeout_of_a_blocking_loop_whose_task_waits(_) ->
    ep_test:define(<<"
import asyncio, erlang
ended = None
async def waiting_task(): erlang.sleep(60)
async def waiting_main(callbacks):
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: None)
    if callbacks: loop.call_soon(erlang.sleep, 60)
    else: task = loop.create_task(waiting_task())
    await loop.create_future()
def wait_until_interrupted(callbacks):
    global ended
    ended = None
    try: erlang.run(waiting_main(callbacks))
    except BaseException as error: ended = type(error).__name__
    finally: ended = ended or 'nothing raised'
">>),
    each_is_interrupted(wait_until_interrupted, [true, false]).

%% The function blocks its thread; it says in `ended' what it was ended by.
each_is_interrupted(Function, Kinds) ->
    {ok, Context} = py_context:start_link(),
    [begin
        {error, timeout} = py_context:call(Context, '__main__', Function, [Kind], #{}, 30),
        ep_test:wait_until(fun() -> {ok, <<"Interrupted">>} =:= py:eval(<<"ended">>) end),
        {ok, 4.0} = py_context:call(Context, math, sqrt, [16])
     end || Kind <- Kinds],
    ok = py_context:stop(Context).

context_in_c_code_goes_when_it_returns(_) ->
    {ok, C} = py_context:start_link(),
    Caller = ep_test:monitored(fun(_) -> exit(py:call(C, time, sleep, [0.3])) end),
    ep_test:wait_until(fun() -> waits(element(1, Caller)) end),
    ok = py_context:stop(C),
    {error, {executor_died, stopped}} = ep_test:down(Caller).

many_contexts(_) ->
    Contexts = [begin {ok, C} = py_context:start_link(), C end || _ <- lists:seq(1, 30)],
    Refs = [{C, [ep_test:monitored(fun(_) ->
        [{ok, 4.0} = py:call(C, math, sqrt, [16]) || _ <- lists:seq(1, 10)]
    end) || _ <- lists:seq(1, 3)]} || C <- Contexts],
    [[normal = ep_test:down(P) || P <- Ps] || {_, Ps} <- Refs],
    [ok = py_context:stop(C) || C <- Contexts].

contexts_without_process(_) ->
    %% The thread ends with the last reference.
    Maker = ep_test:monitored(fun(_) ->
        {ok, Context} = py_nif:context_new(<<"py_dropped">>),
        {ok, 4.0} = py:call(Context, math, sqrt, [16])
    end),
    normal = ep_test:down(Maker).

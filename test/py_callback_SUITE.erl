%% @doc Python to Erlang: calls, nested calls, sends, registered functions, and what goes wrong.
-module(py_callback_SUITE).
-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-define(EXCEPTION(Type), {error, {exception, #{type := Type}}}).

suite() -> [{timetrap, {seconds, 60}}].

all() ->
    [
        call_of_a_registered_function, register_module_and_function, registering_again_replaces,
        functions_as_attributes, dunders_are_no_functions, unregistering, bad_registrations,
        not_registered, error_exit_and_throw, reason_that_can_only_be_described,
        errors_that_python_handles, badarity_of_a_fun,
        arguments_that_have_no_term, result_that_has_no_object, funs_are_callable,
        function_runs_in_a_process_of_its_own, killed_function, function_that_exits_normally,
        gil_is_free_meanwhile, call_from_a_plain_thread, calls_from_many_threads,
        call_from_a_thread_without_descriptors, call_in_a_thread_of_a_task,
        deadline_of_the_caller, deadline_kills_the_function,
        dead_caller_kills_the_function, cancelled_outer_call_interrupts_the_nested_one,
        nested_with_one_context, nested_errors, nested_coroutine_call, nested_asyncio_run,
        async_call_results_and_errors, async_call_gives_tuples_whole, async_calls_at_once,
        async_call_on_a_standard_loop,
        send_to_pids_and_names, send_keeps_order, send_to_the_dead, send_to_nobody,
        send_of_bad_things, send_from_threads, send_to_other_nodes,
        send_to_a_node_that_is_not_there, whereis_of_names, dead_router_answers_its_calls,
        names_survive_the_router, names_survive_the_supervisor,
        failing_casts_leave_the_router_alone, generator_dropped_in_a_nested_call,
        concurrent_registrations, call_without_the_application
    ].

init_per_suite(Config) ->
    ok = ep_test:start(),
    {ok, _} = inet_gethost_native:gethostbyname("localhost"),  % which starts what stays
    define(),
    Config.

define() ->
    ep_test:define(<<"
import asyncio, erlang, threading, time
notes = []
def in_threads(count, function):
    results = []
    threads = [threading.Thread(target=lambda i=i: results.append(function(i)))
               for i in range(count)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return sorted(results)
def caught(name, *args):
    try: return erlang.call(name, *args)
    except erlang.ErlangError as error:
        return [error.class_, error.reason, bool(error.stacktrace), str(error)[:5]]
def nest(n): return 0 if n == 0 else 1 + erlang.call('nest', n - 1)
def spin():
    while True: pass
">>).

end_per_suite(_Config) -> ep_test:stop().

init_per_testcase(_Case, Config) ->
    ok = py:exec(<<"notes.clear()">>),
    ep_test:before(Config).

end_per_testcase(_Case, Config) -> ep_test:audit(Config).

with(Name, Fun, Body) ->
    ok = py_callback:register(Name, Fun),
    try Body() after _ = py_callback:unregister(Name) end.

call_of_a_registered_function(_) ->
    with(<<"compute">>, fun([X]) -> X * 2 end, fun() ->
        {ok, 42} = py:call(erlang, call, [compute, 21]),
        {ok, 42} = py:call(erlang, call, [<<"compute">>, 21]),
        {ok, 42} = py:eval(<<"erlang.call('compute', 21)">>)
    end),
    with(values, fun([]) -> {[1, 2.5, atom, <<"b">>], #{k => self()}} end, fun() ->
        {ok, {[1, 2.5, atom, <<"b">>], #{k := Pid}}} = py:call(erlang, call, [values]),
        true = is_pid(Pid)
    end).

register_module_and_function(_) ->
    ok = py:register_function(reversed, lists, reverse),
    {ok, [3, 2, 1]} = py:eval(<<"erlang.reversed(1, 2, 3)">>),
    ok = py:unregister_function(reversed).

registering_again_replaces(_) ->
    with(version, fun([]) -> 1 end, fun() ->
        {ok, 1} = py:eval(<<"erlang.version()">>),
        ok = py_callback:register(version, fun([]) -> 2 end),
        {ok, 2} = py:eval(<<"erlang.version()">>)
    end).

functions_as_attributes(_) ->
    with(my_func, fun([X]) -> X + 1 end, fun() ->
        {ok, 2} = py:eval(<<"erlang.my_func(1)">>),
        ok = py:exec(<<"from erlang import my_func\nnotes.append(my_func(2))">>),
        {ok, [3]} = py:eval(<<"notes">>),
        {ok, true} = py:eval(<<"hasattr(erlang, 'my_func')">>),
        ?EXCEPTION(<<"TypeError">>) = py:eval(<<"erlang.my_func(k=1)">>)
    end),
    ?EXCEPTION(<<"AttributeError">>) = py:eval(<<"erlang.my_func">>),
    ?EXCEPTION(<<"ImportError">>) = py:exec(<<"from erlang import another_func">>).

dunders_are_no_functions(_) ->
    with('__wrapped__', fun([]) -> 1 end, fun() ->
        {ok, false} = py:eval(<<"hasattr(erlang, '__wrapped__')">>)
    end),
    {ok, [false, false, false]} =
        py:eval(<<"[hasattr(erlang, n) for n in ('__path_hooks__', '__bases__', 'nothing')]">>).

unregistering(_) ->
    ok = py_callback:unregister(never_registered),
    with(here, fun([]) -> 1 end, fun() -> {ok, 1} = py:call(erlang, call, [here]) end),
    ?EXCEPTION(<<"ErlangError">>) = py:call(erlang, call, [here]).

bad_registrations(_) ->
    ?assertError(_, py_callback:register(name, fun() -> 1 end)),
    ?assertError(badarg, py_callback:register([name], fun([]) -> 1 end)),
    ?assertError(_, py_callback:register(1, fun([]) -> 1 end)),
    ?assertError(_, py_callback:register(name, <<"m">>, f)).

not_registered(_) ->
    {ok, [error, {not_found, <<"nope">>}, true, <<"error">>]} =
        in_atoms(py:call('__main__', caught, [<<"nope">>])),
    ?EXCEPTION(<<"TypeError">>) = py:call(erlang, call, []),
    ?EXCEPTION(<<"TypeError">>) = py:call(erlang, call, [1]).

in_atoms({ok, [Class | Rest]}) -> {ok, [binary_to_atom(Class) | Rest]}.

error_exit_and_throw(_) ->
    [with(failing, fun([]) -> erlang:raise(Class, {because, 1}, []) end, fun() ->
        {ok, [Class, {because, 1}, true, _]} = in_atoms(py:call('__main__', caught, [failing])),
        {error, {exception, Info}} = py:call(erlang, call, [failing]),
        #{type := <<"ErlangError">>, module := <<"erlang">>, message := Message} = Info,
        {match, _} = re:run(Message, "because")
     end) || Class <- [error, exit, throw]].

%% Neither has a counterpart in Python: the list, and the key as text.
reason_that_can_only_be_described(_) ->
    ep_test:define(<<"
async def caught_later(name):
    try: return await erlang.async_call(name)
    except erlang.ErlangError as e: return [e.class_, e.reason]
">>),
    with(failing, fun([]) -> error(#{<<255>> => [1 | 2]}) end, fun() ->
        {ok, [<<"error">>, Described | _]} = py:call('__main__', caught, [failing]),
        {match, _} = re:run(Described, "xff.*improper list"),
        {ok, [<<"error">>, Described]} = py:call('__main__', caught_later, [failing])
    end).

errors_that_python_handles(_) ->
    with(failing, fun([X]) -> 1 / X end, fun() ->
        {ok, [error, badarith, true, _]} = in_atoms(py:call('__main__', caught, [failing, 0])),
        {ok, 0.5} = py:call('__main__', caught, [failing, 2])
    end).

badarity_of_a_fun(_) ->
    {ok, 3} = py:eval(<<"f(1, 2)">>, #{f => fun(A, B) -> A + B end}),
    ?EXCEPTION(<<"ErlangError">>) = py:eval(<<"f(1)">>, #{f => fun(A, B) -> A + B end}).

arguments_that_have_no_term(_) ->
    with(echo, fun(Args) -> Args end, fun() ->
        ep_test:define(<<"
def cyclic_argument():
    x = []
    x.append(x)
    try: erlang.call('echo', 1, [x])
    except erlang.ConversionError as error: return [list(map(list, error.path[:2])), 'ok']
">>),
        {ok, [[[<<"index">>, 1], [<<"index">>, 0]], <<"ok">>]} =
            py:call('__main__', cyclic_argument, [])
    end).

result_that_has_no_object(_) ->
    with(bits, fun([]) -> [<<1:3>>] end, fun() ->
        ?EXCEPTION(<<"ConversionError">>) = py:call(erlang, call, [bits])
    end).

funs_are_callable(_) ->
    Self = self(),
    {ok, 3} = py:eval(<<"f(1) + f(0)">>, #{f => fun(X) -> Self ! X, X + 1 end}),
    [1, 0] = ep_test:flush(),
    {ok, <<"abc">>} = py:eval(<<"erlang.call(f, 'abc')">>, #{f => fun(X) -> X end}),
    {ok, [2, 3]} = py:eval(<<"list(map(f, [1, 2]))">>, #{f => fun(X) -> X + 1 end}),
    {ok, 2} = py:eval(<<"f(-2)">>, #{f => fun erlang:abs/1}).

function_runs_in_a_process_of_its_own(_) ->
    with(pid, fun([]) -> self() end, fun() ->
        {ok, Pid} = py:call(erlang, call, [pid]),
        {ok, Other} = py:call(erlang, call, [pid]),
        true = Pid =/= Other andalso Pid =/= self(),
        ep_test:wait_until(fun() -> not is_process_alive(Pid) end)
    end).

killed_function(_) ->
    with(suicide, fun([]) -> exit(self(), kill) end, fun() ->
        {ok, [exit, killed, true, _]} = in_atoms(py:call('__main__', caught, [suicide]))
    end).

function_that_exits_normally(_) ->
    with(leaving, fun([]) -> exit(normal) end, fun() ->
        {ok, [exit, normal, true, _]} = in_atoms(py:call('__main__', caught, [leaving]))
    end).

gil_is_free_meanwhile(_) ->
    with(other_context, fun([]) ->
        {ok, X} = py:call(py:context(2), math, sqrt, [16]),
        X
    end, fun() ->
        {ok, 4.0} = py:call(py:context(1), erlang, call, [other_context])
    end).

call_from_a_plain_thread(_) ->
    with(compute, fun([X]) -> X * 2 end, fun() ->
        {ok, [42]} = py:eval(<<"in_threads(1, lambda i: erlang.call('compute', 21))">>)
    end).

calls_from_many_threads(_) ->
    with(compute, fun([X]) -> {ok, R} = py:call(math, sqrt, [X * X]), R end, fun() ->
        %% A context of its own, since it is blocked for as long as its threads run.
        {ok, Context} = py_context:start_link(),
        {ok, Results} = py_context:eval(
            Context,
            <<"in_threads(30, lambda i: sum(erlang.call('compute', i) for _ in range(20)))">>
        ),
        ok = py_context:stop(Context),
        ?assertEqual([20.0 * N || N <- lists:seq(0, 29)], Results)
    end).

%% What the thread waits with can't be had: then nothing is called either.
call_from_a_thread_without_descriptors(_) ->
    ep_test:define(<<"
def call_without_descriptors(call):
    import os, resource
    outcome, taken = [], []
    def body():
        try: outcome.append(call())
        except BaseException as error: outcome.append(type(error).__name__)
    thread = threading.Thread(target=body)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir('/proc/self/fd')) + 20, limits[1]))
    try:
        try:
            while True: taken.append(os.dup(0))
        except OSError: pass
        thread.start()
        thread.join()
    finally:
        for descriptor in taken: os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    return outcome
">>),
    Self = self(),
    {ok, [<<"OSError">>]} = py:call('__main__', call_without_descriptors,
                                    [fun() -> Self ! called end]),
    ep_test:no_message().

call_in_a_thread_of_a_task(_) ->
    Self = self(),
    with(forever, fun([]) -> Self ! {running, self()}, receive never -> ok end end, fun() ->
        ep_test:define(<<"
async def in_a_thread():
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(1) as pool:
        import contextvars
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        try: await loop.run_in_executor(pool, context.run, erlang.call, 'forever')
        except TimeoutError: notes.append('deadline')
        except asyncio.CancelledError: notes.append('cancelled')
">>),
        %% A thread has the deadline of the task whose context it runs in.
        _ = py_event_loop:run('__main__', in_a_thread, [], #{timeout => 50}),
        receive {running, Pid} -> dead(Pid) end,
        ep_test:wait_until(fun() -> {ok, []} =/= py:eval(<<"notes">>) end)
    end).

dead(Pid) ->
    Monitor = monitor(process, Pid),
    receive {'DOWN', Monitor, process, Pid, _} -> ok after 20000 -> error({alive, Pid}) end.

deadline_of_the_caller(_) ->
    Self = self(),
    with(nested_deadline, fun([]) ->
        Self ! {nested, py:call(time, sleep, [0.2], #{}, infinity)},
        receive never -> ok end
    end, fun() ->
        {error, timeout} = py:call(erlang, call, [nested_deadline], #{}, 50),
        {ok, 4.0} = py:call(math, sqrt, [16])
    end),
    _ = ep_test:flush(),
    ep_test:no_message().

deadline_kills_the_function(_) ->
    Self = self(),
    with(forever, fun([]) -> Self ! {running, self()}, receive never -> ok end end, fun() ->
        {error, timeout} = py:call(erlang, call, [forever], #{}, 50),
        receive {running, Pid} -> dead(Pid) end,
        {ok, 4.0} = py:call(math, sqrt, [16])
    end).

dead_caller_kills_the_function(_) ->
    Self = self(),
    with(forever, fun([]) -> Self ! {running, self()}, receive never -> ok end end, fun() ->
        Caller = ep_test:monitored(fun(_) -> py:call(erlang, call, [forever], #{}, infinity) end),
        Pid = receive {running, P} -> P end,
        exit(element(1, Caller), kill),
        killed = ep_test:down(Caller),
        dead(Pid),
        {ok, 4.0} = py:call(py:context(1), math, sqrt, [16]),
        {ok, 4.0} = py:call(py:context(2), math, sqrt, [16])
    end).

cancelled_outer_call_interrupts_the_nested_one(_) ->
    Self = self(),
    ep_test:define(<<"
def noting_spin(pid):
    erlang.send(pid, 'running')
    try: spin()
    except BaseException as error: notes.append('inner ' + type(error).__name__); raise
def outer():
    try: erlang.call('inner')
    except BaseException as error: notes.append('outer ' + type(error).__name__); raise
">>),
    Inner = fun([]) -> py:call('__main__', noting_spin, [Self], #{}, infinity) end,
    with(inner, Inner, fun() ->
        Caller = ep_test:monitored(fun(_) -> py:call('__main__', outer, [], #{}, infinity) end),
        %% Said by the nested code itself: before it runs, either may be interrupted first.
        receive <<"running">> -> ok end,
        exit(element(1, Caller), kill),
        killed = ep_test:down(Caller),
        ep_test:wait_until(fun() -> {ok, 2} =:= py:eval(<<"len(notes)">>) end),
        {ok, [<<"inner ", _/binary>>, <<"outer Interrupted">>]} = py:eval(<<"notes">>)
    end).

nested_with_one_context(_) ->
    ok = ep_test:stop(),
    ok = ep_test:start([{num_contexts, 1}, {event_loop_pool_size, 1}]),
    define(),
    with(nest, fun([N]) -> {ok, V} = py:call('__main__', nest, [N]), V end, fun() ->
        {ok, 200} = py:call('__main__', nest, [200]),
        Callers = [ep_test:monitored(fun(_) -> {ok, 50} = py:call('__main__', nest, [50]) end)
                   || _ <- lists:seq(1, 10)],
        [normal = ep_test:down(Caller) || Caller <- Callers]
    end),
    with(nest, fun([N]) -> {ok, V} = py_event_loop:run('__main__', nest, [N]), V end, fun() ->
        {ok, 200} = py_event_loop_pool:run('__main__', nest, [200])
    end),
    ok = ep_test:stop(),
    ok = ep_test:start(),
    define().

nested_errors(_) ->
    with(nest, fun([0]) -> error(bottom); ([N]) ->
        case py:call('__main__', nest, [N]) of
            {ok, V} -> V;
            {error, _} -> error({from, N})
        end
    end, fun() ->
        {error, {exception, #{type := <<"ErlangError">>, message := Message}}} =
            py:call('__main__', nest, [20]),
        {match, _} = re:run(Message, "from.*19"),
        {ok, 4.0} = py:call(math, sqrt, [16])
    end).

nested_coroutine_call(_) ->
    ep_test:define(<<"
async def inner(x):
    await asyncio.sleep(0.001)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(asyncio.sleep(0.001, x))
    return task.result()
def outer(x): return erlang.call('through', x)
async def aouter(x):
    before = asyncio.get_running_loop(), asyncio.current_task()
    result = erlang.call('through', x)
    assert before == (asyncio.get_running_loop(), asyncio.current_task())
    await asyncio.sleep(0)
    return result
">>),
    Through = fun([X]) -> {ok, V} = py:call('__main__', inner, [X]), V end,
    with(through, Through, fun() ->
        [{ok, 5} = py:call('__main__', F, [5]) || F <- [outer, aouter]],
        [{ok, 5} = py_event_loop:run('__main__', F, [5]) || F <- [outer, aouter]]
    end).

nested_asyncio_run(_) ->
    ep_test:define(<<"
def runs_a_loop(x): return erlang.run(asyncio.sleep(0.001, x))
async def aouter_of_loop(x): return erlang.call('through', x)
">>),
    with(through, fun([X]) -> {ok, V} = py:call('__main__', runs_a_loop, [X]), V end, fun() ->
        {ok, 5} = py:call('__main__', aouter_of_loop, [5]),
        {ok, 5} = py_event_loop:run('__main__', aouter_of_loop, [5])
    end).

async_call_results_and_errors(_) ->
    ep_test:define(<<"
async def acaught(name, *args):
    try: return await erlang.async_call(name, *args)
    except erlang.ErlangError as error: return [error.class_, error.reason]
">>),
    with(echo, fun([boom]) -> error(boom); ([X]) -> X end, fun() ->
        {ok, 5} = py:call('__main__', acaught, [echo, 5]),
        {ok, [<<"error">>, boom]} = py:call('__main__', acaught, [echo, boom]),
        {ok, [<<"error">>, {not_found, <<"nope">>}]} = py:call('__main__', acaught, [<<"nope">>]),
        {ok, 5} = py:call('__main__', acaught, [fun(X) -> X end, 5])
    end).

async_call_gives_tuples_whole(_) ->
    ep_test:define(<<"
async def acall(*args): return await erlang.async_call('same', *args)
def scheduled(*args): return erlang.schedule('same', *args)
">>),
    with(same, fun([X]) -> X end, fun() ->
        [{ok, Tuple} = py:call('__main__', Function, [Tuple], #{}, 5000)
         || Function <- [acall, scheduled], Tuple <- [{}, {1}, {1, 2}, {{1}}]]
    end).

async_calls_at_once(_) ->
    ep_test:define(<<"
async def at_once(n): return await asyncio.gather(*(erlang.async_call('meet', i) for i in range(n)))
">>),
    Meeting = spawn_link(fun() -> meeting(100, []) end),
    with(meet, fun([I]) -> Meeting ! {here, self(), I}, receive {all, N} -> N + I end end, fun() ->
        {ok, Results} = py_event_loop:run('__main__', at_once, [100]),
        ?assertEqual([100 + I || I <- lists:seq(0, 99)], Results)
    end).

meeting(0, Waiting) -> [Pid ! {all, length(Waiting)} || Pid <- Waiting];
meeting(N, Waiting) -> receive {here, Pid, _} -> meeting(N - 1, [Pid | Waiting]) end.

async_call_on_a_standard_loop(_) ->
    ep_test:define(<<"
def on_a_standard_loop():
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        return runner.run(erlang.async_call('echo', 7))
">>),
    with(echo, fun([X]) -> X end, fun() ->
        {ok, 7} = py:call('__main__', on_a_standard_loop, []),
        ep_test:define(<<"
async def many_calls():
    results = await asyncio.gather(*(erlang.async_call('echo', n) for n in range(100)))
    try: await erlang.async_call('no_such_function')
    except erlang.ErlangError as error: reason = error.reason[0]
    return [results == list(range(100)), reason, asyncio.get_running_loop()._default_executor]
def many_on_a_standard_loop():
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        return runner.run(many_calls())
">>),
        {ok, [true, not_found, none]} = py:call('__main__', many_on_a_standard_loop, [])
    end).

send_to_pids_and_names(_) ->
    true = register(ep_receiver, self()),
    {ok, none} = py:call(erlang, send, [self(), {hello, 1}]),
    {ok, none} = py:call(erlang, send, [ep_receiver, {hello, 2}]),
    {ok, none} = py:call(erlang, send, [<<"ep_receiver">>, {hello, 3}]),
    {ok, none} = py:call(erlang, send, [{ep_receiver, node()}, {hello, 4}]),
    [receive {hello, N} -> ok after 5000 -> error({missing, N}) end || N <- [1, 2, 3, 4]],
    unregister(ep_receiver).

send_keeps_order(_) ->
    ep_test:define(<<"
def send_many(to, n):
    for i in range(n): erlang.send(to, i)
async def asend_many(to, n):
    for i in range(n):
        erlang.send(to, i)
        if i % 100 == 0: await asyncio.sleep(0)
">>),
    [begin
        {ok, none} = Run('__main__', F, [self(), 5000]),
        [receive M -> M = N end || N <- lists:seq(0, 4999)]
     end || {Run, F} <- [{fun py:call/3, send_many}, {fun py:call/3, asend_many},
                         {fun py_event_loop:run/3, asend_many}]].

send_to_the_dead(_) ->
    {Pid, Monitor} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Monitor, process, Pid, _} -> ok end,
    {ok, none} = py:call(erlang, send, [Pid, hello]).

send_to_nobody(_) ->
    ?EXCEPTION(<<"ValueError">>) = py:call(erlang, send, [ep_test, hello]),
    ?EXCEPTION(<<"ValueError">>) = py:call(erlang, send, [<<"ep there is no such atom">>, hello]).

send_of_bad_things(_) ->
    ?EXCEPTION(<<"TypeError">>) = py:call(erlang, send, [1, hello]),
    ?EXCEPTION(<<"TypeError">>) = py:call(erlang, send, [self()]),
    ?EXCEPTION(<<"TypeError">>) = py:call(erlang, send, [{a, b, c}, hello]),
    ?EXCEPTION(<<"ConversionError">>) =
        py:eval(<<"(x := [], x.append(x), erlang.send(pid, x))">>, #{pid => self()}),
    ep_test:no_message().

send_from_threads(_) ->
    {ok, _} = py:eval(
        <<"in_threads(10, lambda i: [erlang.send(pid, (i, j)) for j in range(100)] and i)">>,
        #{pid => self()}
    ),
    Messages = ep_test:flush(),
    1000 = length(Messages),
    [?assertEqual(lists:seq(0, 99), [J || {I, J} <- Messages, I =:= Thread])
     || Thread <- lists:seq(0, 9)].

send_to_other_nodes(_) ->
    ep_test:with_peer(fun(Node) ->
        Self = self(),
        Remote = erlang:spawn(Node, fun() -> remote(Self) end),
        receive {ready, Remote} -> ok end,
        {ok, none} =
            py:eval(<<"[erlang.send(pid, i) for i in range(1000)] and None">>, #{pid => Remote}),
        [receive {got, N} -> ok after 10000 -> error({missing, N}) end || N <- lists:seq(0, 999)],
        {ok, none} = py:call(erlang, send, [{ep_remote, Node}, 1000]),
        receive {got, 1000} -> ok end,
        {ok, Node} = py:eval(<<"erlang.call(f)">>, #{f => fun() -> node(Remote) end}),
        exit(Remote, kill)
    end).

remote(Parent) ->
    true = register(ep_remote, self()),
    Parent ! {ready, self()},
    remote_loop(Parent).

remote_loop(Parent) ->
    receive N -> Parent ! {got, N} end,
    remote_loop(Parent).

send_to_a_node_that_is_not_there(_) ->
    %% Nobody waits for the attempt to connect, calls least of all.
    Gone = list_to_atom("ep_gone@127.0.0.1"),
    ep_test:with_peer(fun(_) ->
        with(echo, fun([X]) -> X end, fun() ->
            [begin
                {ok, none} = py:call(erlang, send, [{ep_remote, Gone}, hello]),
                {ok, N} = py:call(erlang, call, [echo, N])
             end || N <- lists:seq(1, 20)]
        end)
    end).

whereis_of_names(_) ->
    {ok, Pid} = py:call(erlang, whereis, [py_callback]),
    Pid = whereis(py_callback),
    {ok, Pid} = py:call(erlang, whereis, [<<"py_callback">>]),
    {ok, none} = py:call(erlang, whereis, [ep_test]),
    {ok, none} = py:call(erlang, whereis, [<<"ep no such atom, ever">>]),
    ?EXCEPTION(<<"TypeError">>) = py:call(erlang, whereis, [1]).

dead_router_answers_its_calls(_) ->
    Self = self(),
    ep_test:define(<<"
def in_a_thread(): return in_threads(1, lambda i: caught('forever'))
async def by_async():
    try: await erlang.async_call('forever')
    except erlang.ErlangError as error: return error.class_
">>),
    with(forever, fun([]) -> Self ! {running, self()}, receive never -> ok end end, fun() ->
        %% Each on a context of its own: the first two block theirs.
        Callers = [ep_test:monitored(fun(_) ->
            {ok, Context} = py_context:start_link(),
            Result = py:call(Context, '__main__', F, A),
            ok = py_context:stop(Context),
            exit(Result)
        end) || {F, A} <- [{caught, [<<"forever">>]}, {in_a_thread, []}, {by_async, []}]],
        Pids = [receive {running, Pid} -> Pid end || _ <- Callers],
        Router = whereis(py_callback),
        exit(Router, kill),
        [{ok, [<<"exit">> | _]}, {ok, [[<<"exit">> | _]]}, {ok, <<"exit">>}] =
            [ep_test:down(Caller) || Caller <- Callers],
        [dead(Pid) || Pid <- Pids],
        ep_test:wait_until(fun() -> is_pid(whereis(py_callback)) end)
    end),
    {ok, 3} = py:eval(<<"f(3)">>, #{f => fun(X) -> X end}).

names_survive_the_router(_) ->
    with(survivor, fun([]) -> alive end, fun() ->
        Router = whereis(py_callback),
        exit(Router, kill),
        ep_test:wait_until(fun() ->
            New = whereis(py_callback),
            is_pid(New) andalso New =/= Router
        end),
        {ok, alive} = py:eval(<<"erlang.survivor()">>)
    end).

names_survive_the_supervisor(_) ->
    with(survivor, fun([]) -> alive end, fun() ->
        Supervisor = whereis(py_services_sup),
        exit(Supervisor, kill),
        ep_test:wait_until(fun() ->
            New = whereis(py_services_sup),
            is_pid(New) andalso New =/= Supervisor andalso is_pid(whereis(py_context_sup))
        end),
        ep_test:wait_until(fun() -> {ok, alive} =:= py:call(erlang, call, [survivor]) end)
    end).

%% Logging them is not its work: the router never hears of them.
failing_casts_leave_the_router_alone(_) ->
    1 = erlang:trace(whereis(py_callback), true, ['receive']),
    [ok = py:cast(math, sqrt, [-1]) || _ <- lists:seq(1, 2000)],
    ok = py:cast(erlang, send, [self(), casts_done]),
    receive casts_done -> ok end,
    _ = erlang:trace(whereis(py_callback), false, ['receive']),
    [] = [M || {trace, _, 'receive', {async_result, _, _} = M} <- ep_test:flush()].

%% The hooks of the loop below must not take it: that loop is blocked.
generator_dropped_in_a_nested_call(_) ->
    ep_test:define(<<"
async def generate():
    try: yield 1
    finally: notes.append('closed')
def drop_generator():
    generator = generate()
    try: generator.__anext__().send(None)
    except StopIteration: pass
    del generator
    return list(notes)
async def nested_from_coroutine(): return erlang.call('nested_drop')
">>),
    Drop = fun([]) -> {ok, Notes} = py:call('__main__', drop_generator, []), Notes end,
    with(nested_drop, Drop, fun() ->
        {ok, [<<"closed">>]} = py_event_loop:run('__main__', nested_from_coroutine, [])
    end).

concurrent_registrations(_) ->
    Writers = [ep_test:monitored(fun(_) ->
        [begin
            ok = py_callback:register(contended, fun([]) -> 1 end),
            ok = py_callback:unregister(contended)
         end || _ <- lists:seq(1, 200)]
    end) || _ <- lists:seq(1, 8)],
    [normal = ep_test:down(Writer) || Writer <- Writers],
    {ok, false} = py:eval(<<"hasattr(erlang, 'contended')">>).

call_without_the_application(_) ->
    ok = ep_test:stop(),
    {error, not_started} = py_callback:register(x, fun([]) -> 1 end),
    {error, not_started} = py_callback:unregister(x),
    ok = ep_test:start(),
    define(),
    {ok, false} = py:eval(<<"hasattr(erlang, 'x')">>).

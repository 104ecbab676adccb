%% @doc Start and stop of the application, crashes of its parts, and what many rounds leave behind.
-module(lifecycle_SUITE).
-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-define(EXCEPTION(Type), {error, {exception, #{type := Type}}}).

suite() -> [{timetrap, {seconds, 180}}].

all() ->
    [
        not_started_before, start_and_use, stop_clears_main_and_functions, start_after_stop,
        stop_answers_what_runs, stop_with_stubborn_code, stop_with_threads_in_erlang_call,
        stop_while_programs_start, stop_lets_tasks_tidy_up, stop_interrupts_tidying_up,
        stop_answers_loops_of_ones_own, stop_during_load, start_without_descriptors,
        finalizer_that_waits_holds_up_nobody, fifty_rounds_leak_nothing,
        killed_runtime_restarts_all,
        killed_supervisors, killed_log_and_sender, child_processes_are_waited_for,
        sys_executable_is_a_python, environment_of_the_application, bad_environment,
        broken_package_is_told_each_time, folder_of_any_name,
        rounds_of_calls_leak_nothing, rounds_of_failures_leak_nothing, rounds_of_tasks_leak_nothing,
        rounds_of_timeouts_leak_nothing, rounds_of_callbacks_leak_nothing,
        rounds_of_contexts_leak_nothing, rounds_of_loops_leak_nothing
    ].

init_per_suite(Config) -> Config.
end_per_suite(_Config) -> ok.

init_per_testcase(not_started_before, Config) ->
    Config;
init_per_testcase(_Case, Config) ->
    ok = ep_test:start(),
    define(),
    ep_test:before(Config).

define() ->
    ep_test:define(<<"
import asyncio, erlang, subprocess, sys, threading, time
def spin():
    while True: pass
def boom(): raise ValueError('boom')
async def aboom():
    await asyncio.sleep(0)
    raise ValueError('boom')
async def value_after(seconds, value):
    await asyncio.sleep(seconds)
    return value
async def marked_sleep(mark):
    await erlang.async_call(mark, 'sleeps')
    await asyncio.sleep(1000)
class Thing: pass
def thing(): return Thing()
">>).

end_per_testcase(not_started_before, _Config) ->
    ok;
end_per_testcase(_Case, Config) ->
    Result = ep_test:audit(Config),
    ok = ep_test:stop(),
    Result.

not_started_before(_) ->
    _ = application:stop(erlang_python),
    {error, not_started} = py:call(math, sqrt, [16]),
    {error, not_started} = py:eval(<<"1">>),
    {error, not_started} = py:exec(<<"1">>),
    ok = py:cast(math, sqrt, [16]),
    {error, not_started} = py:await(py:spawn_call(math, sqrt, [16])),
    {error, not_started} = py:await(py:async_call(math, sqrt, [16])),
    {error, not_started} = py:async_gather([{math, sqrt, [16]}]),
    {error, not_started} = py:call_method(1, bit_length, []),
    {error, not_started} = py:getattr(1, real),
    {error, not_started} = py:context(),
    {error, not_started} = py:context(1),
    {error, not_started} = py:version(),
    {error, not_started} = py:activate_venv("/nowhere"),
    {error, not_started} = py:deactivate_venv(),
    {error, not_started} = py:register_function(f, fun([]) -> 1 end),
    {error, not_started} = py_event_loop:run(math, sqrt, [16]),
    {error, not_started} = py_event_loop:get_loop(),
    ok = py_event_loop:spawn_task(math, sqrt, [16]),
    true = lists:member(py:execution_mode(), [shared_gil, free_threaded]),
    [] = ep_test:flush().

start_and_use(_) ->
    {ok, 4.0} = py:call(math, sqrt, [16]),
    {error, {already_started, erlang_python}} = application:start(erlang_python).

stop_clears_main_and_functions(_) ->
    ok = py:exec(<<"leftover = 1">>),
    ok = py:register_function(leftover, fun([]) -> 1 end),
    {ok, Old} = py_event_loop:get_loop(),
    Context = py:context(1),
    ok = ep_test:stop(),
    {error, {executor_died, stopped}} = py:call(Context, math, sqrt, [16]),
    {error, {executor_died, stopped}} = py_event_loop:run_on(Old, math, sqrt, [16], #{}),
    ok = ep_test:start(),
    ?EXCEPTION(<<"NameError">>) = py:eval(<<"leftover">>),
    {ok, false} = py:eval(<<"hasattr(erlang, 'leftover')">>),
    {ok, <<"__main__">>} = py:eval(<<"__name__">>).

start_after_stop(_) ->
    [begin
        ok = ep_test:stop(),
        {error, not_started} = py:call(math, sqrt, [16]),
        ok = ep_test:start(),
        {ok, 4.0} = py:call(math, sqrt, [16]),
        {ok, none} = py:call(asyncio, sleep, [0.001]),
        {ok, 3} = py:eval(<<"f(3)">>, #{f => fun(X) -> X end})
     end || _ <- lists:seq(1, 3)].

stop_answers_what_runs(_) ->
    Callers = [ep_test:monitored(fun(_) -> exit(py:call(M, F, A, #{}, infinity)) end)
               || {M, F, A} <- [{'__main__', spin, []}, {asyncio, sleep, [1000]},
                                {erlang, sleep, [1000]},
                                {erlang, call, [fun() -> receive never -> ok end end]}],
                  _ <- lists:seq(1, 3)],
    Tasks = [ep_test:monitored(fun(_) ->
        exit(py_event_loop_pool:run(asyncio, sleep, [1000], #{timeout => infinity}))
    end) || _ <- lists:seq(1, 5)],
    {ok, 1} = py_event_loop_pool:run('__main__', value_after, [0.001, 1]),
    ok = ep_test:stop(),
    [case ep_test:down(Caller) of
        {error, {executor_died, _}} -> ok;
        {error, not_started} -> ok
     end || Caller <- Callers ++ Tasks],
    ok = ep_test:start().

%% The transport's last callback never comes, since its pipes are never connected.
stop_while_programs_start(_) ->
    ok = py:exec(<<"
import builtins
builtins.ep_notes = []
async def starts(mark, notes=ep_notes):
    async def connect(*_):
        await marked_sleep(mark)
    asyncio.get_running_loop().connect_write_pipe = connect
    try: await asyncio.create_subprocess_exec('sleep', '1000', stdin=-1, stdout=-1)
    except asyncio.CancelledError: notes.append('cancelled')
">>),
    {Mark, Wait} = ep_test:marked(),
    Started = ep_test:monitored(fun(_) ->
        exit(py_event_loop:run('__main__', starts, [Mark], #{timeout => infinity}))
    end),
    <<"sleeps">> = Wait(),
    ok = ep_test:stop(),
    {error, {executor_died, _}} = ep_test:down(Started),
    ok = ep_test:start(),
    {ok, [<<"cancelled">>]} = py:eval(<<"ep_notes">>),
    ok = py:exec(<<"import builtins; del builtins.ep_notes">>).

stop_lets_tasks_tidy_up(_) ->
    ok = py:exec(<<"
import builtins
builtins.ep_notes = []
async def tidying(mark, notes=ep_notes):
    try: await marked_sleep(mark)
    finally:
        await asyncio.sleep(0.05)
        notes.append('tidied')
">>),
    {Mark, Wait} = ep_test:marked(),
    Callers = [ep_test:monitored(fun(_) -> exit(Call()) end) || Call <- [
        fun() -> py:call('__main__', tidying, [Mark]) end,
        fun() -> py_event_loop:run('__main__', tidying, [Mark]) end
    ]],
    [<<"sleeps">>, <<"sleeps">>] = [Wait() || _ <- Callers],
    ok = ep_test:stop(),
    [{error, {executor_died, _}} = ep_test:down(Caller) || Caller <- Callers],
    ok = ep_test:start(),
    {ok, [<<"tidied">>, <<"tidied">>]} = py:eval(<<"ep_notes">>),
    ok = py:exec(<<"import builtins; del builtins.ep_notes">>).

%% A context has ended, but for what a task of its does about that.
stop_interrupts_tidying_up(_) ->
    ok = py:exec(<<"
async def tidying(mark):
    try: await marked_sleep(mark)
    finally:
        mark('tidies')
        spin()
">>),
    {ok, Context} = py_context:start_link(),
    {Mark, Wait} = ep_test:marked(),
    Caller = ep_test:monitored(fun(_) ->
        exit(py_context:call(Context, '__main__', tidying, [Mark]))
    end),
    <<"sleeps">> = Wait(),
    ok = py_context:stop(Context),
    <<"tidies">> = Wait(),
    {error, {executor_died, stopped}} = ep_test:down(Caller),
    ok = ep_test:stop(),
    ok = ep_test:start().

%% No process of the application's closes them.
stop_answers_loops_of_ones_own(_) ->
    {ok, Context} = py_context:start_link(),
    {ok, Loop} = py_nif:event_loop_new(),
    {ok, Worker} = py_event_worker:start_link(<<"worker">>, Loop),
    {Mark, Wait} = ep_test:marked(),
    Forever = #{timeout => infinity},
    Calls = [
        fun() -> py_context:call(Context, '__main__', marked_sleep, [Mark], #{}, Forever) end,
        fun() -> py_event_loop:run_on(Loop, '__main__', marked_sleep, [Mark], Forever) end
    ],
    Callers = [ep_test:monitored(fun(_) -> exit(Call()) end) || Call <- Calls],
    [<<"sleeps">>, <<"sleeps">>] = [Wait() || _ <- Callers],
    ok = ep_test:stop(),
    [{error, {executor_died, stopped}} = ep_test:down(Caller) || Caller <- Callers],
    [{error, {executor_died, stopped}} = Call() || Call <- Calls],
    ok = py_context:stop(Context),
    ok = gen_server:stop(Worker),
    ok = ep_test:start().

stop_with_stubborn_code(_) ->
    %% C code that can't be interrupted: the stop waits for it, within its bound.
    Caller = ep_test:monitored(fun(_) -> exit(py:call(time, sleep, [0.5])) end),
    {ok, 4.0} = py_event_loop:run(math, sqrt, [16]),
    ok = ep_test:stop(),
    {error, _} = ep_test:down(Caller),
    ok = ep_test:start().

stop_with_threads_in_erlang_call(_) ->
    Self = self(),
    Forever = fun([]) -> Self ! {running, self()}, receive never -> ok end end,
    ok = py:register_function(forever, Forever),
    ok = py:exec(<<"
import threading
ended = threading.Event()
def body(ended=ended):
    try: erlang.call('forever')
    except BaseException: ended.set()
import builtins
builtins.ep_ended = ended
threading.Thread(target=body).start()
">>),
    Pid = receive {running, P} -> P end,
    ok = ep_test:stop(),
    false = is_process_alive(Pid),
    ok = ep_test:start(),
    {ok, true} = py:eval(<<"__import__('builtins').ep_ended.wait(20)">>).

stop_during_load(_) ->
    [begin
        Callers = [ep_test:monitored(fun(_) ->
            load(fun() -> py:call(math, sqrt, [16]) end),
            [] = ep_test:flush()
        end) || _ <- lists:seq(1, 20)]
        ++ [ep_test:monitored(fun(_) ->
            load(fun() -> py_event_loop_pool:run('__main__', value_after, [0.0005, 4.0]) end),
            [] = ep_test:flush()
        end) || _ <- lists:seq(1, 20)],
        ep_test:wait_until(fun() -> {ok, 4.0} =:= py:call(math, sqrt, [16]) end),
        ok = ep_test:stop(),
        [normal = ep_test:down(Caller) || Caller <- Callers],
        ok = ep_test:start(),
        define()
     end || _ <- lists:seq(1, 5)].

%% Something else in the node has taken them all: that is an error, and later it may be better.
start_without_descriptors(_) ->
    {Limit, [Spare | Taken]} = ep_test:exhaust_descriptors(fun ep_test:stop/0),
    ok = file:close(Spare),
    {error, {{python_not_started, Why}, _}} = application:start(erlang_python),
    <<"eventfd: ", _/binary>> = Why,
    {error, not_started} = py:call(math, sqrt, [16]),
    [ok = file:close(File) || File <- Taken],
    ok = ep_test:start(),
    ep_test:limit_descriptors(Limit).

%% Until the application has stopped; all that comes until then is right.
load(Call) ->
    case Call() of
        {ok, 4.0} -> load(Call);
        {error, {executor_died, _}} -> load(Call);
        %% The functions go from `__main__' before the last threads do.
        {error, {not_found, '__main__', value_after}} -> load(Call);
        {error, not_started} -> ok
    end.

finalizer_that_waits_holds_up_nobody(_) ->
    ok = py:exec(<<"
import builtins, erlang, threading
builtins.ep_release = threading.Event()
class Waiting:
    def __init__(self, pid): self.pid = pid
    def __del__(self, erlang=erlang, release=ep_release):
        erlang.send(self.pid, 'finalized')
        release.wait()
">>),
    Finalized = fun() -> receive <<"finalized">> -> ok end end,
    Dropper = ep_test:monitored(fun(Test) ->
        {ok, _} = py:call('__main__', 'Waiting', [Test])
    end),
    normal = ep_test:down(Dropper),
    Finalized(),
    {error, timeout} = py:call('__main__', spin, [], #{}, 10),
    {ok, 4.0} = py:call(math, sqrt, [16]),
    Keep = <<"__import__('__main__').__dict__.update(left_over=Waiting(test))">>,
    {ok, none} = py:eval(Keep, #{test => self()}),
    ok = ep_test:stop(),
    ok = ep_test:start(),
    {ok, none} = py:eval(<<"ep_release.set()">>),
    Finalized(),
    ok = py:exec(<<"import builtins; del builtins.ep_release">>).

fifty_rounds_leak_nothing(_) ->
    Round = fun() ->
        ok = ep_test:stop(),
        ok = ep_test:start(),
        define(),
        {ok, 1} = py_event_loop_pool:run('__main__', value_after, [0.001, 1]),
        {ok, _} = py:call('__main__', thing, [])
    end,
    [Round() || _ <- lists:seq(1, 10)],
    Before = ep_test:snapshot(),
    Memory = ep_test:resident(),
    [Round() || _ <- lists:seq(1, 50)],
    ok = ep_test:compare(Before, 20000),
    bounded(Memory, 20000).

bounded(Before, Kilobytes) ->
    ep_test:collect(),
    After = ep_test:resident(),
    After - Before < Kilobytes orelse error({memory_grew, Before, After}).

killed_runtime_restarts_all(_) ->
    [begin
        Old = [py:context(N) || N <- [1, 2]],
        exit(whereis(py_runtime), kill),
        %% A context that can be found again is one of the new run.
        ep_test:wait_until(fun() ->
            New = [py:context(N) || N <- [1, 2]],
            Fresh = [C || C <- New, is_reference(C), not lists:member(C, Old)],
            [{ok, 4.0} = py:call(Context, math, sqrt, [16]) || Context <- Fresh],
            length(Fresh) =:= 2 andalso loops_serve()
        end),
        ok = ep_test:warm()
     end || _ <- lists:seq(1, 3)].

loops_serve() ->
    Keys = [{py_event_loop, default} | [{py_event_loop_pool, N} || N <- [1, 2]]],
    Loops = [persistent_term:get(Key, undefined) || Key <- Keys],
    lists:all(
        fun(Loop) -> {ok, 4.0} =:= py_event_loop:run_on(Loop, math, sqrt, [16], #{}) end, Loops
    ).

killed_supervisors(_) ->
    [begin
        Old = whereis(Name),
        exit(Old, kill),
        ep_test:wait_until(fun() -> New = whereis(Name), is_pid(New) andalso New =/= Old end),
        ep_test:wait_until(fun() ->
            {ok, 4.0} =:= py:call(math, sqrt, [16]) andalso
                {ok, 4.0} =:= py_event_loop:run(math, sqrt, [16]) andalso
                {ok, 3} =:= py:eval(<<"f(3)">>, #{f => fun(X) -> X end})
        end),
        ok = ep_test:warm()
     end || Name <- [py_context_sup, py_event_loop_sup, py_services_sup]].

killed_log_and_sender(_) ->
    [begin
        Old = whereis(Name),
        exit(Old, kill),
        ep_test:wait_until(fun() -> New = whereis(Name), is_pid(New) andalso New =/= Old end)
     end || Name <- [py_log, py_remote]],
    {ok, 4.0} = py:call(math, sqrt, [16]).

%% In a VM of its own, since the sandbox is settled when the interpreter starts.
child_processes_are_waited_for(_) ->
    Check =
        "{ok, _} = application:ensure_all_started(erlang_python), "
        "ok = py:exec(<<\"import subprocess, sys\">>), "
        "{ok, 7} = py:eval(<<\"subprocess.run([sys.executable, '-c', 'exit(7)']).returncode\">>), "
        "{ok, 0} = py:eval(<<\"subprocess.call(['/bin/true'])\">>), "
        %% The VM's own go on as before.
        "\"hello\\n\" = os:cmd(\"echo hello\"), "
        "Port = open_port({spawn, \"false\"}, [exit_status]), "
        "receive {Port, {exit_status, 1}} -> halt(42) end.",
    Vm = open_port({spawn_executable, os:find_executable("erl")}, [
        exit_status, stderr_to_stdout,
        {args, ["-noinput", "-pa", filename:dirname(code:which(py)),
            "-erlang_python", "sandbox", "false", "-eval", Check]}
    ]),
    42 = vm_status(Vm, []).

vm_status(Vm, Output) ->
    receive
        {Vm, {data, Data}} -> vm_status(Vm, [Output, Data]);
        {Vm, {exit_status, 42}} -> 42;
        {Vm, {exit_status, Status}} -> error({vm_failed, Status, lists:flatten(Output)})
    after 60000 -> error({vm_hangs, lists:flatten(Output)})
    end.

sys_executable_is_a_python(_) ->
    {ok, Executable} = py:eval(<<"sys.executable">>),
    {ok, Version} = py:version(),
    {match, _} = re:run(os:cmd(binary_to_list(Executable) ++ " --version"), Version),
    {ok, true} = py:eval(<<"threading.main_thread() is not None">>).

environment_of_the_application(_) ->
    ok = ep_test:stop(),
    ok = ep_test:start([{num_contexts, 3}, {event_loop_pool_size, 1}]),
    {ok, 4.0} = py:call(py:context(3), math, sqrt, [16]),
    ?assertError(_, py:context(4)),
    ok = ep_test:stop(),
    ok = application:set_env(erlang_python, event_loop_spin, 0),
    ok = ep_test:start(),
    {ok, 4.0} = py:call(math, sqrt, [16]),
    {ok, 4.0} = py_event_loop:run(math, sqrt, [16]),
    ok = ep_test:stop(),
    ok = application:set_env(erlang_python, event_loop_spin, 50),
    ok = ep_test:start().

bad_environment(_) ->
    ok = ep_test:stop(),
    [begin
        ok = application:set_env(erlang_python, Key, Value),
        {error, _} = application:ensure_all_started(erlang_python),
        ok = application:unset_env(erlang_python, Key)
     end || {Key, Value} <- [{num_contexts, 0}, {num_contexts, many}, {event_loop_pool_size, -1},
                             {event_loop_pool_size, 1.5}]],
    ok = ep_test:start().

%% Python itself has started then, and can't start a second time in the same node.
broken_package_is_told_each_time(Config) ->
    Copy = filename:join(proplists:get_value(priv_dir, Config), "erlang_python"),
    _ = os:cmd("mkdir -p " ++ Copy),
    [_ = os:cmd("cp -rL " ++ Dir ++ " " ++ Copy)
     || Dir <- [code:priv_dir(erlang_python), filename:dirname(code:which(py))]],
    Module = filename:join([Copy, "priv", "python", "erlang", "_hosted.py"]),
    ok = file:write_file(Module, "raise RuntimeError('broken on purpose')\n"),
    {ok, Peer, _} = peer:start_link(#{connection => standard_io,
                                      args => ["-pa", filename:join(Copy, "ebin")]}),
    [begin
        {error, Reason} = peer:call(Peer, application, ensure_all_started, [erlang_python]),
        {match, _} = re:run(io_lib:format("~p", [Reason]), "broken on purpose")
     end || _ <- [1, 2]],
    peer:stop(Peer).

%% The code server knows an application by the name of its folder only.
folder_of_any_name(Config) ->
    Folder = filename:join(proplists:get_value(priv_dir, Config), "a-checkout"),
    ok = file:make_symlink(code:lib_dir(erlang_python), Folder),
    %% The package, the library, and the spawner.
    Code =
        "{ok, _} = application:ensure_all_started(erlang_python),"
        "ok = py:exec(\""
        "import asyncio\\n"
        "async def program():\\n"
        "    return await (await asyncio.create_subprocess_exec('true')).wait()\\n"
        "\"),"
        "{ok, 0} = py:call('__main__', program, []),"
        "halt(0).",
    Args = ["-noinput", "-pa", filename:join(Folder, "ebin"), "-eval", Code],
    Env = [{"ERL_LIBS", false}],
    {0, <<>>, <<>>} = program:run(os:find_executable("erl"), Args, #{env => Env}),
    ok = file:delete(Folder).

rounds(Round) ->
    [Round() || _ <- lists:seq(1, 1000)],
    ep_test:collect(),
    Before = ep_test:snapshot(),
    Memory = ep_test:resident(),
    [Round() || _ <- lists:seq(1, 10000)],
    ok = ep_test:compare(Before, 20000),
    [] = ep_test:flush(),
    bounded(Memory, 15000).

rounds_of_calls_leak_nothing(_) ->
    Argument = #{a => [1, 2.5, <<"text">>, {self(), make_ref()}], <<"b">> => lists:seq(1, 20)},
    rounds(fun() ->
        {ok, _} = py:call(builtins, dict, [Argument]),
        {ok, _} = py:call('__main__', thing, [])
    end).

rounds_of_failures_leak_nothing(_) ->
    rounds(fun() ->
        ?EXCEPTION(_) = py:call('__main__', boom, []),
        {error, {not_found, _, _}} = py:call(math, nope, []),
        {error, {conversion, _, _}} = py:call(math, sqrt, [<<1:1>>])
    end).

rounds_of_tasks_leak_nothing(_) ->
    rounds(fun() ->
        {ok, 1} = py_event_loop:run('__main__', value_after, [0, 1]),
        ?EXCEPTION(_) = py_event_loop_pool:run('__main__', aboom, [])
    end).

rounds_of_timeouts_leak_nothing(_) ->
    rounds(fun() ->
        {error, timeout} = py_event_loop:run(asyncio, sleep, [1000], #{timeout => 0}),
        {error, timeout} = py:call(asyncio, sleep, [1000], #{}, 0)
    end).

rounds_of_callbacks_leak_nothing(_) ->
    F = fun(X) -> X end,
    rounds(fun() ->
        {ok, 1} = py:call(erlang, call, [F, 1]),
        {ok, 1} = py_event_loop:run(erlang, async_call, [F, 1]),
        ?EXCEPTION(<<"ErlangError">>) = py:call(erlang, call, [F, 1, 2])
    end).

rounds_of_contexts_leak_nothing(_) ->
    Round = fun() ->
        {ok, Context} = py_context:start_link(),
        {ok, 4.0} = py:call(Context, math, sqrt, [16]),
        {ok, none} = py:call(Context, asyncio, sleep, [0]),
        ok = py_context:stop(Context)
    end,
    few_rounds(Round).

rounds_of_loops_leak_nothing(_) ->
    few_rounds(fun() ->
        {ok, Loop} = py_nif:event_loop_new(),
        {ok, Worker} = py_event_worker:start_link(<<"worker">>, Loop),
        {ok, none} = py_event_loop:run_on(Loop, asyncio, sleep, [0.003], #{}),
        unlink(Worker),
        ok = gen_server:stop(Worker)
    end).

few_rounds(Round) ->
    [Round() || _ <- lists:seq(1, 100)],
    Before = ep_test:snapshot(),
    Memory = ep_test:resident(),
    [Round() || _ <- lists:seq(1, 500)],
    ok = ep_test:compare(Before, 20000),
    bounded(Memory, 15000).

%% @doc Signals for Python's loops, handed over by the VM. Those of Python's main thread, which only
%% bin/erlpy uses, are in test/python/test_loop_signals.py and erlpy_SUITE.
-module(signal_SUITE).
-include_lib("stdlib/include/assert.hrl").
-behaviour(gen_event).

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 60}}].

all() ->
    [
        every_signal_of_the_vm, all_loops_get_them, loops_of_threads, one_handler_a_loop,
        handler_that_fails, other_signals_are_not_implemented,
        bad_arguments, defaults_return_with_the_last, loops_that_close,
        loops_that_die, application_that_stops, crash_of_py_signal,
        handlers_in_erlang_go_on, own_disposition_returns, removed_standard_handler_stays_away,
        busy_loop_holds_up_no_other, default_of_sigterm
    ].

init_per_suite(Config) ->
    ok = ep_test:start(),
    Folder = unicode:characters_to_binary(proplists:get_value(data_dir, Config)),
    {ok, none} = py:call('sys', 'path.append', [Folder]),
    {ok, _} = py:call(handlers, number, [<<"SIGHUP">>]),
    Config.

end_per_suite(_Config) ->
    ep_test:stop().

init_per_testcase(_Case, Config) ->
    [{surroundings, surroundings()} | ep_test:before(Config)].

end_per_testcase(_Case, Config) ->
    ?assertEqual(proplists:get_value(surroundings, Config), surroundings()),
    ep_test:audit(Config).

%% What the VM does with signals.
surroundings() ->
    {ok, Status} = file:read_file("/proc/self/status"),
    {match, Masks} = re:run(Status, "Sig(Cgt|Ign):.*", [global, {capture, all, binary}]),
    {lists:sort(gen_event:which_handlers(erl_signal_server)), Masks}.

signals() ->
    [
        <<"SIGHUP">>, <<"SIGQUIT">>, <<"SIGABRT">>, <<"SIGALRM">>, <<"SIGTERM">>, <<"SIGUSR1">>,
        <<"SIGUSR2">>, <<"SIGCHLD">>, <<"SIGTSTP">>
    ].

on_loop(Function, Args) ->
    py_event_loop:run(handlers, Function, Args, #{timeout => 30000}).

pool_loops() ->
    [persistent_term:get({py_event_loop_pool, N}) || N <- [1, 2]].

every_signal_of_the_vm(_Config) ->
    [?assertEqual({Name, {ok, 3}}, {Name, on_loop(count, [Name, 3])}) || Name <- signals()],
    ok.

all_loops_get_them(_Config) ->
    Self = self(),
    ok = py_callback:register(ready, fun([Number]) -> Self ! {ready, Number}, ok end),
    Args = [<<"SIGUSR1">>, <<"ready">>],
    Task = #{timeout => 30000},
    Waiting = [
        spawn_monitor(fun() ->
            {ok, 1} = py_event_loop:run_on(Loop, handlers, wait_for_one, Args, Task)
        end)
     || Loop <- pool_loops()
    ] ++ [
        spawn_monitor(fun() -> {ok, 1} = py:call(py:context(N), handlers, wait_for_one, Args) end)
     || N <- [1, 2]
    ],
    [receive {ready, Number} -> Number end || _ <- Waiting],
    kill("USR1"),
    [normal = ep_test:down(Process) || Process <- Waiting],
    ok = py_callback:unregister(ready).

loops_of_threads(_Config) ->
    {ok, 2} = py:call(handlers, in_a_thread, [<<"SIGHUP">>, <<"run">>]).

one_handler_a_loop(_Config) ->
    {ok, [<<"second">>]} = on_loop(replace, []).

handler_that_fails(_Config) ->
    {ok, <<"ZeroDivisionError">>} = on_loop(handler_that_fails, []).

other_signals_are_not_implemented(_Config) ->
    Names = [<<"SIGINT">>, <<"SIGKILL">>, <<"SIGSTOP">>, <<"SIGSEGV">>, <<"SIGPIPE">>, 40],
    ?assertEqual(
        {ok, lists:duplicate(length(Names), <<"NotImplementedError">>)}, on_loop(refused, [Names])
    ),
    ?assertEqual({ok, [<<"ValueError">>, <<"ValueError">>]}, on_loop(refused, [[0, 1000]])).

bad_arguments(_Config) ->
    ?assertEqual({ok, lists:duplicate(3, <<"TypeError">>)}, on_loop(bad_arguments, [])).

defaults_return_with_the_last(Config) ->
    Before = proplists:get_value(surroundings, Config),
    [One, Two] = pool_loops(),
    On = fun(Loop, Function, Name) ->
        py_event_loop:run_on(Loop, handlers, Function, [Name], #{})
    end,
    {ok, none} = On(One, add, <<"SIGHUP">>),
    {ok, none} = On(Two, add, <<"SIGHUP">>),
    {ok, none} = On(Two, add, <<"SIGTERM">>),
    {Handlers, _} = surroundings(),
    ?assert(lists:member(py_signal_handler, Handlers)),
    ?assertNot(lists:member(erl_signal_handler, Handlers)),
    {ok, true} = On(One, remove, <<"SIGHUP">>),
    {ok, false} = On(One, remove, <<"SIGHUP">>),
    {ok, true} = On(Two, remove, <<"SIGTERM">>),
    ?assertNotEqual(Before, surroundings()),
    {ok, true} = On(Two, remove, <<"SIGHUP">>),
    ?assertEqual(Before, surroundings()).

loops_that_close(Config) ->
    Before = proplists:get_value(surroundings, Config),
    {ok, none} = py:call(handlers, in_a_thread, [<<"SIGHUP">>, <<"close">>]),
    ?assertEqual(Before, surroundings()),
    {ok, none} = py:call(handlers, in_a_thread, [<<"SIGHUP">>, <<"forget">>]),
    {ok, _} = py:call(gc, collect, []),
    ?assertEqual(Before, surroundings()).

loops_that_die(Config) ->
    Before = proplists:get_value(surroundings, Config),
    {ok, Context} = py_context:start_link(),
    {ok, none} = py:call(Context, handlers, add, [<<"SIGHUP">>]),
    ?assertNotEqual(Before, surroundings()),
    unlink(Context),
    exit(Context, kill),
    ep_test:wait_until(fun() -> surroundings() =:= Before end).

application_that_stops(Config) ->
    Before = proplists:get_value(surroundings, Config),
    {ok, none} = on_loop(add, [<<"SIGTERM">>]),
    ok = application:stop(erlang_python),
    ?assertEqual(Before, surroundings()),
    ok = ep_test:start(),
    {ok, 1} = on_loop(count, [<<"SIGTERM">>, 1]).

crash_of_py_signal(_Config) ->
    Self = self(),
    ok = py_callback:register(ready, fun(_) -> Self ! ready, ok end),
    Ref = py_event_loop:create_task(handlers, wait_for_one, [<<"SIGHUP">>, <<"ready">>]),
    receive ready -> ok end,
    Old = whereis(py_signal),
    exit(Old, kill),
    ep_test:wait_until(fun() -> not lists:member(whereis(py_signal), [Old, undefined]) end),
    kill("HUP"),
    {ok, 1} = py_event_loop:await(Ref),
    ok = py_callback:unregister(ready).

%% A handler of somebody else's gets all, as it would without us.
handlers_in_erlang_go_on(_Config) ->
    ok = gen_event:add_handler(erl_signal_server, ?MODULE, self()),
    ok = os:set_signal(sigusr2, handle),
    {ok, 1} = on_loop(count, [<<"SIGHUP">>, 1]),
    receive {signal, sighup} -> ok end,
    kill("USR2"),
    receive {signal, sigusr2} -> ok end,
    ok = os:set_signal(sigusr2, default),
    _ = gen_event:delete_handler(erl_signal_server, ?MODULE, stop),
    ok.

init(Owner) -> {ok, Owner}.
handle_event(Signal, Owner) -> Owner ! {signal, Signal}, {ok, Owner}.
handle_call(_Request, Owner) -> {ok, ok, Owner}.

own_disposition_returns(_Config) ->
    [begin
         ok = os:set_signal(sigusr2, Option),
         Before = surroundings(),
         {ok, 1} = on_loop(count, [<<"SIGUSR2">>, 1]),
         ?assertEqual({Option, Before}, {Option, surroundings()})
     end || Option <- [handle, ignore, default]],
    ok.

removed_standard_handler_stays_away(_Config) ->
    ok = gen_event:delete_handler(erl_signal_server, erl_signal_handler, stop),
    Others = gen_event:which_handlers(erl_signal_server),
    {ok, 1} = on_loop(count, [<<"SIGTERM">>, 1]),
    ?assertEqual(Others, gen_event:which_handlers(erl_signal_server)),
    ok = gen_event:add_handler(erl_signal_server, erl_signal_handler, []).

busy_loop_holds_up_no_other(_Config) ->
    Self = self(),
    ok = py_callback:register(entered, fun([]) -> Self ! entered, ok end),
    [One, Two] = pool_loops(),
    {ok, none} = py_event_loop:run_on(One, handlers, add, [<<"SIGHUP">>], #{}),
    Busy = spawn_monitor(fun() ->
        py_event_loop:run_on(One, handlers, block, [<<"entered">>, 1.0], #{})
    end),
    receive entered -> ok end,
    {ok, 3} = py_event_loop:run_on(Two, handlers, count, [<<"SIGHUP">>, 3], #{}),
    normal = ep_test:down(Busy),
    {ok, true} = py_event_loop:run_on(One, handlers, remove, [<<"SIGHUP">>], #{}),
    ok = py_callback:unregister(entered).

%% In a node of its own, which it ends.
default_of_sigterm(Config) ->
    Path = [Option || Folder <- code:get_path(), Option <- ["-pa", Folder]],
    {ok, Peer, _} = peer:start(#{connection => standard_io, args => Path}),
    Monitor = monitor(process, Peer),
    Call = fun(Module, Function, Args) -> peer:call(Peer, Module, Function, Args, 30000) end,
    {ok, _} = Call(application, ensure_all_started, [erlang_python]),
    Folder = unicode:characters_to_binary(proplists:get_value(data_dir, Config)),
    {ok, none} = Call(py, call, ['sys', 'path.append', [Folder]]),
    {ok, 2} = Call(?MODULE, on_loop, [count, [<<"SIGTERM">>, 2]]),
    %% Another signal is wanted now, and SIGTERM is the VM's.
    {ok, none} = Call(?MODULE, on_loop, [add, [<<"SIGHUP">>]]),
    "" = os:cmd("kill -TERM " ++ Call(os, getpid, [])),
    receive {'DOWN', Monitor, process, Peer, _} -> ok end.

kill(Name) ->
    "" = os:cmd("kill -" ++ Name ++ " " ++ os:getpid()),
    ok.

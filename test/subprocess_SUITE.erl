%% @doc Subprocesses of Python as the node sees them: who their parent is, and what happens when the
%% spawner, the application or the VM ends. test/python/test_subprocess.py has what programs see.
-module(subprocess_SUITE).
-include_lib("stdlib/include/assert.hrl").
-include_lib("kernel/include/file.hrl").

-compile([export_all, nowarn_export_all]).

-define(ANSWER(Text), {ok, {0, <<Text, "\n">>}}).

suite() -> [{timetrap, {seconds, 60}}].

all() ->
    [
        from_loops_and_contexts, many_at_once, two_hundred_leave_nothing, vm_is_never_forked,
        switched_off, spawner_is_killed, programs_outlive_the_spawner_and_are_reported,
        spawner_dies_while_a_program_starts, spawner_that_can_not_start,
        spawner_ends_with_the_application, spawner_ends_with_the_vm, strangers_are_not_let_in
    ].

init_per_suite(Config) ->
    ok = ep_test:start(),
    ok = load_programs(Config),
    ?ANSWER("warm") = on_loop(output, [<<"echo">>, <<"warm">>]),
    Config.

end_per_suite(_Config) ->
    ep_test:stop().

init_per_testcase(_Case, Config) ->
    true = exists(spawner()),
    ep_test:before(Config).

%% A spawner that has been replaced is another port.
end_per_testcase(_Case, Config) ->
    Snapshot = proplists:get_value(snapshot, Config),
    ep_test:compare(Snapshot#{ports := erlang:ports()}, 20000).

load_programs(Config) ->
    Folder = unicode:characters_to_binary(proplists:get_value(data_dir, Config)),
    ok = py:exec(<<"import sys">>),
    {ok, none} = py:call('sys', 'path.append', [Folder]),
    ok.

on_loop(Function, Args) ->
    py_event_loop:run(programs, Function, Args, #{timeout => 30000}).

from_loops_and_contexts(_Config) ->
    Args = [<<"echo">>, <<"hello">>],
    ?ANSWER("hello") = on_loop(output, Args),
    ?ANSWER("hello") = py:call(programs, output, Args),
    [?ANSWER("hello") = py:call(py:context(N), programs, output, Args) || N <- [1, 2]],
    Loops = [persistent_term:get({py_event_loop_pool, N}) || N <- [1, 2]],
    [?ANSWER("hello") = py_event_loop:run_on(Loop, programs, output, Args, #{}) || Loop <- Loops],
    %% A fun that Python calls, on the thread that waits for it.
    ok = py_callback:register(nested, fun([]) -> py:call(programs, output, Args) end),
    {ok, _} = py:eval(<<"__import__('erlang').call('nested')">>),
    ok = py_callback:unregister(nested).

many_at_once(_Config) ->
    Args = [10, <<"echo">>, <<"x">>],
    Refs = [py_event_loop:create_task(programs, outputs, Args) || _ <- lists:seq(1, 5)],
    Answers = lists:duplicate(10, {0, <<"x\n">>}),
    [?assertEqual({ok, Answers}, py_event_loop:await(Ref)) || Ref <- Refs],
    ok.

two_hundred_leave_nothing(_Config) ->
    {ok, Before} = py:call(programs, descriptors, []),
    SpawnersBefore = descriptors_of(spawner()),
    {ok, none} = on_loop(one_after_the_other, [200]),
    {ok, Before} = py:call(programs, descriptors, []),
    ep_test:wait_until(fun() -> descriptors_of(spawner()) =:= SpawnersBefore end),
    ep_test:wait_until(fun() -> children_of(spawner()) =:= [] end).

vm_is_never_forked(_Config) ->
    Before = children_of(own_pid()),
    {ok, Pid} = on_loop(start, [sleeper, <<"sleep">>, <<"1000">>]),
    ?assertEqual([Pid], children_of(spawner())),
    ?assertEqual(Before, children_of(own_pid())),
    {ok, -9} = on_loop(finish, [sleeper]),
    ep_test:wait_until(fun() -> children_of(spawner()) =:= [] end).

switched_off(_Config) ->
    ok = application:set_env(erlang_python, subprocess, false),
    try
        {error, {exception, #{type := <<"PermissionError">>, message := Message}}} =
            on_loop(output, [<<"true">>]),
        ?assertMatch({match, _}, re:run(Message, "switched off"))
    after
        ok = application:unset_env(erlang_python, subprocess)
    end,
    {ok, {0, <<>>}} = on_loop(output, [<<"true">>]).

spawner_is_killed(_Config) ->
    Spawner = spawner(),
    kill_spawner(),
    ?ANSWER("again") = on_loop(output, [<<"echo">>, <<"again">>]),
    ?assertNotEqual(Spawner, spawner()).

%% Their end is seen, though nobody can tell their status any more.
programs_outlive_the_spawner_and_are_reported(_Config) ->
    {ok, none} = py:call(programs, start_logging, []),
    {ok, Pid} = on_loop(start, [orphan, <<"sleep">>, <<"1000">>]),
    kill_spawner(),
    ?assert(exists(Pid)),
    {ok, 255} = on_loop(finish, [orphan]),
    {ok, [Line]} = py:call(programs, stop_logging, []),
    Unknown = "status of process " ++ integer_to_list(Pid) ++ " is unknown",
    ?assertMatch({match, _}, re:run(Line, Unknown)),
    ep_test:wait_until(fun() -> not exists(Pid) end).

spawner_dies_while_a_program_starts(_Config) ->
    Spawner = spawner(),
    {ok, none} = py:call(programs, stop_process, [Spawner]),
    Ref = py_event_loop:create_task(programs, output, [<<"true">>]),
    %% It has connected, since the listening socket does that by itself, and waits for an answer.
    kill_spawner(),
    case py_event_loop:await(Ref) of
        {error, {exception, #{type := <<"ConnectionError">>, message := Message}}} ->
            ?assertMatch({match, _}, re:run(Message, "has died"));
        {error, {exception, #{type := <<"ConnectionRefusedError">>}}} ->
            ok;
        {ok, {0, <<>>}} ->
            ?assertNotEqual(Spawner, spawner())
    end,
    {ok, {0, <<>>}} = on_loop(output, [<<"true">>]).

spawner_that_can_not_start(_Config) ->
    kill_spawner(),
    Program = filename:join(code:priv_dir(erlang_python), "erlang_python_spawner"),
    {ok, #file_info{mode = Mode}} = file:read_file_info(Program),
    ok = file:change_mode(Program, 8#600),
    try
        {error, {exception, #{type := <<"ConnectionError">>, message := Message}}} =
            on_loop(output, [<<"true">>]),
        ?assertMatch({match, _}, re:run(Message, "can't be started.*can't be executed"))
    after
        ok = file:change_mode(Program, Mode)
    end,
    {ok, {0, <<>>}} = on_loop(output, [<<"true">>]).

spawner_ends_with_the_application(Config) ->
    Spawner = spawner(),
    ok = application:stop(erlang_python),
    ep_test:wait_until(fun() -> not exists(Spawner) end),
    ok = ep_test:start(),
    ok = load_programs(Config),
    ?ANSWER("again") = on_loop(output, [<<"echo">>, <<"again">>]).

spawner_ends_with_the_vm(_Config) ->
    Path = [Option || Folder <- code:get_path(), Option <- ["-pa", Folder]],
    {ok, Peer, _} = peer:start_link(#{connection => standard_io, args => Path}),
    {ok, _} = peer:call(Peer, application, ensure_all_started, [erlang_python], 30000),
    {ok, _} = peer:call(Peer, py, call, ['asyncio', create_subprocess_exec, [<<"true">>]]),
    Spawner = peer:call(Peer, ?MODULE, spawner, []),
    ?assert(exists(Spawner)),
    Vm = peer:call(Peer, os, getpid, []),
    "" = os:cmd("kill -KILL " ++ Vm),
    unlink(Peer),
    ep_test:wait_until(fun() -> not exists(Spawner) end).

strangers_are_not_let_in(_Config) ->
    {Socket, _} = gen_server:call(py_spawner, spawner),
    {ok, Stranger} = socket:open(local, stream),
    %% We are the VM, so we are let in, and shown the door for a bad request.
    ok = socket:connect(Stranger, #{family => local, path => <<0, Socket/binary>>}),
    ok = socket:send(Stranger, <<4:32/native, "what">>),
    {ok, <<2:32/native, 22:32/native, 2:32/native, 0:32>>} = socket:recv(Stranger, 16, 5000),
    ok = socket:close(Stranger),
    %% Another process is none of its clients.
    Code = <<"import socket,sys; s = socket.socket(socket.AF_UNIX); "
             "s.connect(chr(0) + sys.argv[1]); print(s.recv(1))">>,
    {ok, {0, <<"b''\n">>}} =
        on_loop(output, [<<"/usr/bin/python3">>, <<"-c">>, Code, Socket]).

%% The process id of the port program.
spawner() ->
    {_Socket, Pid} = gen_server:call(py_spawner, spawner),
    Pid.

kill_spawner() ->
    Pid = spawner(),
    [Port] = [P || P <- erlang:ports(), erlang:port_info(P, os_pid) =:= {os_pid, Pid}],
    "" = os:cmd("kill -KILL " ++ integer_to_list(Pid)),
    ep_test:wait_until(fun() -> erlang:port_info(Port) =:= undefined end),
    %% It has seen that, too.
    _ = sys:get_state(py_spawner),
    ok.

own_pid() -> list_to_integer(os:getpid()).

children_of(Pid) ->
    Tasks = filelib:wildcard(lists:concat(["/proc/", Pid, "/task/*/children"])),
    lists:sort([list_to_integer(Child) || Task <- Tasks, Child <- words(Task)]).

words(File) ->
    case file:read_file(File) of
        {ok, Text} -> string:lexemes(binary_to_list(Text), " \n");
        {error, _} -> []
    end.

descriptors_of(Pid) ->
    {ok, Names} = file:list_dir(lists:concat(["/proc/", Pid, "/fd"])),
    length(Names).

%% A zombie does not count.
exists(Pid) ->
    case file:read_file(lists:concat(["/proc/", Pid, "/status"])) of
        {ok, Status} -> re:run(Status, "State:\\s+Z") =:= nomatch;
        {error, _} -> false
    end.

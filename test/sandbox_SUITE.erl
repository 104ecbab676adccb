%% @doc Python can neither fork the VM nor replace it, unless an operator allows it.
-module(sandbox_SUITE).
-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 120}}].

all() ->
    [
        every_attempt_is_refused, in_every_thread, in_other_interpreters,
        the_library_gets_over_it, subprocesses_of_asyncio_work, switched_off,
        erlpy_has_it_too, control_of_subprocess_tests
    ].

init_per_suite(Config) ->
    ok = ep_test:start(),
    ok = load_attempts(Config),
    {ok, 0} = py:call(attempts, allowed, []),
    Config.

end_per_suite(_Config) ->
    ep_test:stop().

init_per_testcase(_Case, Config) -> ep_test:before(Config).

%% multiprocessing itself leaves its pipes open if it can't fork.
end_per_testcase(Case, Config) when Case =:= every_attempt_is_refused; Case =:= in_every_thread ->
    Snapshot = proplists:get_value(snapshot, Config),
    ep_test:compare(Snapshot#{descriptors := ep_test:descriptors()}, 20000);
end_per_testcase(_Case, Config) ->
    ep_test:audit(Config).

load_attempts(Config) ->
    {ok, none} = py:call('sys', 'path.append', [data_dir(Config)]),
    ok.

data_dir(Config) ->
    unicode:characters_to_binary(proplists:get_value(data_dir, Config)).

names() ->
    {ok, Names} = py:call(attempts, names, []),
    Names.

every_attempt_is_refused(_Config) ->
    [refused(Name, py:call(attempts, attempt, [Name])) || Name <- names()],
    [refused(Name, py_event_loop:run(attempts, attempt, [Name])) || Name <- names()],
    ok.

in_every_thread(_Config) ->
    [refused(Name, py:call(attempts, in_a_thread, [Name])) || Name <- names()],
    ok.

refused(Name, Result) ->
    {_, {error, {exception, #{type := Type, message := Message}}}} = {Name, Result},
    ?assertEqual({Name, <<"PermissionError">>}, {Name, Type}),
    Alternatives = "use asyncio.create_subprocess_exec\\(\\), or an Erlang port",
    ?assertMatch({match, _}, re:run(Message, Alternatives)).

in_other_interpreters(_Config) ->
    case py:call(attempts, in_another_interpreter, []) of
        {ok, none} -> {skip, "this Python has no module to make interpreters with"};
        {ok, Errors} -> ?assertEqual(lists:duplicate(3, <<"PermissionError">>), Errors)
    end.

the_library_gets_over_it(_Config) ->
    ?assertEqual({ok, [true, true, true]}, py:call(attempts, harmless, [])).

subprocesses_of_asyncio_work(_Config) ->
    ?assertEqual({ok, 0}, py:call(attempts, allowed, [])).

%% In another node, since it lasts for the life of a VM.
switched_off(Config) ->
    Path = [Option || Folder <- code:get_path(), Option <- ["-pa", Folder]],
    Args = ["-erlang_python", "sandbox", "false" | Path],
    {ok, Peer, _} = peer:start_link(#{connection => standard_io, args => Args}),
    {ok, _} = peer:call(Peer, application, ensure_all_started, [erlang_python], 30000),
    {ok, none} = peer:call(Peer, py, call, ['sys', 'path.append', [data_dir(Config)]]),
    [{ok, none} = peer:call(Peer, py, call, [attempts, attempt, [Name]], 30000)
     || Name <- [<<"os.system">>, <<"subprocess.run">>, <<"os.popen">>]],
    ok = peer:stop(Peer).

erlpy_has_it_too(_Config) ->
    Code = "import os; print(os.system('true'))",
    {1, Refused} = erlpy(["-c", Code]),
    ?assertMatch({match, _}, re:run(Refused, "PermissionError: .*os.system\\(\\) can't be used")),
    [?assertEqual({0, <<"0\n">>}, erlpy(Options ++ ["-c", Code]))
     || Options <- [["--no-sandbox"], ["--loop", "asyncio"]]],
    ok.

%% What test/python/test_subprocess.py says of our loop holds for the standard one, which forks.
control_of_subprocess_tests(_Config) ->
    Args = ["--no-sandbox", "-m", "unittest", "test_subprocess"],
    {Status, Output} = erlpy(Args, #{cd => project:file("test/python")}),
    Status =:= 0 orelse ct:fail("~ts", [Output]),
    ?assertEqual(nomatch, re:run(Output, "keeps the standard library from forking")).

erlpy(Args) ->
    erlpy(Args, #{}).

erlpy(Args, Options) ->
    {Status, Stdout, Stderr} = program:run(project:file("bin/erlpy"), Args, Options),
    {Status, <<Stdout/binary, Stderr/binary>>}.

%% The module _erlang as an ordinary extension of a python3 that is in no node. There, too,
%% scripts/test runs test/python and the conformance tests.
-module(plain_SUITE).

-include_lib("stdlib/include/assert.hrl").

-export([all/0, suite/0]).
-export([runs_programs/1, what_needs_erlang_says_so/1, loops_in_subinterpreters_and_forks/1]).
-export([installed_from_a_wheel/1, of_another_python/1]).

suite() -> [{timetrap, {minutes, 10}}].

all() ->
    [
        runs_programs,
        what_needs_erlang_says_so,
        loops_in_subinterpreters_and_forks,
        installed_from_a_wheel,
        of_another_python
    ].

runs_programs(Config) ->
    {0, Out, Err} = run(Config, "programs.py", [project:file("test/python/certificates")]),
    ?assertEqual({<<"served\nsecret\n42\nsignalled\n">>, <<>>}, {Out, Err}).

what_needs_erlang_says_so(Config) ->
    {0, Out, Err} = run(Config, "absent.py"),
    ?assertEqual({<<"11 said so\n">>, <<>>}, {Out, Err}).

loops_in_subinterpreters_and_forks(Config) ->
    {0, Out, Err} = run(Config, "copies.py"),
    ?assertEqual({<<"parent\nchild\nparent\n">>, <<>>}, {Out, Err}).

installed_from_a_wheel(Config) ->
    Venv = filename:join(proplists:get_value(priv_dir, Config), "venv"),
    {0, _, _} = program:run(python(), ["-m", "venv", "--without-pip", Venv]),
    Python = filename:join([Venv, "bin", "python3"]),
    Wheel = wheel(filename:join(Venv, "wheels")),
    Site = string:trim(element(2, program:run(Python, ["-c", site_packages()]))),
    %% What pip would do, which a Python need not have.
    {ok, _} = zip:unzip(Wheel, [{cwd, binary_to_list(Site)}]),
    Code = "import asyncio, erlang; erlang.run(asyncio.sleep(0)); print(erlang.__path__[0])",
    {0, Where, <<>>} = program:run(Python, ["-c", Code], #{env => [{"PYTHONPATH", false}]}),
    ?assertMatch({0, _}, binary:match(Where, unicode:characters_to_binary(Venv))),
    ?assertEqual(Wheel, wheel(filename:dirname(Wheel))).

of_another_python(Config) ->
    Dir = proplists:get_value(priv_dir, Config),
    Copy = filename:join(Dir, "erlang"),
    ok = file:make_symlink(filename:join(packages(), "erlang"), Copy),
    {1, _, Err} = program:run(python(), ["-c", "import erlang"], #{env => [{"PYTHONPATH", Dir}]}),
    ?assertMatch({match, _}, re:run(Err, "No module named '_erlang'")).

site_packages() -> "import sysconfig; print(sysconfig.get_path('platlib'))".

run(Config, Program) ->
    run(Config, Program, []).

run(Config, Program, Arguments) ->
    Path = filename:join(proplists:get_value(data_dir, Config), Program),
    Env = [{"PYTHONPATH", packages()}],
    program:run(python(), ["-X", "dev", Path | Arguments], #{env => Env}).

wheel(Folder) ->
    {0, Out, <<>>} = program:run(python(), [project:file("scripts/wheel"), Folder]),
    binary_to_list(string:trim(Out)).

python() -> os:getenv("PYTHON", "/usr/bin/python3").

packages() -> filename:join(code:priv_dir(erlang_python), "python").

%% @doc What people meet before anything runs: `make help', and one clear line for whatever the
%% build needs and does not find.
-module(build_SUITE).

-include_lib("common_test/include/ct.hrl").
-include_lib("stdlib/include/assert.hrl").

-export([all/0, init_per_testcase/2, end_per_testcase/2]).
-export([
    all_is_there/1,
    python_is_picked/1,
    no_compiler/1,
    old_compiler/1,
    no_erlang/1,
    broken_erlang/1,
    no_erlang_headers/1,
    no_python/1,
    old_python/1,
    old_python_of_another_syntax/1,
    no_python_headers/1,
    no_shared_python/1,
    not_a_python/1,
    build_stops_with_that_line/1,
    cmake_stops_with_that_line/1,
    copied_checkout_is_built_anew/1,
    what_decides_builds_anew/1,
    binaries_are_stripped/1,
    make_help_lists_every_target/1,
    setup_does_nothing_when_all_is_there/1,
    setup_installs_what_is_missing/1,
    setup_says_what_sudo_is_for/1,
    setup_asks_as_root_which_python_there_is/1,
    setup_without_sudo/1,
    setup_elsewhere/1
]).

all() ->
    [
        all_is_there, python_is_picked, no_compiler, old_compiler, no_erlang, broken_erlang,
        no_erlang_headers, no_python, old_python, old_python_of_another_syntax, no_python_headers,
        no_shared_python, not_a_python, build_stops_with_that_line, cmake_stops_with_that_line,
        copied_checkout_is_built_anew, what_decides_builds_anew, binaries_are_stripped,
        make_help_lists_every_target, setup_does_nothing_when_all_is_there,
        setup_installs_what_is_missing, setup_says_what_sudo_is_for,
        setup_asks_as_root_which_python_there_is, setup_without_sudo, setup_elsewhere
    ].

init_per_testcase(Case, Config) ->
    Bin = filename:join(?config(priv_dir, Config), Case),
    ok = filelib:ensure_dir(filename:join(Bin, "x")),
    [{bin, Bin} | Config].

end_per_testcase(_Case, Config) ->
    ok = file:del_dir_r(?config(bin, Config)).

all_is_there(_Config) ->
    {0, Report, <<>>} = configure([]),
    [
        ?assertMatch({match, _}, re:run(Report, "^" ++ Key ++ "=.+$", [multiline]))
     || Key <- [
            "EP_ERLANG_INCLUDE_DIR", "EP_PYTHON_EXECUTABLE", "EP_PYTHON_VERSION",
            "EP_PYTHON_INCLUDE_DIR", "EP_LIBPYTHON", "EP_LIBPYTHON_SONAME"
        ]
    ].

python_is_picked(Config) ->
    Python = filename:join(?config(bin, Config), "python3"),
    ok = file:make_symlink(python(), Python),
    {0, Report, <<>>} = configure([{"PYTHON", Python}]),
    ?assertMatch({_, _}, binary:match(Report, iolist_to_binary(["EXECUTABLE=", Python, "\n"]))).

no_compiler(_Config) ->
    complains([{"CXX", "no-such-compiler -O2"}], "no C\\+\\+ compiler: no-such-compiler not found").

old_compiler(Config) ->
    Compiler = script(Config, "c++", "echo 'error: concepts' >&2; exit 1"),
    complains([{"CXX", Compiler}], "does not do C\\+\\+20; install a newer").

%% All that is needed, but for `erl'.
no_erlang(Config) ->
    [
        ok = file:make_symlink(os:find_executable(Tool), filename:join(?config(bin, Config), Tool))
     || Tool <- ["bash", "dirname", "env", "c++"]
    ],
    complains([{"PATH", ?config(bin, Config)}], "no Erlang: erl not found; install erlang-dev").

broken_erlang(Config) ->
    _ = script(Config, "erl", "exit 1"),
    complains([path(Config)], "erl does not start").

no_erlang_headers(Config) ->
    _ = script(Config, "erl", "echo 13.1 /nowhere"),
    complains([path(Config)], "no erl_nif.h under /nowhere; install erlang-dev").

no_python(_Config) ->
    complains([{"PYTHON", "/no/such/python3"}], "no Python: /no/such/python3 not found").

old_python(Config) ->
    Python = patched(Config, "sys.version_info = (3, 10, 4, 'final', 0)"),
    complains([{"PYTHON", Python}], "\\(Python 3.10\\) is too old: Python 3.11 or newer is needed").

%% It must not be given options or a syntax that it does not know.
old_python_of_another_syntax(Config) ->
    Python = script(Config, "python2",
        "for arg; do\n"
        "  case $arg in -E | -s | *.py) ;; *) echo \"unknown $arg\"; exit 2 ;; esac\n"
        "done\n"
        "exec " ++ patched(Config, "sys.version_info = (2, 7, 18, 'final', 0)") ++ " \"$@\""),
    complains([{"PYTHON", Python}], "\\(Python 2.7\\) is too old: Python 3.11 or newer is needed").

no_python_headers(Config) ->
    Python = patched(Config, "sysconfig.get_path = lambda name: '/nowhere'"),
    complains([{"PYTHON", Python}], "has no Python.h in /nowhere; install libpython3.*-dev").

no_shared_python(Config) ->
    Python = patched(Config, "sysconfig.get_config_var = lambda name: None"),
    complains([{"PYTHON", Python}], "has no shared libpython; install libpython3.*-dev").

not_a_python(Config) ->
    [
        complains([{"PYTHON", Program}], "does not run Python code; set PYTHON")
     || Program <- ["true", script(Config, "quiet", "exit 1"), script(Config, "loud", "echo hello")]
    ].

%% With neither a page of CMake's nor one of the shell's.
build_stops_with_that_line(Config) ->
    Env = [{"PYTHON", "/no/such/python3"}, {"EP_BUILD_DIR", ?config(bin, Config)}],
    {1, <<>>, Line} = program:run(project:file("scripts/build"), [], #{env => Env}),
    ?assertMatch({match, _}, re:run(Line, "^erlang_python: no Python: [^\n]*\n$")).

cmake_stops_with_that_line(Config) ->
    Args = ["-S", project:file("c_src"), "-B", ?config(bin, Config), "-DPYTHON=/no/such/python3"],
    {1, _, Text} = program:run(os:find_executable("cmake"), Args),
    ?assertMatch({match, _}, re:run(Text, "^  erlang_python: no Python: /no/such", [multiline])).

%% On a checkout that is a copy of scripts and of the smallest thing that CMake builds.

copied_checkout_is_built_anew(Config) ->
    Checkout = checkout(Config, "first"),
    {0, _, <<>>} = build(Checkout, []),
    Copy = filename:join(?config(bin, Config), "second"),
    [] = os:cmd(lists:concat(["cp -a ", Checkout, " ", Copy])),
    ?assertEqual(Checkout, built_in(Checkout)),
    {0, _, <<>>} = build(Copy, []),
    ?assertEqual(Copy, built_in(Copy)),
    Moved = filename:join(?config(bin, Config), "third"),
    ok = file:rename(Copy, Moved),
    {0, _, <<>>} = build(Moved, []),
    ?assertEqual(Moved, built_in(Moved)),
    %% And the first is as it was.
    ?assertEqual(Checkout, built_in(Checkout)).

what_decides_builds_anew(Config) ->
    Checkout = checkout(Config, "checkout"),
    Compiler = script(Config, "my-c++", "exec c++ \"$@\""),
    Python = filename:join(?config(bin, Config), "my-python3"),
    ok = file:make_symlink(python(), Python),
    Builds = [
        {"the same", [], false},
        {"compiler", [{"CXX", Compiler}], true},
        {"compiler again", [{"CXX", Compiler}], false},
        {"no compiler", [], true},
        {"Python", [{"PYTHON", Python}], true},
        {"flags", [{"PYTHON", Python}, {"CXXFLAGS", "-O1"}], true},
        {"flags again", [{"PYTHON", Python}, {"CXXFLAGS", "-O1"}], false}
    ],
    {0, _, <<>>} = build(Checkout, []),
    lists:foreach(
        fun({What, Env, Anew}) ->
            Mark = filename:join(Checkout, "_build/cmake/mark"),
            ok = file:write_file(Mark, <<>>),
            {0, _, <<>>} = build(Checkout, Env),
            ?assertEqual({What, Anew}, {What, not filelib:is_file(Mark)}),
            {ok, Cache} = file:read_file(filename:join(Checkout, "_build/cmake/CMakeCache.txt")),
            [
                ?assertMatch({_, _}, binary:match(Cache, list_to_binary(Value)), What)
             || {_, Value} <- Env
            ]
        end,
        Builds
    ).

checkout(Config, Name) ->
    Checkout = filename:join(?config(bin, Config), Name),
    ok = filelib:ensure_dir(filename:join([Checkout, "c_src", "x"])),
    ok = filelib:ensure_dir(filename:join([Checkout, "priv", "x"])),
    Scripts = filename:dirname(project:file("scripts/build")),
    [] = os:cmd(lists:concat(["cp -aL ", Scripts, " ", Checkout])),
    ok = file:write_file(filename:join(Checkout, "c_src/CMakeLists.txt"), [
        "cmake_minimum_required(VERSION 3.22)\n"
        "project(x LANGUAGES CXX)\n"
        "set(PYTHON \"\" CACHE STRING \"\")\n"
        "add_executable(x x.cc)\n"
    ]),
    ok = file:write_file(filename:join(Checkout, "c_src/x.cc"), "int main() { return 0; }\n"),
    Checkout.

build(Checkout, Env) ->
    Names = ["CXX", "CXXFLAGS", "PYTHON", "EP_BUILD_DIR"],
    Unset = [{Name, false} || Name <- Names, not lists:keymember(Name, 1, Env)],
    program:run(filename:join(Checkout, "scripts/build"), [], #{env => Unset ++ Env}).

%% The checkout that the cache of a build is of.
built_in(Checkout) ->
    {ok, Cache} = file:read_file(filename:join(Checkout, "_build/cmake/CMakeCache.txt")),
    Line = "^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)/c_src$",
    {match, [Home]} = re:run(Cache, Line, [multiline, {capture, [1], list}]),
    Home.

binaries_are_stripped(_Config) ->
    Priv = code:priv_dir(erlang_python),
    [
        begin
            {0, Sections, _} = program:run(
                os:find_executable("readelf"), ["-SW", filename:join(Priv, Binary)]
            ),
            ?assertEqual(nomatch, re:run(Sections, "\\.(debug_|symtab)"), Binary),
            ?assertMatch({match, _}, re:run(Sections, "\\.gnu_debuglink"), Binary)
        end
     || Binary <- ["erlang_python_nif.so", "erlang_python_spawner"]
    ].

make_help_lists_every_target(_Config) ->
    Root = filename:dirname(project:file("Makefile")),
    Make = os:find_executable("make"),
    Args = ["--no-print-directory", "-C", Root, "help", "PYTHON=/my/python3"],
    {0, Help, <<>>} = program:run(Make, Args, #{env => [{"MAKEFLAGS", false}]}),
    {ok, Makefile} = file:read_file(project:file("Makefile")),
    {match, [Phony]} = re:run(Makefile, "^\\.PHONY: (.*)$", [multiline, {capture, [1], list}]),
    [
        ?assertMatch({match, _}, re:run(Help, "^  make " ++ Target ++ " +\\w", [multiline]), Target)
     || Target <- string:lexemes(Phony, " ")
    ],
    ?assertMatch({_, _}, binary:match(Help, <<"(now /my/python3)">>)).

%% On a Debian of scripts, where `rebar3' may be missing.

setup_does_nothing_when_all_is_there(Config) ->
    ok = debian(Config, [], "0"),
    [{0, <<>>, <<>>} = setup(Config, Groups) || Groups <- [[], ["demo"], ["test"], ["bench"]]].

setup_installs_what_is_missing(Config) ->
    ok = debian(Config, ["rebar3", "python3-aiohttp"], "0"),
    {0, Output, <<>>} = setup(Config, ["demo"]),
    ?assertEqual(
        [
            <<"erlang_python: installing: python3-aiohttp rebar3">>,
            <<"apt-get update -q">>,
            <<"apt-get install -qy --no-install-recommends python3-aiohttp rebar3">>
        ],
        lines(Output)
    ),
    {0, OfBuild, <<>>} = setup(Config, []),
    ?assertEqual(nomatch, binary:match(OfBuild, <<"aiohttp">>)).

setup_says_what_sudo_is_for(Config) ->
    ok = debian(Config, ["rebar3"], "1000"),
    _ = script(Config, "sudo", "echo \"sudo: $*\""),
    {0, Output, <<>>} = setup(Config, []),
    [
        <<"erlang_python: installing with sudo apt-get: rebar3">>,
        <<"sudo: apt-get update -q">>,
        <<"sudo: env DEBIAN_FRONTEND=noninteractive apt-get install ", _/binary>>
    ] = lines(Output).

%% The first command on a machine whose apt has no lists yet.
setup_asks_as_root_which_python_there_is(Config) ->
    ok = debian(Config, ["rebar3"], "1000"),
    Lists = filename:join(?config(bin, Config), "lists"),
    _ = script(Config, "apt-cache", "test -e " ++ Lists ++ " && echo '  Candidate: 3.11.2-1'"),
    _ = script(Config, "sudo", "echo \"sudo: $*\"; touch " ++ Lists),
    {0, Output, <<>>} = setup(Config, ["test"]),
    ?assertEqual(
        [
            <<"erlang_python: asking apt which packages there are">>,
            <<"sudo: apt-get update -q">>,
            <<"erlang_python: installing with sudo apt-get: rebar3">>
        ],
        lists:sublist(lines(Output), 3)
    ),
    ?assertMatch([_], [Line || <<"sudo: apt-get update", _/binary>> = Line <- lines(Output)]).

setup_without_sudo(Config) ->
    ok = debian(Config, ["rebar3"], "1000"),
    Path = [{"PATH", ?config(bin, Config) ++ ":" ++ without("sudo", Config)}],
    {1, <<>>, <<"erlang_python: as root, please: apt-get install rebar3\n">>} = setup_in(Path, []).

setup_elsewhere(Config) ->
    Path = [{"PATH", without("dpkg-query", Config)}],
    {0, <<>>, Stderr} = setup_in(Path, []),
    [<<"erlang_python: no Debian here; these must be there by other means:">>, Names] =
        lines(Stderr),
    ?assertMatch({_, _}, binary:match(Names, <<"rebar3">>)).

debian(Config, Missing, User) ->
    _ = script(Config, "dpkg-query", [
        "for name; do case $name in -* | *{* | ", lists:join(" | ", ["''" | Missing]), ") ;;\n"
        "  *) echo \"installed $name\" ;;\n"
        "esac; done"
    ]),
    _ = script(Config, "apt-get", "echo \"apt-get $*\""),
    _ = script(Config, "id", ["echo ", User]),
    ok.

setup(Config, Groups) ->
    setup_in([path(Config)], Groups).

setup_in(Env, Groups) ->
    program:run(project:file("scripts/setup"), Groups, #{env => Env}).

%% A folder with the programs that scripts/setup calls, save one.
without(Hidden, Config) ->
    Tools = ["bash", "env", "sed", "sort", "comm", "xargs", "echo", "id", "head", "grep",
             "dirname"],
    Folder = filename:join(?config(bin, Config), "tools"),
    ok = filelib:ensure_dir(filename:join(Folder, "x")),
    [
        ok = file:make_symlink(os:find_executable(Tool), filename:join(Folder, Tool))
     || Tool <- Tools, Tool =/= Hidden
    ],
    Folder.

lines(Text) ->
    binary:split(Text, <<"\n">>, [global, trim]).

complains(Env, What) ->
    {Status, Stdout, Stderr} = configure(Env),
    ?assertMatch(
        {1, {match, _}},
        {Status, re:run(Stderr, "^erlang_python: [^\n]*" ++ What ++ "[^\n]*\n$")},
        {Stdout, Stderr}
    ).

configure(Env) ->
    Defaults = [{Name, false} || Name <- ["CXX", "PYTHON"], not lists:keymember(Name, 1, Env)],
    program:run(project:file("scripts/configure"), [], #{env => Defaults ++ Env}).

python() ->
    #{executable := Python} = py_nif:build_info(),
    binary_to_list(Python).

path(Config) ->
    {"PATH", ?config(bin, Config) ++ ":" ++ os:getenv("PATH")}.

script(Config, Name, Code) ->
    File = filename:join(?config(bin, Config), Name),
    ok = file:write_file(File, ["#!/bin/sh\n", Code, "\n"]),
    ok = file:change_mode(File, 8#755),
    File.

%% A Python that is not what it is.
patched(Config, Code) ->
    Main = filename:join(?config(bin, Config), "patched.py"),
    ok = file:write_file(Main, [
        "import sys, sysconfig\n",
        Code, "\n",
        "sys.argv = [arg for arg in sys.argv[1:] if not arg.startswith('-')]\n"
        "exec(open(sys.argv[0]).read())\n"
    ]),
    script(Config, "python3", ["exec ", python(), " ", Main, " \"$@\""]).

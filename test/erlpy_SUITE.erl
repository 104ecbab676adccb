%% @doc bin/erlpy: the same programs under it and under python3, with the same outcome.
-module(erlpy_SUITE).

-include_lib("common_test/include/ct.hrl").
-include_lib("stdlib/include/assert.hrl").

-export([suite/0, all/0, groups/0, init_per_suite/1, end_per_suite/1]).
-export([init_per_group/2, end_per_group/2]).
-export([arguments/1, code/1, module/1, standard_input/1, files/1, not_found/1]).
-export([surroundings/1, environment/1, closed_streams/1, bytes_as_arguments/1]).
-export([ending/1, killed_by_sigint/1, forked/1]).
-export([child/1, children_on_a_terminal/1, children_of_a_closed_terminal/1]).
-export([no_spawner_is_left/1, another_spawner_when_that_is_killed/1]).
-export([signalled/1, ignored_from_the_start/1, terminal/1]).
-export([loops/1, tests_of_the_package/1, http_server/1, aiohttp_server/1]).
-export([connections_cut_at_random/1]).
-export([with_erlang/1, log_records/1, node_that_stops/1, register_stop/0]).
-export([help/1, wrong_options/1, from_anywhere/1, not_built/1, vm_options/1]).

-define(BOTH(Config, Args), ?BOTH(Config, Args, #{})).
-define(BOTH(Config, Args, Options),
    ?assertEqual(stable(python(Config, Args, Options)), stable(erlpy(Config, Args, Options)))
).

suite() ->
    [{timetrap, {minutes, 5}}].

all() ->
    [
        {group, start}, {group, ending}, {group, forks}, {group, children}, {group, signals},
        {group, programs}, {group, command}
    ].

groups() ->
    [
        {start, [], [
            arguments, code, module, standard_input, files, not_found,
            surroundings, environment, closed_streams, bytes_as_arguments
        ]},
        {ending, [], [{group, list_to_atom(Name)} || Name <- endings()] ++ [killed_by_sigint]},
        {forks, [], [{group, list_to_atom("fork " ++ Name)} || Name <- forks()]},
        {children, [], [{group, list_to_atom("child " ++ Name)} || Name <- children()] ++ [
            children_on_a_terminal, children_of_a_closed_terminal, no_spawner_is_left,
            another_spawner_when_that_is_killed
        ]},
        {signals, [],
            [{group, list_to_atom(Signal ++ " " ++ Name)} || {Name, Signal} <- signals()] ++
                [ignored_from_the_start, terminal]},
        {programs, [], [
            loops, tests_of_the_package, http_server, aiohttp_server, connections_cut_at_random,
            with_erlang, log_records, node_that_stops
        ]},
        {command, [], [help, wrong_options, from_anywhere, not_built, vm_options]}
    ] ++ [{list_to_atom(Name), [], [ending]} || Name <- endings()] ++
        [{list_to_atom("fork " ++ Name), [], [forked]} || Name <- forks()] ++
        [{list_to_atom("child " ++ Name), [], [child]} || Name <- children()] ++
        [{list_to_atom(Signal ++ " " ++ Name), [], [signalled]} || {Name, Signal} <- signals()].

%% Functions of endings.py.
endings() ->
    [
        "falls_off_its_end", "exit_7", "exit_minus_1", "exit_300", "exit_none", "exit_text",
        "exit_object", "exit_in_coroutine", "os_exit", "exception", "exception_chain",
        "exception_in_coroutine", "exception_group", "syntax_error", "generator_exit",
        "keyboard_interrupt", "own_excepthook", "broken_excepthook", "threads", "daemon_threads",
        "exception_in_thread", "thread_pool", "at_exit", "unclosed_file",
        "unclosed_file_and_daemon", "finalizers", "full_disk", "replaced_stdout",
        "stdout_without_flush", "much_output", "never_awaited"
    ].

%% Functions of forks.py.
forks() ->
    [
        "falls_off_its_end", "exit_3", "exit_text", "os_exit", "exception", "keyboard_interrupt",
        "signalled", "handler_that_exits", "at_exit", "threads", "grandchild", "own_loop",
        "in_a_coroutine", "subprocess_of_child", "in_a_thread", "unclosed_file",
        "logging_of_child", "process", "pool", "process_pool", "prefork_server"
    ].

%% Functions of children.py.
children() ->
    [
        "family", "signals", "inheritance", "own_group", "ends", "waited_for", "sigchld",
        "own_terminal"
    ].

%% Functions of signals.py, and the signal that each is sent when it is ready.
signals() ->
    [
        {"sleeping", "INT"}, {"sleeping", "TERM"}, {"sleeping", "HUP"}, {"sleeping", "USR1"},
        {"sleeping", "USR2"}, {"sleeping", "ALRM"}, {"sleeping", "KILL"},
        {"busy", "INT"}, {"busy", "TERM"},
        {"waiting_for_a_lock", "INT"}, {"reading_a_pipe", "INT"}, {"pausing", "USR1"},
        {"in_a_coroutine", "INT"}, {"caught", "INT"},
        {"caught_and_exits", "INT"}, {"ignoring", "INT"}, {"default_again", "TERM"},
        {"handler_that_exits", "TERM"}, {"handler_that_raises", "HUP"},
        {"handler_on_the_main_thread", "USR2"}, {"loop_handler", "TERM"},
        {"wakeup_descriptor", "USR1"}, {"at_the_end", "TERM"},
        {"sigwait", "TERM"}, {"wakeup_descriptor_and_loop", "none"},
        {"timer", "none"}, {"from_itself", "none"}, {"from_a_thread", "none"},
        {"kill_returns_after_the_handler", "none"}, {"profiling", "none"}
    ].

init_per_suite(Config) ->
    ok = filelib:ensure_dir(filename:join(?config(priv_dir, Config), "x")),
    #{executable := Python} = py_nif:build_info(),
    [
        {erlpy, project:file("bin/erlpy")},
        {python, binary_to_list(Python)},
        {env, [
            {"ERLPY_APP", code:lib_dir(erlang_python)},
            {"SCRATCH", filename:join(?config(priv_dir, Config), "scratch")},
            {"PYTHONDONTWRITEBYTECODE", "1"}
        ]}
        | Config
    ].

end_per_suite(_Config) ->
    ok.

init_per_group(Name, Config) ->
    [{name, atom_to_list(Name)} | Config].

end_per_group(_Name, _Config) ->
    ok.

erlpy(Config, Args, Options) ->
    program:run(?config(erlpy, Config), Args, options(Config, Options)).

python(Config, Args, Options) ->
    program:run(?config(python, Config), Args, options(Config, Options)).

options(Config, Options) ->
    Env = ?config(env, Config) ++ maps:get(env, Options, []),
    maps:merge(#{cd => ?config(data_dir, Config)}, Options#{env => Env}).

erlpy(Config, Args) ->
    erlpy(Config, Args, #{}).

%% Start.

arguments(Config) ->
    Show = "show_arguments,show_frames",
    ?BOTH(Config, ["surroundings.py", Show]),
    ?BOTH(Config, ["./surroundings.py", Show, "a", "b c", "", "-x", "--help", "*", "ä"]),
    ?BOTH(Config, [filename:join(?config(data_dir, Config), "surroundings.py"), Show]),
    Link = filename:join(?config(priv_dir, Config), "link.py"),
    ok = file:make_symlink(filename:join(?config(data_dir, Config), "surroundings.py"), Link),
    ?BOTH(Config, [Link, Show], #{cd => "/"}).

code(Config) ->
    Code = "import sys; print(sys.argv, repr(sys.path[0]), __name__, type(__loader__), globals())",
    ?BOTH(Config, ["-c", Code]),
    ?BOTH(Config, ["-c", Code, "a", "-c", "-m", ""]),
    ?BOTH(Config, ["-c", ""]),
    ?BOTH(Config, ["-c", "x ="]),
    ?BOTH(Config, ["-c", "raise ValueError"]).

module(Config) ->
    ?BOTH(Config, ["-m", "surroundings", "show_arguments", "more"]),
    ?BOTH(Config, ["-m", "folder", "more"]),
    ?BOTH(Config, ["-m", "no_such_module"]),
    ?BOTH(Config, ["-m", "platform"]).

standard_input(Config) ->
    Program = "import sys\nprint(sys.argv, repr(sys.path[0]), __file__, sys.stdin.read())\n",
    ?BOTH(Config, ["-"], #{stdin => Program}),
    ?BOTH(Config, ["-", "a", "b"], #{stdin => Program}),
    ?BOTH(Config, [], #{stdin => Program}),
    ?BOTH(Config, [], #{stdin => "x ="}),
    ?BOTH(Config, [], #{stdin => ""}),
    ?BOTH(Config, [], #{stdin => "def f():\n    1/0\n\nf()\n"}),
    ?BOTH(Config, ["surroundings.py", "show_stdin"], #{stdin => <<"bytes\0\n", 255>>}),
    ?BOTH(Config, ["-c", "print(input())"], #{stdin => "a line\nanother\n"}).

files(Config) ->
    ?BOTH(Config, ["folder", "a"]),
    Dir = ?config(priv_dir, Config),
    Zip = filename:join(Dir, "program.zip"),
    Folder = filename:join(?config(data_dir, Config), "folder"),
    {0, _, _} = python(Config, ["-m", "zipapp", Folder, "-o", Zip], #{}),
    ?BOTH(Config, [Zip, "a"]),
    Compiled = filename:join(Dir, "compiled.pyc"),
    Compile = "import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[2])",
    {0, _, _} = python(Config, ["-c", Compile, "surroundings.py", Compiled], #{}),
    ?BOTH(Config, [Compiled, "show_arguments"]),
    Latin = filename:join(Dir, "latin.py"),
    ok = file:write_file(Latin, <<"# coding: latin-1\r\nprint(ascii('", 228, "'))\r\n">>),
    ?BOTH(Config, [Latin]),
    Broken = filename:join(Dir, "broken.py"),
    ok = file:write_file(Broken, "if True:\n  print(1\n"),
    ?BOTH(Config, [Broken]).

not_found(Config) ->
    {2, <<>>, Stderr} = erlpy(Config, ["no_such_file.py"]),
    {2, <<>>, Expected} = python(Config, ["no_such_file.py"], #{}),
    [_, What] = binary:split(Expected, <<": ">>),
    ?assertEqual(<<"erlpy: ", What/binary>>, Stderr).

surroundings(Config) ->
    Show = "show_streams,show_signals,show_types",
    ?BOTH(Config, ["surroundings.py", Show]),
    ?BOTH(Config, ["surroundings.py", Show], #{env => [{"PYTHONUNBUFFERED", "1"}]}),
    ?BOTH(Config, ["surroundings.py", Show], #{env => [{"PYTHONIOENCODING", "latin-1"}]}),
    ?BOTH(Config, ["surroundings.py", Show], #{env => [{"LC_ALL", "C"}, {"PYTHONUTF8", "0"}]}).

environment(Config) ->
    ?BOTH(Config, ["surroundings.py", "show_environment"]),
    Names = ["BINDIR", "ROOTDIR", "EMU", "PROGNAME"],
    Values = [{Name, "mine"} || Name <- Names],
    ?BOTH(Config, ["surroundings.py", "show_environment"], #{env => [{"ERL_LIBS", ""} | Values]}),
    ?BOTH(Config, ["surroundings.py", "show_environment"], #{env => [{N, false} || N <- Names]}).

%% The VM opens /dev/null in their place.
closed_streams(Config) ->
    Run = "program=$1; shift; exec \"$program\" \"$@\" <&- >&-",
    Args = ["-c", Run, "sh", ?config(erlpy, Config), "-c", "print(input('?'))"],
    {1, <<>>, Stderr} = program:run("/bin/sh", Args, options(Config, #{})),
    ?assertMatch({_, _}, binary:match(Stderr, <<"EOFError">>)).

bytes_as_arguments(Config) ->
    Code = "import sys; print(ascii(sys.argv))",
    ?BOTH(Config, ["-c", Code, <<"a", 255, 228, "ä"/utf8>>, <<195>>, <<"ok">>]),
    Locale = #{env => [{"LC_ALL", "C"}]},
    ?BOTH(Config, ["-c", Code, <<"a", 255, 228, "ä"/utf8>>, <<195>>, <<"ok">>], Locale).

%% Ending.

ending(Config) ->
    Name = ?config(name, Config),
    Outcome = erlpy(Config, ["endings.py", Name]),
    Scratch = read_scratch(Config),
    ?assertEqual(stable(python(Config, ["endings.py", Name], #{})), stable(Outcome)),
    ?assertEqual(read_scratch(Config), Scratch).

%% Without the addresses of objects.
stable({Status, Stdout, Stderr}) ->
    Blur = fun(Text) -> re:replace(Text, "0x[0-9a-f]+", "0x", [global, {return, binary}]) end,
    {Status, Blur(Stdout), Blur(Stderr)}.

read_scratch(Config) ->
    {"SCRATCH", File} = lists:keyfind("SCRATCH", 1, ?config(env, Config)),
    Content = file:read_file(File),
    _ = file:delete(File),
    Content.

%% Status 130 may be an exit status or a signal; here it is known which.
killed_by_sigint(Config) ->
    Code = "import subprocess, sys; print(subprocess.run(sys.argv[1:]).returncode)",
    Program = [?config(erlpy, Config), "-c", "raise KeyboardInterrupt"],
    {0, <<"-2\n">>, _} = python(Config, ["-c", Code | Program], #{}).

%% On our loop and on the stock one, which has it from Python's own os.fork() just the same.
forked(Config) ->
    "fork " ++ Name = ?config(name, Config),
    Args = ["forks.py", Name],
    Expected = {python(Config, Args, #{}), read_scratch(Config)},
    ?assertEqual(Expected, {erlpy(Config, ["--no-sandbox" | Args]), read_scratch(Config)}),
    ?assertEqual(Expected, {erlpy(Config, ["--loop", "asyncio" | Args]), read_scratch(Config)}).

%% Programs that asyncio starts.

child(Config) ->
    "child " ++ Name = ?config(name, Config),
    ?BOTH(Config, ["children.py", Name]).

children_on_a_terminal(Config) ->
    [
        ?assertEqual(
            on_a_terminal(Config, python, Name), on_a_terminal(Config, erlpy, Name)
        )
     || Name <- ["family", "own_terminal", "interrupted"]
    ].

on_a_terminal(Config, Program, "interrupted") ->
    Command = [?config(Program, Config), "children.py", "interrupted"],
    {0, Output, <<>>} = python(Config, ["on_a_terminal.py" | Command], #{}),
    %% What comes before the traceback, which has other frames.
    [Head, _] = binary:split(Output, <<"Traceback">>),
    ?assertMatch({match, _}, re:run(Head, "child interrupted.*child ended with 3")),
    Head;
on_a_terminal(Config, Program, Name) ->
    Session = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)",
    python(Config, ["-c", Session, ?config(Program, Config), "children.py", Name], #{}).

children_of_a_closed_terminal(Config) ->
    [Python, Erlpy] = [
        python(Config, ["closed_terminal.py", ?config(P, Config), "children.py", "hung_up"], #{})
     || P <- [python, erlpy]
    ],
    ?assertMatch({0, <<"told\n", _/binary>>, <<>>}, Python),
    ?assertEqual(Python, Erlpy).

%% Neither after an end in order nor when the VM is killed.
no_spawner_is_left(Config) ->
    [
        begin
            {_, Stdout, _} = erlpy(Config, ["children.py", End]),
            {Spawner, "\n"} = string:to_integer(binary_to_list(Stdout)),
            Gone = fun() -> not filelib:is_dir(lists:concat(["/proc/", Spawner])) end,
            ep_test:wait_until(Gone)
        end
     || End <- ["beside_erlpy", "killed_erlpy"]
    ].

another_spawner_when_that_is_killed(Config) ->
    {0, <<"0 started all the same\n\n">>, <<>>} = erlpy(Config, ["children.py", "killed_spawner"]).

%% Signals.

signalled(Config) ->
    [Signal, Name] = string:split(?config(name, Config), " "),
    Outcomes = [
        signalled(?config(Program, Config), Name, Signal, options(Config, #{}))
     || Program <- [erlpy, python]
    ],
    [Erlpy, Python] = [without_carets(Outcome) || Outcome <- Outcomes],
    ?assertEqual(Python, Erlpy).

signalled(Executable, Name, "none", Options) ->
    program:run(Executable, ["signals.py", Name], Options);
signalled(Executable, Name, Signal, Options) ->
    Program = program:start(Executable, ["signals.py", Name], Options),
    program:finish(program:signal(program:await_output(Program, <<"ready\n">>), Signal)).

%% Where exactly in a busy function a signal hits is anybody's guess.
without_carets({Status, Stdout, Stderr}) ->
    {Status, Stdout, re:replace(Stderr, "^ .*\n", "", [global, multiline, {return, binary}])}.

%% As with `erlpy ... &' in a script.
ignored_from_the_start(Config) ->
    Args = ["-c", "trap '' INT HUP; exec \"$@\"", "sh"],
    Show = ["surroundings.py", "show_signals"],
    [Erlpy, Python] = [
        program:run("/bin/sh", Args ++ [?config(Program, Config) | Show], options(Config, #{}))
     || Program <- [erlpy, python]
    ],
    ?assertEqual(Python, Erlpy).

%% Ctrl-C reaches all processes of the terminal, and the VM has some of its own.
terminal(Config) ->
    [Erlpy, Python] = [
        python(Config, ["on_a_terminal.py", ?config(Program, Config), "terminal.py"], #{})
     || Program <- [erlpy, python]
    ],
    ?assertMatch({0, <<"-2 True ", _/binary>>, <<>>}, Erlpy),
    ?assertEqual(Python, Erlpy).

%% Programs.

loops(Config) ->
    Strict = #{env => [{"PYTHONWARNINGS", "error"}]},
    Four = fun(Name) -> iolist_to_binary([lists:join(" ", [Name, Name, Name, Name]), "\n"]) end,
    ?assertEqual({0, Four("ErlangEventLoop"), <<>>}, erlpy(Config, ["loops.py"], Strict)),
    Stock = python(Config, ["loops.py"], Strict),
    ?assertEqual({0, Four("_UnixSelectorEventLoop"), <<>>}, Stock),
    ?assertEqual(Stock, erlpy(Config, ["--loop", "asyncio", "loops.py"], Strict)),
    ?assertEqual(Stock, erlpy(Config, ["--loop=asyncio", "loops.py"], Strict)).

tests_of_the_package(Config) ->
    {0, <<>>, Stderr} = erlpy(Config, ["-m", "unittest", "discover", "-s", "folder"]),
    ?assertMatch({_, _}, binary:match(Stderr, <<"Ran 1 test">>)).

http_server(Config) ->
    Args = ["-m", "http.server", "0", "--bind", "127.0.0.1"],
    served(Config, Args, <<"http://127.0.0.1:">>, <<"show_arguments">>, "/surroundings.py").

aiohttp_server(Config) ->
    served(Config, ["aiohttp_server.py"], <<"http://127.0.0.1:">>, <<"ErlangEventLoop">>, "/").

%% Nothing is left, and neither Python nor the VM has anything to report.
connections_cut_at_random(Config) ->
    Soak = project:file("test/soak.py"),
    Args = [Soak, "--connections", "400", "--seconds", "3", "--rounds", "1"],
    {Status, Stdout, Stderr} = erlpy(Config, Args),
    ct:log("~ts", [Stdout]),
    ?assertEqual({0, <<>>}, {Status, Stderr}).

%% Gets a page from a server that tells its address, and ends the server by Ctrl-C.
served(Config, Args, Announcement, Expected, Path) ->
    Options = options(Config, #{env => [{"PYTHONUNBUFFERED", "1"}]}),
    Server = program:start(?config(erlpy, Config), Args, Options),
    Announced = program:await_output(Server, <<"/)">>),
    Port = program:number_after(Announced, Announcement),
    ?assertMatch({_, _}, binary:match(http_get(Port, Path), Expected)),
    {0, _, _} = program:finish(program:signal(Announced, "INT")),
    ok.

http_get(Port, Path) ->
    {ok, Socket} = gen_tcp:connect("127.0.0.1", Port, [binary, {active, false}]),
    ok = gen_tcp:send(Socket, ["GET ", Path, " HTTP/1.0\r\n\r\n"]),
    Reply = receive_all(Socket, <<>>),
    ok = gen_tcp:close(Socket),
    Reply.

receive_all(Socket, Got) ->
    case gen_tcp:recv(Socket, 0, 60000) of
        {ok, More} -> receive_all(Socket, <<Got/binary, More/binary>>);
        {error, closed} -> Got
    end.

%% The VM's logger writes to stderr, and has written all when the program ends.
log_records(Config) ->
    Code = "import erlang, logging; erlang.setup_logging(); logging.error('from %s', 'Python')",
    {0, <<>>, Stderr} = erlpy(Config, ["-c", Code]),
    ?assertMatch({_, _}, binary:match(Stderr, <<"from Python">>)).

with_erlang(Config) ->
    Code = "import erlang; print(erlang.whereis('init') is not None, erlang.detect_mode().name)",
    {0, <<"True ", _/binary>>, <<>>} = erlpy(Config, ["-c", Code]).

%% The node is stopped in order while the program runs, and the program asks for it: `atexit'
%% functions run once, and what it does in the meantime finds its names.
node_that_stops(Config) ->
    Folder = filename:dirname(code:which(?MODULE)),
    Flags = lists:flatten(io_lib:format("-pa ~ts -s ~s register_stop", [Folder, ?MODULE])),
    Env = #{env => [{"ERL_FLAGS", Flags}]},
    {3, Waits, <<>>} = erlpy(Config, ["stops.py", "wait"], Env),
    ?assertEqual(<<"ErlangError\nat exit\n">>, Waits),
    {_, Ends, <<>>} = erlpy(Config, ["stops.py", "end"], Env),
    ?assertEqual(<<"ErlangError\nat exit\n">>, Ends).

%% In the other VM, from its start on.
register_stop() ->
    Stop = fun([]) -> init:stop(3), receive after infinity -> ok end end,
    spawn(fun() ->
        ep_test:wait_until(fun() -> ok =:= (catch py_callback:register(stop_node, Stop)) end)
    end).

%% The command.

help(Config) ->
    {0, Help, <<>>} = erlpy(Config, ["--help"]),
    {0, Help, <<>>} = erlpy(Config, ["-h"]),
    ?assertMatch(<<"usage: erlpy", _/binary>>, Help),
    {0, Version, <<>>} = python(Config, ["--version"], #{}),
    {0, Version, <<>>} = erlpy(Config, ["--version"]).

wrong_options(Config) ->
    [
        ?assertMatch({2, <<>>, <<"erlpy: ", _/binary>>}, one_line(erlpy(Config, Args)))
     || Args <- [
            ["--nonsense"], ["-x", "a.py"], ["-c"], ["-m"], ["--loop"], ["--loop", "fast", "x.py"]
        ]
    ].

one_line({_, _, Stderr} = Outcome) ->
    ?assertMatch([_, <<>>], binary:split(Stderr, <<"\n">>, [global])),
    Outcome.

from_anywhere(Config) ->
    Link = filename:join(?config(priv_dir, Config), "linked"),
    ok = file:make_symlink(?config(erlpy, Config), Link),
    Options = options(Config, #{cd => "/"}),
    {0, <<"/\n">>, <<>>} = program:run(Link, ["-c", "import os; print(os.getcwd())"], Options).

not_built(Config) ->
    Copy = filename:join([?config(priv_dir, Config), "unbuilt", "bin", "erlpy"]),
    ok = filelib:ensure_dir(Copy),
    {ok, _} = file:copy(?config(erlpy, Config), Copy),
    ok = file:change_mode(Copy, 8#755),
    Outcome = program:run(Copy, ["-c", "1"], options(Config, #{env => [{"ERLPY_APP", false}]})),
    {2, <<>>, <<"erlpy: not built yet; run 'rebar3 compile'", _/binary>>} = one_line(Outcome),
    ok.

vm_options(Config) ->
    Code = "import erlang, os; print(os.environ['ERL_FLAGS'])",
    Env = #{env => [{"ERL_FLAGS", "-pa nowhere +S 1"}]},
    {0, <<"-pa nowhere +S 1\n">>, <<>>} = erlpy(Config, ["-c", Code], Env).

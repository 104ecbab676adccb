%% What a node goes through as a whole: its restart, a module loaded anew, its end, and a library
%% that can't be loaded. Each in a VM of its own.
-module(node_SUITE).

-include_lib("stdlib/include/assert.hrl").

-export([all/0, suite/0]).
-export([
    restarted_twice_with_python_at_work/1,
    module_deleted_and_loaded_again/1,
    atexit_functions_run_when_the_node_stops/1,
    atexit_functions_run_after_the_application_was_restarted/1,
    atexit_functions_run_when_the_application_has_stopped/1,
    atexit_functions_have_a_bound/1,
    nothing_runs_when_the_node_halts/1,
    sigterm_ends_a_node_whose_c_code_sleeps/1,
    atexit_functions_of_a_program_run_once/1,
    library_that_can_not_be_loaded/1
]).
-export([restart/0, load_again/0, ends/0]).

-define(ERL, os:find_executable("erl")).

suite() -> [{timetrap, {seconds, 180}}].

all() ->
    [
        restarted_twice_with_python_at_work,
        module_deleted_and_loaded_again,
        atexit_functions_run_when_the_node_stops,
        atexit_functions_run_after_the_application_was_restarted,
        atexit_functions_run_when_the_application_has_stopped,
        atexit_functions_have_a_bound,
        nothing_runs_when_the_node_halts,
        sigterm_ends_a_node_whose_c_code_sleeps,
        atexit_functions_of_a_program_run_once,
        library_that_can_not_be_loaded
    ].

args(Function) ->
    Paths = [filename:dirname(code:which(Module)) || Module <- [?MODULE, py]],
    ["-noinput", "-pa"] ++ Paths ++ ["-s", atom_to_list(?MODULE), atom_to_list(Function)].

succeeds(Function) ->
    {Status, Stdout, Stderr} = program:run(?ERL, args(Function)),
    ?assertEqual({42, Stdout, Stderr}, {Status, Stdout, Stderr}).

%% In the other VM: what fails there is shown, and is its exit status.
in_vm(Body) ->
    spawn(fun() ->
        try
            Body()
        catch
            Class:Reason:Stack ->
                io:format("~p~n", [{Class, Reason, Stack}]),
                halt(9)
        end
    end).

start() ->
    {ok, _} = application:ensure_all_started(erlang_python),
    ok.

%% ---- the same interpreter

restarted_twice_with_python_at_work(_Config) -> succeeds(restart).

%% Erlang forgets everything, the environment of the process it does not.
restart() ->
    Round = list_to_integer(os:getenv("EP_ROUND", "0")),
    os:putenv("EP_ROUND", integer_to_list(Round + 1)),
    in_vm(fun() ->
        start(),
        {ok, Round} = py:eval(<<"getattr(__import__('sys'), 'ep_rounds', 0)">>),
        ok = py:exec(<<"import sys; sys.ep_rounds = getattr(sys, 'ep_rounds', 0) + 1">>),
        uses(),
        stays_at_work(),
        case Round of
            2 -> init:stop(42);
            _ -> init:restart()
        end
    end).

uses() ->
    {ok, 4.0} = py:call(math, sqrt, [16]),
    {ok, none} = py_event_loop_pool:run(asyncio, sleep, [0.001]),
    {ok, <<"x">>} = py_event_loop:run(asyncio, sleep, [0.001, <<"x">>]),
    {ok, 3} = py:eval(<<"f(3)">>, #{f => fun(X) -> X end}),
    {ok, Context} = py_context:start_link(),
    {ok, Object} = py_context:eval(Context, <<"object()">>),
    {ok, true} = py:eval(<<"type(o) is object">>, #{o => Object}),
    ok = py_context:stop(Context).

stays_at_work() ->
    Self = self(),
    Mark = fun(_) -> Self ! at_work, ok end,
    ok = py:exec(<<
        "import asyncio, erlang, time\n"
        "def spin(mark):\n"
        "    mark(1)\n"
        "    while True: pass\n"
        "def waits(mark):\n"
        "    mark(1)\n"
        "    erlang.sleep(1000)\n"
        "async def sleeps(mark):\n"
        "    await erlang.async_call(mark, 1)\n"
        "    await asyncio.sleep(1000)\n"
    >>),
    Forever = #{timeout => infinity},
    Busy = [
        fun() ->
            {ok, Context} = py_context:start_link(),
            py_context:call(Context, '__main__', Function, [Mark], #{}, Forever)
        end
     || Function <- [spin, waits, sleeps]
    ],
    {ok, Loop} = py_nif:event_loop_new(),
    Others = [
        fun() -> py_event_loop_pool:run('__main__', sleeps, [Mark], Forever) end,
        fun() ->
            {ok, _} = py_event_worker:start_link(<<"own">>, Loop),
            py_event_loop:run_on(Loop, '__main__', sleeps, [Mark], Forever)
        end
    ],
    _ = spawn(fun() -> py_nif:poll_events(Loop, infinity) end),
    _ = [spawn(Work) || Work <- Busy ++ Others],
    [receive at_work -> ok end || _ <- Busy ++ Others].

module_deleted_and_loaded_again(_Config) -> succeeds(load_again).

load_again() ->
    in_vm(fun() ->
        start(),
        {ok, Loop} = py_nif:event_loop_new(),
        {ok, _} = py_event_worker:start_link(<<"own">>, Loop),
        {ok, Object} = py:eval(<<"object()">>),
        Ref = py_event_loop_pool:create_task(asyncio, sleep, [0.1, <<"task">>]),
        [begin
            _ = code:purge(py_nif),
            true = code:delete(py_nif),
            _ = code:purge(py_nif),
            uses(),
            {ok, none} = py_event_loop:run_on(Loop, asyncio, sleep, [0.001], #{}),
            {ok, true} = py:eval(<<"type(o) is object">>, #{o => Object}),
            {module, py_nif} = code:load_file(py_nif),
            uses()
         end || _ <- [1, 2]],
        {ok, <<"task">>} = py_event_loop_pool:await(Ref),
        ok = application:stop(erlang_python),
        _ = code:purge(py_nif),
        true = code:delete(py_nif),
        _ = code:purge(py_nif),
        start(),
        uses(),
        init:stop(42)
    end).

%% ---- the end

atexit_functions_run_when_the_node_stops(Config) ->
    {42, Log} = ends(Config, "init:stop(42)"),
    ?assertEqual(<<"MainThread\n">>, Log).

atexit_functions_run_after_the_application_was_restarted(Config) ->
    {42, Log} = ends(Config,
        "ok = application:stop(erlang_python), ok = application:start(erlang_python), "
        "init:stop(42)"),
    ?assertEqual(<<"MainThread\n">>, Log).

atexit_functions_run_when_the_application_has_stopped(Config) ->
    {42, Log} = ends(Config, "ok = application:stop(erlang_python), halt(42)"),
    ?assertEqual(<<"MainThread\n">>, Log).

%% One that never returns, and another that would have to wait for it.
atexit_functions_have_a_bound(Config) ->
    {42, <<>>} = ends(Config,
        "ok = py:exec(\"import threading\\natexit.register(threading.Event().wait)\"), "
        "init:stop(42)").

nothing_runs_when_the_node_halts(Config) ->
    {42, <<>>} = ends(Config, "halt(42)").

%% The time is the runner's limit.
sigterm_ends_a_node_whose_c_code_sleeps(Config) ->
    {0, Log} = ends(Config,
        "Self = self(), "
        "ok = py:exec(\"def sleeps(mark):\\n    mark()\\n    __import__('time').sleep(3600)\"), "
        "spawn(fun() -> py:call('__main__', sleeps, [fun() -> Self ! asleep end]) end), "
        "receive asleep -> os:cmd(\"kill -TERM \" ++ os:getpid()) end"),
    ?assertEqual(<<"MainThread\n">>, Log).

ends(Config, Code) ->
    Log = filename:join(proplists:get_value(priv_dir, Config), "log"),
    _ = file:delete(Log),
    Env = [{"EP_LOG", Log}, {"EP_CODE", Code ++ "."}],
    {Status, Stdout, Stderr} = program:run(?ERL, args(ends), #{env => Env}),
    Status =/= 9 orelse error({Stdout, Stderr}),
    {ok, Written} = file:read_file(Log),
    {Status, Written}.

%% The file is buffered, and another module keeps it open.
ends() ->
    in_vm(fun() ->
        start(),
        ok = py:exec(<<
            "import atexit, builtins, os, threading\n"
            "builtins.ep_log = open(os.environ['EP_LOG'], 'w')\n"
            "def bye(log=ep_log, threading=threading):\n"
            "    log.write(threading.current_thread().name + '\\n')\n"
            "    log.flush()\n"
            "atexit.register(bye)\n"
        >>),
        {ok, Tokens, _} = erl_scan:string(os:getenv("EP_CODE")),
        {ok, Exprs} = erl_parse:parse_exprs(Tokens),
        erl_eval:exprs(Exprs, [])
    end).

atexit_functions_of_a_program_run_once(_Config) ->
    Code = <<"import atexit; atexit.register(print, 'bye')">>,
    ?assertEqual({0, <<"bye\n">>, <<>>}, program:run(erlpy(), ["-c", Code])).

erlpy() -> project:file("bin/erlpy").

%% ---- the library

library_that_can_not_be_loaded(Config) ->
    App = copy_of_the_application(Config),
    Library = filename:join([App, "priv", "erlang_python_nif.so"]),
    {ok, Bytes} = file:read_file(Library),
    Elsewhere = binary:replace(Bytes, <<"libpython3">>, <<"libpython0">>, [global]),
    ok = file:write_file(Library, Elsewhere),
    Code =
        "{error, {erlang_python, {{python_not_started, Text}, _}}} ="
        "    application:ensure_all_started(erlang_python), "
        "io:put_chars(Text), halt(0).",
    Args = ["-noinput", "-pa", filename:join(App, "ebin"), "-eval", Code],
    {0, Stdout, _} = program:run(?ERL, Args, #{env => [{"ERL_LIBS", false}]}),
    {match, _} = re:run(Stdout, "libpython0[^\n]*: cannot open shared object file"),
    {1, <<>>, Stderr} = program:run(erlpy(), ["-c", "pass"], #{env => [{"ERLPY_APP", App}]}),
    {match, _} = re:run(Stderr, "\\Aerlpy: Python did not start: [^\n]*libpython0[^\n]*\n\\z").

copy_of_the_application(Config) ->
    Copy = filename:join(proplists:get_value(priv_dir, Config), "erlang_python"),
    ok = file:make_dir(Copy),
    [
        "" = os:cmd("cp -rL " ++ Dir ++ " " ++ Copy)
     || Dir <- [code:priv_dir(erlang_python), filename:dirname(code:which(py))]
    ],
    Copy.

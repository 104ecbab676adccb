%% @doc Children that Python forks of a node which allows it: each ends, as python3 would end it,
%% and the node does not notice. (Those of programs are in erlpy_SUITE.)
-module(fork_SUITE).

-include_lib("common_test/include/ct.hrl").
-include_lib("stdlib/include/assert.hrl").

-export([suite/0, all/0, init_per_suite/1, end_per_suite/1]).
-export([on_contexts/1, on_hosted_loops/1, in_nested_calls/1, in_blocking_loops/1]).
-export([by_multiprocessing/1, what_is_queued_is_the_parents/1]).
-export([queue_calls/2]).

suite() -> [{timetrap, {seconds, 120}}].

all() ->
    [
        on_contexts, on_hosted_loops, in_nested_calls, in_blocking_loops, by_multiprocessing,
        what_is_queued_is_the_parents
    ].

%% How a child ends, and with what status.
endings() ->
    [
        {returns, 0}, {exits, 3}, {exits_with_text, 1}, {raises, 1}, {exits_at_once, 4},
        {interrupts_itself, -2}, {is_terminated, -15}, {is_interrupted, -2}, {calls_erlang, 5},
        {logs, 6}, {runs_a_loop, 7}, {has_a_thread, 8}, {does_more_at_exit, 9}
    ].

%% A node of its own: whether forks are allowed is decided once in a VM's life.
init_per_suite(Config) ->
    Path = [Option || Folder <- code:get_path(), Option <- ["-pa", Folder]],
    Args = ["-erlang_python", "sandbox", "false" | Path],
    {ok, Peer, _} = peer:start(#{connection => standard_io, args => Args}),
    {ok, _} = peer:call(Peer, application, ensure_all_started, [erlang_python], 30000),
    Folder = unicode:characters_to_binary(?config(data_dir, Config)),
    {ok, none} = peer:call(Peer, py, call, ['sys', 'path.append', [Folder]]),
    [{peer, Peer} | Config].

end_per_suite(Config) ->
    ok = peer:stop(?config(peer, Config)).

on_contexts(Config) ->
    ended(Config, on_this_thread, py, call).

on_hosted_loops(Config) ->
    ended(Config, in_a_coroutine, py_event_loop, run).

in_nested_calls(Config) ->
    Peer = ?config(peer, Config),
    Nested = fun([End]) -> {ok, Status} = py:call(forks, on_this_thread, [End]), Status end,
    ok = peer:call(Peer, py_callback, register, [fork_nested, Nested]),
    ended(Config, in_a_nested_call, py, call).

in_blocking_loops(Config) ->
    ended(Config, in_a_loop, py, call).

%% Which itself ends what it forks, by os._exit(); an exception's status is 1, and so is that of an
%% interrupt; functions that atexit knows are not called.
by_multiprocessing(Config) ->
    Peer = ?config(peer, Config),
    [
        ?assertEqual({End, {ok, Status}}, {End, call(Peer, py, call, by_multiprocessing, End)})
     || {End, Status} <- [{returns, 0}, {exits, 3}, {raises, 1}, {is_terminated, -15},
            {has_a_thread, 8}]
    ].

%% Calls and tasks that wait for the thread that forks run once: not in the child, too.
what_is_queued_is_the_parents(Config) ->
    Peer = ?config(peer, Config),
    [Calls, Tasks, AtExit, Go] = [
        unicode:characters_to_binary(filename:join(?config(priv_dir, Config), Name))
     || Name <- ["calls", "tasks", "at_exit", "go"]
    ],
    ?assertEqual({ok, <<"at exit">>}, peer:call(Peer, py, call, [forks, writes, [AtExit]], 60000)),
    {ok, 0} = peer:call(Peer, py_event_loop, run, [forks, among_tasks, [Tasks]], 60000),
    ?assertEqual({ok, <<"xxxxxxxxxx">>}, file:read_file(Tasks)),
    {ok, 0} = peer:call(Peer, ?MODULE, queue_calls, [Calls, Go], 60000),
    ?assertEqual({ok, <<"xxxxxxxxxx">>}, file:read_file(Calls)).

%% On the peer. Calls of one process go to one context.
queue_calls(File, Go) ->
    Fork = py:spawn_call(forks, when_told, [Go]),
    Behind = [py:spawn_call(forks, mark, [File]) || _ <- lists:seq(1, 10)],
    ok = file:write_file(Go, <<>>),
    Status = py:await(Fork),
    [{ok, none} = py:await(Call) || Call <- Behind],
    Status.

ended(Config, Where, Module, Function) ->
    Peer = ?config(peer, Config),
    [
        ?assertEqual({End, {ok, Status}}, {End, call(Peer, Module, Function, Where, End)})
     || {End, Status} <- endings()
    ].

call(Peer, Module, Function, Where, End) ->
    peer:call(Peer, Module, Function, [forks, Where, [atom_to_binary(End)]], 60000).

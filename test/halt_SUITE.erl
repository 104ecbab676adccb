%% A VM that halts while Python is at work leaves with the status it was asked for. It used to die
%% of a segmentation fault at times: exit handlers of libraries ran under threads that used these.
-module(halt_SUITE).

-include_lib("stdlib/include/assert.hrl").

-export([all/0, halt_while_python_uses_openssl/1, halt_while_transports_are_busy/1]).
-export([use_openssl/0, echo/0]).

-define(ROUNDS, 5).

all() ->
    [halt_while_python_uses_openssl, halt_while_transports_are_busy].

halt_while_python_uses_openssl(_Config) ->
    [?assertEqual(7, exit_status(use_openssl)) || _ <- lists:seq(1, ?ROUNDS)].

halt_while_transports_are_busy(_Config) ->
    [?assertEqual(7, exit_status(echo)) || _ <- lists:seq(1, ?ROUNDS)].

exit_status(Function) ->
    Paths = [filename:dirname(code:which(?MODULE)), filename:dirname(code:which(py))],
    Port = open_port({spawn_executable, os:find_executable("erl")}, [
        exit_status,
        stderr_to_stdout,
        {args, ["-noinput", "-pa"] ++ Paths ++
            ["-s", atom_to_list(?MODULE), atom_to_list(Function)]}
    ]),
    receive
        {Port, {exit_status, Status}} -> Status
    after 60000 -> error(still_running)
    end.

%% In the other VM: Python tells when it is at work, then the VM halts.

use_openssl() ->
    run(<<
        "import hashlib, ssl\n"
        "async def work():\n"
        "    ssl.create_default_context()\n"
        "    hashlib.new('sha256', bytes(100)).hexdigest()\n"
    >>).

echo() ->
    run(<<
        "import socket\n"
        "async def work():\n"
        "    server = await asyncio.start_server(lambda r, w: w.close(), '127.0.0.1', 0)\n"
        "    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())\n"
        "    await reader.read()\n"
        "    writer.close()\n"
        "    server.close()\n"
    >>).

run(Work) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    ok = py:exec([
        "import asyncio, erlang\n",
        Work,
        "async def loop(pid):\n"
        "    await work()\n"
        "    erlang.send(pid, 'working')\n"
        "    while True:\n"
        "        await work()\n"
    ]),
    [py_event_loop_pool:create_task('__main__', loop, [self()]) || _ <- lists:seq(1, 10)],
    receive
        <<"working">> -> halt(7)
    after 30000 -> halt(1)
    end.

"""Data of all sizes through streams, with TLS and without; prints how often what was called."""

import asyncio
import json
import sys
from pathlib import Path

import erlang
import sitecustomize

sys.path.insert(0, str(Path(__file__).parent.parent))

from test_stand_ins import SIZES  # noqa: E402
from test_tls import client_side, server_side  # noqa: E402


async def answer(reader, writer):
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.close()


async def main():
    assert type(asyncio.get_running_loop()) is erlang.ErlangEventLoop
    for ours, theirs in (None, None), (server_side(), client_side()):
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=ours)
        reader, writer = await asyncio.open_connection(
            *server.sockets[0].getsockname(),
            ssl=theirs,
            server_hostname="localhost" if theirs else None,
        )
        for size in SIZES:
            writer.write(bytes(size))
            await writer.drain()
            assert await reader.readexactly(size) == bytes(size)
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
    print(json.dumps(sitecustomize.CALLS))


asyncio.run(main())

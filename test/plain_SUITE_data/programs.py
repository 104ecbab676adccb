"""What an asyncio program does all day, each with a line if it went well."""

import asyncio
import os
import signal
import ssl
import sys
from pathlib import Path

import erlang

CERTIFICATES = Path(sys.argv[1])


async def echo(reader, writer):
    writer.write(await reader.readline())
    await writer.drain()
    writer.close()


async def exchange(line, server_tls=None, client_tls=None):
    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=server_tls)
    async with server:
        address = server.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(*address, ssl=client_tls)
        writer.write(line)
        answer = await reader.readline()
        writer.close()
        await writer.wait_closed()
    return answer.decode()


def tls_contexts():
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(CERTIFICATES / "localhost.pem")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    return server, client


async def main():
    assert isinstance(asyncio.get_running_loop(), erlang.ErlangEventLoop)
    print(await exchange(b"served\n"), end="")
    print(await exchange(b"secret\n", *tls_contexts()), end="")
    code = "print(6 * 7)"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await child.communicate()
    print(output.decode(), end="")
    came = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, came.set)
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(came.wait(), 60)
    print("signalled")


erlang.run(main())

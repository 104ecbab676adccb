"""What is awaited can be cancelled at any step, and leaves nothing: no descriptor, no transport, no
report.
"""

import asyncio
import contextlib
import os
import tempfile
import unittest

import loop_case
from test_tls import client_side, server_side
from test_transports import Datagrams, Recorder, TransportCase

MOST_STEPS = 12


def descriptors():
    listing = os.listdir("/proc/self/fd")
    return {fd for fd in listing if os.path.lexists(f"/proc/self/fd/{fd}")}


class CancellationCase(TransportCase):
    def cancelled(self, start, end=None):
        """`start` gives a coroutine to cancel, and what cleans up. What the coroutine gives, if it
        is faster, is given to `end`."""

        async def attempt(steps):
            """False if it could not be cancelled any more."""
            before = descriptors()
            coroutine, clean_up = await start()
            task = self.loop.create_task(coroutine)
            for _ in range(steps):
                await asyncio.sleep(0)
            was_cancelled = task.cancel()
            try:
                result = await task
            except asyncio.CancelledError:
                pass
            else:
                was_cancelled = False
                if end is not None:
                    await end(result)
            clean_up()
            del task, coroutine, clean_up
            while descriptors() != before:
                self.abort_all()  # the server may have accepted it just now
                await asyncio.sleep(0)
            return was_cancelled

        async def main():
            await self.loop.run_in_executor(None, int)
            self.loop.add_reader(self.idle, print)  # so that its descriptors are there
            self.loop.remove_reader(self.idle)
            for steps in range(MOST_STEPS):
                if not await attempt(steps):
                    break
            await self.loop.shutdown_default_executor()

        self.idle, _ = self.socket_pair()
        self.run_async(main)

    def abort_all(self):
        for transport in list(self.loop._transports.values()):
            transport.abort()

    async def end_of_connection(self, result):
        transport, protocol = result
        transport.abort()
        await protocol.lost

    async def server(self, **options):
        return await self.loop.create_server(Recorder, "127.0.0.1", 0, **options)


@loop_case.on_both_loops
class Anywhere(CancellationCase):
    def test_create_datagram_endpoint(self):
        async def start():
            creating = self.loop.create_datagram_endpoint(
                Datagrams, local_addr=("127.0.0.1", 0), remote_addr=("127.0.0.1", 9)
            )
            return creating, lambda: None

        self.cancelled(start, self.end_of_connection)

    def test_start_tls(self):
        async def start():
            transport, protocol, theirs = await self.connected()
            starting = self.loop.start_tls(
                transport, protocol, client_side(), server_hostname="localhost"
            )

            return starting, theirs.close

        self.cancelled(start)

    def test_sendfile(self):
        async def start():
            transport, protocol, theirs = await self.connected()
            file = tempfile.TemporaryFile()
            file.write(bytes(3_000_000))
            sending = self.loop.sendfile(transport, file)

            def end():
                file.close()
                theirs.close()

            return sending, end

        self.cancelled(start)

    def test_drain(self):
        async def start():
            ours, theirs = self.socket_pair()
            _, writer = await asyncio.open_connection(sock=ours)
            writer.write(bytes(3_000_000))

            return writer.drain(), theirs.close

        self.cancelled(start)

    def test_connect_read_pipe(self):
        self.pipe(self.loop.connect_read_pipe, 0)

    def test_connect_write_pipe(self):
        self.pipe(self.loop.connect_write_pipe, 1)

    def pipe(self, connect, end):
        async def start():
            ends = [os.fdopen(fd, mode, 0) for fd, mode in zip(os.pipe(), ("rb", "wb"))]
            return connect(asyncio.Protocol, ends[end]), lambda: [file.close() for file in ends]

        async def close(result):
            result[0].close()
            await self.until(lambda: result[0]._pipe is None)

        self.cancelled(start, close)


class Connecting(CancellationCase):
    """Of ours alone: the standard library forgets a server that is cancelled when it has started,
    and a server that is closed while it accepts forgets a connection."""

    def server_on(self, create, *where):
        async def start():
            return create(Recorder, *where), lambda: None

        async def end(server):
            server.close()

        self.cancelled(start, end)

    def test_create_server(self):
        self.server_on(self.loop.create_server, "127.0.0.1", 0)

    def test_create_server_by_name(self):
        self.server_on(self.loop.create_server, "localhost", 0)

    def test_create_unix_server(self):
        self.server_on(self.loop.create_unix_server, f"\0erlang-test-{id(self)}")

    def test_create_connection(self):
        async def start():
            server = await self.server()
            address = server.sockets[0].getsockname()
            return self.loop.create_connection(Recorder, *address), server.close

        self.cancelled(start, self.end_of_connection)

    def test_create_connection_by_name(self):
        async def start():
            server = await self.server()
            port = server.sockets[0].getsockname()[1]
            return self.loop.create_connection(Recorder, "localhost", port), server.close

        self.cancelled(start, self.end_of_connection)

    def test_create_connection_with_tls(self):
        async def start():
            server = await self.server(ssl=server_side())
            connecting = self.loop.create_connection(
                Recorder,
                *server.sockets[0].getsockname(),
                ssl=client_side(),
                server_hostname="localhost",
            )
            return connecting, server.close

        self.cancelled(start, self.end_of_connection)

    def test_create_unix_connection(self):
        async def start():
            path = f"\0erlang-test-{id(self)}"
            server = await self.loop.create_unix_server(Recorder, path)
            return self.loop.create_unix_connection(Recorder, path), server.close

        self.cancelled(start, self.end_of_connection)


class Subprocesses(CancellationCase):
    def setUp(self):
        super().setUp()

        async def warm_up():
            process = await asyncio.create_subprocess_exec("true")
            await process.wait()

        self.run_async(warm_up)  # the spawner of subprocesses stays

    def test_create_subprocess(self):
        pipes = {name: asyncio.subprocess.PIPE for name in ("stdin", "stdout", "stderr")}

        async def start():
            return asyncio.create_subprocess_exec("sleep", "1000", **pipes), lambda: None

        async def end(process):
            process.kill()
            await process.communicate()

        self.cancelled(start, end)

    def test_wait(self):
        self.ending("wait")

    def test_communicate(self):
        self.ending("communicate")

    def ending(self, method):
        processes = []

        async def start():
            process = await asyncio.create_subprocess_exec(
                "cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
            )
            processes.append(process)

            def clean_up():
                with contextlib.suppress(ProcessLookupError):  # it has ended by itself
                    process.kill()

            return getattr(process, method)(), clean_up

        async def all_ended():
            for process in processes:
                await process.wait()

        self.cancelled(start)
        self.run_async(all_ended)
        processes.clear()


if __name__ == "__main__":
    unittest.main()

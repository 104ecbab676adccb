"""The websockets library, server and client."""

import asyncio
import contextlib
import os
import tempfile
import unittest

import websockets
from client_case import ClientCase, client_tls, gather_all, server_tls


async def repeat(socket):
    async for message in socket:
        await socket.send(message * 2)


@contextlib.asynccontextmanager
async def serving(handler, **options):
    """A server; its port."""
    async with websockets.serve(handler, "localhost", 0, **options) as server:
        yield next(iter(server.sockets)).getsockname()[1]


class Websockets(ClientCase):
    async def test_connections_at_a_time(self):
        async with serving(repeat) as port:

            async def talk(number):
                async with websockets.connect(f"ws://localhost:{port}") as socket:
                    for _ in range(10):
                        await socket.send(str(number))
                        self.assertEqual(await socket.recv(), str(number) * 2)

            await gather_all(30, talk)

    async def test_large_and_fragmented_messages(self):
        body = os.urandom(500_000)
        async with serving(repeat, max_size=None) as port:
            async with websockets.connect(f"ws://localhost:{port}", max_size=None) as socket:
                await socket.send(body)
                self.assertEqual(await socket.recv(), body * 2)
                await socket.send([body[:100_000], body[100_000:]])
                self.assertEqual(await socket.recv(), body * 2)

    async def test_tls(self):
        async with serving(repeat, ssl=server_tls()) as port:
            async with websockets.connect(f"wss://localhost:{port}", ssl=client_tls()) as socket:
                await socket.send("secret")
                self.assertEqual(await socket.recv(), "secretsecret")

    async def test_unix_sockets(self):
        with tempfile.TemporaryDirectory() as folder:
            path = folder + "/socket"
            async with websockets.unix_serve(repeat, path):
                async with websockets.unix_connect(path, "ws://localhost") as socket:
                    await socket.send("x")
                    self.assertEqual(await socket.recv(), "xx")

    async def test_pings(self):
        async with serving(repeat) as port:
            async with websockets.connect(f"ws://localhost:{port}") as socket:
                for _ in range(10):
                    await (await socket.ping())

    async def test_closing_with_a_code(self):
        async def close(socket):
            await socket.close(4000, "enough")

        async with serving(close) as port:
            async with websockets.connect(f"ws://localhost:{port}") as socket:
                with self.assertRaises(websockets.ConnectionClosed) as caught:
                    await socket.recv()
        self.assertEqual(
            (caught.exception.rcvd.code, caught.exception.rcvd.reason), (4000, "enough")
        )

    async def test_a_peer_that_goes_away(self):
        ended = asyncio.get_running_loop().create_future()

        async def wait(socket):
            try:
                await socket.recv()
            except websockets.ConnectionClosedError as error:
                ended.set_result(error)

        async with serving(wait) as port:
            socket = await websockets.connect(f"ws://localhost:{port}")
            socket.transport.abort()
            await ended
            await socket.wait_closed()

    async def test_flow_control(self):
        """A server that writes faster than its client reads has to wait."""
        chunk = b"x" * 100_000

        async def flood(socket):
            for _ in range(100):
                await socket.send(chunk)

        async with serving(flood) as port:
            async with websockets.connect(f"ws://localhost:{port}", max_queue=1) as socket:
                received = 0
                async for message in socket:
                    received += len(message)
        self.assertEqual(received, 100 * len(chunk))


if __name__ == "__main__":
    unittest.main()

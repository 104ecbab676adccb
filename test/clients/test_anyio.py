"""anyio on the asyncio backend, and httpx through it."""

import contextlib
import os
import signal
import socket
import tempfile
import unittest

import anyio
import anyio.abc
import anyio.streams.tls
import httpx
from client_case import ClientCase, client_tls, server_tls

# Small enough for a Unix socket to take all or none: anyio 3.6 is wrong about the rest.
PIECE = 4096


async def echo(stream):
    async with stream:
        with contextlib.suppress(anyio.EndOfStream):
            while True:
                await stream.send(await stream.receive(PIECE))


async def send_in_pieces(stream, body):
    for start in range(0, len(body), PIECE):
        await stream.send(body[start : start + PIECE])


async def say(word, *, task_status=anyio.TASK_STATUS_IGNORED):
    task_status.started(word)
    await anyio.sleep_forever()


class Anyio(ClientCase):
    async def talk(self, listener, connect):
        """Many connections to an echo server, each with more data than buffers hold."""
        body = os.urandom(1_000_000)

        async def client():
            async with await connect() as stream:
                async with anyio.create_task_group() as both:
                    both.start_soon(send_in_pieces, stream, body)
                    received = b""
                    while len(received) < len(body):
                        received += await stream.receive()
            self.assertEqual(received, body)

        async with listener, anyio.create_task_group() as group:
            group.start_soon(listener.serve, echo)
            async with anyio.create_task_group() as clients:
                for _ in range(10):
                    clients.start_soon(client)
            group.cancel_scope.cancel()

    async def test_tcp(self):
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        await self.talk(listener, lambda: anyio.connect_tcp("127.0.0.1", port))

    async def test_tls(self):
        plain = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
        port = plain.extra(anyio.abc.SocketAttribute.local_port)
        listener = anyio.streams.tls.TLSListener(plain, server_tls())

        def connect():
            return anyio.connect_tcp(
                "127.0.0.1", port, tls=True, ssl_context=client_tls(), tls_hostname="localhost"
            )

        await self.talk(listener, connect)

    async def test_unix_sockets(self):
        with tempfile.TemporaryDirectory() as folder:
            path = folder + "/socket"
            listener = await anyio.create_unix_listener(path)
            await self.talk(listener, lambda: anyio.connect_unix(path))

    async def test_udp(self):
        async with await anyio.create_udp_socket(
            family=socket.AF_INET, local_host="127.0.0.1"
        ) as server:
            port = server.extra(anyio.abc.SocketAttribute.local_port)
            async with await anyio.create_connected_udp_socket("127.0.0.1", port) as client:
                for number in range(50):
                    await client.send(b"%d" % number)
                    data, address = await server.receive()
                    await server.sendto(data * 2, *address)
                    self.assertEqual(await client.receive(), b"%d" % number * 2)

    async def test_structured_concurrency(self):
        ended = []

        async def fail():
            raise LookupError

        async def wait():
            try:
                await anyio.sleep_forever()
            finally:
                ended.append(True)

        with self.assertRaises(Exception) as caught:
            async with anyio.create_task_group() as group:
                self.assertEqual(await group.start(say, "word"), "word")
                group.start_soon(wait)
                await anyio.sleep(0)
                group.start_soon(fail)
        error = caught.exception
        self.assertIsInstance(getattr(error, "exceptions", [error])[0], LookupError)
        self.assertEqual(ended, [True])
        with anyio.move_on_after(0.01) as scope:
            await anyio.sleep_forever()
        self.assertTrue(getattr(scope, "cancelled_caught", scope.cancel_called))

    async def test_threads(self):
        def work(number):
            return anyio.from_thread.run(double, number)

        async def double(number):
            await anyio.sleep(0)
            return 2 * number

        async with anyio.create_task_group() as group:
            results = []

            async def collect(number):
                results.append(await anyio.to_thread.run_sync(work, number))

            for number in range(20):
                group.start_soon(collect, number)
        self.assertEqual(sorted(results), list(range(0, 40, 2)))

    async def test_signals(self):
        with anyio.open_signal_receiver(signal.SIGUSR1) as signals:
            os.kill(os.getpid(), signal.SIGUSR1)
            with anyio.fail_after(30):
                async for number in signals:
                    self.assertEqual(number, signal.SIGUSR1)
                    break

    async def test_readable_sockets(self):
        """add_reader() with Event.set, removed by the one who waits."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            for _ in range(20):
                async with anyio.create_task_group() as group:
                    group.start_soon(anyio.wait_socket_readable, ours)
                    await anyio.sleep(0)
                    theirs.send(b"x")
                self.assertEqual(ours.recv(10), b"x")

    async def test_httpx(self):
        async def answer(stream):
            async with stream:
                while b"\r\n\r\n" not in await stream.receive():
                    pass
                await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

        async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
            port = listener.extra(anyio.abc.SocketAttribute.local_port)
            async with anyio.create_task_group() as group:
                group.start_soon(listener.serve, answer)
                async with httpx.AsyncClient() as http:
                    response = await http.get(f"http://127.0.0.1:{port}")
                    self.assertEqual(response.text, "hello")
                group.cancel_scope.cancel()


if __name__ == "__main__":
    unittest.main()

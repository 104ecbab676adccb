"""sock_recv(), sock_accept() and their siblings, above all when they are cancelled."""

import asyncio
import socket
import unittest

from loop_case import LoopCase, on_both_loops


class SocketCase(LoopCase):
    async def ready_but_not_resumed(self, coroutine, make_ready):
        """A task whose socket has become ready, cancelled before it runs again."""
        task = self.loop.create_task(coroutine)
        await asyncio.sleep(0)
        make_ready()
        await asyncio.sleep(0)  # the loop sees it, and queues the task behind this one
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task


@on_both_loops
class SocketCalls(SocketCase):
    def test_there_and_back(self):
        ours, theirs = self.socket_pair()
        body = bytes(range(256)) * 10_000

        async def receive():
            received = bytearray()
            buffer = bytearray(1000)
            while len(received) < len(body):
                received += await self.loop.sock_recv(theirs, 100_000)
                if len(received) < len(body):
                    count = await self.loop.sock_recv_into(theirs, buffer)
                    received += buffer[:count]
            return received

        async def main():
            received, _ = await asyncio.gather(receive(), self.loop.sock_sendall(ours, body))
            self.assertEqual(received, body)
            await self.loop.sock_sendall(ours, b"")
            ours.close()
            self.assertEqual(await self.loop.sock_recv(theirs, 10), b"")

        self.loop.run_until_complete(main())

    def test_datagrams(self):
        async def main():
            ends = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
            for end in ends:
                self.addCleanup(end.close)
                end.setblocking(False)
                end.bind(("127.0.0.1", 0))
            names = [end.getsockname() for end in ends]
            waiting = self.loop.create_task(self.loop.sock_recvfrom(ends[1], 100))
            await asyncio.sleep(0)
            self.assertEqual(await self.loop.sock_sendto(ends[0], b"ping", names[1]), 4)
            self.assertEqual(await waiting, (b"ping", names[0]))
            await self.loop.sock_sendto(ends[1], b"pong", names[0])
            buffer = bytearray(10)
            self.assertEqual(await self.loop.sock_recvfrom_into(ends[0], buffer), (4, names[1]))
            self.assertEqual(buffer[:4], b"pong")

        if not hasattr(self.loop, "sock_recvfrom_into"):
            self.skipTest("new in Python 3.11")
        self.loop.run_until_complete(main())

    def test_a_cancelled_one_leaves_no_reader(self):
        ours, _ = self.socket_pair()

        async def main():
            task = self.loop.create_task(self.loop.sock_recv(ours, 10))
            await asyncio.sleep(0)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertFalse(self.loop.remove_reader(ours))

        self.loop.run_until_complete(main())

    def test_blocking_sockets_are_refused_in_debug_mode(self):
        ours, _ = self.socket_pair()
        ours.setblocking(True)
        self.loop.set_debug(True)
        for coroutine in (
            self.loop.sock_recv(ours, 10),
            self.loop.sock_accept(ours),
            self.loop.sock_sendall(ours, b"x"),
            self.loop.sock_sendto(ours, b"x", "nowhere"),
        ):
            with self.assertRaises(ValueError):
                self.loop.run_until_complete(coroutine)

    def test_errors_are_raised(self):
        ours, theirs = self.socket_pair()
        theirs.close()
        with self.assertRaises(BrokenPipeError):
            self.loop.run_until_complete(self.loop.sock_sendall(ours, b"x"))


class CancelledLate(SocketCase):
    """Ours alone: the standard library's loops lose what they have taken already."""

    def test_no_connection_is_lost(self):
        with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
            server.setblocking(False)

            async def main():
                await self.ready_but_not_resumed(
                    self.loop.sock_accept(server), lambda: client.connect(server.getsockname())
                )
                connection, address = await self.loop.sock_accept(server)
                with connection:
                    self.assertEqual(address, client.getsockname())
                    self.assertEqual(connection.gettimeout(), 0)

            self.loop.run_until_complete(main())

    def test_no_data_is_lost(self):
        ours, theirs = self.socket_pair()

        async def main():
            await self.ready_but_not_resumed(
                self.loop.sock_recv(ours, 10), lambda: theirs.send(b"precious")
            )
            self.assertEqual(await self.loop.sock_recv(ours, 10), b"precious")

        self.loop.run_until_complete(main())


if __name__ == "__main__":
    unittest.main()

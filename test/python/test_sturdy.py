"""Peers that misbehave, and descriptors that are short, high, or gone.

What happens when thousands of connections do it at once: test/soak.py.
"""

import asyncio
import contextlib
import errno
import fcntl
import os
import resource
import socket
import struct
import unittest
from concurrent.futures import ThreadPoolExecutor

import erlang
from loop_case import LoopCase, on_both_loops
from test_transports import BufferedRecorder, Datagrams, Recorder, TransportCase

NO_LINGERING = struct.pack("ii", 1, 0)
HIGH = 1050  # above what select() can watch


@contextlib.contextmanager
def no_descriptors_left():
    """Until the end nobody in this process gets one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    fillers = []
    try:
        # What is in use stays usable; a limit below it would not keep others from being opened.
        highest = max(int(fd) for fd in os.listdir("/proc/self/fd"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))
        with contextlib.suppress(OSError):
            while True:
                fillers.append(os.dup(0))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for filler in fillers:
            os.close(filler)


class TCPCase(TransportCase):
    async def accepted(self, factory=Recorder):
        """A transport over TCP, its protocol, and the other end as a plain socket."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            theirs = socket.create_connection(listener.getsockname())
            ours, _ = listener.accept()
        theirs.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        theirs.setblocking(False)
        self.addCleanup(theirs.close)
        transport, protocol = await self.loop.connect_accepted_socket(factory, ours)
        return transport, protocol, theirs

    def reset(self, sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGERING)
        sock.close()


@on_both_loops
class Peers(TCPCase):
    def test_one_that_sends_a_byte_at_a_time(self):
        async def main():
            for factory in Recorder, BufferedRecorder:
                transport, protocol, theirs = await self.accepted(factory)
                for index, byte in enumerate(b"patience"):
                    theirs.send(bytes([byte]))
                    await self.until(lambda: len(protocol.data) == index + 1)
                self.assertEqual(protocol.data, b"patience")
                theirs.close()
                await protocol.lost

        self.run_async(main)

    def test_one_that_never_reads_holds_up_only_its_own_writer(self):
        async def main():
            tasks = len(asyncio.all_tasks())
            writers = []

            async def pour(reader, writer):
                writers.append(writer)
                with contextlib.suppress(ConnectionError):
                    while True:
                        writer.write(bytes(10_000))
                        await writer.drain()

            server = await asyncio.start_server(pour, "127.0.0.1", 0)
            address = server.sockets[0].getsockname()
            with socket.create_connection(address) as deaf:
                limit = 64 * 1024
                await self.until(
                    lambda: writers and writers[0].transport.get_write_buffer_size() > limit
                )
                reader, writer = await asyncio.open_connection(*address)
                for _ in range(50):
                    await reader.readexactly(100_000)
                self.assertLess(writers[0].transport.get_write_buffer_size(), limit + 10_001)
                writer.close()
                await writer.wait_closed()
                writers[0].transport.abort()
                deaf.setblocking(False)
                with contextlib.suppress(ConnectionError):
                    while await self.loop.sock_recv(deaf, 1 << 20):
                        pass
            server.close()
            await server.wait_closed()
            await self.until(lambda: len(asyncio.all_tasks()) == tasks)

        self.run_async(main)

    def test_one_that_stalls_does_not_lose_what_it_says_later(self):
        async def main():
            ours, theirs = self.socket_pair()
            reader, writer = await asyncio.open_connection(sock=ours)
            for _ in range(3):
                with self.assertRaises(asyncio.TimeoutError):
                    await asyncio.wait_for(reader.readexactly(2), 0.001)
            theirs.send(b"at last")
            self.assertEqual(await reader.readexactly(7), b"at last")
            writer.close()
            await writer.wait_closed()

        self.run_async(main)

    def ended_by_reset(self, prepare, expected):
        async def main():
            transport, protocol, theirs = await self.accepted()
            prepare(transport)
            self.reset(theirs)
            self.assertIsInstance(await protocol.lost, expected)
            self.assertEqual(protocol.calls.count("lost"), 1)
            self.assertNotIn("eof", protocol.calls)

        self.run_async(main)

    def test_one_that_resets(self):
        self.ended_by_reset(lambda transport: None, ConnectionResetError)

    def test_one_that_resets_while_data_is_queued(self):
        self.ended_by_reset(lambda transport: transport.write(bytes(10_000_000)), ConnectionError)

    def test_one_that_resets_while_queued_data_keeps_the_connection_open(self):
        def prepare(transport):
            transport.write(bytes(10_000_000))
            transport.close()

        self.ended_by_reset(prepare, ConnectionError)

    def test_one_that_resets_after_our_end(self):
        self.ended_by_reset(lambda transport: transport.write_eof(), ConnectionResetError)

    def test_one_that_resets_while_nobody_reads(self):
        async def main():
            transport, protocol, theirs = await self.accepted()
            transport.pause_reading()
            self.reset(theirs)
            for _ in range(10):
                await asyncio.sleep(0)
            self.assertEqual(protocol.calls, ["made"])
            transport.resume_reading()
            self.assertIsInstance(await protocol.lost, ConnectionResetError)

        self.run_async(main)

    def test_a_server_survives_peers_that_reset_before_they_are_accepted(self):
        async def main():
            server = await self.loop.create_server(Recorder, "127.0.0.1", 0)
            for _ in range(20):
                self.reset(socket.create_connection(server.sockets[0].getsockname()))
            transport, protocol = await self.loop.create_connection(
                Recorder, *server.sockets[0].getsockname()
            )
            transport.close()
            await protocol.lost
            server.close()
            await server.wait_closed()
            await self.until(
                lambda: all(t.is_closing() for t in list(self.loop._transports.values()))
            )

        self.run_async(main)


@on_both_loops
class HighNumbers(TCPCase):
    def setUp(self):
        super().setUp()
        if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 2 * HIGH:
            self.skipTest("the limit of descriptors is too low")

    def high(self, sock):
        """The same socket, with a number above 1,024."""
        number = fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD_CLOEXEC, HIGH)
        sock.close()
        moved = socket.socket(fileno=number)
        moved.setblocking(False)
        self.addCleanup(moved.close)
        return moved

    def test_streams_and_servers(self):
        async def main():
            tasks = len(asyncio.all_tasks())
            listener = self.high(socket.create_server(("127.0.0.1", 0)))
            server = await asyncio.start_server(self.shout, sock=listener)
            ours = self.high(socket.create_connection(listener.getsockname()))
            reader, writer = await asyncio.open_connection(sock=ours)
            self.assertGreaterEqual(writer.get_extra_info("socket").fileno(), HIGH)
            writer.write(b"hello\n")
            self.assertEqual(await reader.readline(), b"HELLO\n")
            writer.close()
            await writer.wait_closed()
            server.close()
            await server.wait_closed()
            await self.until(lambda: len(asyncio.all_tasks()) == tasks)

        self.run_async(main)

    async def shout(self, reader, writer):
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()

    def test_datagrams(self):
        async def main():
            ends = []
            for _ in range(2):
                sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                sock.bind(("127.0.0.1", 0))
                ends.append(
                    await self.loop.create_datagram_endpoint(Datagrams, sock=self.high(sock))
                )
            ends[0][0].sendto(b"hello", ends[1][0].get_extra_info("sockname"))
            await self.until(lambda: ends[1][1].received)
            for transport, protocol in ends:
                transport.close()
                await protocol.lost

        self.run_async(main)

    def test_plain_sockets(self):
        async def main():
            ours, theirs = (self.high(end) for end in self.socket_pair())
            receiving = self.loop.create_task(self.loop.sock_recv(ours, 10))
            await asyncio.sleep(0)
            await self.loop.sock_sendall(theirs, b"hello")
            self.assertEqual(await receiving, b"hello")

        self.run_async(main)


@on_both_loops
class ClosedBehind(TCPCase):
    """Somebody has closed the socket of a transport."""

    def test_a_stream_that_is_written_to(self):
        async def main():
            transport, protocol, _ = await self.accepted()
            transport.get_extra_info("socket")._sock.close()
            transport.write(b"x")
            self.assertIsInstance(await protocol.lost, OSError)

        self.run_async(main)

    def test_a_datagram_endpoint(self):
        async def main():
            transport, protocol = await self.loop.create_datagram_endpoint(
                Datagrams, local_addr=("127.0.0.1", 0)
            )
            transport.get_extra_info("socket")._sock.close()
            transport.sendto(b"x", ("127.0.0.1", 9))
            self.assertIsInstance(protocol.errors[0], OSError)
            transport.close()
            self.assertIsNone(await protocol.lost)

        self.run_async(main)


class OwnClosedBehind(TCPCase):
    """Where the standard library's transports raise, or wait for ever."""

    def test_a_stream_with_data_queued(self):
        async def main():
            transport, protocol, _ = await self.accepted()
            transport.write(bytes(10_000_000))
            transport.get_extra_info("socket")._sock.close()
            transport.abort()
            self.assertIsNone(await protocol.lost)

        self.run_async(main)

    def test_a_stream_that_only_reads_can_be_closed(self):
        async def main():
            for method in "close", "abort":
                transport, protocol, _ = await self.accepted()
                transport.get_extra_info("socket")._sock.close()
                transport.pause_reading()
                with contextlib.suppress(OSError):
                    transport.resume_reading()
                getattr(transport, method)()
                await protocol.lost

        self.run_async(main)

    def test_a_listening_socket(self):
        async def main():
            server = await self.loop.create_server(Recorder, "127.0.0.1", 0)
            server.sockets[0]._sock.close()
            ours, theirs = self.socket_pair()  # one has its number
            receiving = self.loop.create_task(self.loop.sock_recv(ours, 10))
            await asyncio.sleep(0)
            server.close()
            theirs.send(b"hello")
            self.assertEqual(await receiving, b"hello")

        self.run_async(main)


class Shortage(TCPCase):
    def test_no_new_loop(self):
        with no_descriptors_left():
            with self.assertRaises(OSError) as caught:
                erlang.new_event_loop()
        self.assertEqual(caught.exception.errno, errno.EMFILE)
        erlang.new_event_loop().close()

    def test_a_loop_that_has_never_run(self):
        ours, theirs = self.socket_pair()
        with no_descriptors_left():
            with self.assertRaises(OSError) as caught:
                self.loop.add_reader(ours, print)
            self.assertEqual(caught.exception.errno, errno.EMFILE)
            with self.assertRaises(OSError) as caught:
                self.loop.run_forever()  # on the main thread it listens for signals
            self.assertEqual(caught.exception.errno, errno.EMFILE)
        self.loop.add_reader(ours, self.loop.stop)
        theirs.send(b"x")
        self.loop.run_forever()
        self.loop.remove_reader(ours)

    def in_another_thread(self, coroutine):
        """Where a loop needs no descriptor as long as it watches none."""
        with ThreadPoolExecutor(1) as executor:
            return executor.submit(self.loop.run_until_complete, coroutine).result(30)

    def test_a_loop_without_descriptors_keeps_time(self):
        with no_descriptors_left():
            self.assertEqual(self.in_another_thread(asyncio.sleep(0.001, "done")), "done")

    def test_a_connection_that_can_not_be_watched(self):
        ours, _ = self.socket_pair()

        async def main():
            _, protocol = await self.loop.create_connection(Recorder, sock=ours)
            return await protocol.lost

        with no_descriptors_left():
            self.assertEqual(self.in_another_thread(main()).errno, errno.EMFILE)

    def test_connecting_fails_and_works_again(self):
        async def main():
            server = await self.loop.create_server(Recorder, "127.0.0.1", 0)
            address = server.sockets[0].getsockname()
            with no_descriptors_left():
                with self.assertRaises(OSError) as caught:
                    await self.loop.create_connection(Recorder, *address)
                self.assertEqual(caught.exception.errno, errno.EMFILE)
                del caught
            transport, protocol = await self.loop.create_connection(Recorder, *address)
            transport.close()
            await protocol.lost
            server.close()
            await server.wait_closed()
            await self.until(lambda: not [t for t in self.loop._transports.values() if t._loop])

        self.run_async(main)


class Loops(LoopCase):
    def test_ten_thousand_watches_come_and_go(self):
        ours, theirs = self.socket_pair()
        theirs.send(b"x")
        seen = []
        for number in range(10_000):
            self.loop.add_reader(ours, seen.append, number)
            if number % 100 == 0:
                self.run_ready()
            self.loop.remove_reader(ours)
        self.assertEqual(seen, list(range(0, 10_000, 100)))


if __name__ == "__main__":
    unittest.main()

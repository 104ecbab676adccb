"""What the C++ core promises to do without: lookups, copies, objects and system calls."""

import asyncio
import functools
import gc
import os
import select
import socket
import sys
import threading
import time
import unittest

from loop_case import LoopCase
from test_transports import BufferedRecorder, Recorder, TransportCase


class Transports(TransportCase):
    def test_a_buffered_protocol_gets_its_data_where_it_wants_it(self):
        class Keeping(BufferedRecorder):
            def get_buffer(self, sizehint):
                self.given = memoryview(self.buffer)[1:3]
                return self.given

            def buffer_updated(self, nbytes):
                self.data += self.given[:nbytes]

        async def main():
            transport, protocol, theirs = await self.connected(Keeping)
            theirs.send(b"ab")
            await self.until(lambda: protocol.data == b"ab")
            self.assertEqual(protocol.buffer, b"\0ab\0")
            transport.close()
            await protocol.lost

        self.run_async(main)

    def test_what_is_queued_is_referred_to_and_not_copied(self):
        async def main():
            transport, protocol, theirs = await self.connected()
            data = bytes(10_000_000)
            before = sys.getrefcount(data)
            blocks = sys.getallocatedblocks()
            transport.write(data)
            transport.write(memoryview(data)[5:])
            transport.writelines([data, data])
            self.assertEqual(sys.getrefcount(data), before + 4)
            self.assertLess(sys.getallocatedblocks() - blocks, 100)
            transport.abort()
            self.assertEqual(sys.getrefcount(data), before)
            await protocol.lost

        self.run_async(main)

    def test_what_is_queued_leaves_in_one_system_call(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs.setblocking(False)
        self.addCleanup(theirs.close)

        async def main():
            filler = 0
            try:
                ours.setblocking(False)
                while True:
                    ours.send(bytes(1000))
                    filler += 1
            except BlockingIOError:
                pass
            protocol = Recorder()
            transport = self.loop._make_socket_transport(ours, protocol)
            parts = [b"%d;" % number for number in range(20)]
            for part in parts:
                transport.write(part)
            for _ in range(filler):
                theirs.recv(1000)
            # Each packet is what one call has sent.
            self.assertEqual(await self.loop.sock_recv(theirs, 1000), b"".join(parts))
            transport.abort()
            await protocol.lost

        self.run_async(main)

    def packets(self):
        """A transport whose other end tells system calls apart, and how to read these."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        theirs.setblocking(False)
        self.addCleanup(theirs.close)
        protocol = Recorder()
        transport = self.loop._make_socket_transport(ours, protocol)

        def received():
            packets = []
            try:
                while packet := theirs.recv(1 << 20):
                    packets.append(packet)
            except BlockingIOError:
                pass
            return packets

        return transport, protocol, received

    async def write_in_pieces(self, transport, turns=1):
        for _ in range(turns):
            await asyncio.sleep(0)
            transport.write(b"head, ")
            transport.write(b"body")

    def test_who_writes_in_pieces_is_found_out(self):
        async def main():
            transport, protocol, received = self.packets()
            await self.write_in_pieces(transport)
            self.assertEqual(received(), [b"head, ", b"body"])
            await self.write_in_pieces(transport)
            transport.writelines([b", and ", b"the rest"])
            await asyncio.sleep(0)
            self.assertEqual(received(), [b"head, body, and the rest"])
            for _ in range(20):  # not in pieces any more
                await asyncio.sleep(0)
                transport.write(b"whole")
            self.assertEqual(received(), [b"whole"] * 20)
            transport.close()
            await protocol.lost

        self.run_async(main)

    def test_nothing_is_held_that_somebody_could_miss(self):
        async def main():
            transport, protocol, received = self.packets()
            await self.write_in_pieces(transport)
            whole, large = b"head, body", bytes(100_000)
            for ask, answer in (
                (transport.get_write_buffer_size, 0),
                (transport.set_write_buffer_limits, None),
                (lambda: transport.write(large), None),
            ):
                await asyncio.sleep(0)
                received()
                await self.write_in_pieces(transport)
                self.assertEqual(received(), [])
                self.assertEqual(ask(), answer)
                self.assertEqual(b"".join(received()).rstrip(b"\0"), whole)
            await asyncio.sleep(0)
            received()
            await self.write_in_pieces(transport)
            transport.write_eof()
            self.assertEqual(received(), [whole])
            transport.close()
            await protocol.lost

        self.run_async(main)

    def test_what_is_held_leaves_before_the_end(self):
        async def main():
            for end in "close", "abort":
                transport, protocol, received = self.packets()
                await self.write_in_pieces(transport, turns=2)
                getattr(transport, end)()
                self.assertEqual(b"".join(received()), b"head, body" * 2)
                await protocol.lost

        self.run_async(main)

    def test_what_is_held_fails_like_any_other(self):
        async def main():
            transport, protocol, received = self.packets()
            await self.write_in_pieces(transport)
            transport.pause_reading()
            await asyncio.sleep(0)
            transport.get_extra_info("socket").shutdown(socket.SHUT_WR)
            await self.write_in_pieces(transport)
            self.assertIsInstance(await protocol.lost, BrokenPipeError)

        self.run_async(main)

    def test_slow_callbacks_delay_no_reply(self):
        async def main():
            transport, protocol, received = self.packets()
            seen = []
            for _ in range(3):
                self.loop.call_soon(time.sleep, 0.001)
            await asyncio.sleep(0)
            self.loop.call_soon(transport.write, b"reply")
            self.loop.call_soon(lambda: seen.extend(received()))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            self.assertEqual(seen, [b"reply"])
            transport.close()
            await protocol.lost

        self.run_async(main)

    def test_replies_of_many_callbacks_leave_by_the_last(self):
        async def main():
            ends = [self.packets() for _ in range(50)]
            await asyncio.sleep(0)
            for _ in range(3):
                for transport, _, _ in ends:
                    self.loop.call_soon(transport.write, b"reply")
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                for _, _, received in ends:
                    self.assertEqual(received(), [b"reply"])
            for transport, protocol, _ in ends:
                transport.close()
                await protocol.lost

        self.run_async(main)

    def test_a_callback_that_runs_the_others_itself_delays_no_reply(self):
        async def main():
            transport, protocol, received = self.packets()
            for _ in range(3):
                self.loop.call_soon(int)
            await asyncio.sleep(0)

            def run_others():
                self.loop._run_once()
                transport.write(b"reply")

            self.loop.call_soon(run_others)
            for _ in range(3):
                self.loop.call_soon(int)
            seen = self.loop.create_future()
            self.loop.call_later(0.01, lambda: seen.set_result(received()))
            self.assertEqual(await seen, [b"reply"])
            transport.close()
            await protocol.lost

        self.run_async(main)

    def test_a_write_is_tried_at_once(self):
        async def main():
            transport, protocol, theirs = await self.connected()
            transport.write(b"now")
            self.assertEqual(theirs.recv(10), b"now")
            transport.writelines([b"and ", b"then"])
            self.assertEqual(theirs.recv(10), b"and then")
            transport.close()
            await protocol.lost

        self.run_async(main)


class Streams(TransportCase):
    """Fed in C++, but for what is not quite the standard library's."""

    async def stream(self, reader_class=asyncio.StreamReader, **patches):
        reader = reader_class(loop=self.loop, limit=100)
        protocol = asyncio.StreamReaderProtocol(reader, loop=self.loop)
        for name, function in patches.items():
            owner = protocol if name == "data_received" else reader
            setattr(owner, name, functools.partial(function, getattr(owner, name)))
        ours, theirs = self.socket_pair()
        transport, _ = await self.loop.create_connection(lambda: protocol, sock=ours)
        return transport, reader, theirs

    async def exchange(self, transport, reader, theirs):
        theirs.send(b"ab")
        self.assertEqual(await reader.read(10), b"ab")
        theirs.send(b"cd\n")
        self.assertEqual(await reader.readline(), b"cd\n")
        transport.close()
        theirs.close()

    def test_reading_and_pausing(self):
        async def main():
            transport, reader, theirs = await self.stream()
            theirs.send(bytes(201))  # over twice the limit
            await self.until(lambda: not transport.is_reading())
            self.assertEqual(len(reader._buffer), 201)
            self.assertTrue(reader._paused)
            self.assertEqual(await reader.readexactly(201), bytes(201))
            self.assertTrue(transport.is_reading())
            await self.exchange(transport, reader, theirs)

        self.run_async(main)

    def test_twice_the_limit_is_not_too_much(self):
        async def main():
            transport, reader, theirs = await self.stream()
            theirs.send(bytes(200))
            await self.until(lambda: len(reader._buffer) == 200)
            self.assertTrue(transport.is_reading())
            self.assertEqual(await reader.readexactly(200), bytes(200))
            await self.exchange(transport, reader, theirs)

        self.run_async(main)

    def test_a_buffer_that_somebody_looks_at_is_an_error_as_ever(self):
        async def main():
            transport, reader, theirs = await self.stream()
            reader._buffer += b"x"
            reports = []
            self.loop.set_exception_handler(lambda _, context: reports.append(context))
            with memoryview(reader._buffer):
                theirs.send(b"more")
                await self.until(lambda: reports)
            self.assertIsInstance(reports[0]["exception"], BufferError)
            await self.until(lambda: reader.exception())
            self.assertIsInstance(reader.exception(), BufferError)
            theirs.close()

        self.run_async(main)

    def test_who_reads_has_gone(self):
        async def main():
            transport, reader, theirs = await self.stream()
            theirs.send(b"first")
            self.assertEqual(await reader.read(10), b"first")
            del reader
            gc.collect()
            reports = []
            self.loop.set_exception_handler(lambda _, context: reports.append(context))
            theirs.send(b"nobody wants this")
            sock = transport.get_extra_info("socket")
            await self.until(lambda: not select.select([sock], [], [], 0)[0])
            self.assertEqual(reports, [])
            self.assertTrue(transport.is_reading())
            transport.abort()
            theirs.close()

        self.run_async(main)

    def test_patched_methods_are_called(self):
        async def main():
            for name in "data_received", "feed_data", "_wakeup_waiter":
                calls = []

                def spy(original, *args, calls=calls):
                    calls.append(args)
                    return original(*args)

                await self.exchange(*await self.stream(**{name: spy}))
                self.assertGreaterEqual(len(calls), 2, name)

        self.run_async(main)

    def test_methods_of_subclasses_are_called(self):
        calls = []

        class Reader(asyncio.StreamReader):
            def feed_data(self, data):
                calls.append(data)
                super().feed_data(data)

        async def main():
            await self.exchange(*await self.stream(Reader))
            self.assertEqual(calls, [b"ab", b"cd\n"])

        self.run_async(main)


class Calls(LoopCase):
    COUNT = 1000

    def allocated_by(self, schedule):
        """Blocks of memory that each call takes while it waits."""
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)
        handles = [None] * self.COUNT
        before = sys.getallocatedblocks()
        for index in range(self.COUNT):
            handles[index] = schedule()
        taken = sys.getallocatedblocks() - before
        for handle in handles:
            handle.cancel()
        self.run_ready()
        return taken / self.COUNT

    def test_they_take_no_more_than_the_object_that_is_returned(self):
        import contextvars

        context = contextvars.copy_context()
        for _ in range(2):  # queues have grown when it is done again
            soon = self.allocated_by(lambda: self.loop.call_soon(print, 1, context=context))
            later = self.allocated_by(lambda: self.loop.call_later(60, print, 1, context=context))
        self.assertLess(soon, 1.05)
        self.assertLess(later, 2.05)  # its time is a float

    def test_waking_a_loop_that_is_awake_costs_no_system_call(self):
        def written():
            """By this thread, in system calls."""
            with open("/proc/thread-self/io", "rb") as file:
                return int(file.read().split(b"syscw:")[1].split()[0])

        try:
            written()
        except OSError:
            self.skipTest("the system does not count system calls")
        seen, counts = [], []
        # The counter works: each write counts.
        before = written()
        with open(os.devnull, "wb", buffering=0) as sink:
            sink.write(b"x")
        self.assertEqual(written() - before, 1)

        def post():
            before = written()
            for number in range(self.COUNT):
                self.loop.call_soon_threadsafe(seen.append, number)
            counts.append(written() - before)

        def while_it_runs():
            thread = threading.Thread(target=post)
            thread.start()
            thread.join()
            self.loop.call_soon_threadsafe(self.loop.stop)

        self.loop.call_soon(while_it_runs)
        self.loop.run_forever()
        self.run_ready()
        self.assertEqual(seen, list(range(self.COUNT)))
        self.assertEqual(counts, [0])


if __name__ == "__main__":
    unittest.main()

"""What the C++ core promises to do without: lookups, copies, objects and system calls."""

import asyncio
import gc
import os
import socket
import sys
import threading
import unittest

from loop_case import LoopCase
from test_transports import BufferedRecorder, Recorder, TransportCase


class Counting:
    """Counts how often an attribute is looked up on an instance."""

    def __getattribute__(self, name):
        lookups = object.__getattribute__(self, "__dict__").setdefault("lookups", {})
        lookups[name] = lookups.get(name, 0) + 1
        return super().__getattribute__(name)


class CountingRecorder(Counting, Recorder):
    pass


class CountingBufferedRecorder(Counting, BufferedRecorder):
    pass


class Transports(TransportCase):
    def test_methods_of_protocols_are_looked_up_once(self):
        async def main():
            for factory, methods in (
                (CountingRecorder, ["data_received"]),
                (CountingBufferedRecorder, ["get_buffer", "buffer_updated"]),
            ):
                transport, protocol, theirs = await self.connected(factory)
                for count in range(1, 6):
                    theirs.send(b"x")
                    await self.until(lambda: len(protocol.data) == count)
                for method in methods:
                    self.assertEqual(protocol.lookups[method], 1)
                transport.close()
                await protocol.lost

        self.run_async(main)

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

"""Stream and datagram transports: order, flow control and endings, as asyncio has them.

The same bodies run on the standard library's loop.
"""

import asyncio
import errno
import gc
import logging
import os
import resource
import socket
import sys
import tempfile
import unittest
import warnings
import weakref

import erlang
import loop_case


class Recorder(asyncio.Protocol):
    """Writes down what it is told."""

    def __init__(self, keep_open=False):
        self.calls = []
        self.data = b""
        self.lost = asyncio.get_running_loop().create_future()
        self.keep_open = keep_open
        self.transport = None

    def connection_made(self, transport):
        self.calls.append("made")
        self.transport = transport

    def data_received(self, data):
        self.calls.append("data")
        self.data += data

    def eof_received(self):
        self.calls.append("eof")
        return self.keep_open

    def pause_writing(self):
        self.calls.append("pause")

    def resume_writing(self):
        self.calls.append("resume")

    def connection_lost(self, exc):
        self.calls.append("lost")
        self.lost.set_result(exc)


class BufferedRecorder(asyncio.BufferedProtocol):
    def __init__(self):
        self.buffer = bytearray(4)
        self.data = b""
        self.lost = asyncio.get_running_loop().create_future()

    def get_buffer(self, sizehint):
        return self.buffer

    def buffer_updated(self, nbytes):
        self.data += self.buffer[:nbytes]

    def connection_lost(self, exc):
        self.lost.set_result(exc)


def connections_of(server):
    """How many there are."""
    if sys.version_info >= (3, 13):
        return len(server._clients)
    return server._active_count


class TransportCase(loop_case.LoopCase):
    def run_async(self, function):
        """Runs the coroutine function within a bound."""
        self.loop.run_until_complete(asyncio.wait_for(function(), 30))

    async def connected(self, factory=Recorder):
        """A transport, its protocol, and the other end as a plain socket."""
        ours, theirs = self.socket_pair()
        transport, protocol = await self.loop.create_connection(factory, sock=ours)
        return transport, protocol, theirs

    async def read_exactly(self, sock, size):
        data = b""
        while len(data) < size:
            data += await self.loop.sock_recv(sock, 1 << 20)
        return data

    async def until(self, condition):
        while not condition():
            await asyncio.sleep(0)


@loop_case.on_both_loops
class TestStream(TransportCase):
    def test_is_what_isinstance_expects(self):
        async def main():
            transport, _, _ = await self.connected()
            self.assertIsInstance(transport, asyncio.Transport)
            transport.close()
            self.assertTrue(transport.is_closing())

        self.run_async(main)

    def test_calls_come_in_order_and_lost_comes_once(self):
        async def main():
            _, protocol, theirs = await self.connected()
            theirs.send(b"hello")
            await self.until(lambda: protocol.data == b"hello")
            theirs.close()
            self.assertIsNone(await protocol.lost)
            await asyncio.sleep(0)
            self.assertEqual(protocol.calls, ["made", "data", "eof", "lost"])

        self.run_async(main)

    def test_a_true_eof_received_keeps_the_other_half_open(self):
        async def main():
            transport, protocol, theirs = await self.connected(lambda: Recorder(keep_open=True))
            theirs.shutdown(socket.SHUT_WR)
            await self.until(lambda: "eof" in protocol.calls)
            self.assertFalse(transport.is_closing())
            transport.write(b"still here")
            self.assertEqual(await self.read_exactly(theirs, 10), b"still here")
            transport.close()
            await protocol.lost
            self.assertEqual(protocol.calls, ["made", "eof", "lost"])

        self.run_async(main)

    def test_close_sends_what_is_queued_and_lost_is_not_called_at_once(self):
        async def main():
            transport, protocol, theirs = await self.connected()
            data = bytes(3_000_000)
            transport.write(data)
            transport.close()
            self.assertNotIn("lost", protocol.calls)
            self.assertEqual(len(await self.read_exactly(theirs, len(data))), len(data))
            self.assertIsNone(await protocol.lost)

        self.run_async(main)

    def test_abort_drops_what_is_queued(self):
        async def main():
            transport, protocol, theirs = await self.connected()
            transport.write(bytes(3_000_000))
            transport.abort()
            self.assertEqual(transport.get_write_buffer_size(), 0)
            self.assertNotIn("lost", protocol.calls)
            self.assertIsNone(await protocol.lost)
            self.assertEqual(protocol.calls.count("lost"), 1)

        self.run_async(main)

    def test_what_is_queued_is_what_was_written(self):
        if sys.version_info >= (3, 12) and not isinstance(self.loop, erlang.ErlangEventLoop):
            self.skipTest("from 3.12 on the standard loop only refers to what it is given")

        async def main():
            transport, protocol, theirs = await self.connected()
            mutable = bytearray(b"x" * 2_000_000)
            transport.write(mutable)
            transport.write(mutable)
            transport.write(memoryview(mutable)[:10])
            mutable[:] = b"y" * len(mutable)
            transport.write(b"end")
            transport.close()
            data = await self.read_exactly(theirs, 4_000_013)
            self.assertEqual(data, b"x" * 4_000_010 + b"end")
            await protocol.lost

        self.run_async(main)

    def test_writelines_keeps_order(self):
        async def main():
            transport, protocol, theirs = await self.connected()
            lines = [b"%d," % i for i in range(3000)]
            transport.writelines(lines)
            transport.writelines([b"", bytearray(b"a"), memoryview(b"bc")[1:]])
            transport.writelines([])
            transport.close()
            expected = b"".join(lines) + b"ac"
            self.assertEqual(await self.read_exactly(theirs, len(expected)), expected)
            await protocol.lost

        self.run_async(main)

    def test_flow_control_follows_the_limits(self):
        async def main():
            transport, protocol, theirs = await self.connected()
            self.assertEqual(transport.get_write_buffer_limits(), (16 * 1024, 64 * 1024))
            transport.write(bytes(3_000_000))
            self.assertEqual(protocol.calls, ["made", "pause"])
            self.assertGreater(transport.get_write_buffer_size(), 64 * 1024)
            transport.write(bytes(1))
            self.assertEqual(protocol.calls, ["made", "pause"])
            await self.read_exactly(theirs, 3_000_001)
            await self.until(lambda: "resume" in protocol.calls)
            self.assertEqual(protocol.calls, ["made", "pause", "resume"])
            transport.close()
            await protocol.lost

        self.run_async(main)

    def test_limits_are_computed_and_checked_as_documented(self):
        async def main():
            transport, protocol, _ = await self.connected()
            transport.set_write_buffer_limits(high=400)
            self.assertEqual(transport.get_write_buffer_limits(), (100, 400))
            transport.set_write_buffer_limits(low=100)
            self.assertEqual(transport.get_write_buffer_limits(), (100, 400))
            transport.set_write_buffer_limits(high=0)
            self.assertEqual(transport.get_write_buffer_limits(), (0, 0))
            for wrong in {"high": 1, "low": 2}, {"high": -1}, {"low": -1}:
                with self.assertRaises(ValueError):
                    transport.set_write_buffer_limits(**wrong)
            transport.close()
            await protocol.lost

        self.run_async(main)

    def test_paused_reading_reads_nothing(self):
        async def main():
            transport, protocol, theirs = await self.connected()
            self.assertTrue(transport.is_reading())
            transport.pause_reading()
            transport.pause_reading()
            self.assertFalse(transport.is_reading())
            theirs.send(b"later")
            for _ in range(5):
                await asyncio.sleep(0)
            self.assertEqual(protocol.data, b"")
            transport.resume_reading()
            transport.resume_reading()
            await self.until(lambda: protocol.data == b"later")
            transport.close()
            transport.pause_reading()
            transport.resume_reading()
            self.assertFalse(transport.is_reading())
            await protocol.lost

        self.run_async(main)

    def test_pausing_in_data_received_holds_from_the_next_byte_on(self):
        async def main():
            class Pausing(Recorder):
                def data_received(self, data):
                    super().data_received(data)
                    self.transport.pause_reading()

            transport, protocol, theirs = await self.connected(Pausing)
            theirs.send(b"a")
            await self.until(lambda: protocol.data)
            theirs.send(b"b")
            for _ in range(5):
                await asyncio.sleep(0)
            self.assertEqual(protocol.data, b"a")
            transport.resume_reading()
            await self.until(lambda: protocol.data == b"ab")
            transport.close()
            await protocol.lost

        self.run_async(main)

    def test_write_eof_comes_after_what_is_queued(self):
        async def main():
            transport, protocol, theirs = await self.connected()
            self.assertTrue(transport.can_write_eof())
            transport.write(bytes(2_000_000))
            transport.write_eof()
            transport.write_eof()
            with self.assertRaises(RuntimeError):
                transport.write(b"more")
            await self.read_exactly(theirs, 2_000_000)
            self.assertEqual(await self.loop.sock_recv(theirs, 10), b"")
            theirs.send(b"answer")
            await self.until(lambda: protocol.data == b"answer")
            transport.close()
            await protocol.lost

        self.run_async(main)

    def test_writes_to_a_lost_connection_warn_in_the_end(self):
        async def main():
            transport, protocol, theirs = await self.connected()
            transport.abort()
            with self.assertLogs("asyncio", logging.WARNING) as logs:
                for _ in range(10):
                    transport.write(b"x")
            self.assertIn("socket.send() raised exception.", logs.output[0])
            await protocol.lost

        self.run_async(main)

    def test_the_first_writes_to_a_lost_connection_go_without_a_word(self):
        async def main():
            transport, protocol, theirs = await self.connected()
            transport.close()
            await protocol.lost
            with self.assertNoLogs("asyncio", logging.WARNING):
                for _ in range(4):
                    transport.write(b"x")
            with self.assertLogs("asyncio", logging.WARNING):
                transport.write(b"x")

        self.run_async(main)

    def test_only_bytes_can_be_written(self):
        async def main():
            transport, protocol, _ = await self.connected()
            for wrong in "text", 1, None, [b"x"]:
                with self.assertRaises(TypeError):
                    transport.write(wrong)
            transport.close()
            await protocol.lost

        self.run_async(main)

    def test_a_reset_is_quiet_and_reaches_connection_lost(self):
        async def main():
            server = await self.loop.create_server(Recorder, "127.0.0.1", 0)
            theirs = socket.create_connection(server.sockets[0].getsockname())
            transport, protocol = await self.loop.create_connection(
                Recorder, *server.sockets[0].getsockname()
            )
            theirs.close()
            transport.close()
            await protocol.lost
            server.close()

            listener = socket.create_server(("127.0.0.1", 0))
            transport, protocol = await self.loop.create_connection(
                Recorder, *listener.getsockname()
            )
            peer, _ = listener.accept()
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            peer.close()
            self.assertIsInstance(await protocol.lost, ConnectionResetError)
            listener.close()

        self.run_async(main)

    def test_failing_callbacks_are_reported_and_end_the_connection(self):
        class Failing(Recorder):
            def data_received(self, data):
                raise ZeroDivisionError

        async def main():
            transport, protocol, theirs = await self.connected(Failing)
            theirs.send(b"x")
            self.assertIsInstance(await protocol.lost, ZeroDivisionError)
            (report,) = self.take_reports()
            self.assertEqual(
                report["message"], "Fatal error: protocol.data_received() call failed."
            )
            self.assertIs(report["transport"], transport)
            self.assertIs(report["protocol"], protocol)
            del report

        self.run_async(main)

    def test_a_failing_pause_writing_is_reported_and_survived(self):
        class Failing(Recorder):
            def pause_writing(self):
                raise ZeroDivisionError

        async def main():
            transport, protocol, theirs = await self.connected(Failing)
            transport.write(bytes(3_000_000))
            (report,) = self.take_reports()
            self.assertEqual(report["message"], "protocol.pause_writing() failed")
            transport.abort()
            self.assertIsNone(await protocol.lost)
            del report

        self.run_async(main)

    def test_slow_callbacks_are_reported_in_debug_mode(self):
        async def main():
            transport, protocol, theirs = await self.connected()
            self.loop.set_debug(True)
            self.loop.slow_callback_duration = 0
            with self.assertLogs("asyncio", logging.WARNING) as logs:
                theirs.send(b"x")
                await self.until(lambda: protocol.data)
                await asyncio.sleep(0)
            self.loop.set_debug(False)
            self.assertRegex("".join(logs.output), "Executing .*Transport.* took .* seconds")
            transport.close()
            await protocol.lost

        self.run_async(main)

    def test_keyboard_interrupt_ends_the_loop(self):
        class Interrupting(Recorder):
            def data_received(self, data):
                raise KeyboardInterrupt

        transport, protocol, theirs = self.loop.run_until_complete(self.connected(Interrupting))
        theirs.send(b"x")
        with self.assertRaises(KeyboardInterrupt):
            self.loop.run_forever()
        transport.abort()
        self.run_ready()
        self.assertEqual(protocol.calls, ["made", "lost"])

    def test_an_interrupt_in_any_method_leaves_the_connection(self):
        """After it the loop can run again, and goes on where it was."""

        class Interrupted(Recorder):
            at = None

            def interrupt(self, method, *args):
                getattr(super(), method)(*args)
                if self.at == method:
                    self.at = None
                    raise KeyboardInterrupt

            def connection_made(self, transport):
                self.interrupt("connection_made", transport)

            def data_received(self, data):
                self.interrupt("data_received", data)

            def eof_received(self):
                self.interrupt("eof_received")

            def connection_lost(self, exc):
                self.interrupt("connection_lost", exc)

        def factory():
            protocol = Interrupted()
            protocol.at = method
            return protocol

        async def main():
            transport, protocol, theirs = await self.connected(factory)
            theirs.send(b"hello")
            await self.until(lambda: protocol.data == b"hello")
            theirs.close()
            await protocol.lost
            return protocol.calls

        for method in "connection_made", "data_received", "eof_received", "connection_lost":
            with self.subTest(method=method):
                task = self.loop.create_task(asyncio.wait_for(main(), 30))
                with self.assertRaises(KeyboardInterrupt):
                    self.loop.run_until_complete(task)
                calls = self.loop.run_until_complete(task)
                self.assertEqual(set(calls), {"made", "data", "eof", "lost"})
                self.assertEqual(calls.count("lost"), 1)

    def test_the_protocol_can_be_replaced_in_mid_connection(self):
        async def main():
            transport, protocol, theirs = await self.connected()
            theirs.send(b"old")
            await self.until(lambda: protocol.data == b"old")
            other = BufferedRecorder()
            transport.set_protocol(other)
            self.assertIs(transport.get_protocol(), other)
            theirs.send(b"new and longer")
            await self.until(lambda: other.data == b"new and longer")
            transport.close()
            self.assertIsNone(await other.lost)
            self.assertEqual(protocol.calls, ["made", "data"])

        self.run_async(main)

    def test_an_empty_buffer_is_fatal(self):
        class Empty(BufferedRecorder):
            def get_buffer(self, sizehint):
                return bytearray()

        async def main():
            _, protocol, theirs = await self.connected(Empty)
            theirs.send(b"x")
            self.assertIsInstance(await protocol.lost, RuntimeError)
            (report,) = self.take_reports()
            self.assertEqual(report["message"], "Fatal error: protocol.get_buffer() call failed.")
            del report

        self.run_async(main)

    def test_extra_info(self):
        async def main():
            server = await self.loop.create_server(Recorder, "127.0.0.1", 0)
            transport, protocol = await self.loop.create_connection(
                Recorder, *server.sockets[0].getsockname()
            )
            sock = transport.get_extra_info("socket")
            self.assertEqual(sock.family, socket.AF_INET)
            self.assertIs(transport.get_extra_info("socket"), sock)
            self.assertEqual(transport.get_extra_info("sockname"), sock.getsockname())
            self.assertEqual(transport.get_extra_info("peername"), server.sockets[0].getsockname())
            self.assertTrue(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            self.assertIsNone(transport.get_extra_info("no such thing"))
            self.assertEqual(transport.get_extra_info("no such thing", 5), 5)
            transport.close()
            await protocol.lost
            self.assertEqual(transport.get_extra_info("peername")[0], "127.0.0.1")
            self.assertEqual(transport.get_extra_info("socket").fileno(), -1)
            server.close()

        self.run_async(main)

    def test_an_unclosed_transport_is_warned_about_and_closed(self):
        async def main():
            transport, _, theirs = await self.connected()
            return weakref.ref(transport), theirs

        ended, theirs = self.loop.run_until_complete(main())
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ResourceWarning)
            self.loop.close()
            gc.collect()
        self.assertIsNone(ended())
        self.assertTrue([w for w in caught if "unclosed transport" in str(w.message)])
        self.assertEqual(theirs.recv(10), b"")

    def test_a_socket_closed_behind_its_back_hurts_nobody_else(self):
        async def main():
            transport, protocol, theirs = await self.connected()
            sock = transport.get_extra_info("socket")._sock
            number = sock.fileno()
            other, peer = self.socket_pair()
            sock.close()
            os.dup2(other.fileno(), number)  # the number comes back as another file
            self.addCleanup(os.close, number)
            transport.write(b"not for you")
            self.assertIsInstance(await protocol.lost, OSError)
            for end in other, peer:
                with self.assertRaises(BlockingIOError):
                    end.recv(100)

        self.run_async(main)


@loop_case.on_both_loops
class TestServer(TransportCase):
    def test_connections_of_a_unix_server(self):
        async def main():
            protocols = []

            def factory():
                protocols.append(Recorder())
                return protocols[-1]

            path = f"\0erlang-test-{id(self)}"
            server = await self.loop.create_unix_server(factory, path)
            transport, protocol = await self.loop.create_unix_connection(Recorder, path)
            transport.write(b"hello")
            await self.until(lambda: protocols and protocols[0].data == b"hello")
            transport.close()
            await protocol.lost
            await protocols[0].lost
            server.close()
            await server.wait_closed()

        self.run_async(main)

    def test_wait_closed_returns_when_all_is_over(self):
        async def main():
            server = await self.loop.create_server(Recorder, "127.0.0.1", 0)
            transport, protocol = await self.loop.create_connection(
                Recorder, *server.sockets[0].getsockname()
            )
            await self.until(lambda: connections_of(server) == 1)
            server.close()
            transport.close()
            await server.wait_closed()
            await protocol.lost
            await self.until(lambda: connections_of(server) == 0)

        self.run_async(main)

    def test_a_failing_factory_costs_one_connection(self):
        made = []

        def factory():
            made.append(1)
            if len(made) == 1:
                raise ZeroDivisionError
            return Recorder()

        async def main():
            server = await self.loop.create_server(factory, "127.0.0.1", 0)
            address = server.sockets[0].getsockname()
            _, first = await self.loop.create_connection(Recorder, *address)
            await first.lost
            transport, second = await self.loop.create_connection(Recorder, *address)
            await self.until(lambda: len(made) == 2 and connections_of(server) == 1)
            transport.close()
            await second.lost
            server.close()
            await server.wait_closed()

        self.run_async(main)

    def test_connections_are_logged_in_debug_mode(self):
        async def main():
            server = await self.loop.create_server(Recorder, "127.0.0.1", 0)
            self.loop.set_debug(True)
            with self.assertLogs("asyncio", logging.DEBUG) as logs:
                client = socket.create_connection(server.sockets[0].getsockname())
                await self.until(lambda: connections_of(server) == 1)
            self.loop.set_debug(False)
            self.assertRegex(
                "".join(logs.output),
                rf"<Server .* got a new connection from .*{client.getsockname()[1]}",
            )
            client.close()
            await self.until(lambda: connections_of(server) == 0)
            server.close()
            await server.wait_closed()

        self.run_async(main)

    @unittest.skipIf(sys.version_info < (3, 13), "older Pythons leave it")
    def test_the_path_of_a_unix_server_goes_with_it(self):
        async def main():
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "socket")
                server = await self.loop.create_unix_server(Recorder, path)
                self.assertTrue(os.path.exists(path))
                server.close()
                await server.wait_closed()
                self.assertFalse(os.path.exists(path))

        self.run_async(main)

    def test_accepting_without_descriptors_backs_off_and_recovers(self):
        async def main():
            server = await self.loop.create_server(Recorder, "127.0.0.1", 0)
            client = socket.socket()
            client.setblocking(False)
            self.addCleanup(client.close)
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            highest = max(client.fileno(), *map(lambda s: s.fileno(), server.sockets))
            fillers = []
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))
                while True:
                    fillers.append(socket.socket())
            except OSError as error:
                self.assertEqual(error.errno, errno.EMFILE)
            try:
                await self.loop.sock_connect(client, server.sockets[0].getsockname())
                await self.until(lambda: self.reports)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
                for filler in fillers:
                    filler.close()
            self.assertEqual(
                {report["message"] for report in self.take_reports()},
                {"socket.accept() out of system resource"},
            )
            await self.until(lambda: connections_of(server) == 1)
            client.close()
            await self.until(lambda: connections_of(server) == 0)
            # The standard loop has a retry for each failure, which a closed server makes fail.
            timers = getattr(self.loop, "_scheduled", ())
            await self.until(lambda: not any("_start_serving" in repr(it) for it in timers))
            await asyncio.sleep(0)  # the last ones are on their way
            server.close()
            await server.wait_closed()

        self.run_async(main)


class TestServerClients(TransportCase):
    """What the standard library has since Python 3.13."""

    def ended_by(self, method):
        async def main():
            server = await self.loop.create_server(Recorder, "127.0.0.1", 0)
            connections = [
                await self.loop.create_connection(Recorder, *server.sockets[0].getsockname())
                for _ in range(3)
            ]
            await self.until(lambda: connections_of(server) == 3)
            server.close()
            getattr(server, method)()
            for _, protocol in connections:
                await protocol.lost
            await server.wait_closed()
            await self.until(lambda: connections_of(server) == 0)

        self.run_async(main)

    def test_close_clients(self):
        self.ended_by("close_clients")

    def test_abort_clients(self):
        self.ended_by("abort_clients")


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self):
        self.received = []
        self.errors = []
        self.lost = asyncio.get_running_loop().create_future()

    def datagram_received(self, data, addr):
        self.received.append((data, addr))

    def error_received(self, exc):
        self.errors.append(exc)

    def connection_lost(self, exc):
        self.lost.set_result(exc)


@loop_case.on_both_loops
class TestDatagram(TransportCase):
    LOCAL = ("127.0.0.1", 0)

    async def endpoint(self, **options):
        return await self.loop.create_datagram_endpoint(Datagrams, **options)

    async def end(self, *endpoints):
        for transport, _ in endpoints:
            transport.close()
        for _, protocol in endpoints:
            self.assertIsNone(await protocol.lost)

    def test_there_and_back(self):
        async def main():
            server, client = [await self.endpoint(local_addr=self.LOCAL) for _ in range(2)]
            addresses = [end[0].get_extra_info("sockname") for end in (server, client)]
            client[0].sendto(b"ping", addresses[0])
            await self.until(lambda: server[1].received)
            self.assertEqual(server[1].received, [(b"ping", addresses[1])])
            server[0].sendto(bytearray(b"pong"), server[1].received[0][1])
            await self.until(lambda: client[1].received)
            self.assertEqual(client[1].received, [(b"pong", addresses[0])])
            await self.end(server, client)

        self.run_async(main)

    def test_a_connected_endpoint_knows_one_address(self):
        async def main():
            server = await self.endpoint(local_addr=self.LOCAL)
            address = server[0].get_extra_info("sockname")
            client = await self.endpoint(remote_addr=address)
            self.assertEqual(client[0].get_extra_info("peername"), address)
            client[0].sendto(b"one")
            client[0].sendto(b"two", address)
            with self.assertRaises(ValueError):
                client[0].sendto(b"three", ("127.0.0.1", 9))
            await self.until(lambda: len(server[1].received) == 2)
            await self.end(server, client)

        self.run_async(main)

    def test_a_refusal_is_an_error_received(self):
        async def main():
            server = await self.endpoint(local_addr=self.LOCAL)
            client = await self.endpoint(remote_addr=server[0].get_extra_info("sockname"))
            await self.end(server)
            client[0].sendto(b"anybody there?")
            await self.until(lambda: client[1].errors)
            self.assertIsInstance(client[1].errors[0], ConnectionRefusedError)
            self.assertFalse(client[0].is_closing())
            await self.end(client)

        self.run_async(main)

    def test_what_is_sent_between_close_and_connection_lost(self):
        async def main():
            server = await self.endpoint(local_addr=self.LOCAL)
            client = await self.endpoint(local_addr=self.LOCAL)
            address = server[0].get_extra_info("sockname")
            client[0].close()
            client[0].sendto(b"last words", address)
            client[0].sendto(b"x" * 70_000, address)
            self.assertEqual(len(client[1].errors), 1)
            await client[1].lost
            await self.until(lambda: server[1].received)
            self.assertEqual(server[1].received[0][0], b"last words")
            await self.end(server)

        self.run_async(main)

    def test_ipv6_and_names(self):
        if not socket.has_ipv6:
            self.skipTest("no IPv6")

        async def main():
            try:
                server = await self.endpoint(local_addr=("::1", 0))
            except OSError as error:
                self.skipTest(str(error))
            client = await self.endpoint(local_addr=("::1", 0))
            client[0].sendto(b"x", server[0].get_extra_info("sockname"))
            await self.until(lambda: server[1].received)
            self.assertEqual(server[1].received[0][1], client[0].get_extra_info("sockname"))
            await self.end(server, client)

        self.run_async(main)

    def test_unix_datagrams_are_queued_while_nobody_reads(self):
        async def main():
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.addCleanup(theirs.close)
            theirs.setblocking(False)
            client = await self.endpoint(sock=ours)
            sent = [b"%d" % i + bytes(50_000) for i in range(40)]
            for datagram in sent:
                # The standard loop takes an unnamed peer for none.
                client[0]._extra["peername"] = "connected"
                client[0].sendto(datagram)
            self.assertGreater(client[0].get_write_buffer_size(), 0)
            client[0].close()
            received = [await self.loop.sock_recv(theirs, 1 << 18) for _ in sent]
            self.assertEqual(received, sent)
            self.assertIsNone(await client[1].lost)

        self.run_async(main)

    def test_failing_callbacks_are_reported_and_survived(self):
        class Failing(Datagrams):
            def datagram_received(self, data, addr):
                super().datagram_received(data, addr)
                raise ZeroDivisionError

        async def main():
            server = await self.loop.create_datagram_endpoint(Failing, local_addr=self.LOCAL)
            client = await self.endpoint(local_addr=self.LOCAL)
            for count in (1, 2):
                client[0].sendto(b"x", server[0].get_extra_info("sockname"))
                await self.until(lambda: len(server[1].received) == count)
            reports = self.take_reports()
            self.assertEqual(len(reports), 2)
            self.assertIsInstance(reports[0]["exception"], ZeroDivisionError)
            del reports
            await self.end(server, client)

        self.run_async(main)

    def test_options(self):
        async def main():
            server = await self.endpoint(local_addr=self.LOCAL)
            address = server[0].get_extra_info("sockname")

            def option(endpoint, name):
                sock = endpoint[0].get_extra_info("socket")
                return bool(sock.getsockopt(socket.SOL_SOCKET, name))

            options = {"reuse_port": socket.SO_REUSEPORT, "allow_broadcast": socket.SO_BROADCAST}
            if isinstance(self.loop, erlang.ErlangEventLoop):
                options["reuse_address"] = socket.SO_REUSEADDR
            for name, number in options.items():
                for value in True, False, None:
                    for target in {"local_addr": self.LOCAL}, {"remote_addr": address}:
                        endpoint = await self.endpoint(**target, **{name: value})
                        self.assertIs(option(endpoint, number), bool(value), name)
                        await self.end(endpoint)
            for target in (
                {"local_addr": self.LOCAL, "family": socket.AF_INET},
                {"local_addr": self.LOCAL, "proto": socket.IPPROTO_UDP},
                {"local_addr": ("127.0.0.1", "0"), "flags": socket.AI_NUMERICHOST},
                {"local_addr": self.LOCAL, "remote_addr": address},
                {"family": socket.AF_INET},
            ):
                await self.end(await self.endpoint(**target))
            for wrong, error in (
                ({}, ValueError),
                ({"local_addr": "127.0.0.1"}, TypeError),
                ({"local_addr": address}, OSError),
                ({"local_addr": self.LOCAL, "no_such": True}, TypeError),
            ):
                with self.assertRaises(error):
                    await self.endpoint(**wrong)
            await self.end(server)

        self.run_async(main)

    def test_broadcasts(self):
        async def main():
            listener = await self.endpoint(local_addr=("127.255.255.255", 0), allow_broadcast=True)
            address = listener[0].get_extra_info("sockname")
            plain = await self.endpoint(local_addr=self.LOCAL)
            plain[0].sendto(b"not allowed", address)
            self.assertIsInstance(plain[1].errors[0], PermissionError)
            sender = await self.endpoint(local_addr=self.LOCAL, allow_broadcast=True)
            sender[0].sendto(b"to all", address)
            await self.until(lambda: listener[1].received)
            self.assertEqual(listener[1].received[0][0], b"to all")
            # One that is meant for a broadcast address is not connected to it.
            to_all = await self.endpoint(remote_addr=address, allow_broadcast=True)
            self.assertIsNone(to_all[0].get_extra_info("peername"))
            to_all[0].sendto(b"once more")
            await self.until(lambda: len(listener[1].received) == 2)
            await self.end(listener, plain, sender, to_all)

        self.run_async(main)

    @unittest.skipIf(sys.version_info < (3, 13), "ignored by older Pythons")
    def test_empty_datagrams_are_sent(self):
        async def main():
            server, client = [await self.endpoint(local_addr=self.LOCAL) for _ in range(2)]
            client[0].sendto(b"", server[0].get_extra_info("sockname"))
            await self.until(lambda: server[1].received)
            self.assertEqual(server[1].received[0][0], b"")
            await self.end(server, client)

        self.run_async(main)


class TestDatagramOptions(TransportCase):
    """What the standard library's loops don't have."""

    async def endpoint(self, *args, **options):
        transport, protocol = await self.loop.create_datagram_endpoint(Datagrams, *args, **options)
        self.ends.append((transport, protocol.lost))
        return transport, transport.get_extra_info("socket")

    def run_async(self, function):
        async def main():
            await function()
            for transport, _ in self.ends:
                transport.close()
            await asyncio.gather(*(lost for _, lost in self.ends))

        self.ends = []
        super().run_async(main)
        self.ends.clear()

    def option(self, sock, name):
        return sock.getsockopt(socket.SOL_SOCKET, name) != 0

    def test_reuse_address(self):
        async def main():
            _, first = await self.endpoint(("127.0.0.1", 0), reuse_address=True)
            self.assertTrue(self.option(first, socket.SO_REUSEADDR))
            self.assertFalse(self.option(first, socket.SO_REUSEPORT))
            with self.assertRaises(OSError):
                await self.endpoint(first.getsockname(), reuse_address=False)
            transport, second = await self.endpoint(
                first.getsockname(), ("127.0.0.1", 9), reuse_address=True, reuse_port=True
            )
            self.assertEqual(second.getsockname(), first.getsockname())
            self.assertEqual(transport.get_extra_info("peername"), ("127.0.0.1", 9))
            self.assertTrue(self.option(second, socket.SO_REUSEPORT))

        self.run_async(main)

    def test_reuse_address_and_broadcast(self):
        async def main():
            transport, sock = await self.endpoint(
                ("127.0.0.1", 0), ("127.0.0.1", 9), reuse_address=True, allow_broadcast=True
            )
            self.assertTrue(self.option(sock, socket.SO_BROADCAST))
            # Not connected, so that anybody may answer; but it knows where to send to.
            self.assertIsNone(transport.get_extra_info("peername"))
            transport.sendto(b"discarded")

        self.run_async(main)

    def test_reuse_address_of_a_family(self):
        async def main():
            _, sock = await self.endpoint(family=socket.AF_INET, reuse_address=True)
            self.assertEqual(sock.family, socket.AF_INET)
            for wrong, error in (
                ({}, ValueError),
                ({"local_addr": "127.0.0.1"}, TypeError),
                ({"local_addr": ("::1", 0), "remote_addr": ("127.0.0.1", 9)}, ValueError),
                ({"local_addr": ("192.0.2.1", 0)}, OSError),
            ):
                with self.subTest(wrong), self.assertRaises(error):
                    await self.endpoint(reuse_address=True, **wrong)

        self.run_async(main)

    def test_a_socket_overrides_all_options(self):
        async def main():
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.bind(("127.0.0.1", 0))
            name = made.getsockname()
            _, sock = await self.endpoint(
                ("127.0.0.1", 0), family=socket.AF_INET6, reuse_address=True, sock=made
            )
            self.assertEqual(sock.getsockname(), name)
            self.assertFalse(self.option(sock, socket.SO_REUSEADDR))
            with self.assertRaises(TypeError):
                await self.endpoint(sock=made, backlog=1)

        self.run_async(main)


class TestReusedNumbers(TransportCase):
    """Where the standard library refuses to use the number, or takes it from its new owner."""

    async def closed_behind_its_back(self):
        """A transport, its protocol, and the two ends of a new connection that has its number."""
        transport, protocol, _ = await self.connected()
        sock = transport.get_extra_info("socket")._sock
        number = sock.fileno()
        sock.close()
        ours, theirs = self.socket_pair()
        self.assertEqual(ours.fileno(), number)
        return transport, protocol, ours, theirs

    def test_they_are_free_for_plain_sockets(self):
        async def main():
            transport, protocol, ours, theirs = await self.closed_behind_its_back()
            receiving = self.loop.create_task(self.loop.sock_recv(ours, 10))
            await asyncio.sleep(0)
            transport.abort()
            await protocol.lost
            theirs.send(b"hello")
            self.assertEqual(await receiving, b"hello")

        self.run_async(main)

    def test_they_are_free_for_transports(self):
        async def main():
            old, lost, ours, theirs = await self.closed_behind_its_back()
            transport, protocol = await self.loop.create_connection(Recorder, sock=ours)
            old.close()
            await lost.lost
            with self.assertRaisesRegex(RuntimeError, "is used by transport"):
                self.loop.add_reader(ours, print)
            theirs.send(b"hello")
            await self.until(lambda: protocol.data == b"hello")
            transport.close()
            await protocol.lost

        self.run_async(main)


class SendfileCase(TransportCase):
    def setUp(self):
        super().setUp()
        self.file = tempfile.TemporaryFile()
        self.addCleanup(self.file.close)
        self.file.write(bytes(3_000_000))
        self.file.seek(0)

    async def blocked(self):
        """A connection whose peer does not read, with a sendfile() in the midst of it."""
        transport, protocol, theirs = await self.connected()
        sending = self.loop.create_task(self.loop.sendfile(transport, self.file))
        for _ in range(5):
            await asyncio.sleep(0)
        self.assertFalse(sending.done())
        return transport, protocol, theirs, sending

    async def cancel(self, task):
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task


class Keeper(asyncio.Protocol, asyncio.DatagramProtocol):
    """Looks at each message in one of several ways, and keeps it or forgets it."""

    def __init__(self):
        self.count = 0
        self.kept = []
        self.hashes = set()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        way = self.count % 5
        self.count += 1
        if way == 1:
            self.kept.append(data)
        elif way == 2:
            self.kept.append(memoryview(data)[10:])
        elif way == 3:
            self.hashes.add((hash(data), data[:10]))
        elif way == 4:
            self.kept.append(data[:10])

    def datagram_received(self, data, address):
        self.data_received(data)


@loop_case.on_both_loops
class TestMessagesOfOneSize(TransportCase):
    """The memory of a message serves the next one, if nobody can tell."""

    SIZES = 479, 480, 1024, 4096, 4097

    def message(self, number, size):
        return f"{number:10}".encode() + bytes([number % 256]) * (size - 10)

    def check(self, keeper, size):
        for number in range(keeper.count):
            message = self.message(number, size)
            if number % 5 == 1:
                self.assertEqual(keeper.kept.pop(0), message)
            elif number % 5 == 2:
                self.assertEqual(bytes(keeper.kept.pop(0)), message[10:])
            elif number % 5 == 3:
                self.assertIn((hash(message), message[:10]), keeper.hashes)
            elif number % 5 == 4:
                self.assertEqual(keeper.kept.pop(0), message[:10])
        self.assertEqual(keeper.kept, [])

    def test_streams(self):
        async def main():
            for size in self.SIZES:
                ours, theirs = self.socket_pair()
                transport, keeper = await self.loop.create_connection(Keeper, sock=ours)
                for number in range(300):
                    await self.loop.sock_sendall(theirs, self.message(number, size))
                    await self.until(lambda: keeper.count > number)
                self.check(keeper, size)
                transport.close()

        self.run_async(main)

    def test_datagrams(self):
        async def main():
            for size in self.SIZES:
                transport, keeper = await self.loop.create_datagram_endpoint(
                    Keeper, local_addr=("127.0.0.1", 0)
                )
                with socket.socket(type=socket.SOCK_DGRAM) as sender:
                    sender.connect(transport.get_extra_info("sockname"))
                    for number in range(300):
                        sender.send(self.message(number, size))
                        await self.until(lambda: keeper.count > number)
                self.check(keeper, size)
                transport.close()

        self.run_async(main)

    def test_what_is_written_stays_what_it_was(self):
        """Of many connections, so that writes wait for each other."""

        class Echo(asyncio.Protocol):
            def connection_made(self, transport):
                self.transport = transport

            def data_received(self, data):
                self.transport.write(data)

        async def main():
            pairs = [self.socket_pair() for _ in range(40)]
            for ours, _ in pairs:
                await self.loop.create_connection(Echo, sock=ours)
            for number in range(50):
                for index, (_, theirs) in enumerate(pairs):
                    theirs.send(self.message(100 * number + index, 1024))
                for index, (_, theirs) in enumerate(pairs):
                    echoed = await self.read_exactly(theirs, 1024)
                    self.assertEqual(echoed, self.message(100 * number + index, 1024))
            for _, theirs in pairs:
                theirs.close()

        self.run_async(main)


@loop_case.on_both_loops
class TestSendfile(SendfileCase):
    def test_a_cancelled_one_leaves_a_transport_that_works(self):
        async def main():
            transport, protocol, theirs, sending = await self.blocked()
            await self.cancel(sending)
            self.assertTrue(transport.is_reading())
            theirs.send(b"still there?")
            await self.until(lambda: protocol.data == b"still there?")
            transport.write(b"yes")
            transport.close()
            received = b""
            while data := await self.loop.sock_recv(theirs, 1 << 20):
                received += data
            self.assertEqual(received[-3:], b"yes")
            self.assertIsNone(await protocol.lost)

        self.run_async(main)

    def test_a_reset_in_the_midst_of_it(self):
        async def main():
            transport, protocol, theirs, sending = await self.blocked()
            theirs.close()
            with self.assertRaises(ConnectionError):
                await sending
            transport.abort()
            await protocol.lost

        self.run_async(main)


class TestOwnSendfile(SendfileCase):
    """Where the standard library's breaks the transport."""

    def test_one_cancelled_before_it_begins_leaves_a_transport_that_works(self):
        async def main():
            transport, protocol, theirs = await self.connected()
            transport.write(bytes(3_000_000))
            sending = self.loop.create_task(self.loop.sendfile(transport, self.file))
            await asyncio.sleep(0)
            with self.assertRaises(RuntimeError):
                await self.loop.sendfile(transport, self.file)
            await self.cancel(sending)
            self.assertTrue(transport.is_reading())
            transport.write(b"end")
            transport.close()
            await self.read_exactly(theirs, 3_000_003)
            self.assertIsNone(await protocol.lost)

        self.run_async(main)

    def test_one_whose_transport_ends_fails(self):
        async def main():
            for end in "abort", "close":
                with self.subTest(end):
                    transport, protocol, theirs, sending = await self.blocked()
                    getattr(transport, end)()
                    with self.assertRaisesRegex(ConnectionError, "ended before the file was sent"):
                        await asyncio.wait_for(sending, 20)
                    self.assertIsNone(await protocol.lost)

        self.run_async(main)

    def test_one_whose_transport_ends_and_that_is_cancelled_at_once(self):
        async def main():
            transport, protocol, theirs, sending = await self.blocked()
            transport.abort()
            sending.cancel()
            with self.assertRaises((asyncio.CancelledError, ConnectionError)):
                await sending
            await protocol.lost

        self.run_async(main)

    def test_the_next_connection_with_its_number_lives_on(self):
        async def main():
            transport, protocol, theirs, sending = await self.blocked()
            number = transport.get_extra_info("socket").fileno()
            transport.abort()
            await protocol.lost
            ours, peer = self.socket_pair()
            self.assertEqual(ours.fileno(), number)
            # Nothing but the loop and its own protocol knows the transport.
            other = weakref.ref((await self.loop.create_connection(Recorder, sock=ours))[1])
            with self.assertRaises(ConnectionError):
                await sending
            gc.collect()
            self.assertIsNotNone(other())
            peer.send(b"hello")
            await self.until(lambda: other().data == b"hello")
            lost = other().lost
            peer.close()
            await lost

        self.run_async(main)

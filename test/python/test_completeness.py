"""All of asyncio.AbstractEventLoop is there, and literal addresses need no thread."""

import asyncio
import inspect
import socket
import unittest
from asyncio import selector_events, sslproto

import _erlang
import erlang
from erlang import _servers, _tls
from loop_case import LoopCase, on_both_loops
from test_transports import Datagrams, Recorder, TransportCase


class Methods(unittest.TestCase):
    def public_names(self):
        return [name for name in vars(asyncio.AbstractEventLoop) if not name.startswith("_")]

    def test_none_is_abstract(self):
        names = self.public_names()
        self.assertGreater(len(names), 50)
        missing = [
            name
            for name in names
            if getattr(erlang.ErlangEventLoop, name) is vars(asyncio.AbstractEventLoop)[name]
        ]
        self.assertEqual(missing, [])


def parameters(function):
    """Name, kind and default of each, but `self`."""
    found = inspect.signature(function).parameters.values()
    return [(p.name, p.kind, p.default) for p in found if p.name != "self"]


class Signatures(unittest.TestCase):
    """Every public method can be called in every way that the standard library's can."""

    # What ours take beyond it.
    MORE = {("ErlangEventLoop", "create_datagram_endpoint"): {"reuse_address"}}

    def same(self, ours, theirs):
        compared = 0
        for name in dir(theirs):
            method = getattr(theirs, name)
            if name.startswith("_") or not callable(method):
                continue
            with self.subTest(type=ours.__name__, method=name):
                if (ours.__name__, name) == ("ErlangEventLoop", "create_task"):
                    continue  # it passes on what it gets
                more = self.MORE.get((ours.__name__, name), ())
                mine = [p for p in parameters(getattr(ours, name)) if p[0] not in more]
                self.assertEqual(mine, parameters(method))
            compared += 1
        self.assertGreater(compared, 1)

    def test_loops(self):
        self.same(erlang.ErlangEventLoop, asyncio.SelectorEventLoop)

    def test_stream_transports(self):
        self.same(_erlang._ErlangSocketTransport, selector_events._SelectorSocketTransport)

    def test_datagram_transports(self):
        self.same(_erlang._ErlangDatagramTransport, selector_events._SelectorDatagramTransport)

    def test_tls_transports(self):
        self.same(_tls._ErlangSSLTransport, sslproto._SSLProtocolTransport)

    def test_servers(self):
        self.same(_servers.Server, asyncio.base_events.Server)

    def test_handles(self):
        self.same(_erlang.Handle, asyncio.Handle)
        self.same(_erlang.TimerHandle, asyncio.TimerHandle)

    def test_arguments_may_be_given_by_name(self):
        loop = erlang.new_event_loop()
        ours, theirs = socket.socketpair()
        with theirs:
            transport = loop._make_socket_transport(ours, asyncio.Protocol())
            transport.set_protocol(protocol=asyncio.Protocol())
            transport.write(data=b"one")
            transport.writelines(list_of_data=[b"two"])
            self.assertEqual(theirs.recv(10), b"onetwo")
            for wrong in (
                lambda: transport.write(),
                lambda: transport.write(b"", b""),
                lambda: transport.write(b"", data=b""),
                lambda: transport.write(bytes=b""),
                lambda: transport.write(data=b"", more=b""),
            ):
                with self.assertRaises(TypeError):
                    wrong()
            transport.abort()
            loop.run_until_complete(asyncio.sleep(0))
        loop.close()


@on_both_loops
class Closed(LoopCase):
    """What a loop says when it is closed, a transport when it is over."""

    def outcome(self, function, *args):
        try:
            result = function(*args)
            if inspect.iscoroutine(result):
                result.close()
                return "coroutine"
            return repr(result)
        except Exception as error:
            return type(error).__name__, str(error)

    def test_a_closed_loop(self):
        ours, _ = self.socket_pair()
        self.loop.close()
        for method, *args in (
            ("call_soon", print),
            ("call_soon_threadsafe", print),
            ("call_later", 1, print),
            ("call_at", 1, print),
            ("run_forever",),
            ("add_reader", ours, print),
            ("add_writer", ours, print),
            ("run_in_executor", None, print),
            ("add_signal_handler", 10, print),
        ):
            with self.subTest(method=method):
                self.assertEqual(
                    self.outcome(getattr(self.loop, method), *args),
                    ("RuntimeError", "Event loop is closed"),
                )
        for method, *args in (("remove_reader", ours), ("remove_writer", ours)):
            self.assertEqual(self.outcome(getattr(self.loop, method), *args), "False")
        for method in "close", "stop", "time", "create_future", "is_closed", "is_running":
            self.assertNotIsInstance(self.outcome(getattr(self.loop, method)), tuple)

    def over(self, make):
        """A transport after connection_lost()."""

        async def main():
            transport = await make()
            transport.close()
            while transport._sock is not None:
                await asyncio.sleep(0)
            return transport

        return self.loop.run_until_complete(asyncio.wait_for(main(), 30))

    def check_over(self, transport, family, kind, proto):
        sock = transport.get_extra_info("socket")
        self.assertEqual((sock.family, sock.type, sock.proto), (family, kind, proto))
        self.assertEqual(sock.fileno(), -1)
        self.assertTrue(transport.is_closing())
        self.assertIsNone(transport.get_protocol())
        self.assertIsNone(transport.get_extra_info("nothing"))
        transport.close()

    def test_an_ended_connection(self):
        async def unix():
            ours, _ = self.socket_pair()
            return (await self.loop.create_connection(Recorder, sock=ours))[0]

        async def tcp():
            server = await self.loop.create_server(Recorder, "127.0.0.1", 0)
            address = server.sockets[0].getsockname()
            transport, protocol = await self.loop.create_connection(Recorder, *address)
            server.close()
            return transport

        async def accepted():
            made = []

            def factory():
                made.append(Recorder())
                return made[-1]

            server = await self.loop.create_server(factory, "127.0.0.1", 0)
            address = server.sockets[0].getsockname()
            transport, protocol = await self.loop.create_connection(Recorder, *address)
            while not made or not made[0].transport:
                await asyncio.sleep(0)
            transport.close()
            server.close()
            return made[0].transport

        transport = self.over(unix)
        self.check_over(transport, socket.AF_UNIX, socket.SOCK_STREAM, 0)
        for make in tcp, accepted:
            transport = self.over(make)
            self.assertFalse(transport.is_reading())
            self.check_over(transport, socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)

    def test_an_ended_datagram_endpoint(self):
        async def make():
            endpoint = self.loop.create_datagram_endpoint(
                asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
            )
            return (await endpoint)[0]

        transport = self.over(make)
        self.check_over(transport, socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDP)


@on_both_loops
class WaterMarks(TransportCase):
    def test_any_number_will_do_and_others_are_refused_in_the_same_words(self):
        async def main():
            transport, _, _ = await self.connected()
            for given, text in (
                ({"high": -1}, "high (-1) must be >= low (-1) must be >= 0"),
                ({"low": -1}, "high (-4) must be >= low (-1) must be >= 0"),
                ({"high": 1, "low": 2}, "high (1) must be >= low (2) must be >= 0"),
                ({"high": 2.5, "low": 3}, "high (2.5) must be >= low (3) must be >= 0"),
                ({"high": float("nan")}, "high (nan) must be >= low (nan) must be >= 0"),
            ):
                with self.assertRaises(ValueError) as raised:
                    transport.set_write_buffer_limits(**given)
                self.assertEqual(str(raised.exception), text)
            with self.assertRaises(TypeError):
                transport.set_write_buffer_limits(high="1")
            for given, limits in (
                ({}, (16384, 65536)),
                ({"high": 7}, (1, 7)),
                ({"low": 7}, (7, 28)),
                ({"high": 8.0}, (2, 8)),
                ({"high": True}, (0, 1)),
            ):
                transport.set_write_buffer_limits(**given)
                self.assertEqual(transport.get_write_buffer_limits(), limits)
            for endless in float("inf"), 1 << 100:
                transport.set_write_buffer_limits(high=endless, low=0)
                self.assertGreater(transport.get_write_buffer_limits()[1], 1 << 60)
            transport.close()

        self.run_async(main)

    def test_attributes_that_libraries_look_at(self):
        async def main():
            transport, _, _ = await self.connected()
            self.assertIs(transport._paused, False)
            transport.pause_reading()
            self.assertIs(transport._paused, True)
            transport.resume_reading()
            self.assertIs(transport._paused, False)
            self.assertIs(transport._eof, False)
            self.assertIsNone(transport._empty_waiter)
            transport.write_eof()
            self.assertIs(transport._eof, True)
            transport.close()

        self.run_async(main)


@on_both_loops
class NoThread(TransportCase):
    """Addresses in numbers are used without asking the resolver, which would take a thread."""

    ADDRESSES = ["127.0.0.1", "::1"]

    def setUp(self):
        super().setUp()

        def refuse(*_args):
            self.fail("a thread for a literal address")

        self.loop.run_in_executor = refuse
        self.addCleanup(lambda: self.loop.__dict__.pop("run_in_executor"))

    def each_address(self, use):
        async def main():
            for host in self.ADDRESSES:
                try:
                    socket.create_server((host, 0), family=self.family(host)).close()
                except OSError:
                    continue  # no IPv6 here
                await use(host)

        self.run_async(main)

    def family(self, host):
        return socket.AF_INET6 if ":" in host else socket.AF_INET

    def test_servers_and_clients(self):
        async def use(host):
            server = await self.loop.create_server(Recorder, host, 0)
            port = server.sockets[0].getsockname()[1]
            transport, protocol = await self.loop.create_connection(
                Recorder, host, port, local_addr=(host, 0)
            )
            transport.close()
            await protocol.lost
            sock = socket.socket(self.family(host))
            self.addCleanup(sock.close)
            sock.setblocking(False)
            await self.loop.sock_connect(sock, (host, port))
            sock.close()
            server.close()
            await server.wait_closed()
            await self.until(
                lambda: all(t.is_closing() for t in list(self.loop._transports.values()))
            )

        self.each_address(use)

    def test_datagrams(self):
        async def use(host):
            server = await self.loop.create_datagram_endpoint(Datagrams, local_addr=(host, 0))
            address = server[0].get_extra_info("sockname")[:2]
            client = await self.loop.create_datagram_endpoint(Datagrams, remote_addr=address)
            client[0].sendto(b"x")
            await self.until(lambda: server[1].received)
            for transport, protocol in server, client:
                transport.close()
                await protocol.lost

        self.each_address(use)


@on_both_loops
class Names(LoopCase):
    def test_they_are_resolved_in_both_directions(self):
        async def main():
            infos = await self.loop.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)
            self.assertIn(infos[0][4][0], ("127.0.0.1", "::1"))
            host, service = await self.loop.getnameinfo(
                ("127.0.0.1", 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
            )
            self.assertEqual((host, service), ("127.0.0.1", "80"))
            with self.assertRaises(socket.gaierror):
                await self.loop.getaddrinfo("no such host.invalid", 80)
            await self.loop.shutdown_default_executor()

        self.loop.run_until_complete(main())


if __name__ == "__main__":
    unittest.main()

"""All of asyncio.AbstractEventLoop is there, and literal addresses need no thread."""

import asyncio
import inspect
import socket
import unittest

import erlang
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

    def test_parameters_are_those_of_the_standard_loop(self):
        # The documentation has another name than the code for the second of sock_recv().
        for name in set(self.public_names()) - {"sock_recv"}:
            ours = inspect.signature(getattr(erlang.ErlangEventLoop, name)).parameters
            if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in ours.values()):
                continue  # passed on as they are
            theirs = inspect.signature(getattr(asyncio.SelectorEventLoop, name)).parameters
            for parameter in theirs.values():
                with self.subTest(method=name, parameter=parameter.name):
                    self.assertIn(parameter.name, ours)
                    self.assertEqual(ours[parameter.name].default, parameter.default)


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

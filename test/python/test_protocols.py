"""What protocols lack, and what programs rebind while a connection lives: as asyncio has it.

Each case plays on both loops, and compares what was seen.
"""

import asyncio
import socket
import ssl
import unittest
import warnings

import erlang
from loop_case import on_both_loops, stock_event_loop
from test_tls import client_side, server_side
from test_transports import Recorder, TransportCase


def play(new_loop, scene):
    """What the scene returns, and the exceptions that were reported."""
    loop = new_loop()
    reports = []

    def report(_, context):
        error = context.get("exception")
        reports.append((type(error).__name__, str(error)))

    loop.set_exception_handler(report)
    try:
        return loop.run_until_complete(asyncio.wait_for(scene(), 30)), reports
    finally:
        loop.close()


class Alike(unittest.TestCase):
    maxDiff = None

    def same(self, scene):
        self.assertEqual(play(erlang.new_event_loop, scene), play(stock_event_loop, scene))


async def turns(count=10):
    for _ in range(count):
        await asyncio.sleep(0)


def protocol_with(names, base=asyncio.BaseProtocol):
    """A class with just these methods, each of which says that it was called."""
    log = []

    def method(name):
        def called(self, *args):
            log.append((name, *(arg for arg in args if isinstance(arg, (bytes, int)))))
            return bytearray(10) if name == "get_buffer" else None

        return called

    return type("Few", (base,), {name: method(name) for name in names}), log


def without(cls, name):
    """As if the class had never had it."""

    def get(self, key):
        if key == name:
            raise AttributeError(f"no {name}")
        return object.__getattribute__(self, key)

    return type("Without", (cls,), {"__getattribute__": get})


class Lacking(Alike):
    """A protocol may lack any of its methods, as long as nobody calls it."""

    def stream(self, names, send=b"hello", base=asyncio.BaseProtocol):
        async def scene():
            factory, log = protocol_with(names, base)
            ours, theirs = socket.socketpair()
            with ours, theirs:
                ours.setblocking(False)
                transport, _ = await asyncio.get_running_loop().create_connection(
                    factory, sock=ours
                )
                if send:
                    theirs.send(send)
                    await turns()
                theirs.shutdown(socket.SHUT_WR)
                await turns()
                log.append(transport.is_closing())
                if not transport.is_closing():
                    transport.abort()
                await turns()
                return log

        self.same(scene)

    def test_data_received(self):
        self.stream(["eof_received"])

    def test_data_received_if_there_is_only_an_end(self):
        self.stream(["eof_received"], send=b"")

    def test_eof_received(self):
        self.stream(["data_received"])

    def test_everything(self):
        self.stream([])

    def test_connection_lost(self):
        async def scene():
            factory = without(asyncio.Protocol, "connection_lost")
            ours, theirs = socket.socketpair()
            with ours, theirs:
                ours.setblocking(False)
                transport, _ = await asyncio.get_running_loop().create_connection(
                    factory, sock=ours
                )
                transport.close()
                await turns()
                return ours.fileno()

        self.same(scene)

    def test_connection_made(self):
        async def scene():
            class Protocol:
                pass

            ours, theirs = socket.socketpair()
            with ours, theirs:
                ours.setblocking(False)
                try:
                    await asyncio.get_running_loop().create_connection(Protocol, sock=ours)
                except AttributeError as error:
                    return str(error)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # the standard library's
            self.same(scene)

    def test_buffer_methods(self):
        for missing in "get_buffer", "buffer_updated":
            for send in b"hello", b"":

                async def scene(missing=missing, send=send):
                    class Protocol(without(asyncio.BufferedProtocol, missing)):
                        def get_buffer(self, sizehint):
                            return bytearray(10)

                        def buffer_updated(self, nbytes):
                            pass

                        def eof_received(self):
                            log.append("eof")

                        def connection_lost(self, exc):
                            log.append(repr(exc))

                    log = []
                    ours, theirs = socket.socketpair()
                    with ours, theirs:
                        ours.setblocking(False)
                        loop = asyncio.get_running_loop()
                        transport, _ = await loop.create_connection(Protocol, sock=ours)
                        if send:
                            theirs.send(send)
                        else:
                            theirs.shutdown(socket.SHUT_WR)
                        await turns()
                        transport.close()
                        await turns()
                    return log

                with self.subTest(missing=missing, send=send):
                    self.same(scene)

    def datagrams(self, names, act):
        async def scene():
            factory, log = protocol_with(names)
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_datagram_endpoint(factory, local_addr=("127.0.0.1", 0))
            peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            with peer:
                await act(transport, peer, log)
                await turns()
                log.append(transport.is_closing())
                transport.close()
                await turns()
            return log

        self.same(scene)

    def test_datagram_received(self):
        async def act(transport, peer, log):
            for _ in range(3):
                peer.sendto(b"hello", transport.get_extra_info("sockname"))
                await turns()

        self.datagrams(["error_received"], act)

    def test_error_received(self):
        async def act(transport, peer, log):
            try:
                transport.sendto(bytes(100_000), ("127.0.0.1", 9))  # too long
            except AttributeError:
                log.append("raised")

        self.datagrams(["datagram_received"], act)
        self.datagrams(["error_received"], act)


class Rebinding(Alike):
    """Receiving methods are looked up each time."""

    def plays(self, base, rebind):
        """Three messages; before the second, `rebind` gets the protocol and the log."""

        async def scene():
            log = []
            protocol_class = type("Protocol", (base,), {"log": log})
            ours, theirs = socket.socketpair()
            with ours, theirs:
                ours.setblocking(False)
                loop = asyncio.get_running_loop()
                transport, protocol = await loop.create_connection(protocol_class, sock=ours)
                for number in range(3):
                    theirs.send(b"%d" % number)
                    await turns()
                    if number == 0:
                        rebind(protocol, log)
                transport.close()
                await turns()
            return log

        self.same(scene)

    class Plain(asyncio.Protocol):
        def data_received(self, data):
            self.log.append(("first", data))

    class Buffered(asyncio.BufferedProtocol):
        def get_buffer(self, sizehint):
            self.buffer = bytearray(10)
            return self.buffer

        def buffer_updated(self, nbytes):
            self.log.append(("first", bytes(self.buffer[:nbytes])))

    def test_data_received_of_the_object(self):
        def rebind(protocol, log):
            protocol.data_received = lambda data: log.append(("second", data))

        self.plays(self.Plain, rebind)

    def test_data_received_of_the_class(self):
        def rebind(protocol, log):
            type(protocol).data_received = lambda self, data: log.append(("second", data))

        self.plays(self.Plain, rebind)

    def test_another_class(self):
        def rebind(protocol, log):
            class Other(type(protocol)):
                def data_received(self, data):
                    log.append(("second", data))

            protocol.__class__ = Other

        self.plays(self.Plain, rebind)

    def test_deleted(self):
        def rebind(protocol, log):
            protocol.data_received = lambda data: log.append(("second", data))
            del protocol.data_received

        self.plays(self.Plain, rebind)

    def test_buffer_methods(self):
        def updated(protocol, log):
            protocol.buffer_updated = lambda count: log.append(("second", count))

        def get(protocol, log):
            def get_buffer(sizehint):
                log.append("asked")
                protocol.buffer = bytearray(20)
                return protocol.buffer

            protocol.get_buffer = get_buffer

        for rebind in updated, get:
            self.plays(self.Buffered, rebind)

    def test_datagram_received(self):
        async def scene():
            log = []

            class Protocol(asyncio.DatagramProtocol):
                def datagram_received(self, data, addr):
                    log.append(("first", data))
                    self.datagram_received = self.second

                def second(self, data, addr):
                    log.append(("second", data))

            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_datagram_endpoint(
                Protocol, local_addr=("127.0.0.1", 0)
            )
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
                for number in range(3):
                    peer.sendto(b"%d" % number, transport.get_extra_info("sockname"))
                    while len(log) <= number:
                        await asyncio.sleep(0)
            transport.close()
            await turns()
            return log

        self.same(scene)

    def streams(self, rebind, expected=None):
        async def scene():
            log = []
            ours, theirs = socket.socketpair()
            with ours, theirs:
                ours.setblocking(False)
                reader, writer = await asyncio.open_connection(sock=ours)
                theirs.send(b"0")
                log.append(await reader.read(10))
                undo = rebind(reader, writer.transport.get_protocol(), log)
                try:
                    theirs.send(b"1")
                    await turns()
                finally:
                    if undo:
                        undo()
                theirs.send(b"2")
                theirs.shutdown(socket.SHUT_WR)
                log.append(await reader.read(10))
                writer.close()
                await turns()
            return log

        self.same(scene)

    def test_feed_data_of_a_reader(self):
        def rebind(reader, protocol, log):
            feed = reader.feed_data

            def fed(data):
                log.append(("fed", data))
                feed(data)

            reader.feed_data = fed

        self.streams(rebind)

    def test_data_received_of_a_stream_protocol(self):
        def rebind(reader, protocol, log):
            protocol.data_received = lambda data: log.append(("instead", data))

        self.streams(rebind)

    def test_wakeup_of_a_reader(self):
        def rebind(reader, protocol, log):
            wakeup = reader._wakeup_waiter

            def wake():
                log.append("wake")
                wakeup()

            reader._wakeup_waiter = wake

        self.streams(rebind)

    def test_classes_of_the_standard_library(self):
        for cls, name in (
            (asyncio.StreamReader, "feed_data"),
            (asyncio.StreamReaderProtocol, "data_received"),
        ):

            def rebind(reader, protocol, log, cls=cls, name=name):
                original = getattr(cls, name)

                def patched(self, data):
                    log.append((name, bytes(data)))
                    original(self, data)

                setattr(cls, name, patched)
                return lambda: setattr(cls, name, original)

            self.streams(rebind)

    def test_another_class_of_reader(self):
        def rebind(reader, protocol, log):
            class Other(asyncio.StreamReader):
                def feed_data(self, data):
                    log.append(("other", data))
                    super().feed_data(data)

            reader.__class__ = Other

        self.streams(rebind)


@on_both_loops
class RebindingUnderTLS(TransportCase):
    def test_the_application_is_looked_up_each_time(self):
        async def main():
            server_context, client_context = server_side(), client_side()
            log = []
            done = self.loop.create_future()

            class Server(asyncio.Protocol):
                def data_received(self, data):
                    log.append(("first", data))
                    self.data_received = self.second

                def second(self, data):
                    log.append(("second", data))
                    done.set_result(None)

            server = await self.loop.create_server(Server, "127.0.0.1", 0, ssl=server_context)
            transport, protocol = await self.loop.create_connection(
                Recorder,
                *server.sockets[0].getsockname(),
                ssl=client_context,
                server_hostname="localhost",
            )
            transport.write(b"1")
            await self.until(lambda: log)
            transport.write(b"2")
            await done
            self.assertEqual(log, [("first", b"1"), ("second", b"2")])
            transport.close()
            server.close()
            await protocol.lost

        self.run_async(main)

    def test_a_stream_reader_is_looked_at_each_time(self):
        async def main():
            server_context, client_context = server_side(), client_side()
            fed = []

            async def serve(reader, writer):
                while data := await reader.read(100):
                    writer.write(data)
                    await writer.drain()
                writer.close()

            server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_context)
            reader, writer = await asyncio.open_connection(
                *server.sockets[0].getsockname(), ssl=client_context, server_hostname="localhost"
            )
            writer.write(b"1")
            self.assertEqual(await reader.readexactly(1), b"1")
            feed = reader.feed_data
            reader.feed_data = lambda data: (fed.append(bytes(data)), feed(data))
            writer.write(b"2")
            self.assertEqual(await reader.readexactly(1), b"2")
            self.assertEqual(fed, [b"2"])
            writer.close()
            try:
                await writer.wait_closed()
            except (ConnectionError, ssl.SSLError):
                pass
            del reader.feed_data  # a cycle
            server.close()
            await self.until(lambda: not [t for t in self.loop._transports.values() if t._loop])

        self.run_async(main)


if __name__ == "__main__":
    unittest.main()

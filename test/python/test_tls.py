"""TLS on our transports: who is not to be trusted gets nothing, and endings lose no data.

certificates/ has those that its make.py made, with their keys: `authority` has signed `localhost`,
`elsewhere`, `expired` and `future`, which is not valid yet; `stranger` has signed itself.
"""

import asyncio
import contextlib
import pathlib
import re
import socket
import ssl
import unittest

import _erlang
import loop_case
from test_transports import Recorder, TransportCase

CERTIFICATES = pathlib.Path(__file__).parent / "certificates"
AUTHORITY = CERTIFICATES / "authority.pem"


def certificate(name):
    return CERTIFICATES / f"{name}.pem"


def server_side(name="localhost", asks_clients=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if name is not None:
        context.load_cert_chain(certificate(name))
    if asks_clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(AUTHORITY)
    return context


def client_side(name=None, trusts=AUTHORITY, version=ssl.TLSVersion.TLSv1_3):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = version
    if trusts is not None:
        context.load_verify_locations(trusts)
    if name is not None:
        context.load_cert_chain(certificate(name))
    return context


class TLSCase(TransportCase):
    def setUp(self):
        super().setUp()
        self.accepted = []  # the protocols of the server
        self.addCleanup(self.accepted.clear)  # they know the loop

    def factory(self):
        self.accepted.append(Recorder())
        return self.accepted[-1]

    async def server(self, context, **options):
        return await self.loop.create_server(self.factory, "127.0.0.1", 0, ssl=context, **options)

    async def client(self, server, context, host="localhost", **options):
        return await self.loop.create_connection(
            Recorder,
            *server.sockets[0].getsockname(),
            ssl=context,
            server_hostname=host,
            **options,
        )

    async def end(self, server):
        """All that was accepted is over, TLS or not."""
        server.close()
        await server.wait_closed()
        await self.until(lambda: not self.transports())

    def transports(self):
        return [t for t in self.loop._transports.values() if not t.is_closing()]


@loop_case.on_both_loops
class Trust(TLSCase):
    """Protocols on neither side hear of a connection whose other side is not trusted."""

    def refused_by_client(self, server_context, client_context, reason):
        async def main():
            server = await self.server(server_context)
            with self.assertRaises((ssl.SSLError, ConnectionError)) as caught:
                await self.client(server, client_context)
            self.assertRegex(str(caught.exception), reason)
            del caught
            await self.end(server)
            self.assertEqual([p.calls for p in self.accepted if p.calls], [])

        self.run_async(main)

    def test_another_name(self):
        self.refused_by_client(server_side("elsewhere"), client_side(), "[Hh]ostname mismatch")

    def test_expired(self):
        self.refused_by_client(server_side("expired"), client_side(), "has expired")

    def test_not_valid_yet(self):
        self.refused_by_client(server_side("future"), client_side(), "not yet valid")

    def test_signed_by_itself(self):
        self.refused_by_client(server_side("stranger"), client_side(), "self.signed")

    def test_nobody_is_trusted(self):
        self.refused_by_client(server_side(), client_side(trusts=None), "CERTIFICATE_VERIFY_FAILED")

    def test_a_server_without_a_certificate(self):
        self.refused_by_client(server_side(None), client_side(), "^")

    def refused_by_server(self, client_context):
        async def main():
            server = await self.server(server_side(asks_clients=True))
            try:
                transport, protocol = await self.client(server, client_context)
            except (ssl.SSLError, ConnectionError):
                pass  # TLS 1.2: the handshake itself fails
            else:
                transport.write(b"let me in")
                await protocol.lost
                self.assertEqual(protocol.data, b"")
            await self.end(server)
            self.assertEqual([p.calls for p in self.accepted if p.calls], [])

        self.run_async(main)

    def test_a_client_without_a_certificate(self):
        for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            self.refused_by_server(client_side(version=version))

    def test_a_client_signed_by_itself(self):
        self.refused_by_server(client_side("stranger"))

    def test_a_client_that_has_expired(self):
        self.refused_by_server(client_side("expired"))

    def test_start_tls_with_an_expired_server(self):
        async def main():
            server = await self.loop.create_server(self.factory, "127.0.0.1", 0)
            transport, protocol = await self.loop.create_connection(
                Recorder, *server.sockets[0].getsockname()
            )
            await self.until(lambda: self.accepted and self.accepted[0].transport)
            theirs = self.accepted[0]
            outcomes = await asyncio.gather(
                self.loop.start_tls(
                    theirs.transport, theirs, server_side("expired"), server_side=True
                ),
                self.loop.start_tls(
                    transport, protocol, client_side(), server_hostname="localhost"
                ),
                return_exceptions=True,
            )
            self.assertIsInstance(outcomes[0], (ssl.SSLError, ConnectionError))
            self.assertIsInstance(outcomes[1], ssl.SSLCertVerificationError)
            self.assertEqual([protocol.data, theirs.data], [b"", b""])
            del outcomes
            await self.end(server)

        self.run_async(main)

    def test_what_is_not_tls_is_refused(self):
        async def main():
            server = await self.server(server_side())
            transport, protocol = await self.loop.create_connection(
                Recorder, *server.sockets[0].getsockname()
            )
            transport.write(b"GET / HTTP/1.0\r\n\r\n")
            await protocol.lost
            await self.end(server)
            self.assertEqual([p.calls for p in self.accepted if p.calls], [])

            plain = await self.loop.create_server(self.factory, "127.0.0.1", 0)
            connecting = self.loop.create_task(self.client(plain, client_side()))
            await self.until(lambda: self.accepted and self.accepted[-1].data)
            self.accepted[-1].transport.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            with self.assertRaises(ssl.SSLError):
                await connecting
            del connecting
            await self.end(plain)

        self.run_async(main)

    def test_who_is_trusted_gets_through(self):
        async def main():
            for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
                server = await self.server(server_side(asks_clients=True))
                context = client_side("localhost", version=version)
                transport, protocol = await self.client(server, context)
                transport.write(b"hello")
                await self.until(lambda: self.accepted and self.accepted[-1].data == b"hello")
                transport.close()
                self.assertIsNone(await protocol.lost)
                self.assertIsNone(await self.accepted[-1].lost)
                await self.end(server)

        self.run_async(main)


@loop_case.on_both_loops
class Connections(TLSCase):
    def connected(self, body, **options):
        """Runs `body(transport, protocol, the server's protocol)`."""

        async def main():
            server = await self.server(server_side())
            transport, protocol = await self.client(server, client_side(), **options)
            await self.until(lambda: self.accepted and self.accepted[0].transport)
            await body(transport, protocol, self.accepted[0])
            await self.end(server)

        self.run_async(main)

    def test_closing_sends_what_was_written(self):
        data = bytes(range(256)) * 10_000

        async def body(transport, protocol, theirs):
            transport.write(data)
            transport.close()
            transport.write(b"too late")
            self.assertIsNone(await protocol.lost)
            self.assertIsNone(await theirs.lost)
            self.assertEqual(theirs.data, data)

        self.connected(body)

    def test_both_write_and_close_at_once(self):
        data = bytes(1_000_000)

        async def body(transport, protocol, theirs):
            for end in transport, theirs.transport:
                end.write(data)
                end.close()
            await protocol.lost
            await theirs.lost

        self.connected(body)

    def test_aborting_loses_what_was_written(self):
        async def body(transport, protocol, theirs):
            theirs.transport.pause_reading()
            transport.write(bytes(5_000_000))
            transport.abort()
            self.assertIsNone(await protocol.lost)
            theirs.transport.resume_reading()
            await theirs.lost
            self.assertLess(len(theirs.data), 5_000_000)

        self.connected(body)

    def test_flow_control_reaches_the_writer(self):
        async def body(transport, protocol, theirs):
            theirs.transport.pause_reading()
            written = 0
            while "pause" not in protocol.calls:
                transport.write(bytes(100_000))
                written += 100_000
                self.assertLess(written, 100_000_000)
                await asyncio.sleep(0)
            theirs.transport.resume_reading()
            await self.until(lambda: "resume" in protocol.calls)
            transport.close()
            await theirs.lost
            self.assertEqual(len(theirs.data), written)

        self.connected(body)

    def test_a_connection_cut_without_goodbye(self):
        async def body(transport, protocol, theirs):
            transport.get_extra_info("socket")._sock.shutdown(socket.SHUT_RDWR)
            await theirs.lost
            await protocol.lost

        self.connected(body)

    def test_tls_in_tls(self):
        data = bytes(range(256)) * 2000

        async def body(transport, protocol, theirs):
            inner, theirs_inner = await asyncio.gather(
                self.loop.start_tls(
                    transport, protocol, client_side(), server_hostname="localhost"
                ),
                self.loop.start_tls(theirs.transport, theirs, server_side(), server_side=True),
            )
            inner.write(data)
            theirs_inner.write(data[::-1])
            await self.until(lambda: len(theirs.data) == len(protocol.data) == len(data))
            self.assertEqual(theirs.data, data)
            self.assertEqual(protocol.data, data[::-1])
            inner.close()
            await protocol.lost
            await theirs.lost

        self.connected(body)

    def test_sizes_around_a_records(self):
        """A record has 16 KB of data at most."""

        async def body(transport, protocol, theirs):
            sent = b""
            for size in (1, 16383, 16384, 16385, 2 * 16384, 3 * 16384 + 1, 100_000, 1):
                data = bytes([size % 251]) * size
                transport.write(data)
                sent += data
                await self.until(lambda: len(theirs.data) == len(sent))
                theirs.transport.write(data)
                await self.until(lambda: len(protocol.data) == len(sent))
            self.assertEqual(theirs.data, sent)
            self.assertEqual(protocol.data, sent)
            transport.close()
            await theirs.lost

        self.connected(body)

    def test_all_that_can_be_written(self):
        async def body(transport, protocol, theirs):
            for data in (b"bytes ", bytearray(b"bytearray "), memoryview(b"memoryview "), b""):
                transport.write(data)
            transport.writelines([b"list ", bytearray(b"of them")])
            expected = b"bytes bytearray memoryview list of them"
            await self.until(lambda: len(theirs.data) >= len(expected))
            self.assertEqual(theirs.data, expected)
            for wrong in ("text", 1, None):
                self.assertRaises(TypeError, transport.write, wrong)
            self.assertEqual(transport.get_write_buffer_size(), 0)
            transport.close()
            await theirs.lost

        self.connected(body)

    def test_another_protocol_takes_over(self):
        async def body(transport, protocol, theirs):
            reader = asyncio.StreamReader(loop=self.loop)
            transport.write(b"to the first")
            await self.until(lambda: theirs.data == b"to the first")
            theirs.transport.set_protocol(asyncio.StreamReaderProtocol(reader, loop=self.loop))
            transport.write(b"to a stream")
            self.assertEqual(await reader.readexactly(11), b"to a stream")
            theirs.transport.set_protocol(theirs)
            transport.write(b", and back")
            await self.until(lambda: theirs.data == b"to the first, and back")
            transport.close()
            await theirs.lost

        self.connected(body)

    def test_a_protocol_that_fails_loses_its_connection(self):
        class Failing(asyncio.Protocol):
            def data_received(self, data):
                raise ValueError("failed")

        async def body(transport, protocol, theirs):
            theirs.transport.set_protocol(Failing())
            transport.write(b"data")
            await protocol.lost
            [report] = self.take_reports()
            self.assertEqual(str(report["exception"]), "failed")
            self.assertEqual(report["message"], "Fatal error on SSL protocol")

        self.connected(body)

    def test_what_arrives_while_reading_is_paused_waits(self):
        async def body(transport, protocol, theirs):
            theirs.transport.pause_reading()
            transport.write(b"wait")
            transport.write(bytes(40_000))
            for _ in range(20):
                await asyncio.sleep(0.001)
            self.assertEqual(theirs.data, b"")
            theirs.transport.resume_reading()
            await self.until(lambda: len(theirs.data) == 40_004)
            transport.close()
            await theirs.lost

        self.connected(body)

    def test_streams(self):
        async def echo(reader, writer):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
            writer.close()

        async def main():
            server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=server_side())
            reader, writer = await asyncio.open_connection(
                *server.sockets[0].getsockname(), ssl=client_side(), server_hostname="localhost"
            )
            data = bytes(range(256)) * 4000
            writer.write(data)
            self.assertEqual(await reader.readexactly(len(data)), data)
            writer.write(b"a line\n")
            self.assertEqual(await reader.readline(), b"a line\n")
            writer.close()
            await writer.wait_closed()
            await self.end(server)

        self.run_async(main)

    def test_records_that_come_byte_by_byte(self):
        """A relay between client and server passes single bytes."""

        async def relay(reader, writer):
            try:
                while data := await reader.read(1 << 16):
                    for index in range(len(data)):
                        writer.write(data[index : index + 1])
                        await asyncio.sleep(0)
            finally:
                writer.close()

        async def main():
            server = await self.server(server_side())

            async def through(reader, writer):
                onward = await asyncio.open_connection(*server.sockets[0].getsockname())
                await asyncio.gather(relay(reader, onward[1]), relay(onward[0], writer))

            between = await asyncio.start_server(through, "127.0.0.1", 0)
            transport, protocol = await self.client(between, client_side())
            transport.write(b"slowly")
            await self.until(lambda: self.accepted and self.accepted[0].data == b"slowly")
            self.accepted[0].transport.write(b"but surely")
            await self.until(lambda: protocol.data == b"but surely")
            transport.close()
            await protocol.lost
            await self.accepted[0].lost
            await self.end(between)
            await self.end(server)

        self.run_async(main)


class OwnProtocol(TLSCase):
    def test_attributes_that_somebody_deletes(self):
        """No crash: an error, or what asyncio would do."""

        names = [name for name in dir(_erlang.TLSRecords) if re.match("_[a-z]", name)]
        self.assertIn("_incoming", names)

        async def one(name):
            server = await self.server(server_side())
            transport, protocol = await self.client(server, client_side())
            await self.until(lambda: self.accepted and self.accepted[-1].transport)
            tls = transport._ssl_protocol
            value = getattr(tls, name)
            delattr(tls, name)
            self.accepted[-1].transport.write(b"data")
            with contextlib.suppress(AttributeError, SystemError, TypeError):
                transport.write(b"data")
            await asyncio.sleep(0.01)
            setattr(tls, name, value)
            transport.abort()
            self.accepted[-1].transport.abort()
            await self.end(server)
            self.take_reports()

        async def main():
            for name in names:
                with self.subTest(name):
                    await one(name)

        self.run_async(main)


@loop_case.on_both_loops
class Handshakes(TLSCase):
    def test_one_that_stalls_ends_by_its_limit_and_holds_up_nobody(self):
        async def main():
            server = await self.server(server_side(), ssl_handshake_timeout=0.05)
            silent = socket.create_connection(server.sockets[0].getsockname())
            self.addCleanup(silent.close)
            silent.setblocking(False)
            transport, protocol = await self.client(server, client_side())
            self.assertEqual(await self.loop.sock_recv(silent, 1), b"")
            transport.close()
            await protocol.lost
            await self.end(server)
            self.take_reports()  # of the one that timed out, in some versions

        self.run_async(main)

    def test_a_cancelled_one_leaves_nothing(self):
        async def main():
            with socket.create_server(("127.0.0.1", 0)) as listener:
                connecting = self.loop.create_task(
                    self.loop.create_connection(
                        Recorder,
                        *listener.getsockname(),
                        ssl=client_side(),
                        server_hostname="localhost",
                    )
                )
                listener.setblocking(False)
                peer, _ = await self.loop.sock_accept(listener)
                with peer:
                    await self.read_exactly(peer, 1)  # the client's hello
                    connecting.cancel()
                    with self.assertRaises(asyncio.CancelledError):
                        await connecting
                    while await self.loop.sock_recv(peer, 1 << 16):
                        pass
            await self.until(lambda: not self.transports())

        self.run_async(main)

    def test_a_cancelled_start_tls_closes_the_connection(self):
        async def main():
            transport, protocol, theirs = await super(TLSCase, self).connected()
            starting = self.loop.create_task(
                self.loop.start_tls(transport, protocol, client_side(), server_hostname="localhost")
            )
            await self.read_exactly(theirs, 1)
            starting.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await starting
            while await self.loop.sock_recv(theirs, 1 << 16):
                pass
            self.assertTrue(transport.is_closing())

        self.run_async(main)


class Clients(TLSCase):
    """What Server has since Python 3.13: it reaches connections with TLS, too."""

    def ended_by(self, method):
        async def main():
            server = await self.server(server_side())
            clients = [await self.client(server, client_side()) for _ in range(3)]
            await self.until(lambda: len([p for p in self.accepted if p.transport]) == 3)
            server.close()
            getattr(server, method)()
            for _, protocol in clients:
                await protocol.lost
            for protocol in self.accepted:
                await protocol.lost
            await self.end(server)

        self.run_async(main)

    def test_close_clients(self):
        self.ended_by("close_clients")

    def test_abort_clients(self):
        self.ended_by("abort_clients")


if __name__ == "__main__":
    unittest.main()

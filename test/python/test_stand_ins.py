"""Where C++ stands in for code of the standard library, a program that changes that code is heard.

Each case plays on both loops; on asyncio's own nothing stands in for anything.
"""

import asyncio
import collections
import contextlib
import json
import os
import ssl
import sys
import unittest
from asyncio import sslproto
from pathlib import Path
from unittest import mock

from loop_case import LoopCase, on_both_loops
from test_tls import TLSCase, client_side, server_side
from test_transports import Recorder

HERE = Path(__file__).parent
SIZES = (0, 1, 31, 32, 33, 127, 128, 129, 130, 1000, 100_000, 1_000_000)

OF_PROTOCOL = (
    "get_buffer",
    "buffer_updated",
    "_do_read",
    "_do_read__copied",
    "_do_write",
    "_write_appdata",
    "_process_outgoing",
    "_control_app_writing",
    "_control_ssl_reading",
    "_get_write_buffer_size",
    "_get_read_buffer_size",
)


class Echo(Recorder):
    def data_received(self, data):
        self.transport.write(data)


class Spy:
    """Patches methods with some that count, and call the ones before them."""

    def __init__(self):
        self.calls = collections.Counter()

    def on_class(self, cls, name):
        original = getattr(cls, name)

        def patched(this, *args):
            self.calls[name] += 1
            return original(this, *args)

        return mock.patch.object(cls, name, patched)

    def on_object(self, item, name):
        original = getattr(item, name)

        def patched(*args):
            self.calls[name] += 1
            return original(*args)

        return mock.patch.object(item, name, patched)


@contextlib.contextmanager
def python_calls():
    """Counts the Python functions that this thread calls, by their names."""
    calls = collections.Counter()

    def profile(frame, event, _):
        if event == "call":
            calls[frame.f_code.co_name] += 1

    sys.setprofile(profile)
    try:
        yield calls
    finally:
        sys.setprofile(None)


class TLSConnections(TLSCase):
    def factory(self):
        self.accepted.append(Echo())
        return self.accepted[-1]

    async def echo(self, transport, protocol, sizes=(1, 33, 1000)):
        for size in sizes:
            protocol.data = b""
            data = os.urandom(size)
            transport.write(data)
            await self.until(lambda size=size: len(protocol.data) == size)
            self.assertEqual(protocol.data, data)

    @contextlib.asynccontextmanager
    async def connection(self, context=None):
        """Of a client, with an echoing server."""
        server = await self.server(server_side())
        transport, protocol = await self.client(server, context or client_side())
        try:
            yield transport, protocol
        finally:
            transport.close()
            await protocol.lost
            await self.accepted[-1].lost
            await self.end(server)


@on_both_loops
class PatchedTLS(TLSConnections):
    def heard(self, patch, names):
        """Patches of `names`, made by patch(spy, transport, name) in a connection that lives."""

        async def main():
            async with self.connection() as (transport, protocol):
                await self.echo(transport, protocol)
                for name in names:
                    with self.subTest(name):
                        spy = Spy()
                        with patch(spy, transport, name):
                            await self.echo(transport, protocol)
                        self.assertGreaterEqual(spy.calls[name], 3)
                        seen = spy.calls.copy()
                        await self.echo(transport, protocol)
                        self.assertEqual(spy.calls, seen)

        self.run_async(main)

    def test_on_the_class_of_asyncio(self):
        self.heard(lambda spy, _, name: spy.on_class(sslproto.SSLProtocol, name), OF_PROTOCOL)

    def test_on_the_class_of_the_connection(self):
        self.heard(
            lambda spy, transport, name: spy.on_class(type(transport._ssl_protocol), name),
            OF_PROTOCOL,
        )

    def test_on_the_connection(self):
        self.heard(
            lambda spy, transport, name: spy.on_object(transport._ssl_protocol, name),
            OF_PROTOCOL,
        )

    def test_in_the_dict_of_the_connection(self):
        def patch(spy, transport, name):
            original = getattr(transport._ssl_protocol, name)

            def patched(*args):
                spy.calls[name] += 1
                return original(*args)

            return mock.patch.dict(vars(transport._ssl_protocol), {name: patched})

        self.heard(patch, OF_PROTOCOL)

    def test_write_of_the_transport(self):
        self.heard(
            lambda spy, _, name: spy.on_class(sslproto._SSLProtocolTransport, name),
            ["write"],
        )
        self.heard(lambda spy, transport, name: spy.on_class(type(transport), name), ["write"])
        self.heard(lambda spy, transport, name: spy.on_object(transport, name), ["write"])

    def test_the_object_of_the_module_ssl(self):
        names = ["read", "write"]
        self.heard(lambda spy, _, name: spy.on_class(ssl.SSLObject, name), names)
        self.heard(
            lambda spy, transport, name: spy.on_object(
                transport.get_extra_info("ssl_object"), name
            ),
            names,
        )

    def test_a_class_of_the_context_in_place_of_the_object_of_the_module_ssl(self):
        written = []

        class Object(ssl.SSLObject):
            def write(self, data):
                written.append(bytes(data))
                return super().write(data)

        async def main():
            context = client_side()
            context.sslobject_class = Object
            async with self.connection(context) as (transport, protocol):
                await self.echo(transport, protocol, [3])
                self.assertEqual(written, [protocol.data])

        self.run_async(main)

    def test_before_the_connection_is_made(self):
        async def main():
            for name in OF_PROTOCOL:
                with self.subTest(name):
                    spy = Spy()
                    with spy.on_class(sslproto.SSLProtocol, name):
                        async with self.connection() as (transport, protocol):
                            spy.calls.clear()
                            await self.echo(transport, protocol)
                            self.assertGreaterEqual(spy.calls[name], 3)

        self.run_async(main)

    def test_all_sizes_whatever_is_patched(self):
        async def main():
            async with self.connection() as (transport, protocol):
                await self.echo(transport, protocol, SIZES)
                for name in OF_PROTOCOL:
                    with self.subTest(name), Spy().on_class(sslproto.SSLProtocol, name):
                        await self.echo(transport, protocol, SIZES)
                await self.echo(transport, protocol, SIZES)

        self.run_async(main)


class StandIns(TLSConnections):
    """On our loop alone: what is not patched does not run."""

    def expects_stand_ins(self):
        if sys.version_info[:2] not in ((3, 11), (3, 13), (3, 14)):
            self.skipTest("not known of this version")
        if sys.flags.optimize > 1:
            self.skipTest("without docstrings, code is other code")

    def test_tls_in_cpp_when_nothing_is_patched_and_when_no_longer(self):
        self.expects_stand_ins()

        async def main():
            async with self.connection() as (transport, protocol):
                await self.echo(transport, protocol)
                with Spy().on_class(sslproto.SSLProtocol, "_do_read"), python_calls() as calls:
                    await self.echo(transport, protocol)
                self.assertGreaterEqual(calls["_do_read"], 3)
                sslproto.SSLProtocol.something_else = 1
                del sslproto.SSLProtocol.something_else
                transport._ssl_protocol.something_else = 1
                with python_calls() as calls:
                    await self.echo(transport, protocol)
                self.assertGreaterEqual(calls["data_received"], 3)
                self.assertEqual([name for name in OF_PROTOCOL if calls[name]], [])

        self.run_async(main)

    def test_streams_in_cpp_when_nothing_is_patched_and_when_no_longer(self):
        self.expects_stand_ins()

        async def main():
            ours, theirs = self.socket_pair()
            reader, writer = await asyncio.open_connection(sock=ours)

            async def receive():
                for size in SIZES:
                    await self.loop.sock_sendall(theirs, bytes(min(size, 1000)))
                    self.assertEqual(
                        await reader.readexactly(min(size, 1000)),
                        bytes(min(size, 1000)),
                    )

            with Spy().on_class(asyncio.StreamReader, "feed_data"), python_calls() as calls:
                await receive()
            self.assertGreaterEqual(calls["feed_data"], 1)
            with python_calls() as calls:
                await receive()
            self.assertGreaterEqual(calls["readexactly"], 1)
            for name in "data_received", "feed_data", "_wakeup_waiter":
                self.assertEqual(calls[name], 0, name)
            writer.close()
            await writer.wait_closed()

        self.run_async(main)


class UnknownCode(LoopCase):
    def test_a_python_whose_code_is_not_known_runs_that_code(self):
        """In a VM of its own, whose Python has other methods before anything of ours is loaded."""

        async def main():
            process = await asyncio.create_subprocess_exec(
                HERE.parent.parent / "bin" / "erlpy",
                HERE / "unknown_code" / "echo.py",
                env={**os.environ, "PYTHONPATH": str(HERE / "unknown_code")},
                stdout=asyncio.subprocess.PIPE,
            )
            output, _ = await process.communicate()
            self.assertEqual(process.returncode, 0)
            return json.loads(output)

        calls = self.loop.run_until_complete(asyncio.wait_for(main(), 120))
        for name in "feed_data", "_process_outgoing", "write":
            self.assertGreaterEqual(calls[name], len(SIZES) - 1, name)


if __name__ == "__main__":
    unittest.main()

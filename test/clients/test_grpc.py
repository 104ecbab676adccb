"""grpc.aio, server and client: calls of all four kinds, with plain bytes as messages."""

import asyncio
import contextlib
import unittest

import grpc
import grpc.aio
from client_case import ClientCase, gather_all, setting


async def double(request, context):
    return request * 2


async def count(request, context):
    for number in range(int(request)):
        yield b"%d" % number


async def join(requests, context):
    return b",".join([request async for request in requests])


async def answer_each(requests, context):
    async for request in requests:
        yield request * 2


async def refuse(request, context):
    await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not today")


async def never(request, context):
    await asyncio.Event().wait()


HANDLERS = {
    "Double": grpc.unary_unary_rpc_method_handler(double),
    "Count": grpc.unary_stream_rpc_method_handler(count),
    "Join": grpc.stream_unary_rpc_method_handler(join),
    "AnswerEach": grpc.stream_stream_rpc_method_handler(answer_each),
    "Refuse": grpc.unary_unary_rpc_method_handler(refuse),
    "Never": grpc.unary_unary_rpc_method_handler(never),
}


@contextlib.asynccontextmanager
async def channel(tls=False):
    """A server with the handlers, and a channel to it."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Test", HANDLERS),))
    if tls:
        certificate, key = (read(setting(name)) for name in ("CERTIFICATE", "KEY"))
        credentials = grpc.ssl_server_credentials([(key, certificate)])
        port = server.add_secure_port("localhost:0", credentials)
        opened = grpc.aio.secure_channel(
            f"localhost:{port}", grpc.ssl_channel_credentials(certificate)
        )
    else:
        port = server.add_insecure_port("localhost:0")
        opened = grpc.aio.insecure_channel(f"localhost:{port}")
    await server.start()
    try:
        async with opened:
            yield opened
    finally:
        await server.stop(None)


def read(path):
    with open(path, "rb") as file:
        return file.read()


class Grpc(ClientCase):
    async def test_calls_at_a_time(self):
        async with channel() as remote:

            async def ask(number):
                return await remote.unary_unary("/Test/Double")(b"%d" % number)

            self.assertEqual(await gather_all(100, ask), [b"%d" % i * 2 for i in range(100)])

    async def test_streams(self):
        async def words():
            for word in b"a", b"b", b"c":
                yield word

        async with channel() as remote:
            counted = [n async for n in remote.unary_stream("/Test/Count")(b"100")]
            self.assertEqual(counted, [b"%d" % i for i in range(100)])
            self.assertEqual(await remote.stream_unary("/Test/Join")(words()), b"a,b,c")
            answers = [a async for a in remote.stream_stream("/Test/AnswerEach")(words())]
            self.assertEqual(answers, [b"aa", b"bb", b"cc"])

    async def test_tls(self):
        async with channel(tls=True) as remote:
            self.assertEqual(await remote.unary_unary("/Test/Double")(b"x"), b"xx")

    async def test_errors(self):
        async with channel() as remote:
            with self.assertRaises(grpc.aio.AioRpcError) as caught:
                await remote.unary_unary("/Test/Refuse")(b"")
            self.assertEqual(caught.exception.code(), grpc.StatusCode.FAILED_PRECONDITION)
            self.assertEqual(caught.exception.details(), "not today")

    async def test_deadlines_and_cancellation(self):
        async with channel() as remote:
            with self.assertRaises(grpc.aio.AioRpcError) as caught:
                await remote.unary_unary("/Test/Never")(b"", timeout=0.1)
            self.assertEqual(caught.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
            call = remote.unary_unary("/Test/Never")(b"")
            call.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await call


if __name__ == "__main__":
    unittest.main()

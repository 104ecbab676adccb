"""aiohttp's server and client, with each other."""

import asyncio
import contextlib
import os
import socket
import tempfile
import unittest

import aiohttp
from aiohttp import web
from client_case import ClientCase, client_tls, gather_all, server_tls

BODY = os.urandom(3_000_000)


async def greet(request):
    return web.json_response({"hello": request.match_info["name"]})


async def echo(request):
    return web.Response(body=await request.read())


async def count(request):
    """A body without a length, in chunks."""
    response = web.StreamResponse()
    await response.prepare(request)
    for number in range(100):
        await response.write(b"%d\n" % number)
    await response.write_eof()
    return response


async def repeat(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.data == "bye":
            await socket.close(code=4000)
        elif message.type == aiohttp.WSMsgType.TEXT:
            await socket.send_str(message.data * 2)
        else:
            await socket.send_bytes(message.data * 2)
    return socket


async def slow(request):
    await asyncio.Event().wait()


async def fail(request):
    raise web.HTTPConflict(text="not now")


@contextlib.asynccontextmanager
async def serving(*routes, tls=None):
    """An application; its URL."""
    app = web.Application(client_max_size=10_000_000)
    app.add_routes(routes)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls, shutdown_timeout=1)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        yield f"{'https' if tls else 'http'}://localhost:{port}"
    finally:
        await runner.cleanup()


class Aiohttp(ClientCase):
    async def test_requests_at_a_time(self):
        async with serving(web.get("/{name}", greet)) as url, aiohttp.ClientSession(url) as session:

            async def ask(number):
                async with session.get(f"/{number}") as response:
                    return await response.json()

            answers = await gather_all(200, ask)
            self.assertEqual(answers, [{"hello": str(number)} for number in range(200)])

    async def test_large_bodies(self):
        async with serving(web.post("/", echo)) as url, aiohttp.ClientSession(url) as session:
            async with session.post("/", data=BODY) as response:
                self.assertEqual(await response.read(), BODY)

    async def test_chunks(self):
        async with serving(web.get("/", count)) as url, aiohttp.ClientSession(url) as session:
            async with session.get("/") as response:
                lines = [int(line) async for line in response.content]
            self.assertEqual(lines, list(range(100)))

    async def test_files(self):
        """By loop.sendfile(), where aiohttp wants it to."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(BODY)
            file.flush()

            async def send(request):
                return web.FileResponse(file.name)

            async with serving(web.get("/", send)) as url, aiohttp.ClientSession(url) as session:
                async with session.get("/") as response:
                    self.assertEqual(await response.read(), BODY)
                async with session.get("/", headers={"Range": "bytes=1000-1999"}) as response:
                    self.assertEqual(response.status, 206)
                    self.assertEqual(await response.read(), BODY[1000:2000])

    async def test_websocket(self):
        async with serving(web.get("/", repeat)) as url, aiohttp.ClientSession(url) as session:
            async with session.ws_connect("/", max_msg_size=0) as socket:
                for number in range(100):
                    await socket.send_str(f"<{number}>")
                    self.assertEqual(await socket.receive_str(), f"<{number}>" * 2)
                await socket.send_bytes(BODY[:1_000_000])
                self.assertEqual(await socket.receive_bytes(), BODY[:1_000_000] * 2)
                await socket.send_str("bye")
                self.assertEqual((await socket.receive()).type, aiohttp.WSMsgType.CLOSE)
                self.assertEqual(socket.close_code, 4000)

    async def test_tls(self):
        async with serving(web.post("/", echo), tls=server_tls()) as url:
            connector = aiohttp.TCPConnector(ssl=client_tls())
            async with aiohttp.ClientSession(url, connector=connector) as session:
                async with session.post("/", data=BODY) as response:
                    self.assertEqual(await response.read(), BODY)

    async def test_tls_is_verified(self):
        async with serving(web.post("/", echo), tls=server_tls()) as url:
            # Of several addresses of the name it would tell how the last one failed.
            connector = aiohttp.TCPConnector(family=socket.AF_INET)
            async with aiohttp.ClientSession(url, connector=connector) as session:
                with self.assertRaises(aiohttp.ClientConnectorCertificateError):
                    await session.post("/", data=b"secret")

    async def test_time_out(self):
        async with serving(web.get("/", slow)) as url, aiohttp.ClientSession(url) as session:
            with self.assertRaises(asyncio.TimeoutError):
                await session.get("/", timeout=aiohttp.ClientTimeout(total=0.05))

    async def test_errors(self):
        async with serving(web.get("/", fail)) as url, aiohttp.ClientSession(url) as session:
            async with session.get("/") as response:
                self.assertEqual((response.status, await response.text()), (409, "not now"))
        async with aiohttp.ClientSession() as session:
            with self.assertRaises(aiohttp.ClientConnectorError):
                await session.get(url)


if __name__ == "__main__":
    unittest.main()

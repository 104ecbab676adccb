"""hypercorn with asgi_app.py: HTTP/1.1, HTTP/2 and websockets."""

import os
import unittest

import httpx
import websockets
from client_case import ClientCase, client_tls, gather_all, setting

BODY = os.urandom(1_000_000)


def client(url, **options):
    return httpx.AsyncClient(base_url=setting(url), timeout=30, **options)


class Hypercorn(ClientCase):
    async def test_http_1(self):
        async with client("URL") as http:
            answer = (await http.get("/somewhere")).json()
            self.assertEqual(answer, {"loop": setting("LOOP"), "http": "1.1", "path": "/somewhere"})
            self.assertEqual((await http.post("/", content=BODY)).content, BODY)

    async def test_http_2_over_tls(self):
        """Many streams in one connection."""
        async with client("TLS_URL", verify=client_tls(), http2=True) as http:

            async def ask(number):
                return (await http.get(f"/{number}")).json()

            answers = await gather_all(50, ask)
            self.assertEqual(
                [(a["http"], a["path"]) for a in answers], [("2", f"/{i}") for i in range(50)]
            )
            self.assertEqual((await http.post("/", content=BODY)).content, BODY)

    async def test_websocket(self):
        async with websockets.connect(setting("URL").replace("http", "ws")) as socket:
            for number in range(50):
                await socket.send(f"<{number}>")
                self.assertEqual(await socket.recv(), f"<{number}>" * 2)


if __name__ == "__main__":
    unittest.main()

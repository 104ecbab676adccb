"""uvicorn with fastapi_app.py: asked by httpx and websockets."""

import asyncio
import os
import unittest

import fastapi_app
import httpx
import websockets
from client_case import ClientCase, client_tls, gather_all, setting

BODY = os.urandom(3_000_000)


def client(**options):
    return httpx.AsyncClient(base_url=setting("URL"), timeout=30, **options)


class Uvicorn(ClientCase):
    async def test_the_loop_of_the_server(self):
        async with client() as http:
            self.assertEqual((await http.get("/loop")).json(), setting("LOOP"))

    async def test_requests_at_a_time(self):
        async with client() as http:

            async def order(number):
                body = {"name": str(number), "amounts": [number, 1]}
                return (await http.post("/orders", json=body)).json()

            answers = await gather_all(100, order)
            self.assertEqual(answers, [{"name": str(i), "total": i + 1} for i in range(100)])

    async def test_wrong_input(self):
        async with client() as http:
            answer = await http.post("/orders", json={"name": "x", "amounts": "many"})
            self.assertEqual(answer.status_code, 422)

    async def test_threads(self):
        async with client() as http:

            async def ask(number):
                return (await http.get(f"/threads/{number}")).json()

            self.assertEqual(await gather_all(50, ask), list(range(50)))

    async def test_streams_in_both_directions(self):
        async def chunks():
            for start in range(0, len(BODY), 100_000):
                yield BODY[start : start + 100_000]

        async with client() as http:
            async with http.stream("POST", "/echo", content=chunks()) as response:
                received = b"".join([chunk async for chunk in response.aiter_bytes()])
        self.assertEqual(received, BODY)

    async def test_files(self):
        with open(fastapi_app.__file__, encoding="utf-8") as file:
            async with client() as http:
                self.assertEqual((await http.get("/source")).text, file.read())

    async def test_background_tasks(self):
        async with client() as http:
            await http.post("/later/word")
            async with asyncio.timeout(30):
                while "word" not in (await http.get("/done")).json():
                    pass

    async def test_websocket(self):
        async with websockets.connect(setting("URL").replace("http", "ws") + "/repeat") as socket:
            for number in range(100):
                await socket.send(f"<{number}>")
                self.assertEqual(await socket.recv(), f"<{number}>" * 2)
            await socket.send("x" * 100_000)
            self.assertEqual(await socket.recv(), "x" * 200_000)
            await socket.send("bye")
            with self.assertRaises(websockets.ConnectionClosed) as caught:
                await socket.recv()
            self.assertEqual(caught.exception.rcvd.code, 4000)

    async def test_tls(self):
        url = setting("TLS_URL")
        async with httpx.AsyncClient(base_url=url, verify=client_tls(), timeout=30) as http:
            self.assertEqual((await http.post("/echo", content=BODY)).content, BODY)
        async with websockets.connect(
            url.replace("http", "ws") + "/repeat", ssl=client_tls()
        ) as socket:
            await socket.send("secret")
            self.assertEqual(await socket.recv(), "secretsecret")


if __name__ == "__main__":
    unittest.main()

"""An aiohttp server and an aiohttp client; neither knows which loop it runs on.

bin/erlpy examples/http_aiohttp.py
"""

import asyncio

from aiohttp import ClientSession, web


async def hello(request):
    return web.json_response({"hello": request.match_info["name"]})


async def serve():
    app = web.Application()
    app.router.add_get("/hello/{name}", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner


async def main():
    runner = await serve()
    host, port = runner.addresses[0]
    async with ClientSession() as session:

        async def get(name):
            async with session.get(f"http://{host}:{port}/hello/{name}") as response:
                return await response.json()

        names = [f"name{n}" for n in range(20)]
        answers = await asyncio.gather(*map(get, names))
    assert answers == [{"hello": name} for name in names]
    print(f"{len(answers)} answers from {host} on {type(asyncio.get_running_loop()).__name__}")
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())

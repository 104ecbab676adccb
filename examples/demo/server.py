"""An HTTP server with aiohttp. It knows nothing of Erlang: `python3 server.py` runs it, too."""

import asyncio

from aiohttp import web


async def square(request):
    number = int(request.match_info["number"])
    return web.json_response({"number": number, "square": number * number})


def application():
    app = web.Application()
    app.router.add_get("/square/{number}", square)
    return app


async def start(port=0):
    """Serves from now on; gives the port."""
    runner = web.AppRunner(application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    return runner.addresses[0][1]


async def loop_name():
    return type(asyncio.get_running_loop()).__name__


if __name__ == "__main__":
    web.run_app(application(), host="127.0.0.1", port=8080)

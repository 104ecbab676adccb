"""A server on a port of its own choice, until Ctrl-C."""

import asyncio

from aiohttp import web


async def name(request):
    return web.Response(text=type(asyncio.get_running_loop()).__name__)


async def main():
    app = web.Application()
    app.router.add_get("/", name)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print("Serving on (http://127.0.0.1:%d/)" % runner.addresses[0][1])
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass

"""A plaintext HTTP server by uvicorn (with httptools) or by aiohttp, on the chosen loop.

    http_server.py --loop uvloop --server uvicorn
"""

import asyncio
import collections.abc
import socket
import typing

import chosen_loop
import readiness

BODY = b"Hello, World!"

Message = collections.abc.MutableMapping[str, typing.Any]
Send = collections.abc.Callable[[Message], collections.abc.Awaitable[None]]


async def plaintext(scope: Message, receive: typing.Any, send: Send) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(BODY))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


async def serve_uvicorn(listener: socket.socket) -> None:
    import uvicorn  # type: ignore[import]

    config = uvicorn.Config(
        plaintext, http="httptools", loop="none", lifespan="off", log_level="warning"
    )
    await uvicorn.Server(config).serve(sockets=[listener])


async def serve_aiohttp(listener: socket.socket) -> None:
    from aiohttp import web

    async def hello(request: web.Request) -> web.Response:
        return web.Response(body=BODY, content_type="text/plain")

    app = web.Application()
    app.router.add_get("/", hello)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    await asyncio.get_running_loop().create_future()


SERVERS = {"uvicorn": serve_uvicorn, "aiohttp": serve_aiohttp}


def new_listener() -> socket.socket:
    # With the protocol spelt out: asyncio switches Nagle's delay off only where it is.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    return listener


async def serve(name: str) -> None:
    listener = new_listener()
    # The socket listens already, so a client that comes before the server just waits.
    server = asyncio.ensure_future(SERVERS[name](listener))
    announced = asyncio.ensure_future(readiness.announce_and_serve(listener.getsockname()[1]))
    done, _ = await asyncio.wait({server, announced}, return_when=asyncio.FIRST_COMPLETED)
    done.pop().result()


def main() -> None:
    parser = chosen_loop.parser(__doc__)
    parser.add_argument("--server", choices=sorted(SERVERS), default="uvicorn")
    args = parser.parse_args()
    readiness.raise_descriptor_limit()
    chosen_loop.run(serve(args.server), args.loop)


if __name__ == "__main__":
    main()

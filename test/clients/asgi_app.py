"""A plain ASGI application, to be served by hypercorn; test_hypercorn.py asks it."""

import asyncio
import json


async def app(scope, receive, send):
    handlers = {"lifespan": lifespan, "http": http, "websocket": websocket}
    await handlers[scope["type"]](scope, receive, send)


async def lifespan(scope, receive, send):
    while True:
        kind = (await receive())["type"]
        await send({"type": kind + ".complete"})
        if kind == "lifespan.shutdown":
            return


async def http(scope, receive, send):
    """Describes the request if there is no body, else sends the body back."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    loop = type(asyncio.get_running_loop()).__module__
    about = json.dumps({"loop": loop, "http": scope["http_version"], "path": scope["path"]})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body or about.encode()})


async def websocket(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        await send({"type": "websocket.send", "text": message["text"] * 2})

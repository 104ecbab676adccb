"""A FastAPI application, to be served by uvicorn; test_uvicorn.py asks it."""

import asyncio
import threading
from typing import List

from fastapi import BackgroundTasks, FastAPI, Request, WebSocket
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel

app = FastAPI()
done = []


class Order(BaseModel):
    name: str
    amounts: List[int]


@app.get("/loop")
async def loop():
    return type(asyncio.get_running_loop()).__module__


@app.post("/orders")
async def order(order: Order):
    return {"name": order.name, "total": sum(order.amounts)}


@app.get("/threads/{number}")
def thread(number: int):
    """Not a coroutine function: in a thread of anyio's pool."""
    return number if threading.current_thread() is not threading.main_thread() else "main"


@app.post("/echo")
async def echo(request: Request):
    pieces = [piece async for piece in request.stream()]
    return StreamingResponse(iter_async(pieces))


async def iter_async(pieces):
    for piece in pieces:
        yield piece


@app.get("/source")
async def source():
    return FileResponse(__file__)


@app.post("/later/{word}")
async def later(word: str, tasks: BackgroundTasks):
    tasks.add_task(done.append, word)


@app.get("/done")
async def list_done():
    return done


@app.websocket("/repeat")
async def repeat(websocket: WebSocket):
    await websocket.accept()
    while True:
        message = await websocket.receive_text()
        if message == "bye":
            await websocket.close(4000)
            return
        await websocket.send_text(message * 2)

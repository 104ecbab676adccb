"""Calls of Erlang functions, and sleeping, from synchronous code and from coroutines."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import Any, Awaitable, Coroutine, TypeVar

import _erlang

_T = TypeVar("_T")


async def async_call(name: str | _erlang.Fun, *args: Any) -> Any:
    """Call a registered Erlang function, or an erlang.Fun, without holding up the event loop.

    Raises what `erlang.call` raises. Any event loop will do; no thread waits for the answer.
    """
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    call = _erlang.start_call(loop, future, name, *args)
    try:
        return await future
    except asyncio.CancelledError:
        _erlang.cancel_call(call)
        raise


def sleep(seconds: float) -> Awaitable[None] | None:
    """Sleep, in a coroutine by `await erlang.sleep(...)` and elsewhere without await.

    Without a running event loop it blocks the calling thread, with the GIL released; a deadline of
    the Erlang call that it works for ends the sleep.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        _erlang.sleep(seconds)
        return None
    return asyncio.sleep(seconds)


def spawn_task(
    coro: Coroutine[Any, Any, _T], *, name: str | None = None
) -> asyncio.Task[_T] | concurrent.futures.Future[_T]:
    """Start a coroutine as a task, from synchronous code that Erlang calls as well.

    With a running loop it is `asyncio.create_task`. Without one the task runs on the event loop of
    the context or loop that this call belongs to. In other threads, whose code has no event loop at
    all, it runs on the application's default loop; what is given then is a
    concurrent.futures.Future, which any thread may wait for and cancel. RuntimeError without the
    application.
    """
    loop: asyncio.AbstractEventLoop | None
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        loop = _erlang.current_loop()
        if not asyncio.iscoroutine(coro):
            raise TypeError(f"a coroutine was expected, got {coro!r}") from None
        if loop is None:
            return _spawn_on_default_loop(coro, name)
    return loop.create_task(coro, name=name)


def _spawn_on_default_loop(
    coro: Coroutine[Any, Any, _T], name: str | None
) -> concurrent.futures.Future[_T]:
    future: concurrent.futures.Future[_T] = concurrent.futures.Future()

    def start() -> None:
        if future.cancelled():
            coro.close()
            return
        task = asyncio.get_running_loop().create_task(coro, name=name)
        _chain(task, future)

    try:
        _erlang.run_in_default_loop(start)
    except BaseException:
        coro.close()
        raise
    return future


def _chain(task: asyncio.Task[_T], future: concurrent.futures.Future[_T]) -> None:
    """The future ends as the task does, and cancelling the future cancels the task."""
    loop = task.get_loop()

    def task_done(task: asyncio.Task[_T]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        if task.cancelled():
            future.set_exception(concurrent.futures.CancelledError())
        elif (error := task.exception()) is not None:
            future.set_exception(error)
        else:
            future.set_result(task.result())

    def future_done(future: concurrent.futures.Future[_T]) -> None:
        if future.cancelled() and not loop.is_closed():
            loop.call_soon_threadsafe(task.cancel)

    task.add_done_callback(task_done)
    future.add_done_callback(future_done)

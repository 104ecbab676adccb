"""Calls of Erlang functions, and sleeping, from synchronous code and from coroutines."""

from __future__ import annotations

import asyncio
import functools
from typing import Any, Awaitable, Coroutine, TypeVar

import _erlang

from . import _loop

_T = TypeVar("_T")


async def async_call(name: str | _erlang.Fun, *args: Any) -> Any:
    """Call a registered Erlang function, or an erlang.Fun, without holding up the event loop.

    Raises what `erlang.call` raises. On an event loop that is not an ErlangEventLoop the wait takes
    a thread of the loop's default executor.
    """
    loop = asyncio.get_running_loop()
    if not isinstance(loop, _loop.ErlangEventLoop):
        return await loop.run_in_executor(None, functools.partial(_erlang.call, name, *args))
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


def spawn_task(coro: Coroutine[Any, Any, _T], *, name: str | None = None) -> asyncio.Task[_T]:
    """Start a coroutine as an asyncio.Task, from synchronous code that Erlang calls as well.

    With a running loop it is `asyncio.create_task`. Without one the task runs on the event loop of
    the context or loop that this call belongs to; elsewhere RuntimeError is raised.
    """
    loop: asyncio.AbstractEventLoop | None
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        loop = _erlang.current_loop()
        if not asyncio.iscoroutine(coro):
            raise TypeError(f"a coroutine was expected, got {coro!r}") from None
        if loop is None:
            coro.close()
            raise RuntimeError(
                "erlang.spawn_task() needs a running event loop, or a call from Erlang"
            ) from None
    return loop.create_task(coro, name=name)

"""What the native code needs of asyncio to host event loops for Erlang; not for users."""

from __future__ import annotations

import asyncio
import asyncio.tasks
import atexit
import sys
from typing import Any, Awaitable

from . import _forked, _libraries, _loop

_forked.install()
_libraries.install()

#: How long the tasks of a loop that ends may take to deal with their cancellation.
CLOSE_TIMEOUT = 5.0


def new_loop() -> asyncio.AbstractEventLoop:
    """A loop for an executor to host."""
    return _loop.ErlangEventLoop()


def ensure_future(
    awaitable: Awaitable[Any], loop: asyncio.AbstractEventLoop
) -> asyncio.Future[Any]:
    """The future of `loop` that an awaitable is, or a task that awaits it."""
    return asyncio.ensure_future(awaitable, loop=loop)


def run_nested(awaitable: Awaitable[Any]) -> Any:
    """The result of an awaitable whose loop can't run: it is blocked by its own caller."""
    loop = new_loop()
    try:
        return loop.run_until_complete(awaitable)
    finally:
        finish_loop(loop)


def finish_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what runs on a hosted loop, and close it."""
    try:
        loop.run_until_complete(_cancel_all())
    finally:
        loop.close()


async def _cancel_all() -> None:
    loop = asyncio.get_running_loop()
    tasks = asyncio.tasks.all_tasks(loop) - {asyncio.tasks.current_task(loop)}
    for task in tasks:
        task.cancel()
    if tasks:
        _, stubborn = await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT)
        for task in stubborn:
            loop.call_exception_handler(
                {"message": "task outlived its cancellation; its loop is closed", "task": task}
            )
    await loop.shutdown_asyncgens()
    executor = getattr(loop, "_default_executor", None)
    if executor is not None:
        executor.shutdown(wait=False)


def is_empty(loop: asyncio.AbstractEventLoop) -> bool:
    """Has a hosted loop no task and no descriptor that it watches?"""
    return not asyncio.tasks.all_tasks(loop)


def application_stopped() -> list[Any]:
    """Leave nothing of this run of the application behind for the next one; what there was.

    The program of bin/erlpy keeps its names: it may still run, and there is no next one.
    """
    _flush_streams()
    if "erlang._main" in sys.modules:
        return []
    main = sys.modules["__main__"].__dict__
    names = [name for name in main if not (name.startswith("__") and name.endswith("__"))]
    return [main.pop(name) for name in names]


def node_ended() -> None:
    """What python3 does at the end of a program that threads may outlive."""
    getattr(atexit, "_run_exitfuncs")()
    _flush_streams()


def _flush_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # closed or replaced by the user
            pass

"""Running a coroutine to its end on a loop of its own."""

from __future__ import annotations

import asyncio
from typing import Any, Coroutine, TypeVar

from ._loop import ErlangEventLoop

_T = TypeVar("_T")


def new_event_loop() -> ErlangEventLoop:
    """A new loop: `asyncio.Runner(loop_factory=erlang.new_event_loop)`."""
    return ErlangEventLoop()


def run(main: Coroutine[Any, Any, _T], *, debug: bool | None = None) -> _T:
    """As asyncio.run(), on an ErlangEventLoop.

    Cancels the tasks that are left over, closes asynchronous generators and the default executor.
    Raises RuntimeError when called from a running event loop.
    """
    if asyncio._get_running_loop() is not None:
        raise RuntimeError("erlang.run() cannot be called from a running event loop")
    with asyncio.Runner(debug=debug, loop_factory=new_event_loop) as runner:
        return runner.run(main)

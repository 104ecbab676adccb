"""Python's side of erlang_python: Erlang's processes and functions, and its event loop.

Registered Erlang functions are attributes: after ``py:register_function(compute, Fun)``,
``erlang.compute(1)`` and ``from erlang import compute`` work as ``erlang.call('compute', 1)`` does.
"""

import functools as _functools
from typing import Any as _Any

from _erlang import (
    IN_NODE as _IN_NODE,
    Atom,
    Fun,
    Pid,
    Port,
    Ref,
    atom,
    call,
    has_function as _has_function,
    send,
    whereis,
)

from ._calls import async_call, sleep, spawn_task
from ._errors import ConversionError, ErlangError, Interrupted
from ._logging import setup_logging
from ._loop import ErlangEventLoop
from ._mode import ExecutionMode, detect_mode
from ._policy import ErlangEventLoopPolicy, EventLoopPolicy, install
from ._runners import new_event_loop, run
from ._schedule import ScheduleMarker, consume_time_slice, schedule, schedule_inline, schedule_py

__all__ = [
    "Atom",
    "ConversionError",
    "ErlangError",
    "ErlangEventLoop",
    "ErlangEventLoopPolicy",
    "EventLoopPolicy",
    "ExecutionMode",
    "Fun",
    "Interrupted",
    "Pid",
    "Port",
    "Ref",
    "ScheduleMarker",
    "async_call",
    "atom",
    "call",
    "consume_time_slice",
    "detect_mode",
    "install",
    "new_event_loop",
    "run",
    "schedule",
    "schedule_inline",
    "schedule_py",
    "send",
    "setup_logging",
    "sleep",
    "spawn_task",
    "whereis",
]


def __getattr__(name: str) -> _Any:
    if not (name.startswith("__") and name.endswith("__")) and _has_function(name):
        return _functools.partial(call, name)
    why = "no function is registered" if _IN_NODE else "there is no Erlang node here to have one"
    raise AttributeError(f"module 'erlang' has no attribute {name!r}, and {why}")

"""Continuations: a function called by Erlang gives up its turn and says what goes on instead.

No scheduler of the VM ever waits for Python here, so none has to be released; what these
functions give is fairness: other work of the same thread runs before the continuation does.
"""

from __future__ import annotations

import importlib
import threading
from typing import Any, Callable, Mapping, Optional, Sequence

from . import _calls

_Args = Optional[Sequence[Any]]
_Kwargs = Optional[Mapping[str, Any]]


class ScheduleMarker:
    """What a function returns so that its caller gets the result of something else."""

    __slots__ = ("inline", "_continue")

    def __init__(self, inline: bool, continue_: Callable[[], object]) -> None:
        self.inline = inline
        self._continue = continue_

    def resume(self) -> object:
        """Run the continuation; gives its result, which may be a marker again."""
        return self._continue()


def schedule(callback_name: str, *args: Any) -> ScheduleMarker:
    """Continue with a registered Erlang function: `return erlang.schedule('name', arg)`.

    The caller gets the function's result. The thread is free while it runs.
    """
    return ScheduleMarker(True, lambda: _calls.async_call(callback_name, *args))


def schedule_py(
    module: str, func: str, args: _Args = None, kwargs: _Kwargs = None
) -> ScheduleMarker:
    """Continue with a Python function, after the work that waits for this thread now."""
    return ScheduleMarker(False, _call(module, func, args, kwargs))


def schedule_inline(
    module: str, func: str, args: _Args = None, kwargs: _Kwargs = None
) -> ScheduleMarker:
    """Continue with a Python function at once: a loop without a growing stack."""
    return ScheduleMarker(True, _call(module, func, args, kwargs))


def _call(module: str, func: str, args: _Args, kwargs: _Kwargs) -> Callable[[], object]:
    def call() -> object:
        function: Any = importlib.import_module(module)
        for name in func.split("."):
            function = getattr(function, name)
        return function(*(args or ()), **(kwargs or {}))

    return call


_slice = threading.local()


def consume_time_slice(percent: int) -> bool:
    """Say that so many percent (1-100) of a turn have been used; True if it is used up.

    Then a long computation should return `schedule_py(...)`, so that others have their turn.
    """
    if not isinstance(percent, int) or not 1 <= percent <= 100:
        raise ValueError(f"percent must be an integer from 1 to 100, not {percent!r}")
    used = getattr(_slice, "used", 0) + percent
    _slice.used = 0 if used >= 100 else used
    return used >= 100

"""Continuations: a function called by Erlang gives up its turn and says what goes on instead.

No scheduler of the VM ever waits for Python here, so none has to be released; what these
functions give is fairness: other work of the same thread runs before the continuation does.
"""

from __future__ import annotations

import importlib
import sys
import threading
import types
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
    """Continue with a Python function at once: a loop without a growing stack.

    Within its own module the caller may name whatever it sees, a local function too.
    """
    call = _call(module, func, args, kwargs, sys._getframe().f_back)
    return ScheduleMarker(True, call)


def _seen_from(frame: types.FrameType | None, module: str, func: str) -> Any:
    """What `func` means where `frame` runs, if that is in `module`; else None.

    The namespace of a frame need not be its module's: code may run in one of its own.
    """
    if frame is None or frame.f_globals.get("__name__") != module:
        return None
    first, _, rest = func.partition(".")
    for scope in (frame.f_locals, frame.f_globals):
        value = scope.get(first)
        if rest and value is not None or callable(value):
            return _attribute(value, rest)
    return None


def _attribute(value: Any, path: str) -> Any:
    for name in filter(None, path.split(".")):
        value = getattr(value, name)
    return value


def _call(
    module: str,
    func: str,
    args: _Args,
    kwargs: _Kwargs,
    caller: types.FrameType | None = None,
) -> Callable[[], object]:
    for name in (module, func):
        if not isinstance(name, str):
            raise TypeError(f"the names of a module and a function are wanted, not {name!r}")
    function = _seen_from(caller, module, func)

    def call() -> object:
        called = function
        if called is None:
            called = _attribute(importlib.import_module(module), func)
        return called(*(args or ()), **(kwargs or {}))

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

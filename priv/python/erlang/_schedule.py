"""Continuations: a function called by Erlang gives up its turn and says what goes on instead.

No scheduler of the VM ever waits for Python here, so none has to be released; what these
functions give is fairness: other work of the same thread runs before the continuation does.
"""

from __future__ import annotations

import importlib
import sys
import threading
import types
import warnings
from typing import Any, Callable, Mapping, Optional, Sequence

import _erlang

from . import _calls

_Args = Optional[Sequence[Any]]
_Kwargs = Optional[Mapping[str, Any]]


class ScheduleMarker:
    """What a function returns so that its caller gets the result of something else.

    It has to be the function's result itself. One that never reaches Erlang that way, because it
    was not returned or is an element of something else, has no effect, and a RuntimeWarning says
    so when it is dropped.
    """

    __slots__ = ("inline", "_continue")
    _continue: Callable[[], object] | None

    def __init__(self, inline: bool, continue_: Callable[[], object]) -> None:
        self.inline = inline
        self._continue = continue_

    def take(self) -> Callable[[], object]:
        """What to run in its stead, once; that gives a result, which may be a marker again."""
        continue_, self._continue = self._continue, None
        if continue_ is None:
            raise RuntimeError("this erlang.ScheduleMarker has been returned before")
        return continue_

    def __del__(self) -> None:
        if getattr(self, "_continue", None) is not None:
            warnings.warn(
                "an erlang.ScheduleMarker was dropped, with no effect: a function called by Erlang"
                " must return it, as its result",
                RuntimeWarning,
                stacklevel=2,
            )


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


class _Slice(threading.local):
    turn = 0
    used = 0


_slice = _Slice()


def consume_time_slice(percent: int) -> bool:
    """Say that so many percent (1-100) of a turn have been used; True if it is used up.

    Then a long computation should return `schedule_py(...)`, so that others have their turn. Each
    call from Erlang, each continuation and each round of an event loop is a turn of its own.
    """
    if not isinstance(percent, int) or not 1 <= percent <= 100:
        raise ValueError(f"percent must be an integer from 1 to 100, not {percent!r}")
    turn = _erlang.turn()
    used = percent + (_slice.used if _slice.turn == turn else 0)
    _slice.turn, _slice.used = turn, 0 if used >= 100 else used
    return used >= 100

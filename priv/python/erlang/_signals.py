"""Signals for loops off Python's main thread: the VM hands them over (src/py_signal.erl)."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import signal
import threading
import weakref
from typing import TYPE_CHECKING, Any, Callable

import _erlang

if TYPE_CHECKING:
    from ._loop import ErlangEventLoop

_numbers = itertools.count(1)
_loops: weakref.WeakValueDictionary[int, ErlangEventLoop] = weakref.WeakValueDictionary()
_are_the_programs = False


def belong_to_program() -> None:
    """From now on all signals are Python's own: bin/erlpy runs a program."""
    global _are_the_programs
    _are_the_programs = True


def are_pythons() -> bool:
    """Whether the `signal` module is what the calling thread gets signals by, or should be."""
    return _are_the_programs or threading.current_thread() is threading.main_thread()


class SignalsOfVM:
    """Those of one loop; to be used where the loop runs."""

    def __init__(self, loop: ErlangEventLoop) -> None:
        self._number = next(_numbers)  # by which the VM knows the loop
        self._wanted: set[int] = set()
        _loops[self._number] = loop

    def add(
        self, loop: ErlangEventLoop, sig: int, callback: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        """As add_signal_handler(); NotImplementedError if the VM can't hand that signal over."""
        if inspect.iscoroutine(callback) or inspect.iscoroutinefunction(callback):
            raise TypeError("coroutines cannot be used with add_signal_handler()")
        loop._check_signal(sig)  # type: ignore[attr-defined]
        loop._check_closed()
        if sig not in self._wanted:
            if not _erlang.call("erlang_python.signals", "add", self._number, _name(sig), sig):
                raise NotImplementedError(
                    f"the Erlang VM does not hand over {_name(sig).upper()} (os:set_signal/2)"
                )
            self._wanted.add(sig)
        loop._signal_handlers[sig] = asyncio.Handle(callback, args, loop, None)

    def remove(self, loop: ErlangEventLoop, sig: int) -> bool:
        """False if there was none."""
        if sig not in self._wanted:
            return False
        self._wanted.discard(sig)
        del loop._signal_handlers[sig]
        try:
            _erlang.call("erlang_python.signals", "remove", self._number, _name(sig), sig)
        except Exception:
            pass  # the application has stopped, and has put everything back
        return True


def deliver(sig: int) -> None:
    """A signal has come; called by c_src/nif/signal_nifs.cc on a thread that nothing holds up."""
    for loop in list(_loops.values()):
        if sig in loop._signal_handlers:
            try:
                handle = loop._handle_signal  # type: ignore[attr-defined]
                loop.call_soon_threadsafe(handle, sig)
            except RuntimeError:
                pass  # just closed


def _name(sig: int) -> str:
    try:
        return signal.Signals(sig).name.lower()
    except ValueError:
        return f"signal {sig}"  # one of the many that have no name

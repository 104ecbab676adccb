"""Signals for loops: on Python's main thread by way of the `signal` module; elsewhere the VM hands
them over (src/py_signal.erl).
"""

from __future__ import annotations

import asyncio
import errno
import inspect
import itertools
import signal
import threading
import weakref
from types import FrameType
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
    if _are_the_programs or not _erlang.IN_NODE:
        return True
    return threading.current_thread() is threading.main_thread()


class _WakeupDescriptor:
    """Where Python's C-level handler writes the numbers of signals: there is one in the process,
    which loops and the program share.

    It is that of the loop that has claimed it last. When no loop claims it, it is the program's
    own again, or none. Python's main thread only; ValueError elsewhere.
    """

    def __init__(self) -> None:
        self._claims: list[int] = []  # the latest last
        self._programs = -1

    def claim(self, fd: int) -> None:
        """For signal handlers of a loop."""
        self._replace(fd)
        self.forget(fd)
        self._claims.append(fd)

    def claim_if_free(self, fd: int) -> None:
        """For a loop that runs: the program's own descriptor, and that of a loop with handlers,
        stays. Signals interrupt the wait anyway, nearly always.
        """
        current = signal.set_wakeup_fd(-1)
        if current == -1:
            self.claim(fd)
        else:
            signal.set_wakeup_fd(current, warn_on_full_buffer=False)

    def release(self, fd: int) -> None:
        """The loop needs it no more; it may never have claimed it."""
        if fd not in self._claims:
            return
        current = self._replace(-1)
        self.forget(fd)
        if current != fd and current not in self._claims:
            wanted = current  # the program has set it meanwhile
        else:
            wanted = self._claims[-1] if self._claims else self._programs
        try:
            signal.set_wakeup_fd(wanted, warn_on_full_buffer=False)
        except (ValueError, OSError):
            signal.set_wakeup_fd(-1)  # the program has closed its own

    def forget(self, fd: int) -> None:
        """As if it had never been claimed."""
        if fd in self._claims:
            self._claims.remove(fd)

    def _replace(self, fd: int) -> int:
        current = signal.set_wakeup_fd(fd, warn_on_full_buffer=False)
        if current not in self._claims:
            self._programs = current
        return current


_wakeup = _WakeupDescriptor()


class SignalsOfPython:
    """Those of one loop while it runs on Python's main thread.

    Python runs signal handlers between bytecodes of that thread, which may be asleep in the loop;
    and the system may have delivered the signal to any thread. So signals wake the loop.
    """

    def __init__(self) -> None:
        self._descriptor = -1  # what signals wake the loop by

    def run_begins(self, loop: ErlangEventLoop) -> None:
        """From now on any signal wakes the loop."""
        if threading.current_thread() is not threading.main_thread():
            return
        self._descriptor = loop._signal_descriptor()
        try:
            _wakeup.claim_if_free(self._descriptor)
        except ValueError:
            # What `threading` takes for the main thread need not be Python's: it is wrong when it
            # was first imported elsewhere in an embedded interpreter.
            self._descriptor = -1

    def run_ends(self, loop: ErlangEventLoop) -> None:
        """A loop with handlers collects signals between its runs, too."""
        if not loop._signal_handlers:
            self.release()

    def release(self) -> None:
        """Before the descriptor is closed, at the latest."""
        if self._descriptor < 0:
            return
        try:
            _wakeup.release(self._descriptor)
        except ValueError:  # another thread closes the loop
            _wakeup.forget(self._descriptor)

    def add(
        self, loop: ErlangEventLoop, sig: int, callback: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        """As add_signal_handler()."""
        handle = _handle(loop, sig, callback, args)
        self._descriptor = loop._signal_descriptor()
        try:
            _wakeup.claim(self._descriptor)
        except (ValueError, OSError) as error:  # not Python's main thread
            raise RuntimeError(str(error)) from error
        loop._signal_handlers[sig] = handle
        try:
            _set(sig, _noop)
            signal.siginterrupt(sig, False)
        except BaseException:
            del loop._signal_handlers[sig]
            self._handler_removed(loop)
            raise
        loop._forward_signals(True)

    def remove(self, loop: ErlangEventLoop, sig: int) -> bool:
        """False if there was none."""
        loop._check_signal(sig)  # type: ignore[attr-defined]
        if loop._signal_handlers.pop(sig, None) is None:
            return False
        _set(sig, signal.default_int_handler if sig == signal.SIGINT else signal.SIG_DFL)
        self._handler_removed(loop)
        return True

    def _handler_removed(self, loop: ErlangEventLoop) -> None:
        if loop._signal_handlers:
            return
        self.release()
        if not loop.is_closed():
            loop._forward_signals(False)
        if loop.is_running():
            self.run_begins(loop)


def _noop(signum: int, frame: FrameType | None) -> None:
    """What Python calls; that the number is written to the descriptor is all that counts."""


def _set(sig: int, handler: Any) -> None:
    try:
        signal.signal(sig, handler)
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise RuntimeError(f"sig {sig} cannot be caught") from error
        raise


def _handle(
    loop: ErlangEventLoop, sig: int, callback: Callable[..., Any], args: tuple[Any, ...]
) -> asyncio.Handle:
    if inspect.iscoroutine(callback) or inspect.iscoroutinefunction(callback):
        raise TypeError("coroutines cannot be used with add_signal_handler()")
    loop._check_signal(sig)  # type: ignore[attr-defined]
    loop._check_closed()
    return asyncio.Handle(callback, args, loop, None)


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
        handle = _handle(loop, sig, callback, args)
        if sig not in self._wanted:
            if not _erlang.call("erlang_python.signals", "add", self._number, _name(sig), sig):
                raise NotImplementedError(
                    f"the Erlang VM does not hand over {_name(sig).upper()} (os:set_signal/2)"
                )
            self._wanted.add(sig)
        loop._signal_handlers[sig] = handle

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

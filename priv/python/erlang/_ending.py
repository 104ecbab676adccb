"""The end of a program, as python3 does it: see pymain_run_python() and Py_FinalizeEx() of CPython.

The interpreter itself is not finalized, so what that would do and people can see is done here.
"""

from __future__ import annotations

import atexit
import functools
import gc
import io
import operator
import os
import signal
import sys
import threading
import traceback
import types
import weakref
from typing import Any, Generator

# Modules that were there before the program: they are not taken down.
_OURS = frozenset(sys.modules)
_FOLDER = os.path.dirname(__file__)

_FLUSH_FAILED = 120  # as CPython's exit status


def steps(error: BaseException | None) -> Generator[Any, BaseException | None, int]:
    """For `_main.steps`: what python3 does after a program that raised this."""
    status = _status_of(error)
    interrupted = isinstance(error, KeyboardInterrupt)
    error = None  # or its frames would keep the program's objects
    yield getattr(threading, "_shutdown"), _subject(threading, "on threading shutdown")
    yield getattr(atexit, "_run_exitfuncs"), atexit
    if (yield from _flush_streams()):
        status = _FLUSH_FAILED
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
    yield _drop_program, None
    if status != _FLUSH_FAILED:  # what failed once has been reported
        yield from _flush_streams()
    if interrupted:
        _die_of_interrupt()
        status = 128 + signal.SIGINT
    return status


def _flush_streams() -> Generator[Any, BaseException | None, bool]:
    """True if that failed."""
    failed = False
    for file, subject in (
        (sys.stdout, _subject(sys.stdout, f"{_WHEN} flushing sys.stdout")),
        (sys.stderr, None),
    ):
        if file is not None and not getattr(file, "closed", False):
            error = yield functools.partial(_flush, file), subject
            failed = failed or error is not None
    return failed


# In the words of each version.
_WHEN = "while" if sys.version_info >= (3, 14) else "on"


def _subject(thing: object, text: str) -> object:
    """What to name after "Exception ignored": a thing, or since Python 3.13 a text."""
    return f"Exception ignored {text}" if sys.version_info >= (3, 13) else thing


def _status_of(error: BaseException | None) -> int:
    if error is None:
        return 0
    if isinstance(error, SystemExit):
        return _exit_status(error)
    _show(error)
    return 1


def _exit_status(exit_: SystemExit) -> int:
    code = exit_.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    _try_flush(sys.stdout)
    print(code, file=sys.stderr)
    return 1


def _show(error: BaseException) -> None:
    """The traceback, by the program's own sys.excepthook if it has one."""
    _try_flush(sys.stdout)
    error.__traceback__ = _without_our_frames(error.__traceback__)
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    setattr(sys, "last_exc", error)  # from Python 3.12 on
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except SystemExit:
        pass
    except BaseException as in_hook:
        in_hook.__traceback__ = _without_our_frames(in_hook.__traceback__)
        print("Error in sys.excepthook:", file=sys.stderr)
        traceback.print_exception(in_hook)
        print("\nOriginal exception was:", file=sys.stderr)
        traceback.print_exception(error)


def _without_our_frames(entry: types.TracebackType | None) -> types.TracebackType | None:
    while entry is not None and os.path.dirname(entry.tb_frame.f_code.co_filename) == _FOLDER:
        entry = entry.tb_next
    return entry


def _drop_program() -> None:
    """Let the program's objects die, which flushes its files and runs its `__del__` methods.

    Where daemon threads still use them, only the files are flushed.
    """
    if threading.active_count() > 1:
        for file in [o for o in gc.get_objects() if issubclass(type(o), io.IOBase)]:
            _try_flush(file)
        return
    sys.last_value = sys.last_traceback = None
    setattr(sys, "last_exc", None)
    gc.collect()  # puts objects into an order in which files die before what they write to
    for module in _take_modules()[::-1]:
        remaining = module()
        if remaining is not None:
            _clear(remaining.__dict__)
    gc.collect()


def _take_modules() -> list[weakref.ref[types.ModuleType]]:
    """Drops the program's modules. Most die of it; gives references to those that others hold."""
    names = [name for name in sys.modules if name == "__main__" or name not in _OURS]
    modules = [sys.modules[name] for name in names]
    taken = [weakref.ref(module) for module in modules if isinstance(module, types.ModuleType)]
    for name in names:
        sys.modules[name] = None  # type: ignore[assignment]
    del modules
    gc.collect()
    return taken


def _clear(names: dict[str, Any]) -> None:
    """In CPython's order: names that begin with an underscore, then the others."""
    for private in (True, False):
        for name in list(names):
            if name != "__builtins__" and private == (name[:1] == "_" and name[:2] != "__"):
                names[name] = None


_flush = operator.methodcaller("flush")


def _try_flush(file: Any) -> None:
    try:
        _flush(file)
    except Exception:
        pass


def _die_of_interrupt() -> None:
    """So that whoever waits for this process, such as a shell in a loop, sees what happened."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)

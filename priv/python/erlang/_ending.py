"""The end of a program, as python3 does it: see pymain_run_python() and Py_FinalizeEx() of CPython.

The interpreter itself is not finalized, so what that would do and people can see is done here.
"""

from __future__ import annotations

import atexit
import gc
import io
import os
import signal
import sys
import threading
import traceback
import types
from typing import Any

# Modules that were there before the program: they are not taken down.
_OURS = frozenset(sys.modules)
_FOLDER = os.path.dirname(__file__)

_FLUSH_FAILED = 120  # as CPython's exit status


def finish(error: BaseException | None) -> int:
    status = 0
    if isinstance(error, SystemExit):
        status = _exit_status(error)
    elif error is not None:
        status = 1
        _show(error)
    interrupted = isinstance(error, KeyboardInterrupt)
    del error  # or its frames would keep the program's objects
    for step in (getattr(threading, "_shutdown"), getattr(atexit, "_run_exitfuncs"), _drop_program):
        _unraisable(step)
    flushed = all([_flush(sys.stdout), _flush(sys.stderr)])
    if interrupted:
        _die_of_interrupt()
        return 128 + signal.SIGINT
    return status if flushed else _FLUSH_FAILED


def _exit_status(exit_: SystemExit) -> int:
    code = exit_.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    _flush(sys.stdout)
    print(code, file=sys.stderr)
    return 1


def _show(error: BaseException) -> None:
    """The traceback, by the program's own sys.excepthook if it has one."""
    _flush(sys.stdout)
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


def _unraisable(step: Any) -> None:
    try:
        step()
    except BaseException as error:
        error.__traceback__ = _without_our_frames(error.__traceback__)
        sys.unraisablehook(
            types.SimpleNamespace(
                exc_type=type(error),
                exc_value=error,
                exc_traceback=error.__traceback__,
                err_msg=None,
                object=step,
            )
        )


def _drop_program() -> None:
    """Let the program's objects die, which flushes its files and runs its `__del__` methods.

    Where daemon threads still use them, only the files are flushed.
    """
    if threading.active_count() > 1:
        for file in [o for o in gc.get_objects() if isinstance(o, io.TextIOBase | io.BufferedIOBase)]:
            _flush(file)
        return
    sys.last_value = sys.last_traceback = None
    setattr(sys, "last_exc", None)
    programs = [m for name, m in sys.modules.items() if name == "__main__" or name not in _OURS]
    gc.collect()
    for module in programs[::-1]:
        if isinstance(module, types.ModuleType):
            _clear(module.__dict__)
    gc.collect()


def _clear(names: dict[str, Any]) -> None:
    """In CPython's order: names that begin with an underscore, then the others."""
    for private in (True, False):
        for name in list(names):
            if name != "__builtins__" and private == (name[:1] == "_" and name[:2] != "__"):
                names[name] = None


def _flush(file: Any) -> bool:
    try:
        if file is not None and not file.closed:
            file.flush()
    except BaseException as error:
        _report_flush(file, error)
        return False
    return True


def _report_flush(file: Any, error: BaseException) -> None:
    error.__traceback__ = None
    try:
        sys.unraisablehook(
            types.SimpleNamespace(
                exc_type=type(error),
                exc_value=error,
                exc_traceback=None,
                err_msg=None,
                object=file,
            )
        )
    except BaseException:  # nowhere to say it
        pass


def _die_of_interrupt() -> None:
    """So that whoever waits for this process, such as a shell in a loop, sees what happened."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)

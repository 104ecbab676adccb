"""How this interpreter shares its process with others."""

from __future__ import annotations

import enum
import sys


class ExecutionMode(enum.Enum):
    """What detect_mode() finds."""

    FREE_THREADED = "free_threaded"  # no GIL (Python 3.13+ built with Py_GIL_DISABLED)
    SUBINTERP = "subinterp"  # a sub-interpreter with a GIL of its own (Python 3.12+)
    SHARED_GIL = "shared_gil"  # the main interpreter


def detect_mode() -> ExecutionMode:
    """The mode of the calling interpreter."""
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return ExecutionMode.FREE_THREADED
    if _in_subinterpreter():
        return ExecutionMode.SUBINTERP
    return ExecutionMode.SHARED_GIL


def _in_subinterpreter() -> bool:
    if sys.version_info < (3, 12):
        return False
    try:
        import _interpreters as interpreters  # 3.13
    except ImportError:
        import _xxsubinterpreters as interpreters
    return bool(interpreters.get_current() != interpreters.get_main())

"""What bin/erlpy runs on Python's main thread: a program, begun and ended as python3 does it."""

from __future__ import annotations

import asyncio
import asyncio.unix_events
import os
import signal
import sys
from typing import Any, Callable, Generator, Optional, Tuple

from . import _ending, _program, _signals
from ._loop import ErlangEventLoop

# What to call, and what to name if its error is to be reported as "Exception ignored in: ...".
Step = Tuple[Callable[[], object], object]


def steps(arguments: list[str]) -> Generator[Step, Optional[BaseException], int]:
    """All that is to be called, in turn: the program, then its clean-up. Returns the exit status.

    The caller, `c_src/nif/program_nifs.cc`, calls a step and sends what it raised. So no frame of
    ours is below the program's, where tracebacks and sys._getframe() would find it.

    The arguments: a descriptor of the terminal to be stderr, or ""; the name of an event loop; the
    environment to restore, as NAME=value or NAME alone; "--"; the program's own, as for python3.
    """
    error: BaseException | None
    try:
        program = _prepare(arguments)
    except BaseException as raised:
        error = raised
    else:
        error = yield program, None
        del program  # it holds on to the namespace of `__main__`
    return (yield from _ending.steps(error))


def _prepare(arguments: list[str]) -> _program.Program:
    stderr, loop, *rest = arguments
    end = rest.index("--")
    if stderr:
        _restore_stderr(int(stderr))
    _restore_environment(rest[:end])
    _take_signals()
    _use_loop(loop)
    return _program.load(rest[end + 1 :])


def _restore_stderr(descriptor: int) -> None:
    """bin/erlpy gave the VM a descriptor of its own for the terminal, because the VM makes it
    non-blocking."""
    os.set_blocking(2, True)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def _restore_environment(variables: list[str]) -> None:
    """What `erl` sets is not meant for the program."""
    for variable in variables:
        name, is_set, value = variable.partition("=")
        if is_set:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)


def _take_signals() -> None:
    """Undo what the VM has done, and do what python3 does when it starts."""
    _signals.belong_to_program()
    signal.signal(signal.SIGFPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def _use_loop(name: str) -> None:
    """Let asyncio make loops of this kind by default.

    The default policy is changed, not replaced: programs that look at it or reset it find what they
    expect, and setting one warns from Python 3.14 on.
    """
    if name == "asyncio":
        return
    factory: Any = ErlangEventLoop
    if name == "uvloop":
        try:
            import uvloop
        except ImportError as error:
            sys.exit(f"erlpy: --loop uvloop: {error}")
        factory = uvloop.Loop
    setattr(asyncio.unix_events._UnixDefaultEventLoopPolicy, "_loop_factory", factory)
    if hasattr(asyncio, "EventLoop"):  # from Python 3.13 on
        setattr(asyncio, "EventLoop", factory)

"""What bin/erlpy runs on Python's main thread: a program, begun and ended as python3 does it.

`c_src/nif/program_nifs.cc` calls prepare(), what that returns, and finish().
"""

from __future__ import annotations

import asyncio
import asyncio.unix_events
import os
import signal
import sys
from typing import Any, Callable

from . import _ending, _program
from ._loop import ErlangEventLoop


def prepare(arguments: list[str]) -> Callable[[], object]:
    """The program, to be called.

    The arguments: a descriptor of the terminal to be stderr, or ""; the name of an event loop; the
    environment to restore, as NAME=value or NAME alone; "--"; the program's own, as for python3.
    """
    stderr, loop, *rest = arguments
    end = rest.index("--")
    if stderr:
        _restore_stderr(int(stderr))
    _restore_environment(rest[:end])
    _take_signals()
    _use_loop(loop)
    return _program.load(rest[end + 1 :])


def finish(error: BaseException | None) -> int:
    """Deal with what the program raised, wait for its threads, clean up: gives the exit status."""
    return _ending.finish(error)


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
    for number in signal.valid_signals():
        if signal.getsignal(number) is None:  # a handler that Python has not installed
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGFPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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

"""The loops that are compared: how to start a program on each, and whether it is there at all."""

import functools
import json
import pathlib
import subprocess

from .children import Command
from .model import OURS, SubjectMissing
from .workshop import BENCH, Workshop

STOCK = "asyncio"
UVLOOP = "uvloop"
# uvloop where our loop runs, inside a node: on the same build of Python. Debian's shared library,
# which a node has to use, is slower than the interpreter that its python3 has built in.
UVLOOP_IN_NODE = "uvloop/node"
EPOLL = "epoll"

LOOPS = (STOCK, UVLOOP, UVLOOP_IN_NODE, OURS)


def loop_program(workshop: Workshop, loop: str, script: str, *args: str | pathlib.Path) -> Command:
    """The command that runs bench/loops/`script` on a loop; SubjectMissing if there is none."""
    program = BENCH / "loops" / script
    if loop == OURS:
        require_application(workshop)
        return [workshop.erlpy, program, "--loop", loop, *args]
    if loop in (UVLOOP, UVLOOP_IN_NODE):
        require_modules(workshop, UVLOOP)
    if loop == UVLOOP_IN_NODE:
        require_application(workshop)
        return [workshop.erlpy, "--loop", UVLOOP, program, "--loop", UVLOOP, *args]
    return [workshop.python, program, "--loop", loop, *args]


def require_application(workshop: Workshop) -> None:
    compiled = workshop.application / "ebin" / "py.beam"
    if not (compiled.exists() and workshop.erlpy.exists()):
        raise SubjectMissing("not built")


def require_modules(workshop: Workshop, *names: str) -> None:
    for name in names:
        if version_of(workshop.python, name) is None:
            raise SubjectMissing(f"{name} is not installed")


@functools.cache
def version_of(python: str, module: str) -> str | None:
    """The version of a Python module as that interpreter imports it; None if it can't."""
    code = (
        "import importlib, json, sys; module = importlib.import_module(sys.argv[1]); "
        "print(json.dumps(str(getattr(module, '__version__', '?'))))"
    )
    command = [python, "-c", code, module]
    result = subprocess.run(command, capture_output=True, text=True)
    return str(json.loads(result.stdout)) if result.returncode == 0 else None

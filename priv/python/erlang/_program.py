"""Finds a program and makes it callable, with argv, sys.path and `__main__` as python3 has them."""

from __future__ import annotations

import functools
import importlib.machinery
import importlib.util
import linecache
import os
import pkgutil
import runpy
import sys
import textwrap
import types
from typing import Callable

Program = Callable[[], object]


def load(arguments: list[str]) -> Program:
    """The program that python3 would run with these arguments. Raises what it would exit with."""
    sys.orig_argv = [sys.executable, *arguments]
    first, *rest = arguments or [""]
    if first == "-c":
        return _from_command(rest[0], rest[1:])
    if first == "-m":
        return _from_module(rest[0], rest[1:])
    sys.argv = [first, *rest]
    if first in ("", "-"):
        return _from_stdin()
    if pkgutil.get_importer(first) is not None:
        return _from_folder(first)
    return _from_file(first)


def _from_command(command: str, rest: list[str]) -> Program:
    sys.argv = ["-c", *rest]
    _prepend_to_path("")
    if sys.version_info >= (3, 14):
        command = textwrap.dedent(command)
    code = compile(command + "\n", "<string>", "exec", dont_inherit=True)
    if sys.version_info >= (3, 13):  # tracebacks show its lines
        getattr(linecache, "_register_code")(code, command, "<string>")
    return _in_main(code)


def _from_module(name: str, rest: list[str]) -> Program:
    sys.argv = ["-m", *rest]
    _prepend_to_path(os.getcwd())
    return functools.partial(_run_module_as_main, name)


def _from_stdin() -> Program:
    _prepend_to_path("")
    if sys.stdin is None:
        return functools.partial(exec, "")
    source = sys.stdin.buffer.read()
    _describe_main("<stdin>", importlib.machinery.SourceFileLoader)
    return _in_main(compile(source, "<stdin>", "exec", dont_inherit=True))


def _from_folder(path: str) -> Program:
    """A folder or a zip file with a `__main__.py` in it."""
    sys.path.insert(0, _absolute(path))
    return functools.partial(_run_module_as_main, "__main__", alter_argv=False)


def _from_file(path: str) -> Program:
    absolute = _absolute(path)
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        print(
            f"erlpy: can't open file {absolute!r}: [Errno {error.errno}] {error.strerror}",
            file=sys.stderr,
        )
        raise SystemExit(2) from None
    _prepend_to_path(os.path.dirname(os.path.realpath(path)))
    if content.startswith(importlib.util.MAGIC_NUMBER):
        _describe_main(absolute, importlib.machinery.SourcelessFileLoader)
        return _in_main(
            importlib.machinery.SourcelessFileLoader("__main__", path).get_code("__main__")
        )
    _describe_main(absolute, importlib.machinery.SourceFileLoader)
    return _in_main(compile(content, absolute, "exec", dont_inherit=True))


def _absolute(path: str) -> str:
    """Not normalized, as python3 has it in `__file__`."""
    return os.path.join(os.getcwd(), path)


def _describe_main(path: str, loader: Callable[[str, str], object]) -> None:
    main = sys.modules["__main__"].__dict__
    main["__file__"] = path
    main["__cached__"] = None
    main["__loader__"] = loader("__main__", path)


def _prepend_to_path(entry: str) -> None:
    if not getattr(sys.flags, "safe_path", False):
        sys.path.insert(0, entry)


def _in_main(code: types.CodeType | None) -> Program:
    assert code is not None
    return functools.partial(exec, code, sys.modules["__main__"].__dict__)


# What `python3 -m` itself calls, and shows in tracebacks.
_run_module_as_main = getattr(runpy, "_run_module_as_main")

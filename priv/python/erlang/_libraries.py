"""ctypes.util.find_library() without a process.

The standard library asks programs where a library is: ldconfig, a compiler, a linker. Inside a node
nobody may fork, and libraries such as psycopg would not find what they wrap. So the list that
ldconfig prints is read directly: the cache of the dynamic linker.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import struct
import sys
import types
from typing import Any, Iterator, Sequence

_CACHE = "/etc/ld.so.cache"
_MAGIC = b"glibc-ld.so.cache1.1"
_HEADER = struct.Struct("=20sII20x")  # magic, entries, bytes of text
_ENTRY = struct.Struct("=iIIIQ")  # kind, positions of name and path, oldest kernel, hardware

_ELF_KIND = slice(4, 6)  # 32 or 64 bits, byte order
_ELF_MACHINE = slice(18, 20)


def find_soname(name: str) -> str | None:
    """The file name of a library that this process can load: "libc.so.6" for "c"."""
    prefix = b"lib" + os.fsencode(name) + b"."
    try:
        for soname, path in _cached():
            if soname.startswith(prefix) and _elf(path) == _elf("/proc/self/exe"):
                return os.fsdecode(soname)
    except (struct.error, ValueError):
        pass  # a cache of another kind
    return None


def _cached() -> Iterator[tuple[bytes, bytes]]:
    """Names and paths, in the order of ldconfig."""
    try:
        with open(_CACHE, "rb") as file:
            data = file.read()
    except OSError:
        return
    start = data.find(_MAGIC)  # an older format may be before it
    if start < 0:
        return
    _, count, _ = _HEADER.unpack_from(data, start)
    for index in range(count):
        entry = _ENTRY.unpack_from(data, start + _HEADER.size + index * _ENTRY.size)
        yield _text(data, start + entry[1]), _text(data, start + entry[2])


def _text(data: bytes, start: int) -> bytes:
    return data[start : data.index(b"\0", start)]


def _elf(path: bytes | str) -> tuple[bytes, bytes] | None:
    """What two files have in common if they can be of one process."""
    try:
        with open(path, "rb") as file:
            header = file.read(20)
    except OSError:
        return None
    return header[_ELF_KIND], header[_ELF_MACHINE]


class _Hook(importlib.abc.MetaPathFinder):
    """Waits for the import of ctypes.util, which most programs don't need."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "ctypes.util":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(importlib.abc.Loader):
    """The module's own loader, and our function at the end."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        module: types.ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        _adapt(module)


def _adapt(module: types.ModuleType) -> None:
    if hasattr(module, "_findSoname_ldconfig"):
        setattr(module, "_findSoname_ldconfig", find_soname)


def install() -> None:
    """Let ctypes.util.find_library() ask find_soname() first."""
    if "ctypes.util" in sys.modules:
        _adapt(sys.modules["ctypes.util"])
    else:
        sys.meta_path.insert(0, _Hook())

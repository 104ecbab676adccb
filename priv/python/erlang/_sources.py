"""The text of code that `py:exec` has run, so that tracebacks can show its lines."""

from __future__ import annotations

import itertools
import linecache
import threading

_MOST_TEXTS = 1000
_MOST_CHARACTERS = 4_000_000  # of all of them


class _Sources:
    """The texts that came last, by the name that stands for a file's in tracebacks.

    A text that has run before keeps its name. Functions may outlive what is kept of their text:
    then their tracebacks have line numbers alone.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}  # by text, the oldest first
        self._characters = 0
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def keep(self, text: str) -> str:
        with self._lock:
            return self._keep(text)

    def _keep(self, text: str) -> str:
        name = self._names.pop(text, None)
        if name is None:
            name = f"<exec {next(self._numbers)}>"
            self._characters += len(text)
        self._names[text] = name
        # No time of a change: linecache then looks for no file.
        linecache.cache[name] = (len(text), None, text.splitlines(True), name)
        while len(self._names) > _MOST_TEXTS or self._characters > _MOST_CHARACTERS:
            self._drop(next(iter(self._names)))
        return name

    def _drop(self, text: str) -> None:
        linecache.cache.pop(self._names.pop(text), None)
        self._characters -= len(text)


keep = _Sources().keep

"""The exceptions of the package, raised by the C++ module `_erlang` too."""

from typing import Any, Sequence, Tuple, Union

PathStep = Union[Tuple[str, Union[int, str]], str]


class ConversionError(TypeError):
    """A value has no counterpart on the other side.

    `path` leads from the whole value to the element that has none: a list of ("index", position),
    ("key", key) for the value under a key, ("map_key", key) for the key itself, and "..." where
    steps of a long path are left out.
    """

    def __init__(self, message: str, path: Sequence[PathStep] = ()) -> None:
        super().__init__(message, path)
        self.path = path

    def __str__(self) -> str:
        return str(self.args[0])


class ErlangError(Exception):
    """An exception of the Erlang side.

    `class_` is "error", "exit" or "throw"; `reason` is the reason as a Python object;
    `stacktrace` is text, for people.
    """

    def __init__(self, class_: str, reason: Any, stacktrace: str = "") -> None:
        super().__init__(class_, reason, stacktrace)
        self.class_ = class_
        self.reason = reason
        self.stacktrace = stacktrace

    def __str__(self) -> str:
        text = f"{self.class_}: {self.reason!r}"
        return f"{text}\n{self.stacktrace}" if self.stacktrace else text


class Interrupted(BaseException):
    """The Erlang side has given up the call that this code works for: its deadline has passed, its
    caller has died, or it was cancelled. Raised at the next bytecode, so that `finally` blocks run.

    Not an Exception, so that handlers of ordinary errors don't hold it up.
    """


# Where people find them, import them from, and see them in tracebacks.
for _error in (ConversionError, ErlangError, Interrupted):
    _error.__module__ = "erlang"
del _error

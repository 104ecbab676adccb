"""Python's logging through Erlang's logger."""

from __future__ import annotations

import logging
import sys
from typing import Any

import _erlang

# What every LogRecord has; anything else came from the caller's `extra`.
_STANDARD = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime"}

_CONVERTIBLE = (str, int, float, bool, type(None), _erlang.Pid, _erlang.Ref)


def _level_name(number: int) -> str:
    """Erlang's name of a level of Python's."""
    if number >= logging.CRITICAL:
        return "critical"
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warning"
    if number >= logging.INFO:
        return "info"
    return "debug"


class ErlangHandler(logging.Handler):
    """Hands records to Erlang's logger; metadata `python` has logger, file, line and `extra`."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if _erlang.in_forked_child():  # Erlang's logger is in another process
                print(self.format(record), file=sys.stderr)
                return
            metadata: dict[str, Any] = {
                "logger": record.name,
                "level": record.levelno,
                "file": record.pathname,
                "line": record.lineno,
                "function": record.funcName,
                "thread": record.threadName,
            }
            for name, value in vars(record).items():
                if name not in _STANDARD:
                    metadata[name] = value if isinstance(value, _CONVERTIBLE) else repr(value)
            _erlang.log(_level_name(record.levelno), self.format(record), metadata)
        except Exception:
            self.handleError(record)


def setup_logging(
    level: int | str = logging.INFO, logger: logging.Logger | str | None = None
) -> ErlangHandler:
    """Send what Python logs, from `level` up, to Erlang's logger; gives the handler.

    Applies to the root logger unless another is named. A second call changes the level only.
    Raises RuntimeError outside of a node.
    """
    if not _erlang.IN_NODE:
        raise RuntimeError("there is no Erlang node here, and so no logger of Erlang's")
    target = logger if isinstance(logger, logging.Logger) else logging.getLogger(logger)
    target.setLevel(level)
    for handler in target.handlers:
        if isinstance(handler, ErlangHandler):
            return handler
    handler = ErlangHandler()
    target.addHandler(handler)
    return handler

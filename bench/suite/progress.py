"""Words on standard error while a run works: one line that renews itself on a terminal."""

import sys

_RENEW = "\r\x1b[K"


def say(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(_RENEW + text)
    else:
        sys.stderr.write(text + "\n")
    sys.stderr.flush()


def done() -> None:
    if sys.stderr.isatty():
        sys.stderr.write(_RENEW)
        sys.stderr.flush()

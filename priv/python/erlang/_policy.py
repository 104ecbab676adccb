"""The asyncio policy that makes ErlangEventLoop the default loop.

Policies are deprecated since Python 3.14 and leave in 3.16, so prefer `erlang.run()`, or
`erlang.new_event_loop` as a loop factory.
"""

from __future__ import annotations

import asyncio
import asyncio.unix_events
import sys
import warnings

from ._loop import ErlangEventLoop


# The private name is the only one that does not warn on 3.14.
class ErlangEventLoopPolicy(asyncio.unix_events._UnixDefaultEventLoopPolicy):
    """new_event_loop() returns an ErlangEventLoop; the rest is as with the default policy."""

    _loop_factory = ErlangEventLoop


#: As uvloop calls its own.
EventLoopPolicy = ErlangEventLoopPolicy


def install() -> None:
    """Make asyncio.run() and asyncio.new_event_loop() use ErlangEventLoop."""
    if sys.version_info >= (3, 12):
        warnings.warn(
            "erlang.install() is deprecated in favor of erlang.run() starting with Python 3.12",
            DeprecationWarning,
            stacklevel=2,
        )
    with warnings.catch_warnings():
        # One warning, ours, is enough.
        warnings.simplefilter("ignore", DeprecationWarning)
        asyncio.set_event_loop_policy(ErlangEventLoopPolicy())

"""inside.py in a plain python3, whose asyncio makes loops of this kind by default.

    python3 test/conformance/plain.py erlang|asyncio JOURNAL MODULE [CLASS]
"""

import asyncio.unix_events
import sys

import inside

if __name__ == "__main__":
    _, loop, *arguments = sys.argv
    if loop == "erlang":
        import erlang

        asyncio.unix_events._UnixDefaultEventLoopPolicy._loop_factory = erlang.ErlangEventLoop
    inside.main(*arguments)

"""Runs a coroutine on the loop that the command line names.

The one place among these programs that knows the loops apart: all else is plain asyncio.
"""

import argparse
import asyncio
import collections.abc
import typing

NAMES = ("asyncio", "uvloop", "erlang")

Main = collections.abc.Coroutine[typing.Any, typing.Any, None]


def parser(description: str | None) -> argparse.ArgumentParser:
    """A command line that has --loop already."""
    result = argparse.ArgumentParser(description=description)
    result.add_argument("--loop", choices=NAMES, default="asyncio")
    return result


def run(main: Main, loop: str) -> None:
    if loop == "erlang":
        import erlang

        erlang.run(main)
        return
    with asyncio.Runner(loop_factory=_factory(loop)) as runner:
        runner.run(main)


def _factory(loop: str) -> collections.abc.Callable[[], asyncio.AbstractEventLoop]:
    # Named outright, not taken from the policy: under erlpy the policy's loop is another one.
    if loop == "asyncio":
        return asyncio.SelectorEventLoop
    import uvloop

    return uvloop.new_event_loop

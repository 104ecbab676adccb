"""Loops in a forked child, in its parent afterwards, and in interpreters beside this one."""

import os
import sys

import erlang


async def say(text):
    print(text, flush=True)


def in_subinterpreters():
    if sys.version_info < (3, 12):
        return
    try:
        import _interpreters as interpreters  # 3.13
    except ImportError:
        import _xxsubinterpreters as interpreters
    for _ in range(10):
        interpreter = interpreters.create()
        code = "import asyncio, erlang; erlang.run(asyncio.sleep(0))"
        assert interpreters.run_string(interpreter, code) is None
        interpreters.destroy(interpreter)


erlang.run(say("parent"))
pid = os.fork()
if pid == 0:
    erlang.run(say("child"))
    os._exit(0)
assert os.waitpid(pid, 0) == (pid, 0)
in_subinterpreters()
erlang.run(say("parent"))

"""Children that code in a node forks, each of which ends in a way of its own."""

import asyncio
import atexit
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time

import erlang


def wait(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


# Where children are forked; each gives the status of the child.


def on_this_thread(end):
    pid = os.fork()
    return wait(pid) if pid != 0 else globals()[end]()


async def in_a_coroutine(end):
    pid = os.fork()
    if pid != 0:
        return wait(pid)
    await asyncio.sleep(0)
    return globals()[end]()


def in_a_nested_call(end):
    return erlang.call("fork_nested", end)


def in_a_loop(end):
    async def main():
        return on_this_thread(end)

    return asyncio.run(main())


def by_multiprocessing(end):
    child = multiprocessing.get_context("fork").Process(target=globals()[end])
    child.start()
    child.join()
    return child.exitcode


# How they end.


def returns():
    return "not sent to anybody"


def exits():
    sys.exit(3)


def exits_with_text():
    sys.exit("what went wrong")


def raises():
    raise ValueError


def exits_at_once():
    os._exit(4)


def interrupts_itself():
    raise KeyboardInterrupt


def is_terminated():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(3600)


def is_interrupted():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(3600)


def calls_erlang():
    for call in (
        lambda: erlang.call("fork_nested", "exits"),
        lambda: erlang.send("init", "hello"),
        lambda: erlang.whereis("init"),
    ):
        try:
            call()
        except RuntimeError as error:
            assert "fork" in str(error)
        else:
            sys.exit(1)
    sys.exit(5)


def logs():
    handler = erlang.setup_logging()
    handler.handle(logging.LogRecord("x", logging.ERROR, "", 0, "from the child", (), None))
    sys.exit(6)


def runs_a_loop():
    async def main():
        await asyncio.sleep(0.01)
        return 7

    sys.exit(erlang.run(main()))


def has_a_thread():
    threading.Thread(target=time.sleep, args=(0.01,)).start()
    sys.exit(8)


def does_more_at_exit():
    atexit.register(lambda: os._exit(9))


def mark(path):
    with open(path, "a") as file:
        file.write("x")


async def among_tasks(path):
    async def marking():
        mark(path)

    tasks = [asyncio.create_task(marking()) for _ in range(10)]
    status = on_this_thread("returns")
    await asyncio.gather(*tasks)
    return status


def when_told(path):
    while not os.path.exists(path):
        time.sleep(0.001)
    return on_this_thread("returns")


def writes(path):
    if os.fork() == 0:
        atexit.register(lambda: open(path, "w").write("at exit"))
        sys.exit(0)
    os.wait()
    with open(path) as file:
        return file.read()

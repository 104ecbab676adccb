"""What subprocess_SUITE lets Python do."""

import asyncio
import logging
import os
import signal
import subprocess

running = {}


async def output(*args):
    process = await asyncio.create_subprocess_exec(*args, stdout=subprocess.PIPE)
    written, _ = await process.communicate()
    return process.returncode, written


async def outputs(count, *args):
    return await asyncio.gather(*(output(*args) for _ in range(count)))


async def one_after_the_other(count):
    for _ in range(count):
        assert (await output("cat", "/dev/null")) == (0, b"")


async def start(name, *args):
    """Leaves a program running; its process id."""
    running[name] = await asyncio.create_subprocess_exec(*args)
    return running[name].pid


async def finish(name):
    process = running.pop(name)
    process.kill()
    return await process.wait()


async def wait(name):
    return await running.pop(name).wait()


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def stop_process(pid):
    os.kill(pid, signal.SIGSTOP)


class _Lines(logging.Handler):
    lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


_handler = _Lines()


def start_logging():
    logging.getLogger("asyncio").addHandler(_handler)


def stop_logging():
    logging.getLogger("asyncio").removeHandler(_handler)
    return _Lines.lines

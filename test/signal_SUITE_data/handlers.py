"""What signal_SUITE lets Python's loops do with signals."""

import asyncio
import os
import signal
import threading

import erlang


def number(name):
    return getattr(signal, name)


class Counter:
    """Counts a signal on the running loop, for as long as it is entered."""

    def __init__(self, name):
        self.number = number(name)
        self.count = 0
        self.changed = asyncio.Event()

    def __enter__(self):
        self.loop = asyncio.get_running_loop()
        self.loop.add_signal_handler(self.number, self.arrived, "argument")
        return self

    def __exit__(self, *_):
        assert self.loop.remove_signal_handler(self.number)
        assert not self.loop.remove_signal_handler(self.number)

    def arrived(self, argument):
        assert argument == "argument"
        assert asyncio.get_running_loop() is self.loop
        self.count += 1
        self.changed.set()

    async def reach(self, count):
        while self.count < count:
            self.changed.clear()
            await self.changed.wait()


async def count(name, times):
    """Sends itself a signal so many times; one after the other, since equal ones merge."""
    with Counter(name) as counter:
        for sent in range(1, times + 1):
            os.kill(os.getpid(), counter.number)
            await counter.reach(sent)
        return counter.count


async def wait_for_one(name, ready):
    """Calls `ready` when it listens."""
    with Counter(name) as counter:
        await erlang.async_call(ready, counter.number)
        await counter.reach(1)
        return counter.count


async def add(name):
    """Leaves a handler behind."""
    asyncio.get_running_loop().add_signal_handler(number(name), lambda: None)


async def remove(name):
    return asyncio.get_running_loop().remove_signal_handler(number(name))


async def refused(signals):
    """What each raises, by name."""
    loop = asyncio.get_running_loop()
    errors = []
    for sig in signals:
        try:
            loop.add_signal_handler(number(sig) if isinstance(sig, str) else sig, print)
        except Exception as error:
            errors.append(type(error).__name__)
        else:
            errors.append(None)
    return errors


async def bad_arguments():
    loop = asyncio.get_running_loop()
    errors = []
    for arguments in ("SIGHUP", print), (signal.SIGHUP, count), (signal.SIGHUP, count("SIGHUP", 1)):
        try:
            loop.add_signal_handler(*arguments)
        except TypeError:
            errors.append("TypeError")
        if asyncio.iscoroutine(arguments[1]):
            arguments[1].close()
    return errors


async def replace():
    """Only the later handler of a loop is called."""
    loop = asyncio.get_running_loop()
    called = asyncio.Queue()
    loop.add_signal_handler(signal.SIGHUP, called.put_nowait, "first")
    loop.add_signal_handler(signal.SIGHUP, called.put_nowait, "second")
    os.kill(os.getpid(), signal.SIGHUP)
    result = [await called.get()]
    assert loop.remove_signal_handler(signal.SIGHUP)
    await asyncio.sleep(0)
    return result + [called.get_nowait() for _ in range(called.qsize())]


async def handler_that_fails():
    loop = asyncio.get_running_loop()
    reported = asyncio.Queue()
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: reported.put_nowait(context))
    loop.add_signal_handler(signal.SIGHUP, lambda: 1 / 0)
    try:
        os.kill(os.getpid(), signal.SIGHUP)
        return type((await reported.get())["exception"]).__name__
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        loop.set_exception_handler(before)


def in_a_thread(name, how):
    """In a loop of its own, which closes, is closed by a collection, or closed with handlers."""
    results = []

    def run():
        loop = erlang.new_event_loop()
        if how == "run":
            results.append(loop.run_until_complete(count(name, 2)))
            loop.close()
        else:
            results.append(loop.run_until_complete(add(name)))
            if how == "close":
                loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return results[0]


def block(entered, seconds):
    """Holds up a loop."""
    erlang.call(entered)
    threading.Event().wait(seconds)

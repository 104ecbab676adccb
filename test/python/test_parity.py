"""Whatever a protocol does in any of its methods, it is told the same as on the standard loop.

Each case plays one connection on both loops, with one method doing one thing, and compares what the
protocol, the peer and the exception handler have seen.
"""

import asyncio
import contextlib
import socket
import sys
import unittest

import erlang
from loop_case import stock_event_loop

METHODS = ["made", "data", "eof", "pause", "resume", "lost"]
BUFFERED_METHODS = ["get", "updated"]
SIZE = 2_000_000  # more than a socket takes at once

NOT_ALIKE = {
    # The standard library's transport raises: it closes its socket twice.
    ("resume", "close"),
    ("resume", "abort"),
    # It reads on, and tells the new protocol of data in the buffer of the old.
    ("get", "close"),
    ("get", "abort"),
    ("get", "replace_by_plain"),
    ("get", "replace_by_buffered"),
}
if sys.version_info < (3, 12):
    NOT_ALIKE.add(("made", "pause_reading"))  # it reads all the same
else:
    NOT_ALIKE.add(("lost", "writelines"))  # it raises, and keeps them


class Script:
    """What happens, and what one of the methods does about it."""

    def __init__(self, method=None, action=None):
        self.method = method
        self.action = action
        self.log = []

    def event(self, protocol, name, *details):
        self.log.append((name, *details))
        return self.action(protocol, self) if name == self.method else None


class Common:
    def __init__(self, script):
        self.script = script

    def connection_made(self, transport):
        self.transport = transport
        self.script.event(self, "made")

    def eof_received(self):
        return self.script.event(self, "eof")

    def pause_writing(self):
        self.script.event(self, "pause")

    def resume_writing(self):
        self.script.event(self, "resume")

    def connection_lost(self, exc):
        self.script.event(self, "lost", repr(exc))


class Plain(Common, asyncio.Protocol):
    def data_received(self, data):
        self.script.event(self, "data", data)


class Buffered(Common, asyncio.BufferedProtocol):
    def __init__(self, script):
        super().__init__(script)
        self.buffer = bytearray(3)

    def get_buffer(self, sizehint):
        self.script.event(self, "get", sizehint)
        return self.buffer

    def buffer_updated(self, nbytes):
        self.script.event(self, "updated", bytes(self.buffer[:nbytes]))


async def turns(count=10):
    for _ in range(count):
        await asyncio.sleep(0)


async def drain(sock):
    """How much comes, and whether the end does."""
    size = 0
    for _ in range(200):
        try:
            data = sock.recv(1 << 20)
        except BlockingIOError:
            pass
        except ConnectionError as error:
            return size, type(error).__name__
        else:
            if not data:
                return size, "end"
            size += len(data)
        await asyncio.sleep(0)
    return size, "open"


async def play(script, factory):
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        transport, _ = await loop.create_connection(lambda: factory(script), sock=ours)
        script.log.append("connected")
        with contextlib.suppress(BrokenPipeError):
            theirs.send(b"hello")
        await turns()
        script.log.append((transport.is_closing(), transport.is_reading()))
        try:
            transport.write(bytes(SIZE))
        except RuntimeError as error:
            script.log.append(str(error))
        await turns()
        script.log.append(await drain(theirs))
        try:
            theirs.shutdown(socket.SHUT_WR)
        except OSError as error:
            script.log.append(type(error).__name__)
        await turns()
        script.log.append((transport.is_closing(), transport.is_reading()))
        transport.close()
        await turns()
        script.log.append((transport.is_closing(), transport.get_write_buffer_size()))
        with contextlib.suppress(AttributeError):  # the standard library's, when all is over
            transport.abort()
        await turns()


def transcript(new_loop, factory, *doing):
    script = Script(*doing)
    reports = []
    loop = new_loop()
    loop.set_exception_handler(lambda _, context: reports.append(repr(context["exception"])))
    try:
        loop.run_until_complete(asyncio.wait_for(play(script, factory), 30))
    finally:
        loop.close()
    return script.log, reports


def call(name, *args):
    def action(protocol, script):
        try:
            getattr(protocol.transport, name)(*args)
        except RuntimeError as error:
            script.log.append(str(error))
        return True  # eof_received(): keep the other half open

    return action


def fail(exception):
    def action(protocol, script):
        raise exception

    return action


def replace(factory):
    def action(protocol, script):
        other = factory(Script())
        other.script.log = script.log
        other.transport = protocol.transport
        protocol.transport.set_protocol(other)

    return action


def soon(protocol, script):
    loop = asyncio.get_running_loop()
    loop.call_soon(script.log.append, "soon")
    loop.call_soon(loop.call_soon, script.log.append, "later")


ACTIONS = {
    "close": call("close"),
    "abort": call("abort"),
    "write": call("write", b"more"),
    "write_much": call("write", bytes(SIZE)),
    "writelines": call("writelines", [b"one", b"", b"two"]),
    "write_eof": call("write_eof"),
    "pause_reading": call("pause_reading"),
    "resume_reading": call("resume_reading"),
    "set_write_buffer_limits": call("set_write_buffer_limits", 0),
    "raise_error": fail(ZeroDivisionError()),
    "raise_os_error": fail(OSError(5, "of its own")),
    "raise_cancelled": fail(asyncio.CancelledError()),
    "raise_generator_exit": fail(GeneratorExit()),
    "replace_by_plain": replace(Plain),
    "replace_by_buffered": replace(Buffered),
    "call_soon": soon,
}


class Parity(unittest.TestCase):
    maxDiff = None

    def same(self, *case):
        stock = transcript(stock_event_loop, *case)
        self.assertEqual(transcript(erlang.new_event_loop, *case), stock)

    def test_nothing_special(self):
        for factory in Plain, Buffered:
            self.same(factory)


def add_cases(factory, methods):
    for method in methods:
        for name, action in ACTIONS.items():
            if (method, name) in NOT_ALIKE:
                continue

            def test(self, case=(factory, method, action)):
                self.same(*case)

            setattr(Parity, f"test_{factory.__name__.lower()}_{method}_{name}", test)


add_cases(Plain, METHODS)
add_cases(Buffered, ["made", "eof", "lost", *BUFFERED_METHODS])


if __name__ == "__main__":
    unittest.main()

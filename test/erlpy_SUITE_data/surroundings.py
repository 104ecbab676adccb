"""What a program finds when it starts."""

import os
import signal
import sys


def show_arguments():
    print(__name__, __file__, __spec__, type(__loader__).__name__)
    print(sys.argv, sys.path[0], sys.executable, sys.flags)


def show_frames():
    frame, names = sys._getframe(), []
    while frame is not None:
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    print(names)


def show_streams():
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        print(stream.name, stream.encoding, stream.errors, stream.line_buffering)
    for descriptor in (0, 1, 2):
        print(descriptor, os.get_blocking(descriptor), os.get_inheritable(descriptor))


def show_environment():
    # Shells add these, and both of them to nobody's harm.
    print(sorted(item for item in os.environ.items() if item[0] not in ("PWD", "OLDPWD", "_")))


def show_signals():
    # An Erlang VM ignores SIGFPE, and what it starts, such as this under test, inherits that.
    for number in sorted(signal.valid_signals() - {signal.SIGFPE}):
        print(number, signal.getsignal(number))


def show_stdin():
    print(repr(sys.stdin.buffer.read()))


def show_types():
    import asyncio

    print(type(asyncio.get_event_loop_policy()).__name__)


if __name__ == "__main__":
    for name in sys.argv[1].split(","):
        globals()[name]()

"""Programs that end, each in a way of its own; the first argument picks one."""

import asyncio
import atexit
import os
import sys
import threading
import time


def falls_off_its_end():
    print("done")


def exit_7():
    sys.exit(7)


def exit_minus_1():
    sys.exit(-1)


def exit_300():
    sys.exit(300)


def exit_none():
    sys.exit()


def exit_text():
    print("before")
    sys.exit("what went wrong")


def exit_object():
    sys.exit(["a", 1])


def exit_in_coroutine():
    async def main():
        sys.exit(9)

    asyncio.run(main())


def os_exit():
    os._exit(8)


def exception():
    def deeper():
        return 1 / 0

    deeper()


def exception_chain():
    try:
        {}["key"]
    except KeyError as error:
        raise ValueError("the second") from error


def exception_in_coroutine():
    async def main():
        await asyncio.sleep(0)
        raise ValueError("in a task")

    asyncio.run(main())


def exception_group():
    if sys.version_info >= (3, 11):
        raise ExceptionGroup("several", [ValueError("a"), TypeError("b")])  # noqa: F821


def syntax_error():
    compile("x = = 1", "nowhere.py", "exec")


def generator_exit():
    raise GeneratorExit("odd")


def keyboard_interrupt():
    raise KeyboardInterrupt


def own_excepthook():
    sys.excepthook = lambda kind, error, trace: print(
        "hook:", kind.__name__, error, trace.tb_lineno
    )
    raise ValueError("shown")


def broken_excepthook():
    sys.excepthook = lambda *_: 1 / 0
    raise ValueError("shown")


def threads():
    def work():
        time.sleep(0.05)
        print("thread done")

    threading.Thread(target=work).start()
    print("main done")


def daemon_threads():
    threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()

    def spin():
        while True:
            pass

    threading.Thread(target=spin, daemon=True).start()
    print("main done")


def exception_in_thread():
    thread = threading.Thread(target=lambda: 1 / 0, name="a thread")
    thread.start()
    thread.join()


def thread_pool():
    loop = asyncio.new_event_loop()
    loop.run_in_executor(None, time.sleep, 0.01)
    print("main done")
    loop._default_executor = None
    loop.close()


def at_exit():
    atexit.register(print, "registered first")
    atexit.register(print, "registered second")
    atexit.register(lambda: 1 / 0)
    threading.Thread(target=print, args=("thread",)).start()
    sys.exit(4)


def unclosed_file():
    global file
    file = open(os.environ["SCRATCH"], "w")
    file.write("written, not flushed")


def unclosed_file_and_daemon():
    threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
    unclosed_file()


class Finalized:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("finalized", self.name)


def finalizers():
    global first, _second, cycle
    first, _second = Finalized("first"), Finalized("second")
    cycle = Finalized("in a cycle")
    cycle.itself = cycle


def full_disk():
    sys.stdout = sys.__stdout__ = open("/dev/full", "w")
    print("lost")


def replaced_stdout():
    import io

    sys.stdout = io.StringIO()
    print("nobody sees this")


def stdout_without_flush():
    sys.stdout = object()


def much_output():
    for _ in range(1000):
        sys.stdout.write("out" * 333 + "\n")
        sys.stderr.write("err" * 333 + "\n")


def never_awaited():
    async def forgotten():
        pass

    forgotten()


if __name__ == "__main__":
    globals()[sys.argv[1]]()

"""Programs that wait for a signal, each in a way of its own; the first argument picks one."""

import asyncio
import os
import signal
import sys
import threading
import time


def ready():
    print("ready", flush=True)


def sleeping():
    ready()
    time.sleep(3600)


def busy():
    ready()
    while True:
        pass


def waiting_for_a_lock():
    ready()
    threading.Event().wait()


def reading_a_pipe():
    reader, _ = os.pipe()
    ready()
    os.read(reader, 1)


def pausing():
    signal.signal(signal.SIGUSR1, lambda number, frame: print("handled", number))
    ready()
    signal.pause()


def in_a_coroutine():
    async def main():
        try:
            ready()
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            print("cancelled")
            raise
        finally:
            await asyncio.sleep(0)
            print("cleaned up")

    asyncio.run(main())


def caught():
    try:
        sleeping()
    except KeyboardInterrupt:
        print("caught")


def caught_and_exits():
    try:
        sleeping()
    except KeyboardInterrupt:
        sys.exit(3)


def ignoring():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ready()
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(6))
    signal.setitimer(signal.ITIMER_REAL, 2)  # the ignored one has come long before
    time.sleep(3600)


def default_again():
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sleeping()


def handler_that_exits():
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(number))
    sleeping()


def handler_that_raises():
    def handler(number, frame):
        raise OSError("from a handler")

    signal.signal(signal.SIGHUP, handler)
    sleeping()


def handler_on_the_main_thread():
    arrived = threading.Event()

    def handler(number, frame):
        print(threading.current_thread() is threading.main_thread())
        arrived.set()

    signal.signal(signal.SIGUSR2, handler)
    thread = threading.Thread(target=arrived.wait)
    thread.start()
    ready()
    thread.join()


def loop_handler():
    async def main():
        arrived = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, arrived.set)
        ready()
        await arrived.wait()
        print(
            loop.remove_signal_handler(signal.SIGTERM), loop.remove_signal_handler(signal.SIGTERM)
        )

    asyncio.run(main())


def wakeup_descriptor():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    print(signal.set_wakeup_fd(writer))
    signal.signal(signal.SIGUSR1, lambda *_: print("handled"))
    ready()
    print(os.read(reader, 100))


def wakeup_descriptor_and_loop():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    signal.signal(signal.SIGUSR1, lambda *_: None)

    async def main():
        loop = asyncio.get_running_loop()
        os.kill(os.getpid(), signal.SIGUSR1)
        arrived = asyncio.Event()
        loop.add_reader(reader, arrived.set)
        await arrived.wait()
        print(os.read(reader, 100))

    asyncio.run(main())
    print(signal.set_wakeup_fd(-1) == writer)


def at_the_end():
    threading.Thread(target=time.sleep, args=(0.2,)).start()
    ready()


def timer():
    signal.signal(signal.SIGALRM, lambda *_: 1 / 0)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    time.sleep(3600)


def from_itself():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(3600)


def kill_returns_after_the_handler():
    handled = []
    signal.signal(signal.SIGUSR1, lambda *_: handled.append(1))
    for _ in range(100):
        os.kill(os.getpid(), signal.SIGUSR1)
    print(len(handled))


def sigwait():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM})
    ready()
    print(signal.sigwait({signal.SIGUSR1, signal.SIGTERM}))
    os.kill(os.getpid(), signal.SIGUSR1)
    print(signal.sigpending())


def profiling():
    ticks = []
    signal.signal(signal.SIGPROF, lambda *_: ticks.append(1))
    signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
    while len(ticks) < 3:
        pass
    signal.setitimer(signal.ITIMER_PROF, 0)
    print("three ticks")


def from_a_thread():
    signal.signal(signal.SIGUSR1, lambda *_: print("handled"))
    threading.Timer(0.01, signal.pthread_kill, (threading.main_thread().ident, 10)).start()
    signal.pause()


if __name__ == "__main__":
    globals()[sys.argv[1]]()

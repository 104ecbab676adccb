"""Children that a program forks, each of which ends in a way of its own; the argument picks one."""

import asyncio
import atexit
import concurrent.futures
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import warnings

# From Python 3.12 on os.fork() warns where there are other threads, as there are in a node.
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)

FORK = multiprocessing.get_context("fork")


def wait(pid):
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print("ended with", status, flush=True)


def fork_and(end):
    sys.stdout.flush()
    pid = os.fork()
    if pid != 0:
        return wait(pid)
    print("in the child")  # still buffered at the end
    return end()


def falls_off_its_end():
    if fork_and(lambda: "child") is None:
        print("parent")


def exit_3():
    fork_and(lambda: sys.exit(3))


def exit_text():
    fork_and(lambda: sys.exit("what went wrong"))


def os_exit():
    fork_and(lambda: os._exit(4))


def exception():
    fork_and(lambda: 1 / 0)


def keyboard_interrupt():
    def end():
        raise KeyboardInterrupt

    fork_and(end)


def signalled():
    fork_and(lambda: os.kill(os.getpid(), signal.SIGTERM))


def handler_that_exits():
    def end():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(3600)

    fork_and(end)


def at_exit():
    def end():
        atexit.register(print, "of the child")
        sys.exit(6)

    atexit.register(print, "of both")
    fork_and(end)


def threads():
    def end():
        go_on = threading.Event()
        threading.Thread(target=lambda: (go_on.wait(), print("thread done"))).start()
        threading.main_thread()
        atexit.register(print, "after the threads")
        go_on.set()
        sys.exit(7)

    fork_and(end)


def grandchild():
    def end():
        fork_and(lambda: sys.exit(8))
        sys.exit(9)

    fork_and(end)


def own_loop():
    async def main():
        await asyncio.sleep(0.01)
        sys.exit(10)

    fork_and(lambda: asyncio.run(main()))


def in_a_coroutine():
    async def main():
        fork_and(lambda: sys.exit(11))

    asyncio.run(main())


def subprocess_of_child():
    async def main():
        process = await asyncio.create_subprocess_exec(
            "sh", "-c", "echo from the grandchild; exit 12", stdout=subprocess.PIPE
        )
        print(await process.communicate())
        sys.exit(process.returncode)

    fork_and(lambda: asyncio.run(main()))


def in_a_thread():
    thread = threading.Thread(target=fork_and, args=(sys.exit,))
    thread.start()
    thread.join()


def unclosed_file():
    def end():
        global file
        file = open(os.environ["SCRATCH"], "w")
        file.write("kept")

    fork_and(end)


def logging_of_child():
    fork_and(lambda: logging.error("from the child"))


def process():
    child = FORK.Process(target=sys.exit, args=(13,))
    child.start()
    child.join()
    print(child.exitcode)


def pool():
    with FORK.Pool(2) as workers:
        print(workers.map(abs, range(-100, 0)))


def process_pool():
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=FORK) as workers:
        print(sum(workers.map(abs, range(-100, 0))))


def prefork_server():
    """As gunicorn does it: workers answer to SIGTERM, and the master waits for them."""
    workers = []
    for number in range(3):
        ours, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            os.write(theirs, b"ready")
            while True:
                signal.pause()
        os.read(ours, 5)
        workers.append(pid)
    for pid in workers:
        os.kill(pid, signal.SIGTERM)
    for pid in workers:
        wait(pid)


if __name__ == "__main__":
    globals()[sys.argv[1]]()

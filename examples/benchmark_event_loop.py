"""Three figures of the event loop that runs this program; `make bench` measures properly.

    python3 examples/benchmark_event_loop.py      # stock asyncio
    bin/erlpy examples/benchmark_event_loop.py    # ErlangEventLoop
"""

import asyncio
import socket
import statistics
import time


async def timers(count):
    """Timers a second: set `count` of them, in no order, and wait until all have fired."""
    loop = asyncio.get_running_loop()
    fired = loop.create_future()
    left = count

    def fire():
        nonlocal left
        left -= 1
        if not left:
            fired.set_result(None)

    started = time.perf_counter()
    for i in range(count):
        loop.call_later((i * 7919 % count) * 1e-9, fire)
    await fired
    return count / (time.perf_counter() - started)


async def callbacks(count):
    """Callbacks a second: each schedules the next one."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def step(left):
        if left:
            loop.call_soon(step, left - 1)
        else:
            done.set_result(None)

    started = time.perf_counter()
    loop.call_soon(step, count)
    await done
    return count / (time.perf_counter() - started)


async def readiness(rounds):
    """Median time from a write into a socket to the callback of its reader, in microseconds."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    ready = asyncio.Queue()

    def read():
        ours.recv(1)
        ready.put_nowait(time.perf_counter())

    loop.add_reader(ours, read)
    latencies = []
    for _ in range(rounds):
        written = time.perf_counter()
        theirs.send(b"x")
        latencies.append(await ready.get() - written)
    loop.remove_reader(ours)
    ours.close()
    theirs.close()
    return statistics.median(latencies) * 1e6


async def main():
    loop = type(asyncio.get_running_loop())
    print(f"{loop.__module__}.{loop.__qualname__}")
    print(f"Timer throughput: {await timers(50_000):,.0f} timers/sec")
    print(f"Callback dispatch: {await callbacks(200_000):,.0f} callbacks/sec")
    print(f"I/O ready detection: {await readiness(2_000):,.0f} µs median latency")


if __name__ == "__main__":
    asyncio.run(main())

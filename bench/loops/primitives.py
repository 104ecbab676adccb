"""What the loop's own operations cost: one line of JSON, nanoseconds an operation.

    primitives.py --loop uvloop [--scale 0.2] [--only call_soon,sleep0]

Each figure is the best of a few repetitions in this process: what disturbs a repetition only ever
makes it slower. Differences between processes are for the caller, who runs several.
"""

import asyncio
import collections.abc
import gc
import json
import random
import threading
import time

import chosen_loop

REPETITIONS = 3

Primitive = collections.abc.Callable[[int], collections.abc.Awaitable[None]]


async def call_soon(count: int) -> None:
    """A chain: each callback schedules the next."""
    loop = asyncio.get_running_loop()
    await _chain(loop.call_soon, count)


async def call_soon_threadsafe(count: int) -> None:
    """The same chain, through the call that other threads use; the loop is awake throughout."""
    loop = asyncio.get_running_loop()
    await _chain(loop.call_soon_threadsafe, count)


async def _chain(schedule: collections.abc.Callable[..., asyncio.Handle], count: int) -> None:
    done = asyncio.get_running_loop().create_future()
    left = count

    def step() -> None:
        nonlocal left
        left -= 1
        if left:
            schedule(step)
        else:
            done.set_result(None)

    schedule(step)
    await done


async def call_soon_batch(count: int) -> None:
    """Batches of 1,000 callbacks that are ready together."""
    loop = asyncio.get_running_loop()
    for _ in range(count // 1000):
        done = loop.create_future()
        for _ in range(999):
            loop.call_soon(_nothing)
        loop.call_soon(done.set_result, None)
        await done


async def sleep0(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def threadsafe_from_thread(count: int) -> None:
    """Another thread posts as fast as it can."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def post() -> None:
        for _ in range(count - 1):
            loop.call_soon_threadsafe(_nothing)
        loop.call_soon_threadsafe(done.set_result, None)

    thread = threading.Thread(target=post)
    thread.start()
    await done
    thread.join()


async def wake_from_thread(count: int) -> None:
    """Another thread posts one call to the sleeping loop, waits for it to run, and so on."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def post() -> None:
        turn = threading.Lock()
        turn.acquire()
        for _ in range(count):
            loop.call_soon_threadsafe(turn.release)
            turn.acquire()
        loop.call_soon_threadsafe(done.set_result, None)

    thread = threading.Thread(target=post)
    thread.start()
    await done
    thread.join()


async def gather_1000(count: int) -> None:
    """Groups of 1,000 tasks that each yield once; the cost of one task."""
    for _ in range(count // 1000):
        await asyncio.gather(*[asyncio.sleep(0) for _ in range(1000)])


async def future_wait(count: int) -> None:
    """A task waits for a future that a callback resolves."""
    loop = asyncio.get_running_loop()
    for _ in range(count):
        future = loop.create_future()
        loop.call_soon(future.set_result, None)
        await future


async def call_later_cancel(count: int) -> None:
    """Timeouts that never happen; the loop turns once per 1,000 of them."""
    loop = asyncio.get_running_loop()
    for _ in range(count // 1000):
        for _ in range(1000):
            loop.call_later(10.0, _nothing).cancel()
        await asyncio.sleep(0)


async def timers_fired(count: int) -> None:
    """Timers in random order that are due by the time the last one is set."""
    loop = asyncio.get_running_loop()
    order = random.Random(1)
    delays = [order.random() / 1000 for _ in range(count)]
    done = loop.create_future()
    left = count

    def fired() -> None:
        nonlocal left
        left -= 1
        if not left:
            done.set_result(None)

    for delay in delays:
        loop.call_later(delay, fired)
    await done


def _nothing() -> None:
    pass


# The number of operations of a repetition: each takes a tenth of a second or so on stock asyncio.
PRIMITIVES: dict[Primitive, int] = {
    call_soon: 100_000,
    call_soon_batch: 200_000,
    sleep0: 100_000,
    call_soon_threadsafe: 50_000,
    threadsafe_from_thread: 50_000,
    wake_from_thread: 4_000,
    gather_1000: 20_000,
    future_wait: 50_000,
    call_later_cancel: 100_000,
    timers_fired: 50_000,
}


async def measure(chosen: list[Primitive], scale: float) -> None:
    result: dict[str, float] = {}
    for primitive in chosen:
        count = max(1000, int(PRIMITIVES[primitive] * scale))
        result[primitive.__name__] = await _best_of(primitive, count)
    print(json.dumps(result), flush=True)


async def _best_of(primitive: Primitive, count: int) -> float:
    best = float("inf")
    for _ in range(REPETITIONS):
        gc.collect()
        started = time.perf_counter_ns()
        await primitive(count)
        best = min(best, (time.perf_counter_ns() - started) / count)
    return best


def main() -> None:
    parser = chosen_loop.parser(__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--only", default="", help="names, separated by commas")
    args = parser.parse_args()
    names = set(args.only.split(",")) if args.only else set()
    chosen = [p for p in PRIMITIVES if not names or p.__name__ in names]
    chosen_loop.run(measure(chosen, args.scale), args.loop)


if __name__ == "__main__":
    main()

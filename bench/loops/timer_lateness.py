"""How late timers fire on an otherwise idle loop: one line of JSON, signed microseconds.

    timer_lateness.py --loop uvloop [--timers 300]

Negative is early, which asyncio's contract forbids. Measured by time.monotonic() from just before
call_later() to the callback, hence independent of what the loop's own clock says.
"""

import asyncio
import json
import random
import time

import chosen_loop


async def lateness_us(delay: float) -> float:
    loop = asyncio.get_running_loop()
    fired: asyncio.Future[float] = loop.create_future()
    due = time.monotonic() + delay
    loop.call_later(delay, lambda: fired.set_result(time.monotonic()))
    return (await fired - due) * 1e6


async def measure(timers: int) -> None:
    delays = random.Random(1)
    samples = [await lateness_us(delays.uniform(0.0005, 0.005)) for _ in range(timers)]
    samples.sort()
    result = {
        "min_us": samples[0],
        "p50_us": samples[len(samples) // 2],
        "p99_us": samples[int(len(samples) * 0.99)],
    }
    print(json.dumps(result), flush=True)


def main() -> None:
    parser = chosen_loop.parser(__doc__)
    parser.add_argument("--timers", type=int, default=300)
    args = parser.parse_args()
    chosen_loop.run(measure(args.timers), args.loop)


if __name__ == "__main__":
    main()

"""The loops that asyncio makes by default, without a warning."""

import asyncio


async def name():
    return type(asyncio.get_running_loop()).__name__


def of_runner():
    with asyncio.Runner() as runner:
        return runner.run(name())


def of_new_event_loop():
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(name())
    finally:
        loop.close()


def of_get_event_loop():
    asyncio.set_event_loop(asyncio.new_event_loop())
    loop = asyncio.get_event_loop()
    try:
        return loop.run_until_complete(name())
    finally:
        loop.close()


print(asyncio.run(name()), of_runner(), of_new_event_loop(), of_get_event_loop())

"""A Python program that uses the node it runs in: processes, their names, timers, the logger.

bin/erlpy examples/erlang_from_python.py
"""

import asyncio
import logging

import erlang


async def main():
    mode = erlang.detect_mode()
    print(f"{mode.name}, {type(asyncio.get_running_loop()).__name__}")

    logger = erlang.whereis("logger")
    print(f"the process registered as logger: {logger!r}")
    assert erlang.whereis("no_such_process") is None

    async with asyncio.timeout(5):
        await erlang.sleep(0.01)

    try:
        await erlang.async_call("not_registered", 1)
    except erlang.ErlangError as error:
        print(f"Erlang says {error.class_}: {error.reason}")

    try:
        erlang.send(logger, {"text": "\ud800"})
    except erlang.ConversionError as error:
        print(f"not sent: {error}")


if __name__ == "__main__":
    erlang.setup_logging(logging.WARNING)
    logging.getLogger("example").warning("this goes to Erlang's logger")
    asyncio.run(main())

"""What the demo's Erlang processes start on the pool's event loops."""

import asyncio

import erlang


async def add(a, b):
    await asyncio.sleep(0)  # another turn of the loop
    return a + b


async def ask(number):
    """Calls a function of the node, without holding up the loop."""
    return await erlang.async_call("demo_double", number)

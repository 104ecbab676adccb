"""Python of the Elixir application; `erlang.normalize` is an Elixir function."""

import asyncio
import collections

import erlang


def top(text, count):
    words = (erlang.normalize(word) for word in text.split())
    return collections.Counter(words).most_common(count)


async def count(text):
    await asyncio.sleep(0)
    return len(text.split())

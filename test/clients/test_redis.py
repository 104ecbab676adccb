"""redis-py with a redis-server, over TCP and a Unix socket."""

import asyncio
import contextlib
import os
import unittest

import redis.asyncio
from client_case import ClientCase, gather_all, setting


@contextlib.asynccontextmanager
async def connected(**options):
    if not options:
        options = {"host": "localhost", "port": int(setting("REDIS_PORT"))}
    client = redis.asyncio.Redis(**options)
    try:
        yield client
    finally:
        await getattr(client, "aclose", client.close)()
        await client.connection_pool.disconnect()


def key(name):
    """Runs on different loops share the server."""
    return f"{setting('LOOP')}:{os.getpid()}:{name}"


class Redis(ClientCase):
    async def test_commands_at_a_time(self):
        async with connected() as client:

            async def use(number):
                await client.set(key(number), number)
                return int(await client.get(key(number)))

            self.assertEqual(await gather_all(100, use), list(range(100)))

    async def test_pipelines(self):
        async with connected() as client:
            async with client.pipeline(transaction=True) as pipeline:
                for _ in range(1000):
                    pipeline.incr(key("counter"))
                self.assertEqual(await pipeline.execute(), list(range(1, 1001)))

    async def test_large_values(self):
        body = os.urandom(3_000_000)
        async with connected() as client:
            await client.set(key("body"), body)
            self.assertEqual(await client.get(key("body")), body)

    async def test_unix_socket(self):
        async with connected(unix_socket_path=setting("REDIS_SOCKET")) as client:
            self.assertTrue(await client.ping())

    async def test_blocking_pop(self):
        async with connected() as client:
            popped = asyncio.create_task(client.blpop(key("list"), timeout=30))
            await client.rpush(key("list"), "item")
            self.assertEqual(await popped, (key("list").encode(), b"item"))

    async def test_subscriptions(self):
        async with connected() as client, client.pubsub() as channel:
            await channel.subscribe(key("news"))
            self.assertEqual((await channel.get_message(timeout=30))["type"], "subscribe")
            for number in range(50):
                await client.publish(key("news"), number)
            heard = []
            async for message in channel.listen():
                heard.append(int(message["data"]))
                if len(heard) == 50:
                    break
            self.assertEqual(heard, list(range(50)))

    async def test_locks(self):
        held = []

        async def work(client):
            async with client.lock(key("lock"), timeout=30, sleep=0.001):
                self.assertEqual(held, [])
                held.append(True)
                await client.ping()
                held.clear()

        async with connected() as client:
            await asyncio.gather(*(work(client) for _ in range(10)))

    async def test_a_connection_that_is_killed(self):
        async with connected() as victim, connected() as killer:
            identity = await victim.client_id()
            await killer.client_kill_filter(_id=identity)
            async with victim.client() as single:
                self.assertTrue(await single.ping())


if __name__ == "__main__":
    unittest.main()

"""psycopg's asynchronous connections: the loop watches a descriptor of libpq's."""

import asyncio
import os
import unittest

import psycopg
from client_case import ClientCase, gather_all, setting


def connect(**options):
    options = {"host": "localhost", "sslmode": "disable", **options}
    return psycopg.AsyncConnection.connect(
        port=setting("POSTGRES_PORT"), user="client", dbname="postgres", **options
    )


class Psycopg(ClientCase):
    async def test_queries_at_a_time(self):
        async def ask(number):
            async with await connect() as connection:
                cursor = await connection.execute("SELECT %s::int * 2", [number])
                return (await cursor.fetchone())[0]

        self.assertEqual(await gather_all(20, ask), [2 * i for i in range(20)])

    async def test_large_values_over_tls(self):
        body = os.urandom(3_000_000)
        async with await connect(
            sslmode="verify-full", sslrootcert=setting("CERTIFICATE")
        ) as connection:
            cursor = await connection.execute("SELECT %b::bytea", [body], binary=True)
            self.assertEqual((await cursor.fetchone())[0], body)

    async def test_copy(self):
        async with await connect(host=setting("POSTGRES_FOLDER")) as connection:
            await connection.execute("CREATE TEMP TABLE t (i int, s text)")
            async with connection.cursor() as cursor:
                async with cursor.copy("COPY t FROM STDIN") as copy:
                    for number in range(5000):
                        await copy.write_row((number, "x" * 100))
                await cursor.execute("SELECT count(*), sum(i) FROM t")
                self.assertEqual(await cursor.fetchone(), (5000, sum(range(5000))))

    async def test_notifications(self):
        channel = f"news_of_psycopg_{os.getpid()}"  # runs on different loops share the server
        async with await connect(autocommit=True) as listener:
            await listener.execute(f"LISTEN {channel}")
            async with await connect(autocommit=True) as notifier:
                await notifier.execute(f"NOTIFY {channel}, 'hello'")
            async for notification in listener.notifies():
                self.assertEqual(notification.payload, "hello")
                break

    async def test_two_tasks_on_one_connection(self):
        async with await connect() as connection:
            slow = asyncio.create_task(connection.execute("SELECT pg_sleep(0.05)"))
            cursor = await connection.execute("SELECT 1")
            self.assertEqual(await cursor.fetchone(), (1,))
            await slow


if __name__ == "__main__":
    unittest.main()

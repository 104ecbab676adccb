"""asyncpg with a PostgreSQL: over TCP, TLS and a Unix socket."""

import asyncio
import decimal
import io
import os
import unittest

import asyncpg
from client_case import ClientCase, client_tls, gather_all, setting


def connect(**options):
    """By TCP, without TLS unless an option says so."""
    options = {"host": "localhost", "ssl": False, **options}
    return asyncpg.connect(
        port=int(setting("POSTGRES_PORT")), user="client", database="postgres", **options
    )


class Asyncpg(ClientCase):
    async def test_types(self):
        values = [1, 2.5, "snow ☃", b"\x00\xff", decimal.Decimal("1.10"), [1, 2, 3], None]
        types = ["int8", "float8", "text", "bytea", "numeric", "int4[]", "text"]
        connection = await connect()
        for value, kind in zip(values, types):
            self.assertEqual(await connection.fetchval(f"SELECT $1::{kind}", value), value)
        await connection.close()

    async def test_transactions(self):
        connection = await connect()
        await connection.execute("CREATE TEMP TABLE t (i int PRIMARY KEY)")
        async with connection.transaction():
            await connection.executemany("INSERT INTO t VALUES ($1)", [(i,) for i in range(100)])
        with self.assertRaises(asyncpg.UniqueViolationError):
            async with connection.transaction():
                await connection.execute("INSERT INTO t VALUES (1000)")
                await connection.execute("INSERT INTO t VALUES (1)")
        self.assertEqual(await connection.fetchval("SELECT count(*) FROM t"), 100)
        await connection.close()

    async def test_cursors_and_copies(self):
        connection = await connect()
        async with connection.transaction():
            numbers = [
                row["n"] async for row in connection.cursor("SELECT generate_series(1, 5000) AS n")
            ]
        self.assertEqual(numbers, list(range(1, 5001)))
        await connection.execute("CREATE TEMP TABLE t (i int, s text)")
        await connection.copy_records_to_table("t", records=[(i, "x" * 100) for i in range(20000)])
        output = io.BytesIO()
        await connection.copy_from_table("t", output=output)
        self.assertEqual(output.getvalue().count(b"\n"), 20000)
        await connection.close()

    async def test_pool(self):
        async with asyncpg.create_pool(
            host="localhost",
            port=int(setting("POSTGRES_PORT")),
            user="client",
            database="postgres",
            ssl=False,
            min_size=1,
            max_size=5,
        ) as pool:

            async def ask(number):
                return await pool.fetchval("SELECT $1::int * 2", number)

            self.assertEqual(await gather_all(200, ask), [2 * i for i in range(200)])

    async def test_tls(self):
        """By start_tls() on a connection in use."""
        body = os.urandom(1_000_000)
        connection = await connect(ssl=client_tls())
        self.assertEqual(await connection.fetchval("SELECT $1::bytea", body), body)
        self.assertTrue(
            await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        )
        await connection.close()

    async def test_unix_socket(self):
        connection = await connect(host=setting("POSTGRES_FOLDER"))
        self.assertIsNone(await connection.fetchval("SELECT inet_client_addr()"))
        await connection.close()

    async def test_notifications(self):
        channel = f"news_{os.getpid()}"  # runs on different loops share the server
        listener, notifier = await connect(), await connect()
        heard = asyncio.Queue()
        await listener.add_listener(channel, lambda *args: heard.put_nowait(args[-1]))
        for number in range(20):
            await notifier.execute(f"NOTIFY {channel}, '{number}'")
        self.assertEqual([await heard.get() for _ in range(20)], [str(i) for i in range(20)])
        await listener.close()
        await notifier.close()

    async def test_cancellation(self):
        """A query that takes too long is cancelled at the server, too."""
        connection = await connect()
        with self.assertRaises(asyncio.TimeoutError):
            await connection.fetch("SELECT pg_sleep(60)", timeout=0.05)
        self.assertEqual(await connection.fetchval("SELECT 1"), 1)
        await connection.close()

    async def test_a_connection_that_breaks(self):
        victim, killer = await connect(), await connect()
        lost = asyncio.get_running_loop().create_future()
        victim.add_termination_listener(lost.set_result)
        await killer.execute("SELECT pg_terminate_backend($1)", victim.get_server_pid())
        await lost
        with self.assertRaises((asyncpg.InterfaceError, asyncpg.PostgresConnectionError)):
            await victim.fetchval("SELECT 1")
        await killer.close()


if __name__ == "__main__":
    unittest.main()

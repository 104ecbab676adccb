import asyncio
import unittest


class Nothing(unittest.IsolatedAsyncioTestCase):
    async def test_loop(self):
        self.assertEqual(type(asyncio.get_running_loop()).__name__, "ErlangEventLoop")

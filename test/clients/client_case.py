"""What the clients have in common: where their servers are, and which loop they must have got.

`run` starts the servers and tells the scripts about them by the environment.
"""

import asyncio
import os
import ssl
import unittest


def setting(name):
    return os.environ["CLIENT_" + name]


def client_tls():
    """Trusts the certificate that `run` has made for `localhost`."""
    return ssl.create_default_context(cafile=setting("CERTIFICATE"))


def server_tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(setting("CERTIFICATE"), setting("KEY"))
    return context


class ClientCase(unittest.TestCase):
    """Each test's coroutine `main` runs by asyncio.run(), as in a program.

    A test method is a coroutine function. What it leaves to the loop's exception handler fails it.
    """

    def _callTestMethod(self, method):
        asyncio.run(self._main(method))

    async def _main(self, method):
        loop = asyncio.get_running_loop()
        self.assertEqual(type(loop).__module__, setting("LOOP"))
        reports = []
        loop.set_exception_handler(lambda loop, context: reports.append(context))
        await method()
        self.assertEqual(reports, [])


async def gather_all(number, function):
    """The results of function(0), function(1) ... at a time."""
    return await asyncio.gather(*(function(i) for i in range(number)))

"""What the tests of loops share: a loop for each test, and an audit at its end.

The same test bodies run on ErlangEventLoop and on the standard library's loop, to prove that they
agree: `class Test...(LoopCase)` with the decorator `on_both_loops`.
"""

import asyncio
import gc
import socket
import sys
import unittest
import weakref

import _erlang
import erlang

needs_node = unittest.skipUnless(_erlang.IN_NODE, "needs an Erlang node")


class LoopCase(unittest.TestCase):
    """self.loop is new, and must neither report errors nor outlive the test."""

    new_loop = staticmethod(erlang.new_event_loop)

    def setUp(self):
        self.loop = self.new_loop()
        self.loop.set_debug(False)  # whatever python was started with
        self.reports = []
        self.loop.set_exception_handler(lambda loop, context: self.reports.append(context))
        self.addCleanup(self.end_loop)

    def end_loop(self):
        if not self.loop.is_closed():
            self.loop.close()
        reports, self.reports = self.reports, []
        self.assertEqual(reports, [], "reported to the exception handler")
        ended = weakref.ref(self.loop)
        del self.loop
        gc.collect()
        self.assertIsNone(ended(), "something keeps the loop alive")

    def take_reports(self):
        reports, self.reports = self.reports, []
        return reports

    def run_ready(self):
        """One iteration, without waiting."""
        self.loop.stop()
        self.loop.run_forever()

    def run_until(self, condition):
        """Iterations until it holds; the test's author makes sure that it comes to hold."""

        async def wait():
            while not condition():
                await asyncio.sleep(0)

        self.loop.run_until_complete(asyncio.wait_for(wait(), 30))

    def run(self, result=None):
        # The interpreter's last exception would keep the frames of a failed test's loop.
        try:
            return super().run(result)
        finally:
            sys.last_traceback = sys.last_value = sys.last_exc = None

    def socket_pair(self):
        ours, theirs = socket.socketpair()
        for end in ours, theirs:
            end.setblocking(False)
            self.addCleanup(end.close)
        return ours, theirs


def stock_event_loop():
    return asyncio.SelectorEventLoop()


def on_both_loops(case):
    """Defines the case a second time, on the standard library's loop, as `<name>OnStock`."""
    name = case.__name__ + "OnStock"
    stock = type(name, (case,), {"new_loop": staticmethod(stock_event_loop)})
    stock.__module__, stock.__qualname__ = case.__module__, name
    sys.modules[case.__module__].__dict__[name] = stock
    return case

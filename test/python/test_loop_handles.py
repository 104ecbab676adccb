"""Handle and TimerHandle: asyncio's whole interface."""

import asyncio
import contextvars
import gc
import os
import re
import sys
import sysconfig
import threading
import time
import unittest
import weakref

import _erlang
from loop_case import LoopCase, on_both_loops


def callback(*args):
    pass


def arenas():
    """Of Python's allocator: how many it holds now."""
    reading, writing = os.pipe()
    stderr = os.dup(2)
    try:
        os.dup2(writing, 2)
        sys._debugmallocstats()
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(writing)
    with os.fdopen(reading) as report:
        return int(
            re.search(r"# arenas allocated current *= *([\d,]+)", report.read())[1].replace(",", "")
        )


def has_arenas():
    return "WITH_PYMALLOC" in sysconfig.get_config_vars() and not sysconfig.get_config_var(
        "Py_GIL_DISABLED"
    )


@on_both_loops
class Handles(LoopCase):
    def handles(self):
        return self.loop.call_soon(callback, 1), self.loop.call_later(1000, callback, 1)

    def test_isinstance(self):
        soon, later = self.handles()
        self.assertIsInstance(soon, asyncio.Handle)
        self.assertNotIsInstance(soon, asyncio.TimerHandle)
        self.assertIsInstance(later, asyncio.TimerHandle)

    @unittest.skipIf(sys.version_info < (3, 14), "handles are not thread-safe yet")
    def test_cancelling_from_another_thread_waits_for_the_callback(self):
        started, ended = threading.Event(), threading.Event()
        seen = []

        def work():
            started.set()
            # Gives the other thread every chance to be wrong; the outcome does not depend on it.
            time.sleep(0.05)
            ended.set()

        def cancel():
            handle = self.loop.call_soon_threadsafe(work)
            started.wait()
            handle.cancel()
            seen.append(ended.is_set())
            self.loop.call_soon_threadsafe(self.loop.stop)

        thread = threading.Thread(target=cancel)
        thread.start()
        self.loop.run_forever()
        thread.join()
        self.assertEqual(seen, [True])

    def test_attributes(self):
        context = contextvars.copy_context()
        handle = self.loop.call_soon(callback, 1, "two", context=context)
        self.assertIs(handle._loop, self.loop)
        self.assertIs(handle._callback, callback)
        self.assertEqual(handle._args, (1, "two"))
        self.assertIs(handle._context, context)
        self.assertIs(handle._cancelled, False)
        self.assertIsNone(handle._source_traceback)

    def test_cancelling_drops_callback_and_arguments(self):
        for handle in self.handles():
            self.assertFalse(handle.cancelled())
            handle.cancel()
            handle.cancel()
            self.assertTrue(handle.cancelled())
            self.assertIsNone(handle._callback)
            self.assertIsNone(handle._args)

    def test_repr(self):
        soon, later = self.handles()
        self.assertRegex(repr(soon), r"^<Handle callback\(.*\) at .*test_loop_handles.py:\d+>$")
        self.assertRegex(
            repr(later), r"^<TimerHandle when=[\d.]+ callback\(.*\) at .*test_loop_handles.py:\d+>$"
        )
        soon.cancel()
        later.cancel()
        self.assertEqual(repr(soon), "<Handle cancelled>")
        self.assertRegex(repr(later), r"^<TimerHandle cancelled when=[\d.]+>$")

    def test_repr_in_debug_mode_says_where_it_was_made(self):
        self.loop.set_debug(True)
        soon, later = self.handles()
        for handle in soon, later:
            self.assertRegex(
                repr(handle), r"callback\(1\).* created at .*test_loop_handles.py:\d+>$"
            )

    def test_run(self):
        calls = []
        handle = self.loop.call_soon(calls.append, 1)
        handle._run()
        self.assertEqual(calls, [1])
        handle.cancel()

    def test_weak_references(self):
        for handle in self.handles():
            self.assertIs(weakref.ref(handle)(), handle)
            handle.cancel()

    def test_timers_compare_by_time(self):
        early, late = self.loop.call_at(1, callback), self.loop.call_at(2, callback)
        self.assertTrue(early < late and early <= late and late > early and late >= early)
        self.assertFalse(early > late or early >= late or late < early or late <= early)
        self.assertTrue(early != late and not early == late)
        self.assertTrue(early <= early and early >= early and early == early)
        self.assertEqual(hash(early), hash(1.0))

    def test_timers_are_equal_if_they_do_the_same_at_the_same_time(self):
        one, two = self.loop.call_at(1, callback, 1), self.loop.call_at(1, callback, 1)
        other = self.loop.call_at(1, callback, 2)
        self.assertEqual(one, two)
        self.assertNotEqual(one, other)
        self.assertFalse(one < other or one > other)
        two.cancel()
        self.assertNotEqual(one, two)

    def test_timers_do_not_compare_with_anything_else(self):
        soon, later = self.handles()
        for other in soon, 1, None:
            self.assertNotEqual(later, other)
            with self.assertRaises(TypeError):
                later < other
            with self.assertRaises(TypeError):
                later >= other


class OwnHandles(LoopCase):
    def test_get_loop_and_context(self):
        context = contextvars.copy_context()
        handle = self.loop.call_soon(callback, context=context)
        self.assertIs(handle.get_loop(), self.loop)
        self.assertIs(handle.get_context(), context)

    def test_a_timer_is_a_handle(self):
        timer = self.loop.call_later(1, callback)
        self.assertIsInstance(timer, _erlang.Handle)
        self.assertTrue(timer._scheduled)
        timer.cancel()
        self.assertFalse(timer._scheduled)

    def test_they_can_not_be_made_by_hand(self):
        for kind in _erlang.Handle, _erlang.TimerHandle:
            with self.assertRaises(TypeError):
                kind()

        class Sub(_erlang.Handle):
            pass

        with self.assertRaises(TypeError):
            Sub()

    def test_garbage_cycles_through_handles_are_collected(self):
        class Node:
            pass

        node = Node()
        node.soon = self.loop.call_soon(callback, node)
        node.later = self.loop.call_later(1000, callback, node, 2, 3, 4, 5)
        node.soon.cancel()
        node.later.cancel()
        node.own = self.loop.call_soon(callback, node, 2, 3, 4)
        self.run_ready()
        gone = weakref.ref(node)
        del node
        gc.collect()
        self.assertIsNone(gone())

    def test_a_whole_loop_in_garbage_is_collected(self):
        class Node:
            pass

        loop = self.new_loop()
        node = Node()
        node.loop = loop
        loop.call_soon(callback, node, loop)
        loop.call_later(1000, callback, node)
        ours, theirs = self.socket_pair()
        loop.add_reader(ours, callback, node)
        gone = weakref.ref(node)
        with self.assertWarns(ResourceWarning):  # unclosed event loop
            del node, loop
            gc.collect()
        self.assertIsNone(gone())

    def test_so_is_one_whose_handles_are_part_of_the_garbage(self):
        class Node:
            pass

        loop = self.new_loop()
        node = Node()
        node.soon = loop.call_soon(callback, node)
        node.later = loop.call_later(1000, callback, node)
        node.cancelled = loop.call_later(1000, callback, node)
        node.cancelled.cancel()
        gone = weakref.ref(node)
        with self.assertWarns(ResourceWarning):  # unclosed event loop
            del node, loop
            gc.collect()
        self.assertIsNone(gone())

    def test_garbage_around_handles_that_have_left_the_queue_is_collected(self):
        class Node:
            pass

        def cycle(schedule):
            node = Node()
            node.handle = schedule(node)
            return weakref.ref(node)

        def cancelled(node):
            timer = self.loop.call_later(1000, callback, node)
            timer.cancel()
            timer._context.run(variable.set, node)
            return timer

        variable = contextvars.ContextVar("variable")
        gone = [
            cycle(lambda node: self.loop.call_soon(callback, node)),
            cycle(lambda node: self.loop.call_soon_threadsafe(callback, node)),
            cycle(lambda node: self.loop.call_later(0, callback, node)),
            cycle(cancelled),
        ]
        self.loop.run_until_complete(asyncio.sleep(0.001))
        gc.collect()
        self.assertEqual([it() for it in gone], [None] * 4)

    def test_each_callback_has_a_context_of_its_own(self):
        variable = contextvars.ContextVar("variable", default=0)
        seen = []

        def change(value):
            seen.append(variable.get())
            variable.set(value)

        def schedule():
            variable.set(1)
            self.loop.call_soon(change, 10)
            self.loop.call_soon(change, 20)
            variable.set(2)
            self.loop.call_later(0, change, 30)
            self.loop.call_soon_threadsafe(change, 40)
            variable.set(3)

        contextvars.copy_context().run(schedule)
        self.run_until(lambda: len(seen) == 4)
        self.assertEqual(sorted(seen), [1, 1, 2, 2])

    def test_a_context_stays_the_same(self):
        variable = contextvars.ContextVar("variable", default=0)
        seen = []
        first, second = [self.loop.call_soon(lambda: seen.append(variable.get())) for _ in "12"]
        context = first._context
        context.run(variable.set, 5)
        self.assertIs(first._context, context)
        self.assertIsNot(second._context, context)
        self.run_ready()
        self.assertEqual(seen, [5, 0])
        self.assertIs(first._context, context)

    def test_what_a_reader_sets_stays_set(self):
        variable = contextvars.ContextVar("variable", default=0)
        ours, theirs = self.socket_pair()
        seen = []

        def read():
            theirs.recv(1)
            seen.append(variable.get())
            variable.set(len(seen))

        self.loop.add_reader(theirs, read)
        self.loop.call_soon(callback)
        ours.send(b"abc")
        self.run_until(lambda: len(seen) == 3)
        self.loop.remove_reader(theirs)
        self.assertEqual(seen, [0, 1, 2])
        self.assertEqual(variable.get(), 0)

    def test_variables_live_no_longer_than_callbacks_need_them(self):
        class Value:
            pass

        variable = contextvars.ContextVar("variable")

        def schedule():
            value = Value()
            variable.set(value)
            self.loop.call_soon(callback)
            return weakref.ref(value)

        value = contextvars.copy_context().run(schedule)
        gc.collect()
        self.assertIsNotNone(value())
        self.run_ready()
        self.assertIsNone(value())

    @unittest.skipUnless(has_arenas(), "another allocator")
    def test_a_crowd_of_cancelled_timers_pins_no_memory(self):
        # In arenas of Python's allocator, of which these need a hundred.
        before = arenas()
        timers = [self.loop.call_later(1000 + i % 7, callback) for i in range(300_000)]
        self.assertGreater(arenas(), before + 30)
        timers.sort(key=id, reverse=True)
        timers = timers[::2] + timers[1::2]
        while timers:
            timers.pop().cancel()
        gc.collect()
        self.assertLess(arenas(), before + 10)

    def test_reused_memory_holds_nothing_old(self):
        for _ in range(3000):
            handle = self.loop.call_soon(callback, 1, 2, 3)
            handle.cancel()
            del handle
            fresh = self.loop.call_soon(callback)
            self.assertEqual(fresh._args, ())
            self.assertFalse(fresh.cancelled())
            self.run_ready()


if __name__ == "__main__":
    unittest.main()

"""call_soon(), call_later(), call_at(), call_soon_threadsafe(): order, arguments, time, failure."""

import asyncio
import contextvars
import gc
import math
import sys
import threading
import time
import unittest
import weakref

import erlang
from loop_case import LoopCase, on_both_loops


@on_both_loops
class CallSoon(LoopCase):
    def test_first_in_first_out(self):
        calls = []
        for i in range(100):
            self.loop.call_soon(calls.append, i)
        self.run_ready()
        self.assertEqual(calls, list(range(100)))

    def test_any_number_of_arguments(self):
        calls = []
        for count in range(8):
            self.loop.call_soon(lambda *args: calls.append(args), *range(count))
        self.run_ready()
        self.assertEqual(calls, [tuple(range(count)) for count in range(8)])

    def test_what_a_callback_queues_is_left_to_the_next_iteration(self):
        calls = []

        def first():
            calls.append("first")
            self.loop.call_soon(calls.append, "second")

        self.loop.call_soon(first)
        self.run_ready()
        self.assertEqual(calls, ["first"])
        self.run_ready()
        self.assertEqual(calls, ["first", "second"])

    def test_cancelled_calls_are_not_made(self):
        calls = []
        handle = self.loop.call_soon(calls.append, 1)
        self.loop.call_soon(calls.append, 2)
        handle.cancel()
        self.run_ready()
        self.assertEqual(calls, [2])

    def test_a_callback_can_cancel_the_next(self):
        calls = []
        self.loop.call_soon(lambda: handle.cancel())
        handle = self.loop.call_soon(calls.append, 1)
        self.run_ready()
        self.assertEqual(calls, [])

    def test_a_callback_can_cancel_itself(self):
        class Callback:
            def __call__(self, *args):
                handle.cancel()
                calls.append(args)

        calls = []
        handle = self.loop.call_soon(Callback(), object(), [1, 2])
        self.run_ready()
        self.assertEqual(len(calls), 1)
        self.assertTrue(handle.cancelled())
        self.assertIsNone(handle._args)

    def test_context_is_the_callers_or_the_given_one(self):
        variable = contextvars.ContextVar("variable", default=0)
        seen = []
        other = contextvars.copy_context()
        other.run(variable.set, 2)
        variable.set(1)
        self.loop.call_soon(lambda: seen.append(variable.get()))
        self.loop.call_soon(lambda: seen.append(variable.get()), context=other)
        variable.set(3)
        self.run_ready()
        self.assertEqual(seen, [1, 2])

    def test_a_failing_callback_is_reported_and_the_rest_runs(self):
        calls = []
        handle = self.loop.call_soon(lambda: 1 / 0)
        self.loop.call_soon(calls.append, 1)
        self.run_ready()
        self.assertEqual(calls, [1])
        (report,) = self.take_reports()
        self.assertIsInstance(report["exception"], ZeroDivisionError)
        self.assertIsNotNone(report["exception"].__traceback__)
        self.assertIs(report["handle"], handle)
        self.assertTrue(report["message"].startswith("Exception in callback "), report["message"])
        self.assertEqual(set(report), {"message", "exception", "handle"})
        report.clear()

    def test_base_exceptions_are_reported_too(self):
        class Unusual(BaseException):
            pass

        def fail():
            raise Unusual

        self.loop.call_soon(fail)
        self.run_ready()
        (report,) = self.take_reports()
        self.assertIsInstance(report["exception"], Unusual)

    def test_exceptions_that_end_programs_end_the_loop_and_the_rest_stays_queued(self):
        for exception in SystemExit, KeyboardInterrupt:
            with self.subTest(exception):
                calls = []

                def leave():
                    raise exception

                self.loop.call_soon(leave)
                self.loop.call_soon(calls.append, 1)
                with self.assertRaises(exception):
                    self.loop.run_forever()
                self.assertFalse(self.loop.is_running())
                self.assertEqual(calls, [])
                self.run_ready()
                self.assertEqual(calls, [1])

    def test_what_is_not_callable_is_reported_when_called(self):
        self.loop.call_soon(42)
        self.run_ready()
        (report,) = self.take_reports()
        self.assertIsInstance(report["exception"], TypeError)

    def test_wrong_arguments_raise(self):
        for call in (
            lambda: self.loop.call_soon(),
            lambda: self.loop.call_soon(print, unknown=1),
            lambda: self.loop.call_later(1),
            lambda: self.loop.call_later(None, print),
            lambda: self.loop.call_at(None, print),
            lambda: self.loop.call_soon_threadsafe(),
        ):
            with self.assertRaises(TypeError):
                call()

    def test_after_closing_everything_raises(self):
        self.loop.close()
        for call in (
            lambda: self.loop.call_soon(print),
            lambda: self.loop.call_soon_threadsafe(print),
            lambda: self.loop.call_later(1, print),
            lambda: self.loop.call_at(1, print),
        ):
            with self.assertRaisesRegex(RuntimeError, "Event loop is closed"):
                call()

    @unittest.skipIf(sys.version_info >= (3, 12), "the handler runs in that context, too")
    def test_a_callback_already_in_its_context_is_reported(self):
        context = contextvars.copy_context()

        def outer():
            self.loop.call_soon(print, context=context)
            self.loop._run_once()

        self.loop.call_soon(outer, context=context)
        self.run_ready()
        (report,) = self.take_reports()
        self.assertRegex(str(report["exception"]), "cannot enter context")

    def test_callbacks_are_dropped_with_the_loop(self):
        class Flag:
            pass

        flag = Flag()
        dropped = weakref.ref(flag)
        self.loop.call_soon(print, flag)
        self.loop.call_later(1000, print, flag)
        del flag
        self.loop.close()
        gc.collect()
        self.assertIsNone(dropped())


@on_both_loops
class CallLater(LoopCase):
    def test_in_the_order_of_time(self):
        calls = []
        now = self.loop.time()
        for delay in 0.003, 0.001, 0.002:
            self.loop.call_at(now + delay, calls.append, delay)
        self.loop.call_at(now + 0.004, self.loop.stop)
        self.loop.run_forever()
        self.assertEqual(calls, [0.001, 0.002, 0.003])

    def test_past_times_are_now(self):
        calls = []
        self.loop.call_later(-1, calls.append, 1)
        self.loop.call_at(0, calls.append, 2)
        self.loop.call_later(0, calls.append, 3)
        self.run_until(lambda: len(calls) == 3)
        self.assertEqual(sorted(calls), [1, 2, 3])

    def test_cancelled_timers_do_not_fire(self):
        calls = []
        self.loop.call_later(0.001, calls.append, 1).cancel()
        self.loop.call_later(0.002, self.loop.stop)
        self.loop.run_forever()
        self.assertEqual(calls, [])

    def test_when_and_attributes(self):
        before = self.loop.time()
        timer = self.loop.call_later(10, print)
        self.assertGreaterEqual(timer.when(), before + 10)
        self.assertEqual(self.loop.call_at(12345.5, print).when(), 12345.5)

    def test_a_cancelled_timer_can_be_cancelled_again_and_after_firing(self):
        fired = []
        timer = self.loop.call_later(0, fired.append, 1)
        self.run_until(lambda: fired)
        timer.cancel()
        timer.cancel()
        self.assertTrue(timer.cancelled())

    def test_infinite_delays_never_come(self):
        timer = self.loop.call_later(math.inf, print)
        self.run_ready()
        timer.cancel()

    def test_many_cancelled_in_any_order(self):
        calls = []
        timers = [self.loop.call_later(0.001 + i % 7 / 1000, calls.append, i) for i in range(2000)]
        for i, timer in enumerate(timers):
            if i % 5:
                timer.cancel()
        self.run_until(lambda: len(calls) == 400)
        self.assertEqual(sorted(calls), list(range(0, 2000, 5)))


class OwnTimers(LoopCase):
    """Where ErlangEventLoop promises more than the standard loop."""

    def test_equal_times_keep_their_order(self):
        calls = []
        when = self.loop.time() + 0.001
        for i in range(500):
            self.loop.call_at(when, calls.append, i)
        self.run_until(lambda: len(calls) == 500)
        self.assertEqual(calls, list(range(500)))

    def test_never_early(self):
        early = []

        def check(when):
            if self.loop.time() < when:
                early.append(when)

        now = self.loop.time()
        for i in range(500):
            when = now + i * 0.0000173
            self.loop.call_at(when, check, when)
        self.loop.call_at(now + 0.01, self.loop.stop)
        self.loop.run_forever()
        self.assertEqual(early, [])

    def test_cancelled_timers_hold_nothing(self):
        class Callback:
            def __call__(self):
                pass

        callback = Callback()
        timer = self.loop.call_later(1000, callback)
        gone, handle_gone = weakref.ref(callback), weakref.ref(timer)
        timer.cancel()
        del callback
        self.assertIsNone(gone())
        del timer
        self.assertIsNone(handle_gone())

    def test_nan_is_refused(self):
        for call in self.loop.call_later, self.loop.call_at:
            with self.assertRaises(ValueError):
                call(math.nan, print)

    def test_keywords_as_in_the_signature(self):
        calls = []
        self.loop.call_soon(callback=lambda: calls.append(1))
        self.loop.call_later(delay=0, callback=lambda: calls.append(2))
        self.run_until(lambda: len(calls) == 2)
        with self.assertRaises(TypeError):
            self.loop.call_soon(print, callback=print)


@on_both_loops
class CallSoonThreadsafe(LoopCase):
    def test_wakes_a_sleeping_loop(self):
        async def wait():
            future = self.loop.create_future()
            thread = threading.Thread(
                target=lambda: self.loop.call_soon_threadsafe(future.set_result, 7)
            )
            thread.start()
            try:
                return await future
            finally:
                thread.join()

        self.assertEqual(self.loop.run_until_complete(wait()), 7)

    def test_keeps_order_with_call_soon(self):
        calls = []
        self.loop.call_soon_threadsafe(calls.append, 1)
        self.loop.call_soon(calls.append, 2)
        self.loop.call_soon_threadsafe(calls.append, 3)
        self.run_ready()
        self.assertEqual(calls, [1, 2, 3])

    def test_nothing_is_lost_from_many_threads(self):
        each, senders = 2000, 4
        received = {sender: [] for sender in range(senders)}
        total = 0

        def receive(sender, number):
            nonlocal total
            received[sender].append(number)
            total += 1
            if total == each * senders:
                self.loop.stop()

        def send(sender):
            for number in range(each):
                self.loop.call_soon_threadsafe(receive, sender, number)

        threads = [threading.Thread(target=send, args=(sender,)) for sender in range(senders)]
        for thread in threads:
            thread.start()
        self.loop.run_forever()
        for thread in threads:
            thread.join()
        for numbers in received.values():
            self.assertEqual(numbers, list(range(each)))

    def test_ping_pong_between_loops_in_two_threads(self):
        rounds = 500
        other = self.new_loop()
        count = 0

        def ping():
            other.call_soon_threadsafe(pong)

        def pong():
            nonlocal count
            count += 1
            if count < rounds:
                self.loop.call_soon_threadsafe(ping)
            else:
                other.stop()
                self.loop.call_soon_threadsafe(self.loop.stop)

        thread = threading.Thread(target=other.run_forever)
        thread.start()
        self.loop.call_soon(ping)
        self.loop.run_forever()
        thread.join()
        other.close()
        self.assertEqual(count, rounds)


@on_both_loops
class Debug(LoopCase):
    def setUp(self):
        super().setUp()
        self.loop.set_debug(True)

    def test_coroutines_are_no_callbacks(self):
        async def coroutine():
            pass

        for call in (
            lambda: self.loop.call_soon(coroutine),
            lambda: self.loop.call_soon_threadsafe(coroutine),
            lambda: self.loop.call_later(1, coroutine),
            lambda: self.loop.call_at(1, coroutine),
        ):
            with self.assertRaisesRegex(TypeError, "coroutines cannot be used with call_"):
                call()
        with self.assertRaisesRegex(TypeError, r"a callable object was expected by call_soon\(\)"):
            self.loop.call_soon(42)

    def test_calls_from_another_thread_are_refused(self):
        errors = []

        def misuse():
            for call in (
                lambda: self.loop.call_soon(print),
                lambda: self.loop.call_later(1, print),
                lambda: self.loop.call_at(1, print),
            ):
                try:
                    call()
                except RuntimeError as error:
                    errors.append(str(error))

        async def run():
            await self.loop.run_in_executor(None, misuse)
            await self.loop.shutdown_default_executor()

        self.loop.run_until_complete(run())
        self.assertEqual(
            errors,
            [
                "Non-thread-safe operation invoked on an event loop other than the current one",
            ]
            * 3,
        )

    def test_slow_callbacks_are_logged(self):
        self.loop.slow_callback_duration = 0

        def slow():
            pass

        self.loop.call_soon(slow)
        with self.assertLogs("asyncio", "WARNING") as log:
            self.run_ready()
        self.assertRegex(log.output[0], r"Executing <Handle .*slow.* took \d+\.\d+ seconds")

    def test_reports_say_where_the_call_came_from(self):
        self.loop.call_soon(lambda: 1 / 0)
        self.run_ready()
        (report,) = self.take_reports()
        frame = report["source_traceback"][-1]
        self.assertTrue(frame.filename.endswith("test_loop_calls.py"), frame)
        self.assertIn("test_reports_say_where_the_call_came_from", frame.name)
        report.clear()

    def test_a_cancelled_handle_still_tells_what_it_was(self):
        def callback():
            pass

        handle = self.loop.call_soon(callback)
        timer = self.loop.call_later(1, callback)
        for each in handle, timer:
            each.cancel()
            self.assertRegex(repr(each), "cancelled.*callback.*created at")


class ModuleLevel(unittest.TestCase):
    def test_time_is_the_monotonic_clock(self):
        loop = erlang.new_event_loop()
        try:
            before = time.monotonic()
            now = loop.time()
            self.assertLessEqual(before, now)
            self.assertLessEqual(now, time.monotonic())
        finally:
            loop.close()

    def test_sleep_is_never_short(self):
        async def main():
            loop = asyncio.get_running_loop()
            for delay in 0.0001, 0.001, 0.0025:
                before = loop.time()
                await asyncio.sleep(delay)
                self.assertGreaterEqual(loop.time() - before, delay * (1 - 1e-9))

        erlang.run(main())


class Flood(LoopCase):
    THREADS = 3
    CALLS = 100_000

    def test_threads_that_call_faster_than_the_loop_works_wait_for_it(self):
        # Or its timers, and its end, would come later and later.
        made = [0] * self.THREADS
        ran = 0
        most = 0

        def callback():
            nonlocal ran, most
            ran += 1
            most = max(most, sum(made) - ran)
            if ran == self.THREADS * self.CALLS:
                self.loop.stop()

        def flood(number):
            for _ in range(self.CALLS):
                self.loop.call_soon_threadsafe(callback)
                made[number] += 1

        threads = [threading.Thread(target=flood, args=(i,)) for i in range(self.THREADS)]
        self.loop.call_soon(lambda: [thread.start() for thread in threads])
        self.loop.run_forever()
        for thread in threads:
            thread.join()
        self.assertLess(most, self.CALLS / 2)


if __name__ == "__main__":
    unittest.main()

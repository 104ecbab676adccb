"""Signals and loops on Python's main thread."""

import asyncio
import itertools
import os
import signal
import threading
import unittest

import erlang
from loop_case import LoopCase, on_both_loops


def handles_signals():
    """Python runs signal handlers on its main thread only, if it installs any at all."""
    try:
        signal.signal(signal.SIGUSR1, signal.getsignal(signal.SIGUSR1) or signal.SIG_DFL)
    except ValueError:
        return False
    return True


@unittest.skipUnless(handles_signals(), "not Python's main thread")
@on_both_loops
class Signals(LoopCase):
    def setUp(self):
        super().setUp()
        before = signal.getsignal(signal.SIGUSR1)
        self.addCleanup(signal.signal, signal.SIGUSR1, before)

    def send(self):
        os.kill(os.getpid(), signal.SIGUSR1)

    def test_handlers(self):
        calls = []
        self.loop.add_signal_handler(signal.SIGUSR1, calls.append, 1)
        self.loop.call_soon(self.send)
        self.run_until(lambda: calls)
        self.assertTrue(self.loop.remove_signal_handler(signal.SIGUSR1))
        self.assertFalse(self.loop.remove_signal_handler(signal.SIGUSR1))
        self.assertEqual(calls, [1])

    def test_a_handler_wakes_a_sleeping_loop(self):
        self.loop.add_signal_handler(signal.SIGUSR1, self.loop.stop)
        timer = threading.Timer(0.01, self.send)
        timer.start()
        self.loop.run_forever()
        timer.join()
        self.loop.remove_signal_handler(signal.SIGUSR1)

    def test_a_signal_between_runs_is_not_lost(self):
        calls = []
        self.loop.add_signal_handler(signal.SIGUSR1, calls.append, 1)
        self.run_ready()
        self.send()
        self.run_until(lambda: calls)
        self.loop.remove_signal_handler(signal.SIGUSR1)

    def test_closing_removes_handlers(self):
        self.loop.add_signal_handler(signal.SIGUSR1, print)
        self.loop.close()
        self.assertEqual(signal.getsignal(signal.SIGUSR1), signal.SIG_DFL)
        self.assertEqual(signal.set_wakeup_fd(-1), -1)

    def test_wrong_signals(self):
        with self.assertRaises(TypeError):
            self.loop.add_signal_handler("USR1", print)
        with self.assertRaises(ValueError):
            self.loop.add_signal_handler(1000, print)
        with self.assertRaises((RuntimeError, ValueError)):
            self.loop.add_signal_handler(signal.SIGKILL, print)

    def test_python_handlers_run_while_the_loop_sleeps(self):
        # Also if another thread is the one that gets the signal.
        signal.signal(signal.SIGUSR1, lambda *_: self.loop.call_soon_threadsafe(self.loop.stop))

        def send_to_myself():
            signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

        timer = threading.Timer(0.01, send_to_myself)
        timer.start()
        if self.loop.__class__.__module__.startswith("asyncio"):
            self.loop.call_later(1, self.loop.stop)  # it may miss that
        self.loop.run_forever()
        timer.join()

    def test_an_exception_of_a_python_handler_leaves_the_loop(self):
        def interrupt(*_):
            raise KeyboardInterrupt

        signal.signal(signal.SIGUSR1, interrupt)
        timer = threading.Timer(0.01, lambda: signal.pthread_kill(main, signal.SIGUSR1))
        main = threading.get_ident()
        timer.start()
        with self.assertRaises(KeyboardInterrupt):
            self.loop.run_forever()
        timer.join()
        self.assertFalse(self.loop.is_running())


@unittest.skipUnless(handles_signals(), "not Python's main thread")
class OwnSignals(LoopCase):
    def test_the_wakeup_descriptor_is_restored(self):
        reading, writing = os.pipe2(os.O_NONBLOCK)
        before = signal.set_wakeup_fd(writing)
        try:
            self.run_ready()
            self.assertEqual(signal.set_wakeup_fd(writing), writing)
        finally:
            signal.set_wakeup_fd(before)
            os.close(reading)
            os.close(writing)

    def programs_own(self):
        """A descriptor of the program's own, that signals are written to."""
        reading, writing = os.pipe2(os.O_NONBLOCK)
        signal.set_wakeup_fd(writing)

        def undo():
            signal.set_wakeup_fd(-1)
            os.close(reading)
            os.close(writing)

        self.addCleanup(undo)
        return writing

    def current(self):
        fd = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(fd)
        return fd

    def in_a_run(self, function, *args):
        self.loop.call_soon(function, *args)
        self.run_ready()

    def test_no_closed_descriptor_is_left_after_removing_in_another_run(self):
        self.in_a_run(self.loop.add_signal_handler, signal.SIGUSR1, print)
        self.assertNotEqual(self.current(), -1)
        self.in_a_run(self.loop.remove_signal_handler, signal.SIGUSR1)
        self.assertEqual(self.current(), -1)
        self.loop.close()
        self.assertEqual(self.current(), -1)

    def test_no_closed_descriptor_is_left_whatever_the_order(self):
        steps = {
            "add": lambda: self.loop.add_signal_handler(signal.SIGUSR1, print),
            "remove": lambda: self.loop.remove_signal_handler(signal.SIGUSR1),
            "add in a run": lambda: self.in_a_run(steps["add"]),
            "remove in a run": lambda: self.in_a_run(steps["remove"]),
            "run": self.run_ready,
        }
        for own in False, True:
            expected = self.programs_own() if own else -1
            for order in itertools.product(steps, repeat=3):
                with self.subTest(order=order, own=own):
                    self.loop = self.new_loop()
                    for name in order:
                        steps[name]()
                    if "remove" in order[-1]:
                        self.assertEqual(self.current(), expected)
                    self.loop.close()
                    self.assertEqual(self.current(), expected)

    def test_the_programs_descriptor_survives_handlers(self):
        own = self.programs_own()
        calls = []
        self.loop.add_signal_handler(signal.SIGUSR1, calls.append, 1)
        self.loop.call_soon(os.kill, os.getpid(), signal.SIGUSR1)
        self.run_until(lambda: calls)
        self.loop.remove_signal_handler(signal.SIGUSR1)
        self.assertEqual(self.current(), own)

    def test_one_that_the_program_sets_meanwhile_is_left_alone(self):
        self.loop.add_signal_handler(signal.SIGUSR1, print)
        own = self.programs_own()
        self.loop.remove_signal_handler(signal.SIGUSR1)
        self.assertEqual(self.current(), own)

    def test_one_that_the_program_has_closed_meanwhile_is_not_set_again(self):
        reading, writing = os.pipe2(os.O_NONBLOCK)
        signal.set_wakeup_fd(writing)
        self.loop.add_signal_handler(signal.SIGUSR1, print)
        os.close(reading)
        os.close(writing)
        self.loop.remove_signal_handler(signal.SIGUSR1)
        self.assertEqual(self.current(), -1)

    def test_two_loops_with_handlers_that_close_in_either_order(self):
        for first, second in (0, 1), (1, 0):
            loops = [self.new_loop(), self.new_loop()]
            loops[0].add_signal_handler(signal.SIGUSR1, print)
            loops[1].add_signal_handler(signal.SIGUSR2, print)
            loops[first].close()
            self.assertNotEqual(self.current(), -1)
            os.fstat(self.current())
            loops[second].close()
            self.assertEqual(self.current(), -1)

    def test_interrupting_a_run_cancels_its_task(self):
        cancelled = []

        async def main():
            asyncio.get_running_loop().call_later(
                0.01, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGINT)
            )
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                cancelled.append(True)
                raise

        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with self.assertRaises(KeyboardInterrupt):
                erlang.run(main())
        finally:
            signal.signal(signal.SIGINT, before)
        self.assertEqual(cancelled, [True])


class OtherThreads(LoopCase):
    def test_handlers_are_for_the_main_thread(self):
        errors = []

        def run():
            loop = self.new_loop()
            try:
                loop.add_signal_handler(signal.SIGUSR1, print)
            except RuntimeError as error:
                errors.append(error)
            finally:
                loop.close()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        self.assertEqual(len(errors), 1)


if __name__ == "__main__":
    unittest.main()

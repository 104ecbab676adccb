"""run_forever(), stop(), close(), nesting, garbage, and the erlang module's ways to run a loop."""

import asyncio
import gc
import os
import sys
import threading
import time
import unittest
import unittest.mock
import warnings
import weakref

import _erlang
import erlang
from loop_case import LoopCase, on_both_loops


@on_both_loops
class Running(LoopCase):
    def test_stop_lets_the_iteration_end(self):
        calls = []
        self.loop.call_soon(self.loop.stop)
        self.loop.call_soon(calls.append, 1)
        self.loop.call_soon(lambda: self.loop.call_soon(calls.append, 2))
        self.loop.run_forever()
        self.assertEqual(calls, [1])
        self.run_ready()
        self.assertEqual(calls, [1, 2])

    def test_stop_before_running_runs_one_iteration(self):
        calls = []
        self.loop.stop()
        self.loop.call_soon(calls.append, 1)
        self.loop.run_forever()
        self.assertEqual(calls, [1])

    def test_the_running_loop(self):
        seen = []

        def look():
            seen.append((asyncio.get_running_loop(), self.loop.is_running()))
            self.loop.stop()

        self.loop.call_soon(look)
        self.assertFalse(self.loop.is_running())
        self.loop.run_forever()
        self.assertEqual(seen, [(self.loop, True)])
        self.assertFalse(self.loop.is_running())
        with self.assertRaises(RuntimeError):
            asyncio.get_running_loop()

    def test_a_failed_task_dies_at_once_in_debug_mode(self):
        self.loop.set_debug(True)

        async def fail():
            1 / 0

        async def main():
            asyncio.create_task(fail())
            await asyncio.sleep(0)
            return self.take_reports()

        gc.disable()
        self.addCleanup(gc.enable)
        (report,) = self.loop.run_until_complete(main())
        self.assertIsInstance(report["exception"], ZeroDivisionError)

    def test_loops_do_not_nest(self):
        other = self.new_loop()

        async def main():
            coroutine = asyncio.sleep(0)
            try:
                with self.assertRaisesRegex(RuntimeError, "while another loop is running"):
                    other.run_until_complete(coroutine)
                with self.assertRaisesRegex(RuntimeError, "Cannot close a running event loop"):
                    self.loop.close()
                # Last, because the standard loop of 3.13.0 then thinks that it has ended.
                with self.assertRaisesRegex(RuntimeError, "already running"):
                    self.loop.run_forever()
            finally:
                coroutine.close()

        try:
            self.loop.run_until_complete(main())
        finally:
            other.close()

    def test_run_until_complete(self):
        async def value():
            await asyncio.sleep(0)
            return 7

        async def failure():
            raise LookupError("no")

        self.assertEqual(self.loop.run_until_complete(value()), 7)
        with self.assertRaisesRegex(LookupError, "no"):
            self.loop.run_until_complete(failure())

        async def stop():
            self.loop.stop()
            await asyncio.sleep(0.01)

        task = self.loop.create_task(stop())
        with self.assertRaisesRegex(RuntimeError, "stopped before Future completed"):
            self.loop.run_until_complete(task)
        self.loop.run_until_complete(task)

    def test_closing(self):
        self.assertFalse(self.loop.is_closed())
        self.loop.close()
        self.loop.close()
        self.assertTrue(self.loop.is_closed())
        with self.assertRaisesRegex(RuntimeError, "Event loop is closed"):
            self.loop.run_forever()
        coroutine = asyncio.sleep(0)
        try:
            with self.assertRaisesRegex(RuntimeError, "Event loop is closed"):
                self.loop.create_task(coroutine)
        finally:
            coroutine.close()

    def test_an_unclosed_loop_warns(self):
        loop = self.new_loop()
        with self.assertWarnsRegex(ResourceWarning, "unclosed event loop"):
            del loop
            gc.collect()

    def test_run_once_handles_what_is_ready_and_waits_for_the_next_timer(self):
        calls = []
        self.loop.call_soon(calls.append, 1)
        self.loop.call_later(0.005, calls.append, 2)
        while len(calls) < 2:
            self.loop._run_once()
        self.assertEqual(calls, [1, 2])

    def test_run_once_waits_for_a_descriptor(self):
        ours, theirs = self.socket_pair()
        calls = []
        self.loop.add_reader(ours, calls.append, 1)
        sender = threading.Timer(0.005, theirs.send, (b"x",))
        sender.start()
        while not calls:
            self.loop._run_once()
        sender.join()
        self.loop.remove_reader(ours)

    def test_asynchronous_generators_are_finalized(self):
        finished = []

        async def generate():
            try:
                yield 1
                yield 2
            finally:
                await asyncio.sleep(0)
                finished.append(True)

        async def main():
            async for _ in generate():
                break
            gc.collect()
            for _ in range(3):
                await asyncio.sleep(0)
            self.assertEqual(finished, [True])
            self.kept = generate()
            await self.kept.__anext__()

        self.loop.run_until_complete(main())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        del self.kept
        self.assertEqual(finished, [True, True])
        self.assertEqual(sys.get_asyncgen_hooks(), (None, None))

    def test_executors(self):
        async def main():
            return await self.loop.run_in_executor(None, threading.get_ident)

        self.assertNotEqual(self.loop.run_until_complete(main()), threading.get_ident())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())

    def test_an_exception_handler_that_fails(self):
        def handler(loop, context):
            raise LookupError

        self.loop.set_exception_handler(handler)
        self.loop.call_soon(lambda: 1 / 0)
        with self.assertLogs("asyncio", "ERROR"):
            self.run_ready()

    def test_weak_references(self):
        self.assertIs(weakref.ref(self.loop)(), self.loop)


@on_both_loops
class Tasks(LoopCase):
    def test_names_and_contexts(self):
        import contextvars

        variable = contextvars.ContextVar("variable")
        context = contextvars.copy_context()
        context.run(variable.set, 5)

        async def get():
            return asyncio.current_task().get_name(), variable.get(None)

        async def main():
            return [
                await self.loop.create_task(get(), name="one"),
                await self.loop.create_task(get(), name="two", context=context),
                (await self.loop.create_task(get()))[1],
            ]

        self.assertEqual(self.loop.run_until_complete(main()), [("one", None), ("two", 5), None])

    def test_factories(self):
        made = []

        def factory(loop, coro, **kwargs):
            made.append(coro)
            return asyncio.Task(coro, loop=loop, **kwargs)

        async def work():
            return 1

        self.assertIsNone(self.loop.get_task_factory())
        self.loop.set_task_factory(factory)
        self.assertIs(self.loop.get_task_factory(), factory)
        coroutine = work()
        self.assertEqual(self.loop.run_until_complete(coroutine), 1)
        self.assertEqual(made, [coroutine])
        self.loop.set_task_factory(None)
        self.assertEqual(self.loop.run_until_complete(work()), 1)
        with self.assertRaises(TypeError):
            self.loop.set_task_factory(42)
        made.clear()
        del coroutine

    def test_wrong_arguments(self):
        with self.assertRaises(TypeError):
            self.loop.create_task()
        with self.assertRaises(TypeError):
            self.loop.create_task(42)

    def test_they_are_the_standard_librarys(self):
        async def main():
            self.assertIs(type(asyncio.current_task()), asyncio.Task)
            self.assertIs(type(self.loop.create_future()), asyncio.Future)
            self.assertIs(self.loop.create_future().get_loop(), self.loop)

        self.loop.run_until_complete(main())

    def test_never_awaited_coroutines_warn_in_debug_mode_with_their_origin(self):
        self.loop.set_debug(True)

        async def forgotten():
            pass

        async def main():
            forgotten()
            gc.collect()

        with self.assertWarnsRegex(RuntimeWarning, "(?s)never awaited.*created at"):
            self.loop.run_until_complete(main())


class WaysToRun(unittest.TestCase):
    async def main(self):
        self.assertIsInstance(asyncio.get_running_loop(), erlang.ErlangEventLoop)
        await asyncio.sleep(0)
        return 42

    def test_run(self):
        self.assertEqual(erlang.run(self.main()), 42)

    def test_run_in_debug_mode(self):
        async def main():
            return asyncio.get_running_loop().get_debug()

        self.assertTrue(erlang.run(main(), debug=True))
        self.assertFalse(erlang.run(main(), debug=False))

    def test_run_from_a_running_loop_raises(self):
        async def main():
            coroutine = self.main()
            try:
                with self.assertRaisesRegex(RuntimeError, "running event loop"):
                    erlang.run(coroutine)
            finally:
                coroutine.close()

        erlang.run(main())

    def test_run_cancels_what_is_left(self):
        cancelled = []

        async def left_over():
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                cancelled.append(True)
                raise

        async def main():
            task = asyncio.create_task(left_over())
            await asyncio.sleep(0)
            del task

        erlang.run(main())
        self.assertEqual(cancelled, [True])

    def test_runner(self):
        with asyncio.Runner(loop_factory=erlang.new_event_loop) as runner:
            self.assertEqual(runner.run(self.main()), 42)
            self.assertIsInstance(runner.get_loop(), erlang.ErlangEventLoop)

    def test_policy(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            before = asyncio.get_event_loop_policy()
            asyncio.set_event_loop_policy(erlang.EventLoopPolicy())
            try:
                self.assertEqual(asyncio.run(self.main()), 42)
            finally:
                asyncio.set_event_loop_policy(before)

    def test_install(self):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", DeprecationWarning)
            before = asyncio.get_event_loop_policy()
            caught.clear()
            erlang.install()
            try:
                expected = 1 if sys.version_info >= (3, 12) else 0
                self.assertEqual(len(caught), expected, [str(each.message) for each in caught])
                self.assertEqual(asyncio.run(self.main()), 42)
            finally:
                asyncio.set_event_loop_policy(before)

    def test_by_hand(self):
        loop = erlang.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            self.assertEqual(loop.run_until_complete(self.main()), 42)
        finally:
            loop.close()
            asyncio.set_event_loop(None)

    def test_in_another_thread(self):
        results = []
        thread = threading.Thread(target=lambda: results.append(erlang.run(self.main())))
        thread.start()
        thread.join()
        self.assertEqual(results, [42])

    def test_several_loops_in_several_threads(self):
        def run_tasks(name):
            loop = erlang.ErlangEventLoop()
            results = []
            loop.call_soon(results.append, name)
            loop.call_later(0.001, results.append, name)
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline and len(results) < 2:
                loop._run_once()
            loop.close()
            self.results[name] = results

        self.results = {}
        threads = [threading.Thread(target=run_tasks, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.results, {name: [name, name] for name in range(8)})

    def test_mode(self):
        self.assertIn(erlang.detect_mode(), erlang.ExecutionMode)

    def test_the_core_alone_is_a_base_class(self):
        class Loop(_erlang.EventLoop):
            pass

        loop = Loop()
        self.assertFalse(loop.is_running())
        self.assertIs(weakref.ref(loop)(), loop)


class OwnLoops(LoopCase):
    def test_a_callback_may_run_an_iteration(self):
        calls = []

        def outer():
            calls.append("outer")
            self.loop._run_once()
            calls.append("back")

        self.loop.call_soon(outer)
        self.loop.call_soon(calls.append, "inner")
        self.run_ready()
        self.assertEqual(calls, ["outer", "inner", "back"])

    def test_loops_leave_no_descriptor(self):
        def descriptors():
            return {name: os.readlink(f"/proc/self/fd/{name}") for name in self.numbers()}

        def use():
            loop = self.new_loop()
            ours, theirs = self.socket_pair()
            loop.add_reader(ours, print)
            loop.call_later(0.0001, loop.stop)
            loop.run_forever()
            loop.close()

        use()
        before = len([kind for kind in descriptors().values() if "anon_inode" in kind])
        for _ in range(20):
            use()
        after = len([kind for kind in descriptors().values() if "anon_inode" in kind])
        self.assertLessEqual(after, before)

    @staticmethod
    def numbers():
        for name in os.listdir("/proc/self/fd"):
            if os.path.islink(f"/proc/self/fd/{name}"):
                yield name

    def test_failing_subclass_does_not_crash(self):
        class Failing(erlang.ErlangEventLoop):
            def __init__(self):
                raise LookupError

        # Without its attributes it can't even be closed; asyncio's __del__ complains about that.
        with unittest.mock.patch("sys.unraisablehook"):
            for _ in range(3):
                with self.assertRaises(LookupError):
                    Failing()
                gc.collect()

    def test_finalizers_may_use_a_loop_that_is_being_closed(self):
        loop = self.new_loop()
        errors = []

        class Stubborn:
            def __del__(self):
                try:
                    loop.call_soon(print)
                except RuntimeError as error:
                    errors.append(str(error))
                loop.remove_reader(0)

        loop.call_soon(print, Stubborn())
        loop.call_later(1000, print, Stubborn())
        loop.close()
        self.assertEqual(errors, ["Event loop is closed"] * 2)


if __name__ == "__main__":
    unittest.main()

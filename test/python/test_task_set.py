"""The set behind asyncio.all_tasks(): the standard library's, with two functions in C++."""

import asyncio
import gc
import sys
import types
import unittest
import weakref

from loop_case import LoopCase, on_both_loops

NAME = "_scheduled_tasks" if sys.version_info >= (3, 12) else "_all_tasks"


async def nothing():
    pass


@on_both_loops
class AllTasks(LoopCase):
    def test_has_those_that_are_not_done(self):
        async def main():
            task = self.loop.create_task(asyncio.sleep(1000))
            self.assertEqual(asyncio.all_tasks(), {task, asyncio.current_task()})
            task.cancel()
            await asyncio.wait([task])
            self.assertEqual(asyncio.all_tasks(), {asyncio.current_task()})

        self.loop.run_until_complete(main())


@unittest.skipIf(sys.version_info >= (3, 14), "the set is made of C from then on")
class TaskSet(LoopCase):
    def setUp(self):
        super().setUp()
        gc.collect()
        self.set = getattr(asyncio.tasks, NAME)
        self.before = len(self.set.data)

    def tasks(self, count):
        tasks = [self.loop.create_task(nothing()) for _ in range(count)]
        self.loop.run_until_complete(asyncio.gather(*tasks))
        return tasks

    def size(self):
        return len(self.set.data) - self.before

    def test_it_has_the_functions(self):
        self.assertIs(type(self.set), weakref.WeakSet)
        self.assertIsInstance(self.set.add, types.BuiltinFunctionType)
        self.assertIsInstance(self.set._remove, types.BuiltinFunctionType)

    def test_what_dies_leaves(self):
        tasks = self.tasks(10)
        gc.collect()
        self.assertEqual(self.size(), 10)
        self.set.add(tasks[0])
        self.assertEqual(self.size(), 10)
        del tasks
        gc.collect()
        self.assertEqual(self.size(), 0)

    def test_what_dies_during_an_iteration_leaves_later(self):
        tasks = self.tasks(10)
        gc.collect()
        iteration = iter(self.set)
        next(iteration)
        tasks.clear()
        gc.collect()
        self.assertGreaterEqual(len(self.set._pending_removals), 9)
        list(iteration)
        del iteration
        gc.collect()
        self.assertEqual(self.set._pending_removals, [])
        self.assertEqual(self.size(), 0)

    def test_adding_does_what_an_iteration_has_put_off(self):
        tasks = self.tasks(3)
        gc.collect()
        dead = weakref.ref(tasks[0], self.set._remove)
        self.set._pending_removals.append(dead)
        self.set.add(tasks[1])
        self.assertEqual(self.set._pending_removals, [])
        self.assertNotIn(tasks[0], self.set)
        self.assertIn(tasks[1], self.set)

    def test_what_has_no_weak_references_is_refused(self):
        with self.assertRaises(TypeError):
            self.set.add(1)


if __name__ == "__main__":
    unittest.main()

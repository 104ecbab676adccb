"""What we look into without CPython's promise, and the code that ours stands in for."""

import asyncio
import sys
import unittest
from asyncio import tasks

import _erlang


def twice(number):
    return 2 * number, [item for item in (number, "two", 2.5, None)]


ELSEWHERE = """


def twice(number):
    return 2 * number, [item for item in (number, "two", 2.5, None)]
"""


def compiled(source):
    namespace = {}
    exec(compile(source, "elsewhere", "exec"), namespace)
    return namespace["twice"]


class InternalsTest(unittest.TestCase):
    def test_this_python_is_as_we_know_it(self):
        self.assertEqual(
            _erlang.INTERNALS, dict.fromkeys(_erlang.INTERNALS, not _erlang.FREE_THREADED)
        )
        self.assertIn("context_variables", _erlang.INTERNALS)

    def test_the_same_source_elsewhere_has_the_same_hash(self):
        self.assertEqual(_erlang.code_hash(compiled(ELSEWHERE)), _erlang.code_hash(twice))

    def test_any_change_of_the_code_changes_the_hash(self):
        known = {_erlang.code_hash(twice)}
        for old, new in (
            ("2 *", "3 *"),
            ("2 *", "2 +"),
            ("2.5", "2.25"),
            ('"two"', '"too"'),
            ("None", "True"),
            ("item for item", "thing for thing"),
            ("number, [", "number, (), ["),
        ):
            with self.subTest(new=new):
                changed = _erlang.code_hash(compiled(ELSEWHERE.replace(old, new)))
                self.assertNotIn(changed, known)
                known.add(changed)

    def test_what_is_no_python_function_has_no_hash(self):
        for other in (len, None, 1, "text", object(), type):
            self.assertEqual(_erlang.code_hash(other), 0)

    @unittest.skipUnless(
        sys.version_info[:2] in ((3, 11), (3, 13)) and not _erlang.FREE_THREADED,
        "not known of this version",
    )
    def test_the_set_of_tasks_is_ours_on_the_pythons_of_debian(self):
        asyncio.new_event_loop().close()
        name = "_scheduled_tasks" if sys.version_info >= (3, 12) else "_all_tasks"
        every = getattr(tasks, name)
        self.assertEqual(type(every.add), type(len))


if __name__ == "__main__":
    unittest.main()

"""Runs one group of CPython's asyncio tests in this process, on the loop that is asked for.

    bin/erlpy [--loop asyncio] test/conformance/inside.py JOURNAL MODULE [CLASS]

Tests that the journal already knows are left out: so the group goes on after one that hung.
"""

import asyncio
import faulthandler
import importlib.util
import sys
import unittest
from test import support

import journal

# Before the limit of `run`, so that its log says where the test hung.
DUMP_AFTER_SECONDS = 50
# Some tests want to be told that they may; they take far less.
MEMORY = "3G"


def replace_standard_loop():
    """Let asyncio.SelectorEventLoop be the kind that asyncio.new_event_loop() makes; return that.

    Tests of a selector loop pass it a selector, which is no business of other loops.
    """
    loop = asyncio.new_event_loop()
    kind = type(loop)
    loop.close()
    if kind is asyncio.SelectorEventLoop:
        return kind

    class SelectorEventLoop(kind):
        def __init__(self, selector=None):
            if selector is not None:
                selector.close()
            super().__init__()

    asyncio.SelectorEventLoop = SelectorEventLoop
    return kind


class Result(unittest.TestResult):
    """Tells the journal."""

    def __init__(self, writer):
        super().__init__()
        self._writer = writer

    def startTest(self, test):
        super().startTest(test)
        self._writer.write(journal.STARTED, test.id())
        print("\n----", test.id(), file=sys.stderr, flush=True)
        faulthandler.dump_traceback_later(DUMP_AFTER_SECONDS)

    def stopTest(self, test):
        faulthandler.cancel_dump_traceback_later()
        super().stopTest(test)

    def addSuccess(self, test):
        super().addSuccess(test)
        self._writer.write(journal.PASSED, test.id())

    def addError(self, test, err):
        super().addError(test, err)
        self._fail(test, self.errors[-1][1])

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._fail(test, self.failures[-1][1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._fail(test, self._exc_info_to_string(err, test))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._writer.write(journal.SKIPPED, test.id(), reason)

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self._writer.write(journal.PASSED, test.id())

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self._fail(test, "unexpected success")

    def _fail(self, test, text):
        self._writer.write(journal.FAILED, test.id(), text)


def flatten(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        else:
            yield test


def load(module, class_name=None):
    """The tests of the group; none if this Python has no such module or class."""
    name = f"test.test_asyncio.{module}"
    if importlib.util.find_spec(name) is None:
        return []
    loader = unittest.TestLoader()
    loaded = importlib.import_module(name)
    if class_name is None:
        return flatten(loader.loadTestsFromModule(loaded))
    if not hasattr(loaded, class_name):
        return []
    return flatten(loader.loadTestsFromTestCase(getattr(loaded, class_name)))


def main(path, *group):
    support.set_memlimit(MEMORY)
    known = journal.Journal(path)
    writer = journal.Writer(path)
    writer.write(journal.LOOP, text=replace_standard_loop().__module__)
    done = {known.running, *known.results}
    suite = unittest.TestSuite(test for test in load(*group) if test.id() not in done)
    suite.run(Result(writer))
    writer.write(journal.FINISHED)


if __name__ == "__main__":
    main(*sys.argv[1:])

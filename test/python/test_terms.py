"""Erlang's terms as Python sees them: erlang.Atom, erlang.Pid, and what can't be a term."""

import copy
import pickle
import threading
import unittest

import erlang
from loop_case import needs_node


class AtomTest(unittest.TestCase):
    def test_is_a_str_with_its_text(self):
        ok = erlang.atom("ok")
        self.assertIsInstance(ok, erlang.Atom)
        self.assertIsInstance(ok, str)
        self.assertEqual(ok, "ok")
        self.assertEqual(hash(ok), hash("ok"))
        self.assertEqual({"ok": 1}[ok], 1)
        self.assertIs(type(str(ok)), str)
        self.assertEqual(repr(ok), "Atom('ok')")
        self.assertEqual(f"{ok}!", "ok!")

    def test_there_is_one_object_for_an_atom(self):
        self.assertIs(erlang.atom("ok"), erlang.Atom("ok"))
        self.assertIs(erlang.atom(erlang.atom("ok")), erlang.atom("ok"))

    def test_a_subclass_of_str_names_an_atom_by_what_it_holds(self):
        class Name(str):
            def __hash__(self):
                raise AssertionError

            def __eq__(self, other):
                raise AssertionError

        self.assertIs(erlang.atom(Name("ok")), erlang.atom("ok"))

    def test_only_existing_atoms_can_be_had(self):
        for name in ("no such atom: " + str(id(self)), "\udc80", "x" * 256, "\u20ac" * 256):
            with self.subTest(name=name), self.assertRaises(ValueError):
                erlang.atom(name)
        with self.assertRaisesRegex(ValueError, "at most 255 characters, not 256"):
            erlang.Atom("x" * 256)
        with self.assertRaisesRegex(ValueError, "no atom 'never used' exists"):
            erlang.Atom("never used")

    def test_names_that_are_no_text_are_refused(self):
        for name in (None, 1, b"ok", ["ok"]):
            with self.subTest(name=name), self.assertRaises(TypeError):
                erlang.atom(name)
            with self.subTest(name=name), self.assertRaises(TypeError):
                erlang.Atom(name)
        with self.assertRaises(TypeError):
            erlang.Atom()
        with self.assertRaises(TypeError):
            erlang.Atom("ok", "ok")

    def test_copies_and_pickles_to_itself(self):
        ok = erlang.atom("ok")
        self.assertIs(copy.copy(ok), ok)
        self.assertIs(copy.deepcopy([ok])[0], ok)
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            self.assertIs(pickle.loads(pickle.dumps(ok, protocol)), ok)

    def test_type_is_sealed(self):
        with self.assertRaises(TypeError):
            type("Sub", (erlang.Atom,), {})
        with self.assertRaises(TypeError):
            erlang.Atom.x = 1
        with self.assertRaises(AttributeError):
            erlang.atom("ok").x = 1

    def test_many_threads_find_the_same(self):
        found = []

        def find():
            found.extend(erlang.atom(name) for name in ("ok", "error", "true", "undefined") * 500)

        threads = [threading.Thread(target=find) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len({id(atom) for atom in found}), 4)


class PidTest(unittest.TestCase):
    @needs_node
    def test_is_a_value(self):
        pid, again, other = erlang.whereis("init"), erlang.whereis("init"), erlang.whereis("logger")
        self.assertIsInstance(pid, erlang.Pid)
        self.assertEqual(pid, again)
        self.assertEqual(hash(pid), hash(again))
        self.assertNotEqual(pid, other)
        self.assertNotEqual(pid, "init")
        self.assertRegex(repr(pid), r"^<erlang\.Pid <0\.\d+\.\d+>>$")
        self.assertIs(copy.deepcopy(pid), pid)

    def test_types_make_no_instances_and_no_subclasses(self):
        for term_type in (erlang.Pid, erlang.Ref, erlang.Port, erlang.Fun):
            with self.subTest(type=term_type):
                self.assertEqual(term_type.__module__, "erlang")
                with self.assertRaises(TypeError):
                    term_type()
                with self.assertRaises(TypeError):
                    type("Sub", (term_type,), {})

    @needs_node
    def test_a_pid_is_not_pickled(self):
        with self.assertRaises(TypeError):
            pickle.dumps(erlang.whereis("init"))


class ConversionErrorTest(unittest.TestCase):
    @needs_node
    def test_what_has_no_term_is_not_sent(self):
        pid = erlang.whereis("init")
        with self.assertRaises(erlang.ConversionError) as caught:
            erlang.send(pid, [0, {"name": ("\ud800",)}])
        self.assertIsInstance(caught.exception, TypeError)
        self.assertEqual(caught.exception.path, [("index", 1), ("key", "name"), ("index", 0)])
        self.assertIn("lone surrogate", str(caught.exception))

    def test_pickles(self):
        error = erlang.ConversionError("cannot", [("index", 1)])
        again = pickle.loads(pickle.dumps(error))
        self.assertEqual((str(again), again.path), ("cannot", [("index", 1)]))


class ErlangErrorTest(unittest.TestCase):
    @needs_node
    def test_shows_class_reason_and_stack(self):
        error = erlang.ErlangError("error", (erlang.atom("badarg"), 1), "  in lists:nth/2")
        self.assertEqual(error.class_, "error")
        self.assertEqual(error.reason, ("badarg", 1))
        self.assertEqual(error.stacktrace, "  in lists:nth/2")
        self.assertEqual(str(error), "error: (Atom('badarg'), 1)\n  in lists:nth/2")
        self.assertEqual(str(erlang.ErlangError("throw", 1)), "throw: 1")

    def test_pickles(self):
        error = erlang.ErlangError("exit", 3, "stack")
        again = pickle.loads(pickle.dumps(error))
        self.assertEqual((again.class_, again.reason, again.stacktrace), ("exit", 3, "stack"))


if __name__ == "__main__":
    unittest.main()

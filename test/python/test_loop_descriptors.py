"""add_reader(), add_writer() and their siblings."""

import asyncio
import gc
import os
import socket
import tempfile
import unittest

from loop_case import LoopCase, on_both_loops


@on_both_loops
class Descriptors(LoopCase):
    def setUp(self):
        super().setUp()
        self.ours, self.theirs = self.socket_pair()
        self.calls = []

    def test_reader_is_called_while_there_is_something_to_read(self):
        self.loop.add_reader(self.ours, self.calls.append, "read")
        self.run_ready()
        self.assertEqual(self.calls, [])
        self.theirs.send(b"x")
        self.run_ready()
        self.run_ready()
        self.assertEqual(self.calls, ["read", "read"])
        self.ours.recv(1)
        self.run_ready()
        self.assertEqual(len(self.calls), 2)
        self.assertTrue(self.loop.remove_reader(self.ours))

    def test_writer_is_called_while_there_is_room(self):
        self.loop.add_writer(self.ours.fileno(), self.calls.append, "write")
        self.run_ready()
        self.assertEqual(self.calls, ["write"])
        self.assertTrue(self.loop.remove_writer(self.ours.fileno()))
        self.run_ready()
        self.assertEqual(self.calls, ["write"])

    def test_both_on_one_descriptor(self):
        self.theirs.send(b"x")
        self.loop.add_reader(self.ours, self.calls.append, "read")
        self.loop.add_writer(self.ours, self.calls.append, "write")
        self.run_ready()
        self.assertEqual(sorted(self.calls), ["read", "write"])
        self.assertTrue(self.loop.remove_writer(self.ours))
        self.calls.clear()
        self.run_ready()
        self.assertEqual(self.calls, ["read"])
        self.loop.add_writer(self.ours, self.calls.append, "write")
        self.assertTrue(self.loop.remove_reader(self.ours))
        self.calls.clear()
        self.run_ready()
        self.assertEqual(self.calls, ["write"])
        self.assertTrue(self.loop.remove_writer(self.ours))

    def test_removing_twice_or_what_was_not_there_is_false(self):
        self.assertFalse(self.loop.remove_reader(self.ours))
        self.assertFalse(self.loop.remove_writer(self.ours))
        self.loop.add_reader(self.ours, print)
        self.assertFalse(self.loop.remove_writer(self.ours))
        self.assertTrue(self.loop.remove_reader(self.ours))
        self.assertFalse(self.loop.remove_reader(self.ours))

    def test_a_second_reader_replaces_the_first(self):
        self.theirs.send(b"x")
        self.loop.add_reader(self.ours, self.calls.append, 1)
        self.loop.add_reader(self.ours, self.calls.append, 2)
        self.run_ready()
        self.assertEqual(self.calls, [2])
        self.assertTrue(self.loop.remove_reader(self.ours))

    def test_removing_cancels_a_call_that_is_already_queued(self):
        self.theirs.send(b"x")
        other, peer = self.socket_pair()
        peer.send(b"x")

        def first(mine, others):
            self.calls.append(mine)
            self.loop.remove_reader(others)

        self.loop.add_reader(self.ours, first, self.ours, other)
        self.loop.add_reader(other, first, other, self.ours)
        self.run_ready()
        self.assertEqual(len(self.calls), 1)
        self.loop.remove_reader(self.ours)
        self.loop.remove_reader(other)

    def test_a_call_queued_by_a_reader_comes_before_that_reader_again(self):
        self.theirs.send(b"xy")

        def read():
            self.calls.append("read")
            self.loop.call_soon(self.calls.append, "queued")

        self.loop.add_reader(self.ours, read)
        for _ in range(3):
            self.run_ready()
        self.assertEqual(self.calls[:4], ["read", "queued", "read", "queued"])
        self.loop.remove_reader(self.ours)

    def test_a_reader_may_be_called_until_it_removes_itself(self):
        # The way of anyio and of many drivers: a future's set_result as the reader.
        async def main():
            for _ in range(3):
                self.theirs.send(b"x")
                future = self.loop.create_future()
                self.loop.add_reader(self.ours, future.set_result, None)
                future.add_done_callback(lambda _: self.loop.remove_reader(self.ours))
                await future
                self.assertEqual(self.ours.recv(1), b"x")

        self.loop.run_until_complete(main())

    def test_hang_up_wakes_reader_and_writer(self):
        self.theirs.close()
        self.loop.add_reader(self.ours, self.calls.append, "read")
        self.loop.add_writer(self.ours, self.calls.append, "write")
        self.run_ready()
        self.assertEqual(sorted(self.calls), ["read", "write"])
        self.loop.remove_reader(self.ours)
        self.loop.remove_writer(self.ours)

    def test_what_is_no_descriptor_raises(self):
        class NoFile:
            pass

        class BadFile:
            def fileno(self):
                return "nothing"

        for method in (
            lambda fd: self.loop.add_reader(fd, print),
            lambda fd: self.loop.add_writer(fd, print),
            self.loop.remove_reader,
            self.loop.remove_writer,
        ):
            for bad in NoFile(), BadFile(), "4":
                with self.assertRaises(ValueError):
                    method(bad)
            with self.assertRaises(ValueError):
                method(-1)

    def test_closed_descriptors_and_files_raise(self):
        number = self.ours.fileno()
        self.ours.close()
        with self.assertRaises(OSError):
            self.loop.add_reader(number, print)
        with tempfile.TemporaryFile() as file:
            with self.assertRaises(PermissionError):
                self.loop.add_reader(file, print)
            with self.assertRaises(PermissionError):
                self.loop.add_writer(file, print)

    def test_after_closing(self):
        self.loop.add_reader(self.ours, print)
        self.loop.close()
        self.assertFalse(self.loop.remove_reader(self.ours))
        self.assertFalse(self.loop.remove_writer(self.ours))
        for add in self.loop.add_reader, self.loop.add_writer:
            with self.assertRaisesRegex(RuntimeError, "Event loop is closed"):
                add(self.ours, print)

    def test_a_watch_is_found_by_its_object_after_the_socket_was_closed(self):
        for add, remove in (
            (self.loop.add_reader, self.loop.remove_reader),
            (self.loop.add_writer, self.loop.remove_writer),
        ):
            ours, _ = self.socket_pair()
            add(ours, print)
            ours.close()
            self.assertTrue(remove(ours))
            with self.assertRaises(ValueError):  # nothing is known of it any more
                remove(ours)

    def test_a_closed_socket_that_nobody_watched_raises(self):
        self.ours.close()
        for method in self.loop.remove_reader, self.loop.remove_writer:
            with self.assertRaises(ValueError):
                method(self.ours)

    def test_a_watched_file_stays_alive(self):
        # Or its number would be another file's, whom nobody watches.
        ours, theirs = socket.socketpair()
        self.addCleanup(theirs.close)
        number = ours.fileno()
        self.loop.add_reader(ours, self.calls.append, "read")
        del ours
        theirs.send(b"x")
        self.run_ready()
        self.assertEqual(self.calls, ["read"])
        with self.assertWarns(ResourceWarning):
            self.assertTrue(self.loop.remove_reader(number))
            gc.collect()

    def test_descriptors_of_transports_are_refused(self):
        async def main():
            transport, _ = await self.loop.create_connection(asyncio.Protocol, sock=self.ours)
            for use in (
                lambda: self.loop.add_reader(transport.get_extra_info("socket").fileno(), print),
                lambda: self.loop.remove_writer(transport.get_extra_info("socket").fileno()),
            ):
                with self.assertRaisesRegex(RuntimeError, "is used by transport"):
                    use()
            transport.close()
            await asyncio.sleep(0)

        self.loop.run_until_complete(main())

    def test_a_failing_reader_is_reported_and_stays(self):
        self.theirs.send(b"x")
        self.loop.add_reader(self.ours, lambda: 1 / 0)
        self.run_ready()
        self.run_ready()
        self.assertEqual(len(self.take_reports()), 2)
        self.loop.remove_reader(self.ours)

    def test_private_forms_return_what_the_standard_library_expects(self):
        handle = self.loop._add_reader(self.ours.fileno(), print)
        self.assertFalse(handle.cancelled())
        self.assertIs(self.loop._remove_reader(self.ours.fileno()), True)
        self.assertTrue(handle.cancelled())
        self.assertIs(self.loop._remove_reader(self.ours.fileno()), False)
        handle = self.loop._add_writer(self.ours.fileno(), print)
        self.assertIs(self.loop._remove_writer(self.ours.fileno()), True)


class OwnDescriptors(LoopCase):
    """Where the standard loop loses events, or spins."""

    def test_both_watches_of_a_closed_socket_are_found_by_the_object(self):
        ours, _ = self.socket_pair()
        self.loop.add_reader(ours, print)
        self.loop.add_writer(ours, print)
        ours.close()
        self.assertTrue(self.loop.remove_reader(ours))
        self.assertTrue(self.loop.remove_writer(ours))

    def test_a_closed_socket_does_not_touch_its_numbers_next_owner(self):
        calls = []
        ours, _ = self.socket_pair()
        self.loop.add_reader(ours, print)
        number = ours.fileno()
        ours.close()
        other, peer = self.socket_pair()
        if other.fileno() != number:
            os.dup2(other.fileno(), number)
            self.addCleanup(os.close, number)
        self.loop.add_writer(number, calls.append, "new")
        self.assertTrue(self.loop.remove_reader(ours))
        self.run_ready()
        self.assertEqual(calls, ["new"])
        self.assertTrue(self.loop.remove_writer(number))

    def reused(self, old):
        """A fresh socket pair of which our end has the number that `old` had."""
        number = old.fileno()
        fresh, peer = self.socket_pair()
        old.detach()
        os.dup2(fresh.fileno(), number, inheritable=False)
        ours = socket.socket(fileno=number)
        self.addCleanup(ours.close)
        return ours, peer

    def test_a_reused_number_is_watched_anew(self):
        ours, _ = self.socket_pair()
        self.loop.add_reader(ours, print)
        ours, peer = self.reused(ours)
        calls = []
        self.loop.add_reader(ours, calls.append, 1)
        peer.send(b"x")
        self.run_ready()
        self.assertEqual(calls, [1])
        self.loop.remove_reader(ours)

    def test_a_duplicate_that_lives_on_does_not_keep_the_loop_awake(self):
        ours, theirs = self.socket_pair()
        duplicate = os.dup(ours.fileno())
        self.addCleanup(os.close, duplicate)
        self.loop.add_reader(ours, print)
        number = ours.fileno()
        ours.close()
        self.loop.remove_reader(number)
        theirs.send(b"x")
        iterations = 0

        def count():
            nonlocal iterations
            iterations += 1

        waiting, peer = self.socket_pair()
        self.loop.add_reader(waiting, count)
        self.loop.call_later(0.02, peer.send, b"x")
        for _ in range(100):
            if iterations:
                break
            self.loop._run_once()
        else:
            self.fail("the loop does not sleep")
        self.loop.remove_reader(waiting)

    def test_numbers_above_1024(self):
        import fcntl
        import resource

        if resource.getrlimit(resource.RLIMIT_NOFILE)[0] <= 1100:
            self.skipTest("the limit of descriptors is too low")
        ours, theirs = self.socket_pair()
        high = fcntl.fcntl(ours.fileno(), fcntl.F_DUPFD_CLOEXEC, 1050)
        self.addCleanup(os.close, high)
        calls = []
        self.loop.add_reader(high, calls.append, 1)
        theirs.send(b"x")
        self.run_ready()
        self.assertEqual(calls, [1])
        self.loop.remove_reader(high)

    def test_a_thread_may_add_a_reader_to_a_sleeping_loop(self):
        # Not allowed by asyncio, but done; it works with the standard loop's epoll.
        import threading

        ours, theirs = self.socket_pair()
        theirs.send(b"x")
        timer = threading.Timer(0.02, self.loop.add_reader, (ours, self.loop.stop))
        timer.start()
        self.loop.run_forever()
        timer.join()
        self.loop.remove_reader(ours)


if __name__ == "__main__":
    unittest.main()

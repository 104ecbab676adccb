"""Subprocesses: the same bodies on our loop, whose spawner starts them, and on the stock one."""

import asyncio
import contextlib
import errno
import gc
import os
import pathlib
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import unittest

import erlang
from loop_case import LoopCase, needs_node, on_both_loops

PIPE, DEVNULL, STDOUT = subprocess.PIPE, subprocess.DEVNULL, subprocess.STDOUT


def forks():
    """Whether the standard library may fork the VM here (bin/erlpy --no-sandbox)."""
    try:
        subprocess.run(["true"])
    except PermissionError:
        return False
    return True


FORKS = forks()


def descriptors():
    return set(os.listdir("/proc/self/fd"))


class SubprocessCase(LoopCase):
    def setUp(self):
        super().setUp()
        if type(self).__name__.endswith("OnStock") and not FORKS:
            self.skipTest("the sandbox keeps the standard library from forking")
        self.addCleanup(self.join_watchers)

    def join_watchers(self):
        """Threads of the standard library's, that know the loop until they have ended."""
        for thread in threading.enumerate():
            if thread.name.startswith("waitpid-"):
                thread.join()

    def run_async(self, coroutine):
        return self.loop.run_until_complete(asyncio.wait_for(coroutine, 30))

    async def output(self, *args, **options):
        """What a program that succeeds writes."""
        process = await asyncio.create_subprocess_exec(*args, stdout=PIPE, **options)
        written, _ = await process.communicate()
        self.assertEqual(process.returncode, 0)
        return written.decode()

    def output_of(self, *args, **options):
        return self.run_async(self.output(*args, **options))

    def shell(self, command, **options):
        return self.output_of("sh", "-c", command, **options)

    def status(self, *args, **options):
        async def main():
            process = await asyncio.create_subprocess_exec(*args, **options)
            return await process.wait()

        return self.run_async(main())


@on_both_loops
class Programs(SubprocessCase):
    def test_output(self):
        self.assertEqual(self.output_of("echo", "hello"), "hello\n")

    def test_arguments_of_all_kinds(self):
        self.assertEqual(self.output_of("printf", "%s|", "a b", b"\xc3\xa4", "", "*"), "a b|ä||*|")

    def test_exit_status(self):
        self.assertEqual(self.status("sh", "-c", "exit 7"), 7)
        self.assertEqual(self.status("true"), 0)

    def test_a_signal_is_a_negative_status(self):
        self.assertEqual(self.status("sh", "-c", "kill -USR1 $$"), -signal.SIGUSR1)

    def test_shell(self):
        async def main():
            process = await asyncio.create_subprocess_shell("cat; echo $0 >&2", PIPE, PIPE, PIPE)
            return await process.communicate(b"hello")

        self.assertEqual(self.run_async(main()), (b"hello", b"/bin/sh\n"))

    def test_another_name_for_the_program(self):
        self.assertEqual(self.output_of("myself", "-c", "echo $0", executable="sh"), "myself\n")

    def test_lots_of_data_both_ways(self):
        data = os.urandom(3_000_000)

        async def main():
            process = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
            return (await process.communicate(data))[0]

        self.assertEqual(self.run_async(main()), data)

    def test_a_conversation(self):
        async def main():
            process = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
            for line in b"one\n", b"two\n":
                process.stdin.write(line)
                self.assertEqual(await process.stdout.readline(), line)
            process.stdin.close()
            await process.stdin.wait_closed()
            self.assertEqual(await process.stdout.read(), b"")
            return await process.wait()

        self.assertEqual(self.run_async(main()), 0)

    def test_a_program_that_does_not_read(self):
        async def main():
            process = await asyncio.create_subprocess_exec("true", stdin=PIPE)
            await process.communicate(b"x" * 1_000_000)
            return process.returncode

        self.assertEqual(self.run_async(main()), 0)

    def test_stderr_and_stdout_are_apart_or_together(self):
        async def main(stderr):
            process = await asyncio.create_subprocess_shell(
                "echo out; echo err >&2", stdout=PIPE, stderr=stderr
            )
            return await process.communicate()

        self.assertEqual(self.run_async(main(PIPE)), (b"out\n", b"err\n"))
        self.assertEqual(self.run_async(main(STDOUT)), (b"out\nerr\n", None))
        self.assertEqual(self.run_async(main(DEVNULL)), (b"out\n", None))

    def test_files_and_descriptors(self):
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
            source.write(b"content")
            source.seek(0)
            self.assertEqual(self.status("cat", stdin=source, stdout=target.fileno()), 0)
            target.seek(0)
            self.assertEqual(target.read(), b"content")

    def test_a_socket_as_stdin_and_stdout(self):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.send(b"through a socket")
            ours.shutdown(socket.SHUT_WR)
            self.assertEqual(self.status("cat", stdin=theirs, stdout=theirs), 0)
            self.assertEqual(ours.recv(100), b"through a socket")

    def test_fifty_at_once(self):
        async def main():
            return await asyncio.gather(
                *(self.talk(n) for n in range(50)),
            )

        self.assertEqual(self.run_async(main()), [b"%d" % n for n in range(50)])

    async def talk(self, number):
        process = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
        written, _ = await process.communicate(b"%d" % number)
        self.assertEqual(process.returncode, 0)
        return written

    def test_descriptors_are_closed(self):
        self.output_of("true")
        before = descriptors()
        for _ in range(30):
            self.output_of("cat", stdin=DEVNULL)
            self.status("cat", stdin=DEVNULL)
            with self.assertRaises(FileNotFoundError):
                self.output_of("no-such-program", stdin=PIPE)
        self.assertEqual(descriptors(), before)


@on_both_loops
class Surroundings(SubprocessCase):
    """What a program finds, and what it does not."""

    def test_environment(self):
        os.environ["EP_TEST"] = "set late"
        self.addCleanup(os.environ.pop, "EP_TEST")
        self.assertEqual(self.shell("echo $EP_TEST"), "set late\n")
        self.assertEqual(
            self.output_of("/usr/bin/env", env={"A": "1", b"B": b"\xff"[:0]}), "A=1\nB=\n"
        )

    def test_the_path_of_the_new_environment_counts(self):
        with self.assertRaises(FileNotFoundError):
            self.status("true", env={"PATH": "/nowhere"})

    def test_directory(self):
        with tempfile.TemporaryDirectory() as folder:
            real = os.path.realpath(folder)
            self.assertEqual(self.shell("pwd -P", cwd=folder), real + "\n")
            here = os.getcwd()
            os.chdir(folder)
            try:
                self.assertEqual(self.shell("pwd -P"), real + "\n")
                os.mkdir("below")
                self.assertEqual(self.shell("pwd -P", cwd="below"), real + "/below\n")
                with open("program", "w") as file:
                    file.write("#!/bin/sh\necho relative\n")
                os.chmod("program", 0o755)
                self.assertEqual(self.output_of("./program"), "relative\n")
            finally:
                os.chdir(here)

    def test_umask(self):
        before = os.umask(0o027)
        try:
            self.assertEqual(self.shell("umask"), "0027\n")
            self.assertEqual(self.shell("umask", umask=0o077), "0077\n")
        finally:
            os.umask(before)

    def test_descriptors(self):
        reading, writing = os.pipe()
        try:
            os.set_inheritable(writing, True)
            listing = "for fd in /proc/self/fd/*; do echo ${fd##*/}; done"
            with tempfile.TemporaryFile() as file:
                self.status("sh", "-c", listing, stdout=file, stdin=DEVNULL, stderr=DEVNULL)
                file.seek(0)
                inherited = {int(line) for line in file}
            # One more is the listing's own.
            self.assertLessEqual(len(inherited - {0, 1, 2}), 1)
            test = f"test -e /proc/self/fd/{writing}"
            self.assertEqual(self.status("sh", "-c", test, pass_fds=[writing]), 0)
            self.assertEqual(self.status("sh", "-c", test, close_fds=False), 0)
            os.set_inheritable(writing, False)
            self.assertEqual(self.status("sh", "-c", test, close_fds=False), 1)
            high = os.dup2(writing, 200, inheritable=False)
            try:
                self.status("sh", "-c", "echo high >/proc/self/fd/200", pass_fds=[200])
            finally:
                os.close(high)
            self.assertEqual(os.read(reading, 100), b"high\n")
        finally:
            os.close(reading)
            os.close(writing)

    def test_session_and_process_group(self):
        own = "import os; print(os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid())"
        python = "/usr/bin/python3"
        self.assertEqual(self.output_of(python, "-c", own, start_new_session=True), "True True\n")
        self.assertEqual(self.output_of(python, "-c", own, process_group=0), "False True\n")

    def test_signals(self):
        ignored = "grep SigIgn /proc/self/status"
        pipe = 1 << (signal.SIGPIPE - 1)
        self.assertFalse(int(self.shell(ignored).split()[1], 16) & pipe)
        kept = self.shell(ignored, restore_signals=False)
        self.assertTrue(int(kept.split()[1], 16) & pipe)
        blocked = self.shell("grep SigBlk /proc/self/status")
        self.assertEqual(int(blocked.split()[1], 16), 0)

    def test_the_limit_of_descriptors(self):
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.assertEqual(self.shell("ulimit -n"), f"{soft}\n")

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_user_and_groups(self):
        self.assertEqual(
            self.shell("id -u; id -g; id -G", user=65534, group=65533, extra_groups=[7, 8]),
            "65534\n65533\n65533 7 8\n",
        )


@on_both_loops
class Errors(SubprocessCase):
    def test_no_such_program(self):
        for name in "no-such-program", "/no/such/program":
            with self.assertRaises(FileNotFoundError) as caught:
                self.status(name)
            self.assertEqual(caught.exception.filename, name)

    def test_not_a_program(self):
        with tempfile.NamedTemporaryFile() as file:
            with self.assertRaises(PermissionError) as caught:
                self.status(file.name)
            self.assertEqual(caught.exception.filename, file.name)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "program")
            with open(path, "w") as file:
                file.write("neither ELF nor a script")
            os.chmod(path, stat.S_IRWXU)
            with self.assertRaises(OSError) as caught:
                self.status(path)
            self.assertEqual(caught.exception.errno, errno.ENOEXEC)

    def test_no_such_directory(self):
        with self.assertRaises(FileNotFoundError) as caught:
            self.status("true", cwd="/no/such/directory")
        self.assertEqual(caught.exception.filename, "/no/such/directory")

    def test_arguments_that_no_program_can_get(self):
        with self.assertRaises(ValueError):
            self.status("echo", "a\0b")
        with self.assertRaises(ValueError):
            self.status("true", env={"A=B": "c"})
        with self.assertRaises(TypeError):
            self.status("echo", 1)
        with self.assertRaises(OSError) as caught:
            self.status("true", "x" * 5_000_000)
        self.assertEqual(caught.exception.errno, errno.E2BIG)

    def test_options_that_make_no_sense(self):
        for options in {"text": True}, {"encoding": "utf8"}, {"shell": True}:
            with self.assertRaises((ValueError, TypeError)):
                self.status("true", **options)
        with self.assertRaises(TypeError):
            self.status("true", no_such_option=1)


@on_both_loops
class Endings(SubprocessCase):
    async def sleeper(self):
        return await asyncio.create_subprocess_exec("sleep", "1000", stdout=PIPE)

    def test_signals_to_programs(self):
        async def main(method, *args):
            process = await self.sleeper()
            getattr(process, method)(*args)
            return await process.wait()

        self.assertEqual(self.run_async(main("kill")), -signal.SIGKILL)
        self.assertEqual(self.run_async(main("terminate")), -signal.SIGTERM)
        self.assertEqual(self.run_async(main("send_signal", signal.SIGHUP)), -signal.SIGHUP)

    def test_signals_to_programs_that_have_ended(self):
        async def main():
            process = await asyncio.create_subprocess_exec("true")
            await process.wait()
            # At once it does nothing; when all callbacks have run it raises.
            with contextlib.suppress(ProcessLookupError):
                process.kill()

        self.run_async(main())

    def test_waiting_twice_and_cancelled(self):
        async def main():
            process = await self.sleeper()
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(process.wait(), 0.01)
            waits = [asyncio.ensure_future(process.wait()) for _ in range(2)]
            process.kill()
            return await asyncio.gather(*waits)

        self.assertEqual(self.run_async(main()), [-signal.SIGKILL] * 2)

    def test_closing_the_transport_kills(self):
        class Protocol(asyncio.SubprocessProtocol):
            def __init__(self):
                self.calls = []

            def connection_made(self, transport):
                self.calls.append("made")

            def pipe_connection_lost(self, fd, exc):
                self.calls.append(("lost", fd))

            def process_exited(self):
                self.calls.append("exited")

            def connection_lost(self, exc):
                self.calls.append("lost")

        async def main():
            transport, protocol = await self.loop.subprocess_exec(
                Protocol, "sleep", "1000", stdin=None, stdout=PIPE, stderr=None
            )
            transport.close()
            status = await transport._wait()
            self.assertEqual(status, -signal.SIGKILL)
            self.assertEqual(protocol.calls[0], "made")
            self.assertEqual(sorted(map(str, protocol.calls[1:-1])), ["('lost', 1)", "exited"])
            self.assertEqual(protocol.calls[-1], "lost")

        self.run_async(main())

    def test_looking_at_the_process_takes_nothing_away(self):
        async def main():
            transport, _ = await self.loop.subprocess_exec(
                asyncio.SubprocessProtocol, "true", stdin=None, stdout=None, stderr=None
            )
            process = transport.get_extra_info("subprocess")
            self.assertEqual(process.wait(timeout=30), 0)
            self.assertEqual(process.poll(), 0)
            transport.close()
            return await transport._wait()

        if type(self).__name__.endswith("OnStock"):
            self.skipTest("its watcher then reports an unknown child")
        self.assertEqual(self.run_async(main()), 0)

    def test_waiting_with_a_limit(self):
        async def main():
            transport, _ = await self.loop.subprocess_exec(
                asyncio.SubprocessProtocol, "sleep", "1000", stdin=None, stdout=None, stderr=None
            )
            process = transport.get_extra_info("subprocess")
            with self.assertRaises(subprocess.TimeoutExpired):
                process.wait(timeout=0.01)
            transport.close()
            await transport._wait()

        self.run_async(main())

    def test_output_after_the_end(self):
        async def main():
            process = await asyncio.create_subprocess_shell("echo last words", stdout=PIPE)
            await process.wait()
            return await process.stdout.read()

        self.assertEqual(self.run_async(main()), b"last words\n")


class Ours(SubprocessCase):
    """What the spawner changes."""

    @needs_node
    def test_no_code_runs_between_fork_and_exec(self):
        with self.assertRaisesRegex(NotImplementedError, "the VM is not forked"):
            self.status("true", preexec_fn=print)

    def test_in_erlpy_the_parent_is_this_process(self):
        self.assertEqual(int(self.shell("echo $PPID")), os.getpid())

    def test_a_new_session_in_a_pid_namespace_that_lacks_our_process_group(self):
        enter = ("unshare", "--pid", "--fork", "--mount-proc")
        if self.status(*enter, "true", stderr=DEVNULL) != 0:
            self.skipTest("may not make namespaces")
        program = (
            "import asyncio\n"
            "async def main():\n"
            "    child = await asyncio.create_subprocess_exec('true', start_new_session=True)\n"
            "    print(await child.wait())\n"
            "asyncio.run(main())\n"
        )
        erlpy = pathlib.Path(__file__).parents[2] / "bin" / "erlpy"
        self.assertEqual(self.output_of(*enter, erlpy, "-c", program), "0\n")

    def test_in_any_thread(self):
        results = []

        def run():
            results.append(erlang.run(self.output("echo", "from a thread")))

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(results, ["from a thread\n"] * 4)

    def test_a_default_timeout_of_sockets_does_not_matter(self):
        socket.setdefaulttimeout(0.0)
        try:
            self.assertEqual(self.shell("sleep 0.01; echo done"), "done\n")
        finally:
            socket.setdefaulttimeout(None)

    @needs_node
    def test_audited(self):
        seen = []
        sys.addaudithook(lambda event, args: event == "erlang.subprocess" and seen.append(args[:2]))
        self.output_of("echo", "x")
        self.assertEqual(seen, [(b"echo", [b"echo", b"x"])])

    @needs_node
    def test_too_many_descriptors(self):
        with self.assertRaisesRegex(ValueError, "more than 252 descriptors"):
            self.status("true", pass_fds=range(300))

    def test_everything_is_cancelled_while_a_program_starts(self):
        for number_of_steps in range(6):
            for pipes in {}, {"stdin": PIPE, "stdout": PIPE, "stderr": PIPE}:
                with self.subTest(number_of_steps=number_of_steps, pipes=len(pipes)):
                    self.loop.run_until_complete(self.cancel_all_after(number_of_steps, pipes))

    async def cancel_all_after(self, number_of_steps, pipes):
        start = asyncio.create_task(asyncio.create_subprocess_exec("sleep", "1000", **pipes))
        for _ in range(number_of_steps):
            await asyncio.sleep(0)
        if start.done():
            process = start.result()
            process.kill()
            await process.communicate()
            return
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await asyncio.wait_for(start, 20)

    def test_a_loop_that_closes_over_a_running_program(self):
        async def main():
            transport, _ = await self.loop.subprocess_exec(
                asyncio.SubprocessProtocol, "sleep", "1000", stdin=None, stdout=None, stderr=None
            )
            return transport

        transport = self.run_async(main())
        pid = transport.get_pid()
        self.loop.close()
        with self.assertWarns(ResourceWarning):
            del transport
            gc.collect()
        loop = self.new_loop()  # what it left has been killed, not forgotten
        try:
            gone = asyncio.wait_for(self.gone(pid), 30)
            loop.run_until_complete(gone)
        finally:
            loop.close()

    async def gone(self, pid):
        while os.path.exists(f"/proc/{pid}"):
            await asyncio.sleep(0.001)


if __name__ == "__main__":
    unittest.main()

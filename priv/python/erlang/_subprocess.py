"""asyncio's subprocesses, without child watchers; in a node on the spawner, which forks instead of
the VM.
"""

from __future__ import annotations

import asyncio
import math
import os
import select
import subprocess
import sys
import time
import warnings
from asyncio import base_subprocess
from typing import Any, Iterable, Mapping

import _erlang

from . import _spawner

# Children of this process that ran when the last reference to them went.
_unwaited: list[int] = []


def _wait_for_unwaited() -> None:
    """As subprocess does it: before the next one starts, so that no zombies pile up."""
    for pid in _unwaited[:]:
        try:
            ended, _ = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            ended = pid
        if ended:
            _unwaited.remove(pid)


class ForkedProcess(subprocess.Popen):  # type: ignore[type-arg]
    """Where there is no spawner, and none is needed: in a forked child of the VM, which has one
    thread and so may fork, and outside of a node.
    """

    _pidfd = -1

    def fileno(self) -> int:
        """Readable when poll() has news."""
        if self._pidfd < 0:
            self._pidfd = os.pidfd_open(self.pid)
        return self._pidfd

    def close(self) -> None:
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1

    def __del__(self, *args: Any) -> None:
        self.close()
        super().__del__(*args)  # type: ignore[misc]


class Process(subprocess.Popen):  # type: ignore[type-arg]
    """A Popen whose program is a child of the spawner's.

    Everything that Popen does before it would fork, and its errors, are the standard library's.
    """

    _child: _spawner.Child | None = None

    def _execute_child(
        self,
        args: Any,
        executable: Any,
        preexec_fn: Any,
        close_fds: bool,
        pass_fds: Iterable[int],
        cwd: Any,
        env: Mapping[Any, Any] | None,
        startupinfo: Any,
        creationflags: int,
        shell: bool,
        p2cread: int,
        p2cwrite: int,
        c2pread: int,
        c2pwrite: int,
        errread: int,
        errwrite: int,
        restore_signals: bool,
        gid: int | None,
        gids: list[int] | None,
        uid: int | None,
        umask: int,
        start_new_session: bool,
        process_group: int,
    ) -> None:
        if preexec_fn is not None:
            raise NotImplementedError(
                "preexec_fn can't be used, since the VM is not forked: start a small program that "
                "does the same before it executes the other (as env, nice, setpriv, prlimit do)"
            )
        argv = _argv(args, shell, executable)
        program = argv[0] if executable is None else os.fsencode(executable)
        sys.audit("erlang.subprocess", program, argv, cwd, env)
        descriptors = {fd: fd for fd in (pass_fds if close_fds else _inheritable())}
        for number, fd in enumerate((p2cread, c2pwrite, errwrite)):
            if fd >= 0:
                descriptors[number] = fd
            elif _is_open(number):
                descriptors[number] = number
        request = _spawner.Request(
            program=program,
            arguments=argv,
            paths=_paths(program, env),
            environment=_environment(env),
            descriptors=descriptors,
            directory=None if cwd is None else os.fsencode(cwd),
            restore_signals=restore_signals,
            new_session=start_new_session,
            process_group=_unless_negative(process_group),
            user=_unless_negative(uid),
            group=_unless_negative(gid),
            groups=gids,
            umask=_unless_negative(umask),
        )
        _wait_for_unwaited()
        self._child = _spawner.start(request)
        self.pid = self._child.pid
        self._child_created = True
        self._close_pipe_fds(  # type: ignore[attr-defined]
            p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite
        )

    def _internal_poll(self, *_args: Any, **_kwargs: Any) -> int | None:
        if self.returncode is None and self._child is not None:
            self.returncode = self._child.look()
        return self.returncode

    def _wait(self, timeout: float | None) -> int:
        deadline = None if timeout is None else time.monotonic() + timeout
        while (returncode := self.poll()) is None:
            milliseconds = None
            if timeout is not None and deadline is not None:
                milliseconds = math.ceil((deadline - time.monotonic()) * 1000)
                if milliseconds <= 0:
                    raise subprocess.TimeoutExpired(self.args, timeout)
            poll = select.poll()
            poll.register(self.fileno(), select.POLLIN)
            poll.poll(milliseconds)
        return returncode

    def send_signal(self, sig: int) -> None:
        """Does nothing if the program has ended."""
        if self.poll() is not None or self._child is None:
            return
        try:
            self._child.send_signal(sig)
        except ProcessLookupError:
            pass  # it has ended; the news is on its way

    def fileno(self) -> int:
        """Readable when poll() has news; may be another one after each poll()."""
        assert self._child is not None
        return self._child.fileno()

    def close(self) -> None:
        """Nobody waits for news of the program any more."""
        if self._child is not None:
            self._child.close()
            self._child = None

    def __del__(self, _warn: Any = warnings.warn) -> None:
        if self._child is not None and self.returncode is None:
            _warn(f"subprocess {self.pid} is still running", ResourceWarning, source=self)
            if isinstance(self._child, _spawner.OwnChild) and self.poll() is None:
                _unwaited.append(self.pid)
        self.close()


class _ErlangSubprocessTransport(base_subprocess.BaseSubprocessTransport):
    """What loop.subprocess_exec() and loop.subprocess_shell() give."""

    _loop: Any
    _proc: Any
    _pipes: dict[int, Any]
    _watched: int
    _connecting: asyncio.Task[Any] | None = None
    _ended: asyncio.Future[None]

    def _start(
        self,
        args: Any,
        shell: bool,
        stdin: Any,
        stdout: Any,
        stderr: Any,
        bufsize: int,
        **kwargs: Any,
    ) -> None:
        self._proc = _popen()(
            args, shell=shell, stdin=stdin, stdout=stdout, stderr=stderr, bufsize=bufsize, **kwargs
        )
        self._ended = self._loop.create_future()
        self._watch()

    async def _connect_pipes(self, waiter: Any) -> None:
        if not self._closed:  # type: ignore[has-type]
            self._connecting = asyncio.current_task()
            await super()._connect_pipes(waiter)  # type: ignore[misc]

    async def abandon(self) -> None:
        """Nobody gets the transport; returns when its program has ended.

        The pipes may never be connected; then connection_lost(), which wakes _wait(), never comes.
        """
        if self._connecting is not None and not self._connecting.done():
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        process = self._proc
        self.close()
        if process is not None:
            for number, pipe in enumerate((process.stdin, process.stdout, process.stderr)):
                if pipe is not None and self._pipes.get(number) is None:
                    pipe.close()
            await self._ended

    def _watch(self) -> None:
        self._watched = self._proc.fileno()
        self._loop._add_reader(self._watched, self._look_for_end)

    def _look_for_end(self) -> None:
        process = self._proc
        returncode = process.poll()
        if returncode is None and process.fileno() == self._watched:
            return
        self._loop._remove_reader(self._watched)
        if returncode is None:
            self._watch()
        else:
            process.close()
            if not self._ended.done():
                self._ended.set_result(None)
            self._process_exited(returncode)


_STOCK_POPEN = subprocess.Popen


def _popen() -> Any:
    """Ours, or what a test has put in the place of the standard library's, for us to use."""
    if subprocess.Popen is not _STOCK_POPEN:
        return subprocess.Popen
    may_fork = not _erlang.IN_NODE or _erlang.in_forked_child()
    return ForkedProcess if may_fork else Process


def _argv(args: Any, shell: bool, executable: Any) -> list[bytes]:
    if isinstance(args, os.PathLike) and shell:
        raise TypeError("path-like args is not allowed when shell is true")
    is_one = isinstance(args, (str, bytes, os.PathLike))
    argv = [os.fsencode(arg) for arg in ([args] if is_one else list(args))]
    if shell:
        return [os.fsencode(executable or "/bin/sh"), b"-c", *argv]
    return argv


def _environment(env: Mapping[Any, Any] | None) -> list[bytes]:
    out = []
    for name, value in (os.environb if env is None else env).items():
        name = os.fsencode(name)
        if b"=" in name:
            raise ValueError("illegal environment variable name")
        out.append(name + b"=" + os.fsencode(value))
    return out


def _paths(program: bytes, env: Mapping[Any, Any] | None) -> list[bytes]:
    if os.path.dirname(program):
        return [program]
    return [os.path.join(os.fsencode(folder), program) for folder in os.get_exec_path(env)]


def _inheritable() -> list[int]:
    """What a program would get of this process if it were forked."""
    return [fd for fd in map(int, os.listdir("/proc/self/fd")) if fd > 2 and _is_inheritable(fd)]


def _is_inheritable(fd: int) -> bool:
    try:
        return os.get_inheritable(fd)
    except OSError:
        return False  # the listing's own, or closed by another thread


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def _unless_negative(number: int | None) -> int | None:
    return None if number is None or number < 0 else number


async def make_transport(loop: Any, protocol: Any, *args: Any, **kwargs: Any) -> Any:
    """What BaseEventLoop._make_subprocess_transport() is asked for."""
    waiter = loop.create_future()
    transport = _ErlangSubprocessTransport(
        loop, protocol, *args, waiter=waiter, **kwargs  # type: ignore[misc]
    )
    try:
        await waiter
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException:
        await transport.abandon()
        raise
    return transport

"""asyncio's subprocesses on the spawner: SubprocessTransport without a fork and without watchers."""

from __future__ import annotations

import os
import socket
import subprocess
from asyncio import base_subprocess
from typing import Any

from . import _spawner


class _ErlangSubprocessTransport(base_subprocess.BaseSubprocessTransport):
    """What loop.subprocess_exec() and loop.subprocess_shell() give."""

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
        with _Streams(stdin, stdout, stderr) as streams:
            self._proc = process = _spawner.start(
                args,
                shell=shell,
                stdin=streams.child[0],
                stdout=streams.child[1],
                stderr=streams.child[2],
                **kwargs,
            )
            process.args = args
            process.stdin, process.stdout, process.stderr = streams.take_parents()
        self._loop._add_reader(process.fileno(), self._look_for_end)

    def _look_for_end(self) -> None:
        descriptor = self._proc.fileno()
        returncode = self._proc.poll()
        if returncode is not None:
            self._loop._remove_reader(descriptor)
            self._process_exited(returncode)

    def __del__(self, _warn: Any = None) -> None:
        process = getattr(self, "_proc", None)
        if _warn is None:
            super().__del__()
        else:
            super().__del__(_warn)
        if process is not None:
            process.close()


class _Streams:
    """The ends of the pipes to a program: the child's close with the block, the parent's too unless
    they have been taken."""

    def __init__(self, stdin: Any, stdout: Any, stderr: Any) -> None:
        self.child = [-1, -1, -1]
        self._parents: list[Any] = [None, None, None]
        self._owned: list[int] = []
        try:
            self._open(0, stdin)
            self._open(1, stdout)
            self._open(2, stderr)
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> _Streams:
        return self

    def __exit__(self, *exc_info: Any) -> None:
        for descriptor in self._owned:
            os.close(descriptor)
        for parent in self._parents:
            if parent is not None:
                parent.close()

    def take_parents(self) -> list[Any]:
        """The parent's ends, as files, None where there is no pipe."""
        parents, self._parents = self._parents, [None, None, None]
        return parents

    def _own(self, descriptor: int) -> int:
        self._owned.append(descriptor)
        return descriptor

    def _open(self, number: int, wanted: Any) -> None:
        if wanted is None:
            self.child[number] = number if _is_open(number) else -1
        elif wanted == subprocess.PIPE:
            self._open_pipe(number)
        elif wanted == subprocess.DEVNULL:
            self.child[number] = self._own(os.open(os.devnull, os.O_RDWR))
        elif wanted == subprocess.STDOUT and number == 2:
            self.child[2] = self.child[1] if self.child[1] >= 0 else 1
        elif isinstance(wanted, int):
            self.child[number] = wanted
        else:
            self.child[number] = wanted.fileno()

    def _open_pipe(self, number: int) -> None:
        if number == 0:
            # A socket pair, as in the standard library: the parent's end shows that the program
            # has closed its own.
            ours, theirs = socket.socketpair()
            self.child[0] = self._own(theirs.detach())
            self._parents[0] = open(ours.detach(), "wb", buffering=0)
        else:
            reads, writes = os.pipe()
            self.child[number] = self._own(writes)
            self._parents[number] = open(reads, "rb", buffering=0)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


async def make_transport(loop: Any, protocol: Any, *args: Any, **kwargs: Any) -> Any:
    """What BaseEventLoop._make_subprocess_transport() is asked for."""
    waiter = loop.create_future()
    transport = _ErlangSubprocessTransport(loop, protocol, *args, waiter=waiter, **kwargs)
    try:
        await waiter
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException:
        transport.close()
        await transport._wait()
        raise
    return transport

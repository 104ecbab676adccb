"""Starting programs without forking the VM: the other end of c_src/spawner/request.h.

The spawner is a small program beside the VM. Over its socket go what to start and the descriptors
for it; back come the process id, a pidfd, and at the end the status.
"""

from __future__ import annotations

import array
import os
import signal
import socket
import struct
from typing import Any, Iterable, Mapping, Sequence

import _erlang

_NEW_SESSION = 1
_RESTORE_SIGNALS = 2
_HAS_UMASK = 4
_HAS_PROCESS_GROUP = 8
_HAS_UID = 16
_HAS_GID = 32

_STARTED, _FAILED, _ENDED = 1, 2, 3
_ANSWER = struct.Struct("=iii")


class Process:
    """A running program, with as much of subprocess.Popen as asyncio uses."""

    def __init__(self, connection: socket.socket, pid: int, pidfd: int) -> None:
        self.args: Any = None
        self.stdin: Any = None
        self.stdout: Any = None
        self.stderr: Any = None
        self.pid = pid
        self.returncode: int | None = None
        self._connection = connection
        self._pidfd = pidfd

    def fileno(self) -> int:
        """Readable when poll() has news."""
        return self._connection.fileno()

    def poll(self) -> int | None:
        """The return code, negative for a signal, None while the program runs. Never waits."""
        if self.returncode is None:
            try:
                answer = self._connection.recv(_ANSWER.size)
            except (BlockingIOError, InterruptedError):
                return None
            if len(answer) == _ANSWER.size:
                _, status, _ = _ANSWER.unpack(answer)
                self.returncode = os.waitstatus_to_exitcode(status)
            else:
                # The spawner was killed: nobody knows any more, as subprocess has it for ECHILD.
                self.returncode = 255
            self.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Does nothing if the program has ended."""
        if self.poll() is not None:
            return
        try:
            if self._pidfd >= 0:
                signal.pidfd_send_signal(self._pidfd, number)
            else:
                os.kill(self.pid, number)
        except ProcessLookupError:
            pass  # it has ended; the news is on its way

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Give up the connection; the program goes on."""
        self._connection.close()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1


def start(
    args: Any,
    *,
    shell: bool,
    stdin: int,
    stdout: int,
    stderr: int,
    executable: Any = None,
    cwd: Any = None,
    env: Mapping[Any, Any] | None = None,
    close_fds: bool = True,
    pass_fds: Iterable[int] = (),
    restore_signals: bool = True,
    start_new_session: bool = False,
    process_group: int | None = None,
    umask: int = -1,
    user: Any = None,
    group: Any = None,
    preexec_fn: Any = None,
    **unsupported: Any,
) -> Process:
    """Start a program with these descriptors as its standard ones (-1: none).

    The options are those of subprocess.Popen. Raises what Popen raises; NotImplementedError for
    options that only a fork of this process could honour, PermissionError if an operator has
    switched subprocesses off.
    """
    if preexec_fn is not None:
        raise NotImplementedError(
            "preexec_fn can't be used: the VM is not forked. Start a small script that does the "
            "same before it executes the program."
        )
    if not close_fds:
        raise NotImplementedError("close_fds=False can't be used; name descriptors in pass_fds")
    for name, value in unsupported.items():
        if value not in (None, 0, -1, False, ()):
            raise NotImplementedError(f"{name} is not supported for subprocesses")
    argv = _argv(args, shell, executable)
    program = argv[0] if executable is None else os.fsencode(executable)
    environment = os.environb if env is None else _environment(env)
    descriptors = {n: fd for n, fd in enumerate((stdin, stdout, stderr)) if fd >= 0}
    descriptors.update((fd, fd) for fd in pass_fds)
    flags = _RESTORE_SIGNALS * restore_signals | _NEW_SESSION * start_new_session
    flags |= _HAS_UMASK * (umask >= 0) | _HAS_PROCESS_GROUP * (process_group is not None)
    flags |= _HAS_UID * (user is not None) | _HAS_GID * (group is not None)
    request = struct.pack(
        f"=IIIIII{len(descriptors)}I",
        flags,
        max(umask, 0),
        process_group or 0,
        _user_id(user),
        _group_id(group),
        len(descriptors),
        *descriptors,
    )
    request += _strings(_paths(program, environment)) + _strings(argv)
    request += _strings([name + b"=" + value for name, value in environment.items()])
    request += _strings([] if cwd is None else [os.fsencode(cwd)])
    return _exchange(request, list(descriptors.values()), program, cwd)


def _exchange(request: bytes, descriptors: list[int], program: bytes, cwd: Any) -> Process:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(b"\0" + _socket_name().encode())
        data = struct.pack("=I", len(request)) + request
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))
        sent = connection.sendmsg([data], [rights] if descriptors else [])
        connection.sendall(data[sent:])
        answer, received, _, _ = socket.recv_fds(connection, _ANSWER.size, 1)
        if len(answer) != _ANSWER.size:
            raise ConnectionError("the spawner of subprocesses has ended")
        kind, value, detail = _ANSWER.unpack(answer)
        if kind == _FAILED:
            name = os.fsdecode(os.fsencode(cwd) if detail else program)
            raise OSError(value, os.strerror(value), name)
        connection.setblocking(False)
        return Process(connection, value, received[0] if received else -1)
    except BaseException:
        connection.close()
        raise


def _socket_name() -> str:
    name = _erlang.call("erlang_python.spawner")
    if name is None:
        raise PermissionError("subprocesses are switched off in this node: {subprocess, false}")
    return name


def _argv(args: Any, shell: bool, executable: Any) -> list[bytes]:
    argv = [args] if isinstance(args, (str, bytes, os.PathLike)) else list(args)
    argv = [os.fsencode(arg) for arg in argv]
    if shell:
        return [b"/bin/sh" if executable is None else os.fsencode(executable), b"-c", *argv]
    return argv


def _environment(env: Mapping[Any, Any]) -> dict[bytes, bytes]:
    out = {}
    for name, value in env.items():
        name = os.fsencode(name)
        if b"=" in name:
            raise ValueError("illegal environment variable name")
        out[name] = os.fsencode(value)
    return out


def _paths(program: bytes, environment: Mapping[bytes, bytes]) -> list[bytes]:
    if os.path.dirname(program):
        return [program]
    return [os.path.join(os.fsencode(d), program) for d in os.get_exec_path(environment)]


def _strings(strings: Sequence[bytes]) -> bytes:
    for text in strings:
        if b"\0" in text:
            raise ValueError("embedded null byte")
    return struct.pack("=I", len(strings)) + b"".join(text + b"\0" for text in strings)


def _user_id(user: Any) -> int:
    if isinstance(user, str):
        import pwd

        return pwd.getpwnam(user).pw_uid
    return 0 if user is None else user


def _group_id(group: Any) -> int:
    if isinstance(group, str):
        import grp

        return grp.getgrnam(group).gr_gid
    return 0 if group is None else group

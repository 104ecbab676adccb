"""Starting programs without forking the VM: the other end of c_src/spawner/request.h.

The spawner is a small program beside the VM. Over its socket go what to start and the descriptors
for it; back come the process id, a pidfd, and at the end the status. In bin/erlpy the program is a
child of this very process instead, as if it had been forked, and is waited for as such.
"""

from __future__ import annotations

import array
import contextlib
import dataclasses
import logging
import os
import select
import signal
import socket
import struct
import threading
from typing import Callable, Mapping, Protocol, Sequence

import _erlang

_NEW_SESSION = 1
_RESTORE_SIGNALS = 2
_HAS_PROCESS_GROUP = 4
_HAS_UID = 8
_HAS_GID = 16
_HAS_GROUPS = 32
_LIKE_ITS_CLIENT = 64

_STARTED, _FAILED, _ENDED = 1, 2, 3
_ABOUT_PROGRAM, _ABOUT_DIRECTORY, _ABOUT_OPTION = 0, 1, 2
_ANSWER = struct.Struct("=iiii")
_PEER = struct.Struct("=iII")  # ucred

_MOST_DESCRIPTORS = 253  # that the system passes at a time

_log = logging.getLogger("asyncio")


@dataclasses.dataclass
class Request:
    """What to start; everything as the system has it."""

    program: bytes
    arguments: Sequence[bytes]
    paths: Sequence[bytes]  # of the program, to try one after the other
    environment: Sequence[bytes]
    descriptors: Mapping[int, int]  # by their number in the program
    directory: bytes | None = None
    restore_signals: bool = True
    new_session: bool = False
    process_group: int | None = None
    user: int | None = None
    group: int | None = None
    groups: Sequence[int] | None = None
    umask: int | None = None

    def packed(self, like_client: bool) -> bytes:
        flags = _RESTORE_SIGNALS * self.restore_signals | _NEW_SESSION * self.new_session
        flags |= _HAS_PROCESS_GROUP * (self.process_group is not None)
        flags |= _HAS_UID * (self.user is not None) | _HAS_GID * (self.group is not None)
        flags |= _HAS_GROUPS * (self.groups is not None)
        flags |= _LIKE_ITS_CLIENT * like_client
        status = _status_of_thread()
        numbers = struct.pack(
            "=IIiIIiQQ",
            flags,
            int(status.get(b"Umask", b"022"), 8) if self.umask is None else self.umask,
            self.process_group or 0,
            self.user or 0,
            self.group or 0,
            threading.get_native_id(),
            *(_mask(status.get(name, b"0")) for name in (b"SigIgn", b"SigBlk")),
        )
        return numbers + b"".join(
            [
                _words(list(self.descriptors)),
                _words(self.groups or ()),
                _strings(self.paths),
                _strings(self.arguments),
                _strings(self.environment),
                _strings([] if self.directory is None else [self.directory]),
            ]
        )


class Child(Protocol):
    """A program that has been started."""

    pid: int

    def fileno(self) -> int:
        """Readable when look() has news; may be another one after each look."""

    def look(self) -> int | None:
        """The return code, negative for a signal; None while the program runs. Never waits."""

    def send_signal(self, number: int) -> None:
        """Raises ProcessLookupError if it has ended; never hits another process."""

    def close(self) -> None:
        """Give up what was opened for it; the program goes on."""


class OwnChild:
    """A child of this process. Anybody may wait for it, by os.waitpid() for example."""

    def __init__(self, pid: int, pidfd: int) -> None:
        self.pid = pid
        self._pidfd = pidfd

    def fileno(self) -> int:
        return self._pidfd

    def look(self) -> int | None:
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            _log.warning("Unknown child process pid %d, will report returncode 255", self.pid)
            return 255
        return os.waitstatus_to_exitcode(status) if pid else None

    def send_signal(self, number: int) -> None:
        signal.pidfd_send_signal(self._pidfd, number)

    def close(self) -> None:
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1


class SpawnersChild:
    """A child of the spawner's, which tells how it ended."""

    def __init__(self, connection: socket.socket, pid: int, pidfd: int) -> None:
        self.pid = pid
        self._connection = connection
        self._pidfd = pidfd
        self._orphan = False

    def fileno(self) -> int:
        return self._pidfd if self._orphan else self._connection.fileno()

    def look(self) -> int | None:
        # The answer stays where it is, so that fileno() stays readable for others.
        if not self._orphan:
            try:
                answer = self._connection.recv(_ANSWER.size, socket.MSG_PEEK)
            except (BlockingIOError, InterruptedError):
                return None
            except OSError:
                answer = b""
            if len(answer) == _ANSWER.size:
                return os.waitstatus_to_exitcode(_ANSWER.unpack(answer)[1])
            self._orphan = True
        return self._look_at_orphan()

    def _look_at_orphan(self) -> int | None:
        """The spawner has died: the end can be seen, the status can't."""
        if self._pidfd >= 0:
            poll = select.poll()
            poll.register(self._pidfd, select.POLLIN)
            if not poll.poll(0):
                return None
        _log.warning(
            "The spawner of subprocesses has died: the status of process %d is unknown, "
            "will report returncode 255",
            self.pid,
        )
        return 255

    def send_signal(self, number: int) -> None:
        if self._pidfd >= 0:
            signal.pidfd_send_signal(self._pidfd, number)
        else:
            os.kill(self.pid, number)

    def close(self) -> None:
        self._connection.close()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1


def start(request: Request) -> Child:
    """Returns when the program runs.

    Raises OSError if it can't, with what is wrong; PermissionError if an operator has switched
    subprocesses off; ConnectionError if the spawner dies.
    """
    if len(request.descriptors) >= _MOST_DESCRIPTORS:
        raise ValueError(f"more than {_MOST_DESCRIPTORS - 1} descriptors for a subprocess")
    _take_identity(request)
    here = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    connection = None
    try:
        connection, beside = _connect()
        data = request.packed(like_client=beside)
        pid, pidfd = _exchange(connection, data, [here, *request.descriptors.values()], request)
        if beside:
            connection.close()
            return OwnChild(pid, pidfd)
        connection.setblocking(False)
    except BaseException:
        if connection is not None:
            connection.close()
        raise
    finally:
        os.close(here)
    return SpawnersChild(connection, pid, pidfd)


def _take_identity(request: Request) -> None:
    """The spawner is who this process was at first; a program must not be more than we are."""
    user, group, groups = _identity()
    if (user, group, groups) == _FIRST_IDENTITY:
        return
    if request.user is None:
        request.user = user
    if request.group is None:
        request.group = group
    if request.groups is None and _FIRST_IDENTITY[0] == 0:
        request.groups = groups


def _identity() -> tuple[int, int, list[int]]:
    return os.geteuid(), os.getegid(), os.getgroups()


_FIRST_IDENTITY = _identity()


def _connect() -> tuple[socket.socket, bool]:
    """To the spawner; and whether that is the one of bin/erlpy, which makes us children."""
    answer = _erlang.call("erlang_python.spawner")
    if isinstance(answer, str):
        try:
            return _connect_to(answer, _is_our_child), True
        except ConnectionRefusedError:  # it has been killed; the other kind does it, too
            answer = _erlang.call("erlang_python.spawner", "port")
    if answer is None:
        raise PermissionError("subprocesses are switched off in this node: {subprocess, false}")
    name, spawner = answer
    if spawner is None:
        raise ConnectionError(f"the spawner of subprocesses can't be started: {name}")
    return _connect_to(name, lambda peer: peer == spawner), False


def _is_our_child(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return int(stat.read().rpartition(b")")[2].split()[1]) == os.getpid()
    except OSError:
        return False


def _connect_to(name: str, is_it: Callable[[int], bool]) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(None)  # whatever socket.setdefaulttimeout() says
        connection.connect(b"\0" + name.encode())
        peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
        if not is_it(_PEER.unpack(peer)[0]):
            raise ConnectionError("somebody else listens in place of the spawner of subprocesses")
    except BaseException:
        connection.close()
        raise
    return connection


def _exchange(
    connection: socket.socket, data: bytes, descriptors: list[int], request: Request
) -> tuple[int, int]:
    """The process id and its pidfd, or -1."""
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))
    try:
        data = struct.pack("=I", len(data)) + data
        sent = connection.sendmsg([data], [rights])
        connection.sendall(data[sent:])
        # An answer of a few bytes is sent, and arrives, as a whole.
        answer, ancillary, _, _ = connection.recvmsg(
            _ANSWER.size, socket.CMSG_SPACE(array.array("i").itemsize), socket.MSG_CMSG_CLOEXEC
        )
    except (BrokenPipeError, ConnectionResetError):
        answer, ancillary = b"", []
    if len(answer) != _ANSWER.size:
        raise ConnectionError("the spawner of subprocesses has died; the next try starts another")
    kind, value, detail, child = _ANSWER.unpack(answer)
    if kind == _STARTED:
        return value, struct.unpack("i", ancillary[0][2])[0] if ancillary else -1
    if child:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child, 0)
    if detail == _ABOUT_OPTION:
        raise OSError(value, os.strerror(value))
    about = request.directory if detail == _ABOUT_DIRECTORY else request.program
    raise OSError(value, os.strerror(value), os.fsdecode(about or b"."))


def _status_of_thread() -> dict[bytes, bytes]:
    """What the system says of this thread. (os.umask() would change it to tell it, for all.)"""
    with open("/proc/thread-self/status", "rb") as status:
        fields = (line.partition(b":") for line in status)
        return {name: value.strip() for name, _, value in fields}


def _mask(hexadecimal: bytes) -> int:
    """The first 64 signals; low word first, as both ends are one machine's."""
    return int(hexadecimal, 16) & 0xFFFF_FFFF_FFFF_FFFF


def _words(numbers: Sequence[int]) -> bytes:
    return struct.pack(f"=I{len(numbers)}I", len(numbers), *numbers)


def _strings(texts: Sequence[bytes]) -> bytes:
    for text in texts:
        if b"\0" in text:
            raise ValueError("embedded null byte")
    return struct.pack("=I", len(texts)) + b"".join(text + b"\0" for text in texts)

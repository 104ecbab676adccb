"""The processes that a run starts: each is stopped by its own pid, however the run ends."""

import collections.abc
import contextlib
import dataclasses
import json
import os
import pathlib
import select
import signal
import subprocess
import tempfile
import time
import typing

READY_WITHIN_S = 30.0

Command = collections.abc.Sequence[str | pathlib.Path]


class ChildFailed(Exception):
    """A program ended badly or said nothing in time; the text has the last line it wrote."""


def run_json(
    command: Command, timeout: float, **options: typing.Any
) -> list[dict[str, typing.Any]]:
    """Run a program to its end and return the JSON objects that it printed, one a line."""
    with tempfile.TemporaryFile() as errors:
        # By hand rather than by subprocess.run(), whose kill spares the children of a wrapper.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            **options,
        )
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise ChildFailed(f"took longer than {timeout:.0f} s{_last_line(errors)}") from None
        finally:
            _kill_session(process)
        objects = [json.loads(line) for line in output.splitlines() if line.startswith(b"{")]
        if process.returncode != 0 or not objects:
            raise ChildFailed(f"exit status {process.returncode}{_last_line(errors)}")
        return objects


@dataclasses.dataclass(frozen=True)
class Server:
    """A running child that has said that it is ready."""

    process: subprocess.Popen[bytes]
    ready: dict[str, typing.Any]  # the JSON object of its first line

    @property
    def pid(self) -> int:
        """The pid it says it has: a wrapper script may stand between."""
        return int(self.ready["pid"])

    def cpu_s(self) -> float:
        return cpu_of_process(self.pid)

    def say_goodbye(self) -> None:
        """End its standard input, which tells a program that waits for that to go."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=READY_WITHIN_S)


@contextlib.contextmanager
def serving(command: Command, **options: typing.Any) -> collections.abc.Iterator[Server]:
    """Start a program, wait for its first line of JSON, and kill it at the end.

    Killed rather than asked: nothing in it is worth saving, and an orderly end of a node takes
    longer than a measurement.
    """
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            **options,
        )
        try:
            yield Server(process, _first_object(process, errors))
        finally:
            _kill_session(process)


def cpu_of_process(pid: int) -> float:
    """Seconds of CPU that all threads of a process have used so far, to the nanosecond."""
    # The number of a process's CPU clock, as clock_getcpuclockid(3) computes it on Linux.
    return time.clock_gettime((~pid << 3) | 2)


def status_of_process(pid: int, field: str) -> int:
    """A number from /proc/PID/status; sizes are in KiB."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise KeyError(field)


def _first_object(
    process: subprocess.Popen[bytes], errors: typing.IO[bytes]
) -> dict[str, typing.Any]:
    assert process.stdout is not None
    output = process.stdout.fileno()
    deadline = time.monotonic() + READY_WITHIN_S
    text = b""
    while True:
        *lines, _ = text.split(b"\n")
        for line in lines:
            if line.startswith(b"{"):
                return dict(json.loads(line))
        readable, _, _ = select.select([output], [], [], max(0.0, deadline - time.monotonic()))
        more = os.read(output, 65536) if readable else b""
        if not more:
            ending = "ended" if readable else f"was not ready in {READY_WITHIN_S:.0f} s"
            raise ChildFailed(f"the server {ending}{_last_line(errors)}")
        text += more


def _kill_session(process: subprocess.Popen[bytes]) -> None:
    # Each child leads a session of its own, so this is that child and what it started.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


def _last_line(errors: typing.IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode(errors="replace").strip().splitlines()
    return f": {lines[-1].strip()}" if lines else ""

"""Where the tools of a run are: our tree, the native programs, and a folder for scratch files.

Everything that is built here goes to _build/bench, and is made again when a source changed.
"""

import collections.abc
import contextlib
import dataclasses
import os
import pathlib
import shutil
import subprocess
import tempfile

from . import progress

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench"
BUILD = ROOT / "_build" / "bench"


class BuildFailed(Exception):
    """A tool could not be built; the text has the compiler's words."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """How long and how often."""

    rounds: int
    seconds: float  # of load on one server
    scale: float  # of the numbers of operations in one process
    idle_seconds: float  # a node does some housekeeping every ten
    connections: int  # held open while memory is measured


@dataclasses.dataclass(frozen=True)
class Workshop:
    settings: Settings
    scratch: pathlib.Path
    python: str

    @property
    def erlpy(self) -> pathlib.Path:
        return ROOT / "bin" / "erlpy"

    @property
    def application(self) -> pathlib.Path:
        """The compiled application's folder."""
        return ROOT / "_build" / "default" / "lib" / "erlang_python"

    @property
    def echo_server(self) -> pathlib.Path:
        return BUILD / "native" / "echo_server"

    @property
    def load(self) -> pathlib.Path:
        return BUILD / "native" / "load"

    @property
    def beams(self) -> pathlib.Path:
        return BUILD / "erlang"

    @property
    def certificate(self) -> pathlib.Path:
        return self.scratch / "certificate.pem"

    @property
    def key(self) -> pathlib.Path:
        return self.scratch / "key.pem"

    @property
    def socket_path(self) -> pathlib.Path:
        return self.scratch / "echo.sock"


@contextlib.contextmanager
def opened(settings: Settings) -> collections.abc.Iterator[Workshop]:
    """Build what a run needs, and remove its scratch folder at the end."""
    with tempfile.TemporaryDirectory(prefix="erlang_python_bench.") as scratch:
        python = os.environ.get("PYTHON", "/usr/bin/python3")
        workshop = Workshop(settings, pathlib.Path(scratch), python)
        progress.say("building the load generator and the bare servers")
        _build_native()
        _build_erlang(workshop)
        _make_certificate(workshop)
        yield workshop


def _build_native() -> None:
    target = BUILD / "native"
    _run(["cmake", "-S", str(BENCH / "native"), "-B", str(target)])
    _run(["cmake", "--build", str(target), "-j", "2"])


def _build_erlang(workshop: Workshop) -> None:
    if shutil.which("erlc") is None:
        return
    workshop.beams.mkdir(parents=True, exist_ok=True)
    sources = map(str, sorted((BENCH / "erlang").glob("*.erl")))
    _run(["erlc", "-Werror", "-o", str(workshop.beams), *sources])


def _make_certificate(workshop: Workshop) -> None:
    if shutil.which("openssl") is None:
        return
    files = ["-out", str(workshop.certificate), "-keyout", str(workshop.key)]
    subject = ["-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    _run(["openssl", "req", "-x509", *subject, *files])


def _run(command: list[str]) -> None:
    try:
        result = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    except FileNotFoundError:
        raise BuildFailed(f"{command[0]} is not installed") from None
    if result.returncode != 0:
        words = " ".join(command[:4])
        raise BuildFailed(f"{words} … failed:\n{result.stdout.strip()}")

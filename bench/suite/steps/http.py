"""HTTP servers of Debian, unchanged, under wrk."""

import dataclasses
import re
import shutil
import subprocess

from ..children import ChildFailed, Server, serving
from ..model import Figures, Goal, Group, Metric, SubjectMissing
from ..subjects import LOOPS, UVLOOP, loop_program, require_modules
from ..workshop import Workshop

CONNECTIONS = 64
_UNITS_US = {"us": 1.0, "ms": 1e3, "s": 1e6}


@dataclasses.dataclass(frozen=True)
class Http:
    server: str
    modules: tuple[str, ...]

    subjects = LOOPS
    max_rounds = None

    @property
    def name(self) -> str:
        return " + ".join(self.modules)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        goal = Goal(UVLOOP, at_least=1.05)
        return (
            Metric("requests_per_s", f"{self.name} ×{CONNECTIONS}", "req/s", "higher", goal),
            Metric("p50_us", "  p50", "µs", "lower"),
            Metric("p99_us", "  p99", "µs", "lower"),
            Metric("server_cpu_us", "  server CPU a request", "µs", "lower"),
        )

    def measure(self, subject: str, workshop: Workshop) -> dict[str, Figures]:
        if shutil.which("wrk") is None:
            raise SubjectMissing("wrk is not installed")
        require_modules(workshop, *self.modules)
        args = ("--server", self.server)
        with serving(loop_program(workshop, subject, "http_server.py", *args)) as server:
            _run_wrk(server, 0.5)
            return {subject: _measured_run(server, workshop.settings.seconds)}


def _measured_run(server: Server, seconds: float) -> Figures:
    before = server.cpu_s()
    report = _run_wrk(server, seconds)
    used = server.cpu_s() - before
    requests = int(_find(r"(\d+) requests in", report)[0])
    return {
        "requests_per_s": float(_find(r"Requests/sec:\s+([\d.]+)", report)[0]),
        "p50_us": _percentile(50, report),
        "p99_us": _percentile(99, report),
        "server_cpu_us": used / requests * 1e6,
    }


def _run_wrk(server: Server, seconds: float) -> str:
    url = f"http://127.0.0.1:{server.ready['port']}/"
    # wrk knows whole seconds only.
    duration = f"{max(1, round(seconds))}s"
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", "-d", duration, "--latency", url]
    result = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 20)
    report = result.stdout
    if result.returncode != 0 or "Non-2xx" in report or "Socket errors" in report:
        raise ChildFailed(f"wrk met errors: {(result.stderr or report).strip()}")
    return report


def _percentile(percent: int, report: str) -> float:
    number, unit = _find(rf"\s{percent}%\s+([\d.]+)(us|ms|s)\b", report)
    return float(number) * _UNITS_US[unit]


def _find(pattern: str, report: str) -> tuple[str, ...]:
    found = re.search(pattern, report)
    if found is None:
        raise ChildFailed("wrk printed something unexpected")
    return found.groups()


GROUP = Group(
    "http",
    "HTTP plaintext under wrk",
    [Http("uvicorn", ("uvicorn", "httptools")), Http("aiohttp", ("aiohttp",))],
)

"""Echo servers under the native load generator, beside a bare epoll program of C++."""

import dataclasses

from ..children import Command, Server, run_json, serving
from ..model import Figures, Goal, Group, Metric, SubjectMissing
from ..subjects import EPOLL, LOOPS, UVLOOP, loop_program
from ..workshop import Workshop

WARMUP_S = 0.3


@dataclasses.dataclass(frozen=True)
class Echo:
    """One way to echo, under one load."""

    mode: str
    kind: str
    size: int
    connections: int
    goal: Goal | None = None
    p50_goal: Goal | None = None

    subjects = (*LOOPS, EPOLL)
    max_rounds = None

    @property
    def name(self) -> str:
        size = f"{self.size // 1024} KB" if self.size >= 1024 else f"{self.size} B"
        way = self.mode.upper() if self.mode != "unix" else "Unix"
        kind = "" if self.mode == "udp" else f" {self.kind}"
        return f"{way}{kind} {size} ×{self.connections}"

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return (
            Metric("requests_per_s", self.name, "req/s", "higher", self.goal),
            Metric("p50_us", "  p50", "µs", "lower", self.p50_goal),
            Metric("p99_us", "  p99", "µs", "lower"),
            Metric("server_cpu_us", "  server CPU a request", "µs", "lower"),
        )

    def measure(self, subject: str, workshop: Workshop) -> dict[str, Figures]:
        with serving(self._server(subject, workshop)) as server:
            result = run_json(self._load(server, workshop), workshop.settings.seconds + 20)[-1]
        return {subject: {metric.key: result[metric.key] for metric in self.metrics}}

    def _server(self, subject: str, workshop: Workshop) -> Command:
        args = ["--mode", self.mode]
        if self.mode == "unix":
            workshop.socket_path.unlink(missing_ok=True)
            args += ["--path", str(workshop.socket_path)]
        if self.mode == "tls":
            if not workshop.certificate.exists():
                raise SubjectMissing("openssl is not installed")
            args += ["--cert", str(workshop.certificate), "--key", str(workshop.key)]
        if subject == EPOLL:
            return [workshop.echo_server, *args]
        return loop_program(workshop, subject, "echo_server.py", *args, "--kind", self.kind)

    def _load(self, server: Server, workshop: Workshop) -> Command:
        target = {
            "mode": self.mode,
            "port": server.ready["port"],
            "path": workshop.socket_path,
            "server-pid": server.pid,
        }
        plan = {
            "connections": self.connections,
            "size": self.size,
            "warmup": WARMUP_S,
            "seconds": workshop.settings.seconds,
        }
        flags = [f for name, value in (target | plan).items() for f in (f"--{name}", str(value))]
        return [workshop.load, *flags]


def _faster_than_uvloop(factor: float) -> Goal:
    return Goal(UVLOOP, at_least=factor)


KB = 1024

GROUP = Group(
    "echo",
    "Echo servers",
    [
        Echo("tcp", "protocol", KB, 64, Goal(EPOLL, at_least=0.92)),
        Echo("tcp", "streams", KB, 64, Goal(EPOLL, at_least=0.70)),
        Echo("tcp", "buffered", KB, 64),
        Echo("tcp", "protocol", 64, 1, p50_goal=Goal(at_most=35)),
        Echo("tcp", "protocol", 100 * KB, 16, _faster_than_uvloop(1.2)),
        Echo("unix", "protocol", KB, 64, _faster_than_uvloop(1.2)),
        Echo("udp", "protocol", KB, 64, _faster_than_uvloop(1.2)),
        Echo("tls", "protocol", KB, 64, _faster_than_uvloop(1.2)),
        Echo("tls", "streams", KB, 64),
    ],
)

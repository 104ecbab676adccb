"""What an idle connection costs in memory, when a loop has thousands of them."""

import resource

from ..children import serving, status_of_process
from ..model import Figures, Group, Metric
from ..subjects import EPOLL, LOOPS, loop_program
from ..workshop import Workshop

# Descriptors that a process needs beside its connections.
SPARE_DESCRIPTORS = 500


class IdleConnections:
    name = "idle connections"
    subjects = (*LOOPS, EPOLL)
    # Memory is not noisy.
    max_rounds = 3
    metrics = (Metric("bytes", "an idle TCP connection", "bytes", "lower"),)

    def measure(self, subject: str, workshop: Workshop) -> dict[str, Figures]:
        connections = min(workshop.settings.connections, _descriptors() - SPARE_DESCRIPTORS)
        command = (
            [workshop.echo_server]
            if subject == EPOLL
            else loop_program(workshop, subject, "echo_server.py")
        )
        hold = [
            str(workshop.load),
            "--hold",
            "1",
            "--connections",
            str(connections),
            "--size",
            "64",
        ]
        with serving(command) as server:
            # Anonymous memory only: what the kernel keeps for a socket is the same for all.
            before = status_of_process(server.pid, "RssAnon")
            with serving([*hold, "--port", str(server.ready["port"])]) as held:
                after = status_of_process(server.pid, "RssAnon")
                held.say_goodbye()
        return {subject: {"bytes": (after - before) * 1024 / connections}}


def _descriptors() -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return hard if hard != resource.RLIM_INFINITY else 1 << 20


GROUP = Group("memory", "Memory of a loop's connections", [IdleConnections()])

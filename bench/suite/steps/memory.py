"""What an idle connection costs in memory, when a loop has thousands of them."""

import collections.abc
import contextlib
import resource
import time

from ..children import Command, Server, serving, status_of_process
from ..model import Figures, Group, Metric
from ..subjects import EPOLL, LOOPS, loop_program
from ..workshop import Workshop

# Descriptors that a process needs beside its connections.
SPARE_DESCRIPTORS = 500

WARM_UP = 100  # connections
SETTLE_S = 1.0


class IdleConnections:
    name = "idle connections"
    subjects = (*LOOPS, EPOLL)
    # Memory is not noisy.
    max_rounds = 3
    metrics = (Metric("bytes", "an idle TCP connection", "bytes", "lower"),)

    def measure(self, subject: str, workshop: Workshop) -> dict[str, Figures]:
        connections = min(workshop.settings.connections, _descriptors() - SPARE_DESCRIPTORS)
        with serving(_server(subject, workshop)) as server:
            # What the first connections cost once, and what a young process still gives back,
            # is no part of it.
            with _held(server, workshop, WARM_UP):
                pass
            time.sleep(SETTLE_S)
            # Anonymous memory only: what the kernel keeps for a socket is the same for all.
            before = status_of_process(server.pid, "RssAnon")
            with _held(server, workshop, connections):
                after = status_of_process(server.pid, "RssAnon")
        return {subject: {"bytes": (after - before) * 1024 / connections}}


def _server(subject: str, workshop: Workshop) -> Command:
    if subject == EPOLL:
        return [workshop.echo_server]
    return loop_program(workshop, subject, "echo_server.py")


@contextlib.contextmanager
def _held(server: Server, workshop: Workshop, connections: int) -> collections.abc.Iterator[None]:
    port = str(server.ready["port"])
    plan = ["--hold", "1", "--connections", str(connections), "--size", "64", "--port", port]
    with serving([str(workshop.load), *plan]) as held:
        yield
        held.say_goodbye()


def _descriptors() -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return hard if hard != resource.RLIM_INFINITY else 1 << 20


GROUP = Group("memory", "Memory of a loop's connections", [IdleConnections()])

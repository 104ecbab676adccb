"""What the application costs a node that isn't using it: CPU, threads, memory, start-up."""

import contextlib
import subprocess
import time

from ..children import Server, serving, status_of_process
from ..model import OURS, Figures, Goal, Group, Metric
from ..node_program import node_command, node_environment
from ..subjects import require_application
from ..workshop import Workshop

EMPTY_NODE = "empty node"
PYTHON = "python3"

# A node works on for some seconds after it started, and after it last did something.
SETTLE_S = 5.0


def _idle_figures(nodes: dict[str, Server], seconds: float) -> dict[str, Figures]:
    """CPU (scaled to 5 s), threads and memory of nodes that idle at the same time."""
    time.sleep(SETTLE_S)
    before = {name: node.cpu_s() for name, node in nodes.items()}
    time.sleep(seconds)
    return {
        name: {
            "cpu_ms": (node.cpu_s() - before[name]) * 1000 * 5 / seconds,
            "threads": status_of_process(node.pid, "Threads"),
            "megabytes": status_of_process(node.pid, "VmRSS") / 1024,
        }
        for name, node in nodes.items()
    }


class IdleNode:
    """The application started, used once, and left alone; beside a node without it."""

    name = "idle node"
    subjects = (OURS,)
    max_rounds = 3
    metrics = (
        Metric("cpu_ms", "idle node, CPU in 5 s", "ms", "none"),
        Metric("beyond_ms", "  beyond an empty node's", "ms", "none", Goal(at_most=0.5)),
        Metric("threads", "idle node, threads", "", "cost"),
        Metric("megabytes", "idle node, memory", "MB", "cost"),
    )

    def measure(self, subject: str, workshop: Workshop) -> dict[str, Figures]:
        require_application(workshop)
        with contextlib.ExitStack() as stack:
            nodes = {
                EMPTY_NODE: stack.enter_context(_node(workshop, "empty")),
                OURS: stack.enter_context(_node(workshop, "used")),
            }
            figures = _idle_figures(nodes, workshop.settings.idle_seconds)
        ours, empty = figures[OURS], figures[EMPTY_NODE]
        ours["beyond_ms"] = ours["cpu_ms"] - empty["cpu_ms"]
        return figures


class HostedLoops:
    """10,000 idle loops in a node, beside a node with two."""

    name = "idle hosted loops"
    subjects = (OURS,)
    max_rounds = 2
    few, many = 2, 10_002
    metrics = (
        Metric("cpu_ms", "10,000 idle hosted loops, CPU in 5 s", "ms", "none"),
        Metric("threads", "10,000 idle hosted loops, extra threads", "", "none", Goal(at_most=0)),
        Metric("bytes", "10,000 idle hosted loops, each", "bytes", "none", Goal(at_most=16384)),
    )

    def measure(self, subject: str, workshop: Workshop) -> dict[str, Figures]:
        require_application(workshop)
        with contextlib.ExitStack() as stack:
            nodes = {
                EMPTY_NODE: stack.enter_context(_node(workshop, "pool", self.few)),
                OURS: stack.enter_context(_node(workshop, "pool", self.many)),
            }
            figures = _idle_figures(nodes, workshop.settings.idle_seconds)
        few, many = figures[EMPTY_NODE], figures[OURS]
        extra_bytes = (many["megabytes"] - few["megabytes"]) * 1024 * 1024
        return {
            OURS: {
                "cpu_ms": many["cpu_ms"],
                "threads": many["threads"] - few["threads"],
                "bytes": extra_bytes / (self.many - self.few),
            }
        }


class StartUp:
    """The whole life of a program that does nothing."""

    name = "start-up"
    subjects = (PYTHON, EMPTY_NODE, OURS)
    max_rounds = None
    metrics = (Metric("ms", "start-up of -c pass", "ms", "cost", Goal(at_most=1000)),)

    def measure(self, subject: str, workshop: Workshop) -> dict[str, Figures]:
        if subject == OURS:
            require_application(workshop)
        command = {
            PYTHON: [workshop.python, "-c", "pass"],
            EMPTY_NODE: ["erl", "-noshell", "-noinput", "-eval", "halt()."],
            OURS: [str(workshop.erlpy), "-c", "pass"],
        }[subject]
        started = time.perf_counter()
        subprocess.run(command, stdin=subprocess.DEVNULL, check=True, timeout=60)
        return {subject: {"ms": (time.perf_counter() - started) * 1000}}


def _node(
    workshop: Workshop, state: str, pool: int = 0
) -> contextlib.AbstractContextManager[Server]:
    command = node_command(workshop, "bench_node", state, str(pool))
    return serving(command, env=node_environment())


GROUP = Group("node", "What the application costs its node", [IdleNode(), HostedLoops(), StartUp()])

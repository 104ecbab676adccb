"""Erlang calls Python and back, as multiples of a bare round trip between two processes.

Each measurement has a fresh node, in which bench/erlang/bench_calls.erl alternates it with the
round trip.
"""

import dataclasses

from ..children import run_json
from ..model import OURS, Figures, Goal, Group, Metric
from ..node_program import node_command, node_environment
from ..subjects import require_application
from ..workshop import Workshop

PROCESS = "process"


@dataclasses.dataclass(frozen=True)
class Call:
    """One of the measurements that bench_calls.erl knows by name."""

    name: str
    label: str
    goal: float | None = None

    subjects = (OURS,)
    max_rounds = None

    @property
    def metrics(self) -> tuple[Metric, ...]:
        wish = Goal(PROCESS, at_most=self.goal) if self.goal else None
        return (Metric("us", self.label, "µs", "cost", wish),)

    def measure(self, subject: str, workshop: Workshop) -> dict[str, Figures]:
        require_application(workshop)
        args = (self.name, str(workshop.settings.scale))
        command = node_command(workshop, "bench_calls", *args)
        result = run_json(command, timeout=120, env=node_environment())[-1]
        return {OURS: {"us": result["us"]}, PROCESS: {"us": result["process_us"]}}


GROUP = Group(
    "calls",
    "Erlang calls Python, and back",
    [
        Call("gen_server_call", "gen_server:call, for comparison"),
        Call("py_call_sqrt", "py:call(math, sqrt, [16.0])", 8.0),
        Call("py_call_binary", "py:call, 10 KB there and back"),
        Call("py_call_50_processes", "py:call from 50 processes"),
        Call("py_cast", "py:cast"),
        Call("erlang_call", "erlang.call from Python"),
        Call("task_sequential", "create_task + await, one by one"),
        Call("task_fire_and_collect", "50,000 tasks fired and collected", 3.0),
        Call("coroutine_fire_and_collect", "50,000 coroutines, likewise", 3.0),
        Call("pool_50_processes", "pool: tasks of 50 processes"),
    ],
)

"""The loop's own operations, and how late its timers are."""

from ..children import run_json
from ..model import Figures, Goal, Group, Metric
from ..subjects import LOOPS, UVLOOP, loop_program
from ..workshop import Workshop


def _operation(key: str, label: str, goal: float | None = None) -> Metric:
    wish = Goal(UVLOOP, at_least=goal) if goal else None
    return Metric(key, label, "ns", "lower", wish)


class Primitives:
    name = "primitives"
    subjects = LOOPS
    max_rounds = None
    metrics = (
        _operation("call_soon", "call_soon, chain", 1.3),
        _operation("call_soon_batch", "call_soon, 1,000 at a time"),
        _operation("sleep0", "sleep(0)", 1.3),
        _operation("call_soon_threadsafe", "call_soon_threadsafe, chain", 1.3),
        _operation("threadsafe_from_thread", "call_soon_threadsafe, other thread"),
        _operation("wake_from_thread", "thread wakes loop, and back"),
        _operation("gather_1000", "gather of 1,000 tasks, each", 1.05),
        _operation("future_wait", "await a future"),
        _operation("call_later_cancel", "call_later + cancel", 4.0),
        _operation("timers_fired", "50,000 timers fired, each", 2.0),
    )

    def measure(self, subject: str, workshop: Workshop) -> dict[str, Figures]:
        scale = ("--scale", str(workshop.settings.scale))
        command = loop_program(workshop, subject, "primitives.py", *scale)
        return {subject: run_json(command, timeout=120)[-1]}


class TimerLateness:
    name = "timer lateness"
    subjects = LOOPS
    max_rounds = None
    metrics = (
        Metric("min_us", "timer lateness, least", "µs", "none", Goal(at_least=0)),
        Metric("p50_us", "timer lateness, p50", "µs", "none", Goal(at_least=0, at_most=100)),
        Metric("p99_us", "timer lateness, p99", "µs", "none"),
    )

    def measure(self, subject: str, workshop: Workshop) -> dict[str, Figures]:
        timers = ("--timers", str(max(50, int(300 * workshop.settings.scale))))
        command = loop_program(workshop, subject, "timer_lateness.py", *timers)
        return {subject: run_json(command, timeout=60)[-1]}


GROUP = Group("primitives", "The loop's own operations", [Primitives(), TimerLateness()])

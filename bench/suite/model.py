"""What is measured, of whom, and what came out.

A *subject* is somebody that is measured: a loop, the bare epoll program, a process round trip. A
*step* is one measurement that is made of several subjects, one after the other, in every round; it
gives one or more *metrics*. The samples of a metric are kept by subject and round, so that ratios
are taken between figures of the same round.
"""

import collections.abc
import dataclasses
import typing

from .workshop import Workshop

OURS = "erlang"


@dataclasses.dataclass(frozen=True)
class Goal:
    """What the project set itself for our figure; printed beside it, never asserted."""

    against: str | None = None  # a subject; None: the figure itself
    at_least: float | None = None
    at_most: float | None = None

    def text(self) -> str:
        low, high = self.at_least, self.at_most
        if low is not None and high is not None:
            bound = f"{low:g} … {high:g}"
        elif low is not None:
            bound = f"≥ {low:g}"
        else:
            bound = f"≤ {high:g}"
        return f"{bound} × {self.against}" if self.against else bound

    def met_by(self, figure: float) -> bool:
        low_enough = self.at_most is None or figure <= self.at_most
        return low_enough and (self.at_least is None or figure >= self.at_least)


@dataclasses.dataclass(frozen=True)
class Metric:
    """One row of the report."""

    key: str
    label: str
    unit: str
    # "higher" and "lower" say which figure is the better one: ratios are then how many times
    # better. "cost" means that ratios are plain multiples of the other's figure, and "none" that a
    # ratio would mean nothing (differences around zero).
    better: typing.Literal["higher", "lower", "cost", "none"]
    goal: Goal | None = None


Figures = dict[str, float]  # by Metric.key


class SubjectMissing(Exception):
    """The subject can't be measured here; the text says why in a few words."""


class Step(typing.Protocol):
    """One measurement. Its measure() may raise SubjectMissing, or anything else if it fails."""

    @property
    def name(self) -> str:
        ...

    @property
    def subjects(self) -> tuple[str, ...]:
        """Those that measure() is to be called with, in every round."""
        ...

    @property
    def metrics(self) -> tuple[Metric, ...]:
        ...

    @property
    def max_rounds(self) -> int | None:
        """Fewer rounds than the run has, for what takes long and varies little."""
        ...

    def measure(self, subject: str, workshop: Workshop) -> dict[str, Figures]:
        """Figures by subject: of the one asked for, and of any that had to be measured with it."""
        ...


@dataclasses.dataclass(frozen=True)
class Group:
    """Steps that share a table."""

    name: str
    title: str
    steps: collections.abc.Sequence[Step]


@dataclasses.dataclass
class Row:
    """A metric with its samples: one list a subject, one entry a round, None where it failed."""

    group: str
    step: str
    metric: Metric
    samples: dict[str, list[float | None]] = dataclasses.field(default_factory=dict)
    missing: dict[str, str] = dataclasses.field(default_factory=dict)

"""Medians, spreads, and ratios between paired samples."""

import collections.abc
import dataclasses
import statistics

from .model import Metric, Row

Samples = collections.abc.Sequence[float | None]


@dataclasses.dataclass(frozen=True)
class Summary:
    """A median with the range that the middle half of the samples lies in."""

    median: float
    low: float
    high: float

    def spread(self) -> float:
        """Half of that range, as a part of the median."""
        return abs((self.high - self.low) / 2 / self.median) if self.median else 0.0


def summary(samples: Samples) -> Summary | None:
    known = [sample for sample in samples if sample is not None]
    if not known:
        return None
    if len(known) == 1:
        return Summary(known[0], known[0], known[0])
    low, median, high = statistics.quantiles(known, n=4, method="inclusive")
    return Summary(median, low, high)


def ratio(row: Row, subject: str, other: str) -> Summary | None:
    """How `subject` compares with `other`, in the sense of the metric; None if either is missing.

    The median of the rounds' ratios, not the ratio of the medians: both samples of a round were
    taken within seconds of each other, so that what slows the machine for a minute cancels out.
    """
    if row.metric.better == "none":
        return None
    pairs = zip(row.samples.get(subject, []), row.samples.get(other, []))
    return summary([_compare(row.metric, ours, theirs) for ours, theirs in pairs])


def _compare(metric: Metric, ours: float | None, theirs: float | None) -> float | None:
    if ours is None or theirs is None:
        return None
    above, below = (theirs, ours) if metric.better == "lower" else (ours, theirs)
    # Figures that should be sizes or times but came out below zero were noise around nothing.
    return above / below if below > 0 and above >= 0 else None

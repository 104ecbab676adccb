"""Runs the steps: rounds of A, B, C, A, B, C …, so that every comparison is between neighbours."""

import collections
import dataclasses
import time

from . import progress
from .model import Group, Row, Step, SubjectMissing
from .workshop import Workshop

# A subject that fails so often in a step is left out of it from then on.
PATIENCE = 2


@dataclasses.dataclass
class _Tracked:
    """A step with its rows, and how often each subject failed in it."""

    group: Group
    step: Step
    rows: dict[str, Row]
    failures: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)

    def takes_part(self, subject: str, round_number: int) -> bool:
        limit = self.step.max_rounds
        return self.failures[subject] < PATIENCE and (limit is None or round_number <= limit)


def run(groups: list[Group], workshop: Workshop) -> list[Row]:
    tracked = [_track(group, step) for group in groups for step in group.steps]
    rounds = workshop.settings.rounds
    began = time.monotonic()
    for round_number in range(1, rounds + 1):
        for number, one in enumerate(tracked, 1):
            head = f"round {round_number}/{rounds} · {number}/{len(tracked)} · {one.group.name}"
            for subject in _rotated(one.step.subjects, round_number):
                if one.takes_part(subject, round_number):
                    elapsed = time.monotonic() - began
                    progress.say(f"[{elapsed:4.0f} s] {head}: {one.step.name} · {subject}")
                    _sample(one, subject, workshop, round_number)
    progress.done()
    return [row for one in tracked for row in one.rows.values()]


def _track(group: Group, step: Step) -> _Tracked:
    rows = {metric.key: Row(group.name, step.name, metric) for metric in step.metrics}
    return _Tracked(group, step, rows)


def _rotated(subjects: tuple[str, ...], by: int) -> tuple[str, ...]:
    """Each round starts with another subject: none is always the one that runs first."""
    start = by % len(subjects)
    return subjects[start:] + subjects[:start]


def _sample(one: _Tracked, subject: str, workshop: Workshop, round_number: int) -> None:
    try:
        figures = one.step.measure(subject, workshop)
    except SubjectMissing as reason:
        one.failures[subject] = PATIENCE
        _note(one, subject, str(reason))
        return
    except Exception as error:  # whatever goes wrong with one subject, the others go on
        one.failures[subject] += 1
        _note(one, subject, f"failed: {error}")
        progress.say(f"{one.step.name} · {subject} failed: {error}")
        return
    for measured, by_key in figures.items():
        for key, figure in by_key.items():
            samples = one.rows[key].samples.setdefault(measured, [])
            samples.extend([None] * (round_number - 1 - len(samples)))
            samples.append(figure)


def _note(one: _Tracked, subject: str, reason: str) -> None:
    for row in one.rows.values():
        row.missing[subject] = reason

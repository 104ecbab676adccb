"""The report as text: a table a group, with medians, ratios and what we wished for."""

import collections.abc
import typing

from . import stats
from .model import OURS, Goal, Group, Metric, Row
from .stats import Summary

Cell = str
ABSENT = "–"

HEAD = """\
Medians of {rounds} rounds. A ratio is the median of the rounds' own ratios; after ± comes half of
the range of the middle half. It says how many times better the first is (above 1: better), except
under "multiple of …", where it is what ours costs in units of the other.
"""


def render(
    groups: collections.abc.Iterable[Group],
    rows: collections.abc.Sequence[Row],
    facts: dict[str, str],
    rounds: int,
) -> str:
    width = max(map(len, facts))
    parts = ["\n".join(f"{name:<{width}}  {fact}" for name, fact in facts.items())]
    parts.append(HEAD.format(rounds=rounds))
    for group in groups:
        own = [row for row in rows if row.group == group.name]
        parts.append(f"{group.title}\n{_table(own)}{_remarks(own)}")
    return "\n".join(parts)


def _table(rows: list[Row]) -> str:
    subjects = _subjects(rows)
    pairs = compared_pairs(rows)
    heads = ["", "", *subjects, *[_pair_head(rows, pair) for pair in pairs], "goal"]
    lines = [heads]
    for row in rows:
        figures = [_figure(row, subject) for subject in subjects]
        ratios = [_ratio(stats.ratio(row, *pair)) for pair in pairs]
        lines.append([row.metric.label, row.metric.unit, *figures, *ratios, _goal(row)])
    return _aligned(lines)


def _subjects(rows: list[Row]) -> list[str]:
    """Everybody who was measured or should have been; ours last but for the yardsticks."""
    seen: dict[str, None] = {}
    for row in rows:
        seen |= dict.fromkeys([*row.samples, *row.missing])
    order = ["asyncio", "uvloop", "uvloop/node", "python3", OURS]
    return sorted(seen, key=lambda name: order.index(name) if name in order else len(order))


def compared_pairs(rows: list[Row]) -> list[tuple[str, str]]:
    """Ours against each other subject, and uvloop against the limit of the machine."""
    subjects = _subjects(rows)
    pairs = [(OURS, other) for other in subjects if other != OURS and OURS in subjects]
    if "uvloop" in subjects and "epoll" in subjects:
        pairs.append(("uvloop", "epoll"))
    return pairs


def _pair_head(rows: list[Row], pair: tuple[str, str]) -> Cell:
    ours, other = pair
    if any(row.metric.better == "cost" for row in rows):
        return f"multiple of {other}"
    return f"{ours} : {other}"


def _figure(row: Row, subject: str) -> Cell:
    known = stats.summary(row.samples.get(subject, []))
    if known is not None:
        return number(known.median)
    return row.missing[subject].split(":")[0] if subject in row.missing else ABSENT


def number(figure: float) -> str:
    if abs(figure) >= 100:
        return f"{figure:,.0f}"
    return f"{figure:.1f}" if abs(figure) >= 10 else f"{figure:.2f}"


def _ratio(known: Summary | None) -> Cell:
    if known is None:
        return ABSENT
    return f"{known.median:.2f} ±{known.spread() * 100:.0f} %"


def _goal(row: Row) -> Cell:
    goal = row.metric.goal
    if goal is None:
        return ""
    reached = reached_figure(row, goal)
    if reached is None:
        return goal.text()
    return f"{goal.text()}: {'met' if goal.met_by(reached) else 'missed'}"


def reached_figure(row: Row, goal: Goal) -> float | None:
    """Our figure that the goal speaks of."""
    if goal.against is None:
        known = stats.summary(row.samples.get(OURS, []))
    else:
        known = stats.ratio(row, OURS, goal.against)
    return known.median if known else None


def _aligned(lines: list[list[Cell]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines)]
    text = ""
    for line in lines:
        # Names to the left, figures to the right, the goals to the left again.
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:-1], widths[1:-1])]
        text += ("  ".join([*cells, line[-1]])).rstrip() + "\n"
    return text


def _remarks(rows: list[Row]) -> str:
    """Why figures are missing, once for each reason."""
    remarks: dict[str, None] = {}
    for row in rows:
        for subject, reason in row.missing.items():
            some = "in some rounds " if subject in row.samples else ""
            remarks[f"  {subject}: {some}{reason}\n"] = None
    return "".join(remarks)


def as_json(
    rows: list[Row], facts: dict[str, str], settings: dict[str, typing.Any]
) -> dict[str, typing.Any]:
    """All samples, and the figures of the table, for programs."""
    return {"facts": facts, "settings": settings, "rows": [_row_json(row, rows) for row in rows]}


def _row_json(row: Row, rows: list[Row]) -> dict[str, typing.Any]:
    metric: Metric = row.metric
    own = [other for other in rows if other.group == row.group]
    ratios = {f"{a} : {b}": stats.ratio(row, a, b) for a, b in compared_pairs(own)}
    reached = reached_figure(row, metric.goal) if metric.goal else None
    return {
        "group": row.group,
        "step": row.step,
        "label": metric.label.strip(),
        "unit": metric.unit,
        "better": metric.better,
        "goal": metric.goal.text() if metric.goal else None,
        "goal_met": metric.goal.met_by(reached) if metric.goal and reached is not None else None,
        "samples": row.samples,
        "medians": {
            name: s.median for name in row.samples if (s := stats.summary(row.samples[name]))
        },
        "ratios": {name: vars(known) for name, known in ratios.items() if known},
        "missing": row.missing,
    }

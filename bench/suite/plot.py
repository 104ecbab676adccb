"""The picture of a run: how much faster each loop is than stock asyncio, with ours in front.

The only module that needs matplotlib, and only --plot imports it.
"""

import collections.abc
import pathlib

import matplotlib  # type: ignore[import]

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  (the backend has to be chosen first)

from . import stats  # noqa: E402
from .model import OURS, Row  # noqa: E402
from .subjects import EPOLL, STOCK, UVLOOP  # noqa: E402

COLOURS = {STOCK: "#b8b8b8", UVLOOP: "#6b9bd1", OURS: "#a2264b", EPOLL: "#4d4d4d"}
LABELS = {STOCK: "asyncio", UVLOOP: "uvloop", OURS: "ErlangEventLoop", EPOLL: "bare epoll (C++)"}

# The rows that compare loops by a throughput or a time; the others have no common scale.
GROUPS = ("primitives", "echo", "http")
HEADLINE_UNITS = ("ns", "req/s")


def save(rows: collections.abc.Sequence[Row], facts: dict[str, str], target: pathlib.Path) -> None:
    shown = [
        row
        for row in rows
        if row.group in GROUPS and row.metric.unit in HEADLINE_UNITS and UVLOOP in row.samples
    ]
    present = [name for name in COLOURS if any(name in row.samples for row in shown)]
    figure, axes = pyplot.subplots(figsize=(9, 1.2 + 0.42 * len(shown)))
    height = 0.8 / max(1, len(present))
    for index, subject in enumerate(present):
        _draw_bars(axes, shown, subject, height, index)
    axes.axvline(1.0, color=COLOURS[UVLOOP], linewidth=0.8)
    axes.set_yticks([place + 0.4 - height / 2 for place in range(len(shown))])
    axes.set_yticklabels([row.metric.label for row in shown])
    axes.invert_yaxis()
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel("speed, uvloop = 1 (log scale; lines: the middle half of the rounds)")
    axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncol=len(present), frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    footnote = (
        f"{facts['python'].split('(')[0].strip()}, uvloop {facts['uvloop']}, {facts['erlang']}"
    )
    figure.text(0.99, 0.005, f"{footnote} · {facts['machine']}", ha="right", fontsize=7)
    figure.tight_layout()
    figure.savefig(target, dpi=110)
    pyplot.close(figure)


def _draw_bars(
    axes: "pyplot.Axes", rows: list[Row], subject: str, height: float, index: int
) -> None:
    for place, row in enumerate(rows):
        known = stats.ratio(row, subject, UVLOOP)
        if known is None:
            continue
        axes.barh(
            place + index * height,
            known.median,
            height,
            xerr=[[known.median - known.low], [known.high - known.median]],
            error_kw={"linewidth": 0.8},
            color=COLOURS[subject],
            label=LABELS[subject] if place == 0 else None,
        )

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
from .subjects import EPOLL, STOCK, UVLOOP, UVLOOP_IN_NODE  # noqa: E402

# uvloop is the line that the others stand on.
COLOURS = {STOCK: "#b8b8b8", UVLOOP_IN_NODE: "#d9a3b4", OURS: "#a2264b", EPOLL: "#4d4d4d"}
LABELS = {
    STOCK: "asyncio",
    UVLOOP_IN_NODE: "uvloop in a node",
    OURS: "ErlangEventLoop",
    EPOLL: "bare epoll (C++)",
}

# The rows that compare loops by a throughput or a time; the others have no common scale.
GROUPS = ("primitives", "echo", "http")
HEADLINE_UNITS = ("ns", "req/s")


def save(rows: collections.abc.Sequence[Row], facts: dict[str, str], target: pathlib.Path) -> None:
    shown = [row for row in rows if _is_headline(row)]
    present = [name for name in COLOURS if any(name in row.samples for row in shown)]
    figure, axes = pyplot.subplots(figsize=(9, 1.2 + 0.42 * len(shown)))
    height = 0.8 / max(1, len(present))
    for index, subject in enumerate(present):
        _draw_bars(axes, shown, subject, height, index)
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set_yticks([place + 0.4 - height / 2 for place in range(len(shown))])
    axes.set_yticklabels([row.metric.label for row in shown])
    axes.invert_yaxis()
    _dress(figure, axes, facts)
    figure.tight_layout()
    figure.savefig(target, dpi=110)
    pyplot.close(figure)


def _is_headline(row: Row) -> bool:
    return row.group in GROUPS and row.metric.unit in HEADLINE_UNITS and UVLOOP in row.samples


def _draw_bars(
    axes: "pyplot.Axes", rows: list[Row], subject: str, height: float, index: int
) -> None:
    ratios = [(place, stats.ratio(row, subject, UVLOOP)) for place, row in enumerate(rows)]
    known = [(place, ratio) for place, ratio in ratios if ratio is not None]
    axes.barh(
        [place + index * height for place, _ in known],
        [ratio.median - 1.0 for _, ratio in known],
        height,
        left=1.0,
        xerr=[
            [ratio.median - ratio.low for _, ratio in known],
            [ratio.high - ratio.median for _, ratio in known],
        ],
        error_kw={"linewidth": 0.8},
        color=COLOURS[subject],
        label=LABELS[subject],
    )


def _dress(figure: "pyplot.Figure", axes: "pyplot.Axes", facts: dict[str, str]) -> None:
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel("times as fast as uvloop (log scale; lines: the middle half of the rounds)")
    axes.grid(axis="x", linewidth=0.4)
    axes.set_axisbelow(True)
    axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncol=4, frameon=False)
    axes.spines[["top", "right", "left"]].set_visible(False)
    python = facts["python"].split("(")[0].strip()
    footnote = f"{python}, uvloop {facts['uvloop']}, {facts['erlang']} · {facts['machine']}"
    figure.text(0.99, 0.005, footnote, ha="right", fontsize=7)

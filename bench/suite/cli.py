"""The command line of `bench/run`."""

import argparse
import dataclasses
import importlib.util
import json
import pathlib
import sys

from . import machine, schedule, table, workshop
from .steps import GROUPS

FULL = workshop.Settings(rounds=5, seconds=1.5, scale=1.0, idle_seconds=10.0, connections=10_000)
QUICK = workshop.Settings(rounds=3, seconds=0.5, scale=0.2, idle_seconds=5.0, connections=2_000)


def main(arguments: list[str]) -> int:
    args = _parser().parse_args(arguments)
    if args.plot and importlib.util.find_spec("matplotlib") is None:
        print("bench: --plot needs matplotlib: apt-get install python3-matplotlib", file=sys.stderr)
        return 2
    settings = QUICK if args.quick else FULL
    if args.rounds is not None:
        settings = dataclasses.replace(settings, rounds=args.rounds)
    try:
        _run(args, settings)
    except workshop.BuildFailed as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nbench: interrupted", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    names = [group.name for group in GROUPS]
    parser = argparse.ArgumentParser(
        prog="bench/run",
        description="Compare ErlangEventLoop with stock asyncio, uvloop and a bare epoll program, "
        "and calls between Erlang and Python with a bare process round trip. Prints ratios, "
        "asserts nothing. See docs/benchmarks.md.",
    )
    parser.add_argument("--quick", action="store_true", help="a few minutes, rougher figures")
    parser.add_argument(
        "--only",
        action="append",
        choices=names,
        metavar="GROUP",
        help=f"one group of: {', '.join(names)}; may be repeated",
    )
    parser.add_argument("--rounds", type=_positive, metavar="N", help="instead of 5, or 3 if quick")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all samples there")
    parser.add_argument("--plot", type=pathlib.Path, metavar="FILE.png", help="draw a picture")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _run(args: argparse.Namespace, settings: workshop.Settings) -> None:
    groups = [group for group in GROUPS if not args.only or group.name in args.only]
    with workshop.opened(settings) as shop:
        facts = machine.describe(shop)
        facts["load before"] = f"{machine.load_average():.2f} (other work makes figures noisy)"
        rows = schedule.run(groups, shop)
    print(table.render(groups, rows, facts, settings.rounds), end="")
    if args.json:
        report = table.as_json(rows, facts, dataclasses.asdict(settings))
        args.json.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    if args.plot:
        from . import plot

        plot.save(rows, facts, args.plot)

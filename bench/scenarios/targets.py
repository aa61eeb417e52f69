"""`targets`: the figures that must be reached, measured on this machine, and for each the verdict."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import configuration, outcome, report
from bench import options as common
from bench.targets.goal import MISSED, Extent, Goal, Measured, number
from bench.targets.table import GOALS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `targets`."""
    names = [goal.name for goal in GOALS]
    parser.add_argument(
        "--only", choices=names, action="append", metavar="P", help=f"a row: {', '.join(names)}"
    )
    parser.add_argument("--quick", action="store_true", help="a look, not a measurement: short and small")
    parser.add_argument("--trace", type=Path, help="a chat trace, for the row that replays one")
    common.add_seed(parser)
    parser.add_argument(
        "--json", metavar="OUT", type=report.writable, help="the result; - is standard output"
    )


async def run(options: argparse.Namespace) -> int:
    """Measures every row and prints it as soon as it is known; 5 when a must is missed, 1 for faults."""
    out = sys.stderr if options.json == "-" else sys.stdout
    extent = Extent(options.quick, options.seed, options.trace)
    print(*_head(extent), sep="\n", file=out, flush=True)
    rows = []
    for goal in GOALS:
        if not options.only or goal.name in options.only:
            measured = await goal.measure(extent)
            rows.append(_row(goal, measured))
            print(*_lines(goal, measured), sep="\n", file=out, flush=True)
    result = {
        "scenario": "targets",
        "quick": options.quick,
        "seed": options.seed,
        "command": options.command,
        "environment": report.environment(),
        "config": {"generator": configuration.of_generator(options)},
        "goals": rows,
    }
    if options.json:
        report.write_json(result, options.json)
    return _exit_code(rows)


def _row(goal: Goal, measured: Measured) -> dict[str, Any]:
    """One row as a result file holds it."""
    figures = [
        {
            "key": figure.key,
            "title": figure.title,
            "unit": figure.unit,
            "value": round(measured.figures[figure.key], 3),
            "must": figure.must,
            "aim": figure.aim,
            "more": figure.more,
            "verdict": figure.verdict(measured.figures[figure.key]),
        }
        for figure in goal.figures
    ]
    return {
        "name": goal.name,
        "what": goal.what,
        "figures": figures,
        "correct": measured.correct,
        "generator_bound": measured.generator_bound,
        "results": list(measured.results),
    }


def _head(extent: Extent) -> list[str]:
    machine = report.environment()
    kind = "QUICK: a look, not a measurement" if extent.quick else f"median of {extent.rounds} rounds"
    columns = f"{'figure':<40}{'measured':>14}  {'must':>10}{'aim':>10}   verdict"
    return [
        f"bench targets · {kind} · chatd {machine['chatd']} · {machine['cpus']} cores · {machine['platform']}",
        "",
        columns,
    ]


def _lines(goal: Goal, measured: Measured) -> list[str]:
    notes = [] if measured.correct else ["NOT CORRECT: messages were lost, doubled or reordered"]
    notes += ["GENERATOR-BOUND: the daemon may be faster"] if measured.generator_bound else []
    lines = [f"{goal.name}  {goal.what}" + "".join(f" · {note}" for note in notes)]
    for figure in goal.figures:
        value = measured.figures[figure.key]
        lines.append(
            f"  {figure.title:<38}{number(value):>14}  {figure.bound(figure.must):>10}"
            f"{figure.bound(figure.aim):>10}   {figure.verdict(value)} {figure.unit}".rstrip()
        )
    return lines


def _exit_code(rows: Sequence[dict[str, Any]]) -> int:
    if not all(row["correct"] for row in rows):
        return outcome.FAULTY
    missed = any(figure["verdict"] == MISSED for row in rows for figure in row["figures"])
    return outcome.MISSED if missed else outcome.CORRECT

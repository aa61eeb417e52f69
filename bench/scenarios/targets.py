"""`targets`: the figures that must be reached, measured on this machine, and for each the verdict."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import configuration, cores, medium, outcome, report
from bench import options as common
from bench.phone import Refused
from bench.targets import row
from bench.targets.goal import MISSED, Extent, Goal, Measured
from bench.targets.table import GOALS
from bench.trace import load


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
    """Measures every row and prints it as soon as it is known.

    4 when no row could be measured, 1 for faults, 5 when a must is missed or a row could not be measured. What was
    measured is written even when the rest is not. Raises TraceError, before anything is measured.
    """
    # At once: a bad line would cost the rows before it, and a pipe is read but once.
    trace = None if options.trace is None else load(options.trace)
    extent = Extent(options.quick, options.seed, trace)
    out = sys.stderr if options.json == "-" else sys.stdout
    print(*_head(extent), sep="\n", file=out, flush=True)
    rows: list[dict[str, Any]] = []
    try:
        for goal in GOALS:
            if not options.only or goal.name in options.only:
                measured = await _measured(goal, extent)
                rows.append(row.as_json(goal, measured, extent))
                print(*row.as_text(goal, measured, extent), sep="\n", file=out, flush=True)
    finally:
        if options.json:
            report.write_json(_result(options, rows), options.json)
    return _exit_code(rows)


async def _measured(goal: Goal, extent: Extent) -> Measured:
    """The row, or why there is none: a daemon that does not start must not cost the other rows."""
    try:
        return await goal.measure(extent)
    except (*outcome.NO_DAEMON, Refused) as error:
        return Measured({}, [], failed=str(error) or "no answer in time")


def _result(options: argparse.Namespace, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "scenario": "targets",
        "quick": options.quick,
        "seed": options.seed,
        "command": options.command,
        "environment": report.environment(),
        **_placed(),
        "config": {"generator": configuration.of_generator(options)},
        "goals": list(rows),
    }


def _head(extent: Extent) -> list[str]:
    machine = report.environment()
    kind = "QUICK: a look, not a measurement · " if extent.quick else ""
    return [
        f"bench targets · {kind}chatd {machine['chatd']} · {machine['cpus']} cores · {machine['platform']}",
        *report.placement(_placed()),
        "",
        row.HEAD,
    ]


def _placed() -> dict[str, Any]:
    """Where every daemon of the table and the generator will be, as a result has it."""
    core, directory = cores.daemon_core(), Path(tempfile.gettempdir())
    ours = cores.bound() if core is None else [core]
    return {
        "server": {"cores": ours, "storage": medium.of(directory)},
        "generator": {"cores": cores.bound()},
    }


def _exit_code(rows: Sequence[Mapping[str, Any]]) -> int:
    if all(one["failed"] for one in rows):
        return outcome.UNREACHABLE
    if not all(one["correct"] for one in rows):
        return outcome.FAULTY
    # A row that could not be measured has missed its musts.
    missed = any(figure["verdict"] == MISSED for one in rows for figure in one["figures"])
    return outcome.MISSED if missed else outcome.CORRECT

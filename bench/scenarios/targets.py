"""`targets`: the figures that must be reached, measured on this machine, and for each the verdict."""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import machine, outcome, printout
from bench import options as common
from bench.client.device import Refused
from bench.options import Scenario
from bench.targets.table import TARGETS
from bench.targets.target import HEAD, MISSED, QUICK, Extent, Measured, Target
from bench.targets.target import measured_here as yardstick
from bench.trace import load


async def run(options: argparse.Namespace) -> int:
    """Measure every row and print it as soon as it is known.

    4 when no row could be measured, 1 for faults, 5 when a must is missed or a row could not be measured. What was
    measured is written even when the rest is not. Raises TraceError, before anything is measured.
    """
    # At once: a bad line would cost the rows before it, and a pipe is read but once.
    trace = None if options.trace is None else load(options.trace)
    extent = replace(QUICK if options.quick else Extent(), seed=options.seed, trace=trace)
    out = sys.stderr if options.json == "-" else sys.stdout
    print(*_head(extent), sep="\n", file=out, flush=True)
    rows: list[dict[str, Any]] = []
    try:
        for target in TARGETS:
            if not options.only or target.name in options.only:
                here = yardstick()
                measured = await _measured(target, extent)
                rows.append(target.as_json(measured, extent, here))
                print(*target.as_text(measured, extent, here), sep="\n", file=out, flush=True)
    finally:
        if options.json:
            printout.write_json(_result(options, rows), options.json)
    return _exit_code(rows)


async def _measured(target: Target, extent: Extent) -> Measured:
    """The row, or why there is none: a daemon that does not start must not cost the other rows."""
    try:
        return await target.measure(extent)
    except (*outcome.NO_DAEMON, Refused) as error:
        return Measured({}, [], failed=str(error) or "no answer in time")


def _result(options: argparse.Namespace, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "scenario": "targets",
        "quick": options.quick,
        "seed": options.seed,
        "command": options.command,
        "environment": outcome.environment(),
        **_placed(),
        "config": {"generator": outcome.of_generator(options)},
        "goals": list(rows),
    }


def _head(extent: Extent) -> list[str]:
    machine = outcome.environment()
    kind = "QUICK: a look, not a measurement · " if extent.quick else ""
    return [
        f"bench targets · {kind}chatd {machine['chatd']} · {machine['cpus']} cores · {machine['platform']}",
        *printout.placement(_placed()),
        "",
        HEAD,
    ]


def _placed() -> dict[str, Any]:
    """Where every daemon of the table and the generator will be, as a result has it."""
    core, storage = machine.daemon_core(), machine.filesystem_of(Path(tempfile.gettempdir()))
    ours = machine.bound() if core is None else [core]
    return {"server": {"cores": ours, "storage": storage}, "generator": {"cores": machine.bound()}}


def _exit_code(rows: Sequence[Mapping[str, Any]]) -> int:
    if all(one["failed"] for one in rows):
        return outcome.UNREACHABLE
    if not all(one["correct"] for one in rows):
        return outcome.FAULTY
    # A row that could not be measured has missed its musts.
    missed = any(figure["verdict"] == MISSED for one in rows for figure in one["figures"])
    return outcome.MISSED if missed else outcome.CORRECT


SCENARIO = Scenario(
    "the figures that must be reached, measured on this machine, and for each the verdict",
    run,
    "quick seed json",
    own=common.only(target.name for target in TARGETS)
    | {"--trace": {"type": Path, "help": "a chat trace, for the row that replays one"}},
)

"""`targets`: the figures that must be reached, measured on this machine, and for each the verdict."""

import argparse
import sys
import tempfile
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
    here = outcome.environment()
    kind = "QUICK: a look, not a measurement · " if extent.quick else ""
    head = f"bench targets · {kind}chatd {here['chatd']} · {here['cpus']} cores · {here['platform']}"
    print(head, *printout.placement(_placed()), "", HEAD, sep="\n", file=out, flush=True)
    rows: list[dict[str, Any]] = []
    try:
        for target in TARGETS:
            if not options.only or target.name in options.only:
                speed = yardstick()
                measured = await _measured(target, extent)
                rows.append(target.as_json(measured, extent, speed))
                print(*target.as_text(measured, extent, speed), sep="\n", file=out, flush=True)
    finally:
        if options.json:
            result = {"scenario": "targets", "quick": options.quick, "seed": options.seed, **_placed()}
            result |= {"command": options.command, "environment": here}
            result |= {"config": {"generator": outcome.of_generator(options)}, "goals": rows}
            printout.write_json(result, options.json)
    if all(one["failed"] for one in rows):
        return outcome.UNREACHABLE
    if not all(one["correct"] for one in rows):
        return outcome.FAULTY
    # A row that could not be measured has missed its musts.
    missed = any(figure["verdict"] == MISSED for one in rows for figure in one["figures"])
    return outcome.MISSED if missed else outcome.CORRECT


async def _measured(target: Target, extent: Extent) -> Measured:
    """The row, or why there is none: a daemon that does not start must not cost the other rows."""
    try:
        return await target.measure(extent)
    except (*outcome.NO_DAEMON, Refused) as error:
        return Measured({}, [], failed=str(error) or "no answer in time")


def _placed() -> dict[str, Any]:
    """Where every daemon of the table and the generator will be, as a result has it."""
    core, storage = machine.daemon_core(), machine.filesystem_of(Path(tempfile.gettempdir()))
    ours = machine.bound() if core is None else [core]
    return {"server": {"cores": ours, "storage": storage}, "generator": {"cores": machine.bound()}}


SCENARIO = Scenario(
    "the figures that must be reached, measured on this machine, and for each the verdict",
    run,
    "quick seed json",
    own=common.only(target.name for target in TARGETS)
    | {"--trace": {"type": Path, "help": "a chat trace, for the row that replays one"}},
)

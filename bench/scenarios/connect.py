"""`connect`: how many devices a second come in: handshake, hello with its token, first sync of their rooms."""

from __future__ import annotations

import argparse
from typing import Any

from bench import bounds, outcome, target
from bench import options as common
from bench.engine.crew import measure
from bench.engine.crowd import Connecting, Visits
from bench.engine.part import Plan
from bench.engine.script import Script
from bench.engine.stage import Pacing, Report
from bench.rooms import create_blocks
from bench.target import Target


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `connect`."""
    parser.add_argument(
        "--users", type=bounds.count, default=1000, metavar="N", help="who come in turn (1000)"
    )
    parser.add_argument(
        "--rooms", type=bounds.count, default=20, metavar="R", help="of each, with 100 members (20)"
    )
    common.add_load(parser, rate=500.0)


async def run(options: argparse.Namespace) -> int:
    """Measures, prints the report, writes the result."""
    script, pacing = common.script(options), common.pacing(options)
    async with target.open_target(options) as there:
        result, seen = await play(
            there,
            script,
            pacing,
            visits=Visits(options.users, options.rooms),
            procs=options.procs,
        )
    plan = f"{options.users:,} users with {options.rooms} rooms each, one after the other"
    lines = outcome.text(result, plan, seen, answered="let in", resumed="due to synchronised")
    return outcome.finish(result, lines, options, clean=seen.tally.clean)


async def play(
    there: Target, script: Script, pacing: Pacing, *, visits: Visits, procs: int = 1
) -> tuple[dict[str, Any], Report]:
    """Makes the rooms and lets everybody in: the result and what it is made of."""
    users = [script.user(number) for number in range(visits.users)]
    await create_blocks(there, script.run, users, visits.rooms)
    plan = Plan(Connecting, common.access(there), script, pacing, visits)
    seen, measured = await measure(plan, procs, there)
    result = outcome.of("connect", seen, measured, there, pacing)
    rate = round(seen.record.resumes.count / result["seconds"], 1)
    return {**result, "users": visits.users, "rooms": visits.rooms, "connects_per_s": rate}, seen

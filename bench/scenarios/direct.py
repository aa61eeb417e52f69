"""`direct`: pairs of people who write to each other, every message durable before it is acknowledged."""

from __future__ import annotations

import argparse
from typing import Any

from bench import bounds, outcome, target
from bench import options as common
from bench.engine.crew import measure
from bench.engine.direct import Direct, Pairs
from bench.engine.part import Plan
from bench.engine.script import Script
from bench.engine.stage import Pacing, Report
from bench.rooms import create_direct
from bench.target import Target


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `direct`."""
    parser.add_argument("--clients", type=bounds.pairs, default=200, metavar="C", help="an even number (200)")
    common.add_load(parser, rate=1000.0)


async def run(options: argparse.Namespace) -> int:
    """Measures, prints the report, writes the result."""
    script, pacing = common.script(options), common.pacing(options)
    async with target.open_target(options) as there:
        result, seen = await play(
            there,
            script,
            pacing,
            clients=options.clients,
            procs=options.procs,
        )
    plan = f"{options.clients:,} clients in pairs"
    return outcome.finish(result, outcome.text(result, plan, seen), options, clean=seen.tally.clean)


async def play(
    there: Target, script: Script, pacing: Pacing, *, clients: int, procs: int = 1
) -> tuple[dict[str, Any], Report]:
    """Makes the rooms and lets everybody write: the result and what it is made of."""
    pairs = [(script.user(number), script.user(number + 1)) for number in range(0, clients, 2)]
    rooms = await create_direct(there, script.run, pairs)
    plan = Plan(Direct, common.access(there, clients), script, pacing, Pairs(tuple(rooms)))
    seen, measured = await measure(plan, procs, there)
    return {**outcome.of("direct", seen, measured, there, pacing), "clients": clients}, seen

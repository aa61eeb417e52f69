"""`fanout`: a few senders and one group, all of whose members have it on the screen."""

from __future__ import annotations

import argparse
from typing import Any

from bench import bounds, outcome, target
from bench import options as common
from bench.engine.crew import measure
from bench.engine.fanout import Fanout, Group
from bench.engine.part import Plan
from bench.engine.script import Script
from bench.engine.stage import Pacing, Report
from bench.rooms import create_group
from bench.target import Target


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `fanout`."""
    parser.add_argument("--members", type=bounds.count, default=1000, metavar="N", help="of the group (1000)")
    parser.add_argument("--senders", type=bounds.count, default=1, metavar="S", help="of them who write (1)")
    common.add_load(parser, rate=20.0)


async def run(options: argparse.Namespace) -> int:
    """Measures, prints the report, writes the result."""
    script, pacing = common.script(options), common.pacing(options)
    async with target.open_target(options) as there:
        result, seen = await play(
            there,
            script,
            pacing,
            members=options.members,
            senders=options.senders,
            procs=options.procs,
        )
    plan = f"{options.members:,} members on screen · {options.senders} senders"
    return outcome.finish(result, outcome.text(result, plan, seen), options, clean=seen.tally.clean)


async def play(
    there: Target, script: Script, pacing: Pacing, *, members: int, senders: int, procs: int = 1
) -> tuple[dict[str, Any], Report]:
    """Makes the group and fans out in it: the result and what it is made of."""
    users = [script.user(number) for number in range(members)]
    room = await create_group(there, script.run, "fan-out", users)
    plan = Plan(Fanout, common.access(there, members), script, pacing, Group(room, members, senders))
    seen, measured = await measure(plan, procs, there)
    result = outcome.of("fanout", seen, measured, there, pacing)
    return {**result, "members": members, "senders": senders}, seen

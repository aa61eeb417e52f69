"""`stalled`: one member of a group stops reading: what the others notice, and what it costs the daemon."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from bench import bounds, outcome, report, target
from bench import options as common
from bench.engine.crew import measure
from bench.engine.part import Plan
from bench.engine.script import Script
from bench.engine.stage import Pacing, Report
from bench.engine.stalled import MESSAGE_BYTES, PAGE_MESSAGES, StalledFanout, Stalling
from bench.rooms import create_group, hello
from bench.target import Target

Played = tuple[dict[str, Any], Report]


@dataclass(frozen=True)
class Crowd:
    """How many are measured, how many are beside them, and whether these read what they ask for."""

    members: int
    stalled: int = 1
    reads: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `stalled`."""
    parser.add_argument("--members", type=bounds.count, default=1000, metavar="N", help="who do read (1,000)")
    parser.add_argument("--stalled", type=bounds.count, default=1, metavar="K", help="who stop reading (1)")
    common.add_load(parser, rate=50.0)


async def run(options: argparse.Namespace) -> int:
    """Measures without and with, prints both, writes the result."""
    sides: list[Played] = []
    pacing = common.pacing(options)
    for reads in (True, False):
        async with target.open_target(options) as there:
            script, crowd = common.script(options), Crowd(options.members, options.stalled, reads)
            sides.append(await play(there, script, pacing, crowd, procs=options.procs))
    result = beside(sides[0][0], sides[1][0])
    clean = all(seen.tally.clean for _, seen in sides)
    return outcome.finish(result, text(result, sides), options, clean=clean)


async def play(there: Target, script: Script, pacing: Pacing, crowd: Crowd, *, procs: int = 1) -> Played:
    """A fan-out beside which somebody asks for long pages, and reads them or not."""
    users = [script.user(number) for number in range(crowd.members + crowd.stalled)]
    room = await create_group(there, script.run, "stalled", users)
    page_from = await _fill(there, script, room)
    group = Stalling(room, crowd.members, 1, page_from, crowd.stalled, crowd.reads)
    plan = Plan(StalledFanout, common.access(there, len(users)), script, pacing, group)
    seen, measured = await measure(plan, procs, there)
    seen.failures.clear()  # the stalled one is thrown out, which is as it should be
    result = outcome.of("stalled", seen, measured, there, pacing)
    return {**result, "slow_consumers": await _steps_taken(there)}, seen


async def _fill(there: Target, script: Script, room: str) -> int:
    """Writes the long page that the stalled one will ask for; where it begins."""
    phone = await there.dial()
    await hello(phone, there, script.user(0), script.device(0))
    for number in range(PAGE_MESSAGES):
        body = {"text": "x" * MESSAGE_BYTES}
        ack = await phone.request({"type": "send", "room": room, "key": f"long-page-{number}", "body": body})
    await phone.close()
    return int(ack["seq"]) - PAGE_MESSAGES + 1


async def _steps_taken(there: Target) -> int:
    """How often the daemon held back, or gave up, for somebody who reads too slowly."""
    return int(await there.daemon.metric("chatd_slow_consumers_total")) if there.daemon else 0


def beside(without: dict[str, Any], stalled: dict[str, Any]) -> dict[str, Any]:
    """The result with the stalled reader, and what he changed."""
    growth = {name: _growth(side) for name, side in (("without", without), ("stalled", stalled))}
    p99_ms = without["delivery_ms"]["p99"]
    return {
        **stalled,
        "without": {"delivery_ms": without["delivery_ms"], "server": without["server"]},
        "p99_moved": round(stalled["delivery_ms"]["p99"] / p99_ms - 1, 3) if p99_ms else 0.0,
        "memory_growth_bytes": growth["stalled"] - growth["without"],
    }


def text(result: dict[str, Any], sides: list[Played]) -> list[str]:
    """The report as lines."""
    (_, without), (_, stalled) = sides
    rows = {
        "without": (without.record.deliveries(), "due to received, everybody reads"),
        "with": (stalled.record.deliveries(), "the same, of the others"),
    }
    return [
        f"bench stalled · {outcome.loop(result)} · {result['encoding']} · seed {result['seed']}",
        "",
        *report.latency_table(rows),
        "",
        f"  others      p99 moved by {result['p99_moved']:+.0%}",
        f"  memory      {result['memory_growth_bytes'] / 1024:+,.0f} KiB more than without, at most",
        f"  the daemon  took {result['slow_consumers']} steps against slow readers",
        *report.correctness(stalled.tally),
        *report.load(result),
    ]


def _growth(side: dict[str, Any]) -> int:
    """To the most that was ever held, from what was held before the first message."""
    server = side["server"]
    return int(server["rss_bytes_max"] - server["rss_bytes"] + server["rss_growth_bytes"]) if server else 0

"""`idle`: what a session costs in memory that only waits, with its rooms loaded."""

from __future__ import annotations

import argparse
from typing import Any

from bench import bounds, outcome, report, target
from bench import options as common
from bench.engine.crew import measure
from bench.engine.crowd import Idle, Sessions
from bench.engine.part import Plan
from bench.engine.script import Script
from bench.engine.stage import Pacing, Report
from bench.rooms import create_blocks
from bench.target import Target


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `idle`."""
    parser.add_argument(
        "--sessions", type=bounds.count, default=15_000, metavar="N", help="connections (15000)"
    )
    parser.add_argument(
        "--rooms", type=bounds.count, default=10, metavar="R", help="of each, with 100 members (10)"
    )
    parser.add_argument(
        "--settle", type=bounds.positive, default=10.0, metavar="S", help="seconds before measuring (10)"
    )
    common.add_procs(parser)
    target.add_encoding(parser)
    common.add_output(parser)


async def run(options: argparse.Namespace) -> int:
    """Measures, prints the report, writes the result. Raises Unreachable when the memory cannot be seen."""
    async with target.own_target(options.encoding) as there:
        result, seen = await play(
            there,
            common.script(options),
            Pacing(options.settle, 0.0),
            sessions=options.sessions,
            rooms=options.rooms,
            procs=options.procs,
        )
    return outcome.finish(result, _text(result, seen), options, clean=seen.tally.clean)


async def play(
    there: Target, script: Script, pacing: Pacing, *, sessions: int, rooms: int, procs: int = 1
) -> tuple[dict[str, Any], Report]:
    """Fills the rooms, lets everybody in, waits and looks at the daemon's memory."""
    assert there.daemon is not None
    empty_bytes = there.daemon.rss_bytes()
    await create_blocks(there, script.run, [script.user(number) for number in range(sessions)], rooms)
    filled_bytes = there.daemon.rss_bytes()
    access = common.access(there, sessions)
    seen, measured = await measure(
        Plan(Idle, access, script, pacing, Sessions(sessions, rooms)), procs, there
    )
    result = outcome.of("idle", seen, measured, there, pacing)
    grown_bytes = result["server"]["rss_bytes"] - empty_bytes
    memory = {
        "sessions": sessions,
        "rooms": rooms,
        "empty_bytes": empty_bytes,
        "filled_bytes": filled_bytes,
        "session_bytes": round(grown_bytes / sessions),
    }
    return {**result, **memory}, seen


def _text(result: dict[str, Any], seen: Report) -> list[str]:
    server = result["server"]
    return [
        f"bench idle · {result['sessions']:,} sessions with {result['rooms']} rooms each · {result['encoding']}",
        "",
        f"  memory      {result['session_bytes'] / 1024:.1f} KiB a session · rooms of 100 members included",
        f"  rss         {report.size(result['empty_bytes'])} empty · {report.size(result['filled_bytes'])} with"
        f" the rooms filled · {report.size(server['rss_bytes'])} with everybody in",
        f"  connections {server['connections']:,} · measured {result['duration_s']:g} s after the last came in",
        *report.correctness(seen.tally),
    ]

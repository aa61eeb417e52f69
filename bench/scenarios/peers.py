"""`peers`: other servers with the same generator on the same machine in the same run, and what they do not do."""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import replace
from typing import Any

from bench import bounds, outcome, report, target
from bench import options as common
from bench.checks import Tally
from bench.engine.script import Script
from bench.engine.stage import Pacing
from bench.peers.relay import Crowd
from bench.peers.table import PEERS, Peer
from bench.scenarios import fanout
from bench.server import Unreachable

QUIET_S = 30.0  # some write nothing until all that was published is taken apart, which is seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `peers`."""
    parser.add_argument(
        "--members", type=bounds.count, default=1000, metavar="N", help="of the group (1,000)"
    )
    parser.add_argument("--senders", type=bounds.count, default=8, metavar="S", help="who write (8)")
    parser.add_argument("--only", choices=PEERS, action="append", metavar="P", help=", ".join(PEERS))
    common.add_load(parser, rate=20.0)


async def run(options: argparse.Namespace) -> int:
    """The daemon first, then whatever is installed."""
    script, tally = common.script(options), Tally()
    pacing = replace(common.pacing(options), quiet_s=QUIET_S)
    group = Crowd(options.members, options.senders)
    async with target.open_target(options) as there:
        ours, seen = await fanout.play(there, script, pacing, members=group.members, senders=group.authors)
    tally.merge(seen.tally)
    peers: dict[str, dict[str, Any]] = {}
    for name, peer in PEERS.items():
        row: dict[str, Any] = {"does_not": peer.does_not}
        if options.only and name not in options.only:
            continue
        peers[name] = row | await _measured(peer, script, pacing, group)
    result = {
        **ours,
        "scenario": "peers",
        "members": group.members,
        "senders": group.authors,
        "peers": {**_ourselves(ours), **peers},
        "ratio": _ratios(ours, peers),
        "command": shlex.join(sys.argv),
        "environment": report.environment(),
    }
    return outcome.finish(result, text(result, tally), options, clean=tally.clean)


async def _measured(peer: Peer, script: Script, pacing: Pacing, group: Crowd) -> dict[str, Any]:
    """Its figures, or why there are none."""
    if not peer.present:
        return {"absent": peer.install}
    try:
        played, _ = await peer.play(script, pacing, group)
    except Unreachable as error:
        return {"failed": str(error)}
    return played


def _ourselves(ours: dict[str, Any]) -> dict[str, dict[str, Any]]:
    short = {key: ours[key] for key in ("deliveries_per_s", "delivery_ms", "server", "generator_bound")}
    return {"chatd": {**short, "does_not": ""}}


def _ratios(ours: dict[str, Any], peers: dict[str, dict[str, Any]]) -> dict[str, float]:
    """How many times the deliveries a second of each peer the daemon has."""
    return {
        name: round(ours["deliveries_per_s"] / row["deliveries_per_s"], 3)
        for name, row in peers.items()
        if row.get("deliveries_per_s")
    }


def text(result: dict[str, Any], tally: Tally) -> list[str]:
    """The report as lines."""
    pace = (
        f"open loop, {result['rate']:g}/s"
        if result["rate"]
        else f"CLOSED loop, {result['in_flight']} in flight each"
    )
    return [
        f"bench peers · {pace} · seed {result['seed']}",
        f"plan  {result['members']:,} members · {result['senders']} senders · "
        f"{result['warmup_s']:g} s warm-up + {result['duration_s']:g} s for each",
        "",
        f"  {'':<14}{'deliveries/s':>14}{'p50':>11}{'p99':>11}{'its core':>10}{'chatd is':>10}   it does not",
        *(_row(name, row, result["ratio"].get(name)) for name, row in result["peers"].items()),
        "",
        *report.correctness(tally),
    ]


def _row(name: str, row: dict[str, Any], ratio: float | None) -> str:
    if "absent" in row:
        return f"  {name:<14}{'absent':>14}   {row['absent']}"
    if "failed" in row:
        return f"  {name:<14}{'failed':>14}   {row['failed']}"
    latency = row["delivery_ms"]
    share = (row["server"] or {}).get("cpu_share", 0.0)
    beside = f"{ratio:.2f} x" if ratio else ""
    notes = f" · LOST {row['lost']:,}" if row.get("lost") else ""
    notes += " · GENERATOR-BOUND" if row["generator_bound"] else ""
    return (
        f"  {name:<14}{row['deliveries_per_s']:>14,.0f}{report.duration(latency['p50']):>11}"
        f"{report.duration(latency['p99']):>11}{share:>10.2f}{beside:>10}   {row['does_not']}{notes}"
    )

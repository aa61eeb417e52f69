"""`peers`: other servers with the same generator on the same machine in the same run, and what they do not do."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from bench import options as common
from bench import outcome, printout
from bench.checks import Tally
from bench.engine.record import Script
from bench.engine.run_state import Pacing
from bench.options import Scenario
from bench.peers.table import PEERS, Peer
from bench.results import UNPLAYED
from bench.scenarios import loads
from bench.server import Unreachable, open_endpoint

NOT_IMPLEMENTED = "it is installed, but the bench does not speak to it"

QUIET_S = 30.0  # some write nothing until all that was published is taken apart, which is seconds


async def run(options: argparse.Namespace) -> int:
    script, tally = common.script(options.seed), Tally()
    pacing = replace(common.pacing(options), quiet_s=QUIET_S)
    sizes = {"members": options.members, "senders": options.senders}
    async with open_endpoint(options) as there:
        ours, seen = await loads.fanout(there, script, pacing, **sizes)
    tally.merge(seen.tally)
    peers: dict[str, dict[str, Any]] = {}
    for name, peer in PEERS.items():
        if not options.only or name in options.only:
            measured = await _measured(peer, script, pacing, **sizes)
            peers[name] = {"does_not": peer.does_not, **measured}
    chatd = {key: ours[key] for key in ("deliveries_per_s", "delivery_ms", "server", "generator_bound")}
    rows = {"chatd": {**chatd, "does_not": ""}, **peers}
    result = {**ours, "scenario": "peers", **sizes, "peers": rows, "ratio": ratios(ours, peers)}
    return outcome.finish(result, text(result, tally), options, clean=tally.clean)


async def _measured(peer: Peer, script: Script, pacing: Pacing, members: int, senders: int) -> dict[str, Any]:
    if not peer.installed:
        return {"absent": peer.install}
    if not peer.present:
        return {"not_implemented": NOT_IMPLEMENTED}
    try:
        return (await peer.play(script, pacing, members, senders))[0]
    except Unreachable as error:
        return {"failed": str(error)}


class Yardstick(NamedTuple):
    """A comparison of the daemon with a peer: a figure that both have, and the words for it."""

    name: str
    heading: str
    figure: Callable[[Mapping[str, Any]], float]


# At a rate everybody delivers the same; in a closed loop the latency only says how much is under way.
SATURATED = Yardstick("deliveries", "chatd does", lambda row: float(row["deliveries_per_s"]))
AT_RATE = Yardstick("delivery_p99", "chatd's p99", lambda row: float(row["delivery_ms"]["p99"]))


def yardstick(result: Mapping[str, Any]) -> Yardstick:
    return AT_RATE if result["rate"] else SATURATED


def ratios(ours: Mapping[str, Any], peers: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """How many times the figure of each peer that delivered anything the daemon has."""
    stick = yardstick(ours)
    measured = {name: row for name, row in peers.items() if row.get("deliveries_per_s")}
    mine = stick.figure(ours)
    return {name: {stick.name: round(mine / stick.figure(row), 3)} for name, row in measured.items()}


def text(result: dict[str, Any], tally: Tally) -> list[str]:
    stick = yardstick(result)
    return [
        f"bench peers · {outcome.loop(result)} · seed {result['seed']}",
        f"plan  {result['members']:,} members · {result['senders']} senders · "
        f"{result['warmup_s']:g} s warm-up + {result['duration_s']:g} s for each",
        "",
        f"  {'':<14}{'deliveries/s':>14}{'p50':>11}{'p99':>11}{'its core':>10}{stick.heading:>13}   it does not",
        *(
            _row(name, row, result["ratio"].get(name, {}).get(stick.name))
            for name, row in result["peers"].items()
        ),
        "",
        *printout.correctness(tally),
    ]


def _row(name: str, row: dict[str, Any], ratio: float | None) -> str:
    for state in UNPLAYED:
        if state in row:
            return f"  {name:<14}{state.replace('_', ' '):>14}   {row[state]}"
    latency = row["delivery_ms"]
    share = (row["server"] or {}).get("cpu_share", 0.0)
    beside = f"{ratio:.2f} x" if ratio else ""
    notes = f" · LOST {row['lost']:,}" if row.get("lost") else ""
    notes += " · GENERATOR-BOUND" if row["generator_bound"] else ""
    return (
        f"  {name:<14}{row['deliveries_per_s']:>14,.0f}{printout.duration(latency['p50']):>11}"
        f"{printout.duration(latency['p99']):>11}{share:>10.2f}{beside:>13}   {row['does_not']}{notes}"
    )


SCENARIO = Scenario(
    "other servers with the same generator on the same machine in the same run, and what they do not do",
    run,
    f"members senders {common.PACE} {common.LENGTH} seed {common.ENDPOINT} {common.OUTPUT}",
    {"members": 1000, "senders": 8, "rate": 20.0},
    {"--only": {"choices": PEERS, "action": "append", "metavar": "P", "help": ", ".join(PEERS)}},
)

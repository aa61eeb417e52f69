"""`peers`: other servers with the same generator on the same machine in the same run, and what they do not do."""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bench import options as common
from bench import outcome
from bench.engine.record import Script
from bench.engine.run_state import Pacing
from bench.options import Scenario
from bench.peers.table import PEERS, Peer
from bench.scenarios import loads
from bench.server import Unreachable, open_endpoint
from bench.targets.target import number_of

QUIET_S = 30.0  # some write nothing until all that was published is taken apart, which is seconds


async def run(options: argparse.Namespace) -> int:
    script = common.script(options.seed)
    pacing = replace(common.pacing(options), quiet_s=QUIET_S)
    sizes = {"members": options.members, "senders": options.senders}
    async with open_endpoint(options) as there:
        ours, _ = await loads.fanout(there, script, pacing, **sizes)
    peers: dict[str, dict[str, Any]] = {}
    for name, peer in PEERS.items():
        if not options.only or name in options.only:
            measured = await _measured(peer, script, pacing, **sizes)
            peers[name] = {"does_not": peer.does_not, **measured}
    chatd = {key: ours[key] for key in ("deliveries_per_s", "delivery_ms", "server", "generator_bound")}
    rows = {"chatd": {**chatd, "does_not": ""}, **peers}
    result = {**ours, "scenario": "peers", **sizes, "peers": rows, "ratio": ratios(ours, peers)}
    return outcome.finish(result, options)


async def _measured(peer: Peer, script: Script, pacing: Pacing, members: int, senders: int) -> dict[str, Any]:
    if not peer.present:
        return {"absent": peer.install}
    try:
        return (await peer.play(script, pacing, members, senders))[0]
    except Unreachable as error:
        return {"failed": str(error)}


def ratios(ours: Mapping[str, Any], peers: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """How many times the figure of each peer that delivered anything the daemon has.

    At a rate everybody delivers the same; in a closed loop the latency only says how much is under way.
    """
    name, *path = (
        ("delivery_p99", "delivery_ms", "p99") if ours["rate"] else ("deliveries", "deliveries_per_s")
    )
    mine = number_of(ours, *path) or 0.0
    theirs = {peer: number_of(row, *path) for peer, row in peers.items() if row.get("deliveries_per_s")}
    return {peer: {name: round(mine / figure, 3)} for peer, figure in theirs.items() if figure}


SCENARIO = Scenario(
    "other servers with the same generator on the same machine in the same run, and what they do not do",
    run,
    f"members senders {common.PACE} {common.LENGTH} seed {common.ENDPOINT} {common.OUTPUT}",
    {"members": 1000, "senders": 8, "rate": 20.0},
    common.only(PEERS),
)

"""`floor`: what the machine and the libraries allow, and the daemon beside it in the same run."""

import argparse
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench import options as common
from bench import outcome
from bench.engine.record import Script
from bench.engine.relay import Relay, RelayPlan
from bench.engine.roles import Echoing
from bench.engine.run_state import Pacing, RunState
from bench.engine.workers import Plan, Role
from bench.options import Scenario
from bench.outcome import Played
from bench.peers.table import BROADCAST, PUSH
from bench.scenarios import loads
from bench.server import Endpoint, open_endpoint, own_program
from bench.targets.target import number_of
from bench.wire import ENCODINGS

FRAME_BYTES = "300"  # payload of the daemon's push of one message: text of 160, key, author, places and times
# The program of bench/baselines and what it is told after its port.
FLOORS = {
    "push": ("push", FRAME_BYTES),
    "broadcast": ("broadcast", FRAME_BYTES),
    "echo": ("echo",),  # on the daemon's edge
    "flush": ("echo", "flush"),  # when six pages are on the disk
}


async def run(options: argparse.Namespace) -> int:
    pacing, script = common.open_pacing(options), common.script(options.seed)
    played = _comparisons(options, script, pacing)
    measured = {name: (await play())[0] for name, play in played.items()}
    result = {
        **measured["chatd at the rate"],
        "scenario": "floor",
        "floor": {name: row for name, row in measured.items() if not name.startswith("chatd")},
        "chatd": {name: row for name, row in measured.items() if name.startswith("chatd")},
        "ratio": ratios(measured),
    }
    return outcome.finish(result, options)


def ratios(measured: Mapping[str, dict[str, Any]]) -> dict[str, float]:
    """The daemon to its floor: of a duration less is better, of a number a second more."""
    pairs = {
        "delivery_p99": (("chatd at the rate", "push at the rate"), ("delivery_ms", "p99")),
        "deliveries": (("chatd saturated", "push saturated"), ("deliveries_per_s",)),
        "acks": (("chatd direct", "echo"), ("acks_per_s",)),
        "ack_p50": (("chatd direct at the rate", "flush at the rate"), ("ack_ms", "p50")),
    }
    found = {}
    for name, (sides, path) in pairs.items():
        ours, bare = (number_of(measured[side], *path) or 0.0 for side in sides)
        if bare:
            found[name] = round(ours / bare, 3)
    return found


async def floor(kind: str, script: Script, pacing: Pacing, size: int) -> Played:
    """One of FLOORS with so many members of a group, or clients of an echo."""
    fanned_out = {"push": PUSH, "broadcast": BROADCAST}.get(kind)
    role: Callable[[RunState, Any], Role] = Echoing if fanned_out is None else Relay
    details = size if fanned_out is None else RelayPlan(size, 1, fanned_out)
    async with own_floor(kind) as there:
        plan = Plan(role, common.access(there, size), script, pacing, details)
        return await outcome.play(f"floor {kind}", plan, there)


@asynccontextmanager
async def own_floor(kind: str) -> AsyncIterator[Endpoint]:
    """One of FLOORS as a program of its own, on the core that a daemon would have. Raises Unreachable."""
    program, *more = FLOORS[kind]

    def arguments(directory: Path, port: int) -> Sequence[str]:
        return ("-m", f"bench.baselines.{program}", str(port), *more)

    async with own_program(arguments, {}, "/v1/ws") as started:
        yield Endpoint(started.url, "", ENCODINGS["msgpack"], started)


def _comparisons(
    options: argparse.Namespace, script: Script, paced: Pacing
) -> dict[str, Callable[[], Awaitable[Played]]]:
    closed, deep = paced.paced(in_flight=1), paced.paced(in_flight=options.in_flight)
    all_in_flight = paced.paced(in_flight=options.senders)
    members, senders, clients = options.members, options.senders, options.clients

    async def group(at: Pacing, authors: int) -> Played:
        async with open_endpoint(options) as there:
            run = common.script(options.seed)
            return await loads.fanout(there, run, at, members=members, senders=authors)

    async def pairs(at: Pacing) -> Played:
        async with open_endpoint(options) as there:
            return await loads.direct(there, common.script(options.seed), at, clients=clients)

    return {
        "push at the rate": lambda: floor("push", script, paced, members),
        "broadcast at the rate": lambda: floor("broadcast", script, paced, members),
        "chatd at the rate": lambda: group(paced, 1),
        "push saturated": lambda: floor("push", script, all_in_flight, members),
        "broadcast saturated": lambda: floor("broadcast", script, all_in_flight, members),
        "chatd saturated": lambda: group(deep, senders),
        "echo": lambda: floor("echo", script, closed, clients),
        "chatd direct": lambda: pairs(closed),
        "flush at the rate": lambda: floor("flush", script, paced, clients),
        "chatd direct at the rate": lambda: pairs(paced),
    }


SCENARIO = Scenario(
    "what the machine and the libraries allow, and the daemon beside it in the same run",
    run,
    f"members senders clients in_flight {common.OPEN} {common.LENGTH} seed {common.ENDPOINT} {common.OUTPUT}",
    {"members": 1000, "senders": 8, "clients": 200, "in_flight": 1, "rate": 20.0},
)

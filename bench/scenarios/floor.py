"""`floor`: what the machine and the libraries allow, and the daemon beside it in the same run."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bench import bounds, outcome, report, target
from bench import options as common
from bench.engine.bare import Bare, BareFanout, Echoing
from bench.engine.crew import measure
from bench.engine.part import Plan
from bench.engine.script import Script
from bench.engine.stage import Pacing, Report
from bench.floors.programs import FLOORS, own_floor
from bench.scenarios import direct, fanout

Played = tuple[dict[str, Any], Report]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `floor`."""
    parser.add_argument("--members", type=bounds.count, default=1000, metavar="N", help="of the group (1000)")
    parser.add_argument(
        "--senders", type=bounds.count, default=8, metavar="S", help="of the saturated group (8)"
    )
    parser.add_argument(
        "--clients", type=bounds.pairs, default=200, metavar="C", help="of direct and echo (200)"
    )
    parser.add_argument(
        "--in-flight", type=bounds.count, default=1, metavar="K", help="of each sender, when saturated (1)"
    )
    common.add_open(parser, rate=20.0)
    common.add_length(parser)
    common.add_seed(parser)
    target.add_arguments(parser)
    common.add_output(parser)


async def run(options: argparse.Namespace) -> int:
    """Every floor and the daemon in turn: at the rate, saturated, and one to one."""
    pacing, script = common.open_pacing(options), common.script(options)
    rows: dict[str, Played] = {}
    for name, played in _comparisons(options, script, pacing).items():
        rows[name] = await played()
    measured = {name: row for name, (row, _) in rows.items()}
    result = {
        **measured["chatd at the rate"],
        "scenario": "floor",
        "floor": {name: row for name, row in measured.items() if not name.startswith("chatd")},
        "chatd": {name: row for name, row in measured.items() if name.startswith("chatd")},
        "ratio": ratios(measured),
    }
    clean = all(seen.tally.clean for _, seen in rows.values())
    return outcome.finish(result, _text(rows), options, clean=clean)


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
        ours, floor = (_figure(measured[side], path) for side in sides)
        if floor:
            found[name] = round(ours / floor, 3)
    return found


def _figure(row: Any, path: Sequence[str]) -> float:
    for key in path:
        row = row[key]
    return float(row)


async def push(kind: str, script: Script, pacing: Pacing, members: int) -> Played:
    """The floor of a fan-out: `push` or `broadcast`."""
    async with own_floor(kind) as there:
        details = Bare(members, upgrade=kind != "push")
        plan = Plan(BareFanout, common.access(there, members), script, pacing, details)
        seen, measured = await measure(plan, 1, there)
        return outcome.of(f"floor {kind}", seen, measured, there, pacing), seen


async def echo(script: Script, pacing: Pacing, clients: int, kind: str = "echo") -> Played:
    """The floor of `direct`: `echo`, or `flush` of one that is durable."""
    async with own_floor(kind) as there:
        plan = Plan(Echoing, common.access(there, clients), script, pacing, clients)
        seen, measured = await measure(plan, 1, there)
        return outcome.of(f"floor {kind}", seen, measured, there, pacing), seen


def _comparisons(
    options: argparse.Namespace, script: Script, paced: Pacing
) -> dict[str, Callable[[], Awaitable[Played]]]:
    """What is run, in this order, each on a server of its own."""
    closed, deep = paced.paced(in_flight=1), paced.paced(in_flight=options.in_flight)
    all_in_flight = paced.paced(in_flight=options.senders)
    members, senders, clients = options.members, options.senders, options.clients

    async def group(at: Pacing, authors: int) -> Played:
        async with target.open_target(options) as there:
            return await fanout.play(there, common.script(options), at, members=members, senders=authors)

    async def pairs(at: Pacing) -> Played:
        async with target.open_target(options) as there:
            return await direct.play(there, common.script(options), at, clients=clients)

    return {
        "push at the rate": lambda: push("push", script, paced, members),
        "broadcast at the rate": lambda: push("broadcast", script, paced, members),
        "chatd at the rate": lambda: group(paced, 1),
        "push saturated": lambda: push("push", script, all_in_flight, members),
        "broadcast saturated": lambda: push("broadcast", script, all_in_flight, members),
        "chatd saturated": lambda: group(deep, senders),
        "echo": lambda: echo(script, closed, clients),
        "chatd direct": lambda: pairs(closed),
        "flush at the rate": lambda: echo(script, paced, clients, "flush"),
        "chatd direct at the rate": lambda: pairs(paced),
    }


def _text(rows: dict[str, Played]) -> list[str]:
    lines = ["bench floor · the same generator, one server after the other", ""]
    lines.append(
        "".ljust(26) + "deliveries/s".rjust(14) + "durable/s".rjust(12) + "p50".rjust(11) + "p99".rjust(11)
    )
    for name, (row, _) in rows.items():
        latency = row["delivery_ms"] if row["delivery_ms"]["count"] else row["ack_ms"]
        durable = f"{row['acks_per_s']:,.0f}" if name.startswith(("chatd", "flush")) else "-"
        if name == "echo":
            durable = f"({row['acks_per_s']:,.0f})"
        lines.append(
            f"  {name:<24}{row['deliveries_per_s']:>14,.0f}{durable:>12}"
            f"{report.duration(latency['p50']):>11}{report.duration(latency['p99']):>11}"
            + ("  GENERATOR-BOUND" if row["generator_bound"] else "")
        )
    meanings = " · ".join(f"{name}: {meaning}" for name, (meaning, _) in FLOORS.items())
    return [
        *lines,
        "",
        f"  {meanings}",
        "  floors store and acknowledge nothing, `flush` writes zeros; (echoes/s) in brackets",
    ]

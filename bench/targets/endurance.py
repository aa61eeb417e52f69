"""P7 to P10: a crash, years of messages, a reader who is stuck, a day of real talk."""

from __future__ import annotations

import io
import json
from dataclasses import replace

from bench import replay
from bench.checks import Tally
from bench.history.shape import Shape
from bench.home import new_home
from bench.play import Plan
from bench.scenarios import history, reconnect, stalled
from bench.storm.crowd import Crowd
from bench.targets.goal import ONCE, Extent, Figure, Goal, Measured, number_of
from bench.targets.runs import fresh_target, pacing, script
from bench.trace import Trace, read

CLIENTS, QUICK_CLIENTS = 5_000, 200  # of P7
HISTORY, QUICK_HISTORY = (10_000_000, 10_000, 100_000), (50_000, 700, 3_000)  # of P8: messages, rooms, users
MEMBERS, RATE = 1_000, 50.0  # of P9
MADE_UP_MESSAGES, MADE_UP_PEOPLE = 5_000, 300  # when no trace is given
MADE_UP = "MADE-UP TRACE, no real talk: give one with --trace"


async def _reconnect(extent: Extent) -> Measured:
    crowd = Crowd(QUICK_CLIENTS if extent.quick else CLIENTS, rooms_each=20, missed=50, seed=extent.seed)
    with new_home() as home:
        storm, measured = await reconnect.play(home, crowd)
    result = reconnect.result_of(storm, home, measured)
    polite_ms = number_of(result, "polite_ms", "p99")
    figures = {
        "complete_s": number_of(result, "complete_s"),
        "polite_s": None if polite_ms is None else polite_ms / 1000,
        "ready_s": number_of(result, "ready_s"),
        "clients": float(crowd.clients),
    }
    return Measured(figures, [result])


async def _history(extent: Extent) -> Measured:
    messages, rooms, users = QUICK_HISTORY if extent.quick else HISTORY
    tally = Tally()
    shape = Shape(messages, rooms, users, history.END_MS, extent.seed)
    asked = history.Asked(duration_s=extent.duration_s, rounds=extent.rounds)
    result = {**await history.play(shape, asked, tally), **tally.counts(), "examples": tally.examples}
    sides = result["sending"].values()
    result["generator_bound"] = any(side["generator_bound"] for side in sides)
    figures = {
        "page_ms": number_of(result, "page_ms", "p99"),
        "hello_ms": number_of(result, "hello_ms", "p99"),
        "send": number_of(result, "ratio", "send") if all(side["acks_per_s"] for side in sides) else None,
        "ready_s": number_of(result, "ready_s"),
        "mib": result["memory_growth_bytes"] / 1024**2 if result["start"]["rss_bytes"] else None,
        "page_cold_ms": number_of(result, "page_cold_ms", "p99"),
        "hello_cold_ms": number_of(result, "hello_cold_ms", "p99"),
        "messages": float(messages),
    }
    return Measured(figures, [result])


async def _stalled(extent: Extent) -> Measured:
    async def one(reads: bool) -> stalled.Played:
        async with fresh_target() as there:
            at, crowd = pacing(extent).paced(rate=RATE), stalled.Crowd(MEMBERS, reads=reads)
            return await stalled.play(there, script(extent.seed), at, crowd)

    rounds = await stalled.in_turn(one, extent.rounds)
    result = stalled.beside(rounds)
    moved, spread, grown = (
        number_of(result, key) for key in ("p99_moved", "p99_spread", "memory_growth_bytes")
    )
    figures = {
        "moved": None if moved is None else 100 * moved,
        "mib": None if grown is None else grown / 1024**2,
        "p99_ms": number_of(result, "delivery_ms", "p99"),
        "spread": None if spread is None else 100 * spread,
    }
    notes = (result["unmeasured"],) if result["unmeasured"] else ()
    return Measured(figures, [side for sides in rounds for side, _ in sides], notes)


async def _replay(extent: Extent) -> Measured:
    trace = extent.trace or _made_up()
    if extent.quick:
        trace = replace(trace, messages=trace.messages[:MADE_UP_MESSAGES])
    async with fresh_target() as there:
        result, seen = await replay.play(there, trace, None, Plan(seed=extent.seed))
    figures = {
        "faults": float(sum(seen.tally.counts().values())),
        "messages_per_s": len(trace.messages) / seen.seconds,
        "deliveries_per_s": number_of(result, "deliveries_per_s"),
    }
    return Measured(figures, [result], (MADE_UP,) if extent.trace is None else ())


def _made_up() -> Trace:
    """Some people in one large group and a few small ones, when nobody gave a trace."""
    lines = (
        {
            "ts": place,
            "room": f"room {place % 7 % 4}",
            "user": f"user {place * 31 % MADE_UP_PEOPLE}",
            "text": "x" * 80,
        }
        for place in range(MADE_UP_MESSAGES)
    )
    return read(io.BytesIO("\n".join(map(json.dumps, lines)).encode()), "made up")


GOALS = (
    Goal(
        "P7",
        f"reconnect: {CLIENTS:,} clients x 20 rooms, 50 missed messages each, kill -9",
        (
            Figure("complete_s", "all back and complete", "s", must=30, aim=10),
            Figure("polite_s", "a polite send meanwhile, p99", "s", must=1),
            Figure("ready_s", "the daemon was ready", "s"),
            Figure("clients", "clients"),
        ),
        _reconnect,
        ONCE,
    ),
    Goal(
        "P8",
        "history: 10 million messages, 10,000 rooms, 100,000 users",
        (
            Figure("page_ms", "page of 50 p99, file in memory", "ms", must=5),
            Figure("hello_ms", "hello with 500 rooms p99", "ms", must=25),
            Figure("send", "send rate to an empty database", "x", must=0.85, more=True),
            Figure("ready_s", "start to ready", "s", must=1),
            Figure("mib", "memory after start, beyond an empty one", "MiB", must=20),
            Figure("page_cold_ms", "page of 50 p99, file on disk", "ms"),
            Figure("hello_cold_ms", "hello p99, file on disk", "ms"),
            Figure("messages", "messages"),
        ),
        _history,
        "send rate: median of {rounds}, start and memory: median of 3, the rest measured once",
    ),
    Goal(
        "P9",
        f"one stalled reader among {MEMBERS:,} members at {RATE:g} msg/s",
        (
            Figure("moved", "others' p99 moved by", "%", must=10),
            Figure("mib", "memory of the daemon grew by", "MiB", must=1),
            Figure("p99_ms", "others' delivery p99", "ms"),
            Figure("spread", "p99 without him varies by", "%"),
        ),
        _stalled,
    ),
    Goal(
        "P10",
        "replay of a trace as fast as it goes",
        (
            Figure("faults", "lost, doubled, reordered, misrouted", "", must=0),
            Figure("messages_per_s", "messages", "/s"),
            Figure("deliveries_per_s", "deliveries", "/s"),
        ),
        _replay,
        ONCE,
    ),
)

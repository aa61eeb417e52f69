"""P7 to P10: a crash, years of messages, a reader who is stuck, a day of real talk."""

from __future__ import annotations

import io
import json
import secrets
from dataclasses import replace
from typing import Any

from bench.checks import Tally
from bench.histogram import Histogram
from bench.history.shape import Shape
from bench.home import new_home
from bench.pace import Pace
from bench.play import Plan, Play
from bench.scenarios import history, reconnect, stalled
from bench.storm.crowd import Crowd
from bench.targets.goal import Extent, Figure, Goal, Measured, median
from bench.targets.runs import fresh_target, pacing, script
from bench.trace import Trace, load, read

MEMBERS, RATE = 1_000, 50.0  # of P9
MADE_UP_MESSAGES, MADE_UP_PEOPLE = 5_000, 300  # when no trace is given


async def _reconnect(extent: Extent) -> Measured:
    crowd = Crowd(200 if extent.quick else 5_000, rooms_each=20, missed=50, seed=extent.seed)
    with new_home() as home:
        storm, _ = await reconnect.play(home, crowd)
    polite = Histogram()
    for probe in storm.probes:
        polite.merge(probe.acks)
    figures = {
        "complete_s": storm.complete_s,
        "polite_s": polite.percentile(99) / 1e9,
        "ready_s": home.ready_s,
        "clients": float(crowd.clients),
    }
    return Measured(
        figures,
        [{"scenario": "reconnect", **storm.stage.tally.counts(), "examples": storm.stage.tally.examples}],
    )


async def _history(extent: Extent) -> Measured:
    messages, rooms, users = (50_000, 700, 3_000) if extent.quick else (10_000_000, 10_000, 100_000)
    tally = Tally()
    shape = Shape(messages, rooms, users, history.END_MS, extent.seed)
    asked = history.Asked(duration_s=extent.duration_s, rounds=extent.rounds)
    result = await history.play(shape, asked, tally)
    figures = {
        "page_ms": result["page_ms"]["p99"],
        "hello_ms": result["hello_ms"]["p99"],
        "send": result["ratio"]["send"],
        "ready_s": result["ready_s"],
        "mib": result["memory_growth_bytes"] / 1024**2,
        "page_cold_ms": result["page_cold_ms"]["p99"],
        "hello_cold_ms": result["hello_cold_ms"]["p99"],
        "messages": float(messages),
    }
    return Measured(
        figures, [{"scenario": "history", **result, **tally.counts(), "examples": tally.examples}]
    )


async def _stalled(extent: Extent) -> Measured:
    rounds = []
    for _ in range(extent.rounds):
        sides: list[dict[str, Any]] = []
        for reads in (True, False):
            async with fresh_target() as there:
                at = pacing(extent).paced(rate=RATE)
                crowd = stalled.Crowd(MEMBERS, reads=reads)
                played, _ = await stalled.play(there, script(extent.seed), at, crowd)
                sides.append(played)
        result = stalled.beside(*sides)
        moved, mib = 100 * result["p99_moved"], result["memory_growth_bytes"] / 1024**2
        rounds.append(
            Measured({"moved": moved, "mib": mib, "p99_ms": result["delivery_ms"]["p99"]}, [result])
        )
    return median(rounds)


async def _replay(extent: Extent) -> Measured:
    trace = load(extent.trace) if extent.trace is not None else _made_up()
    if extent.quick:
        trace = replace(trace, messages=trace.messages[:MADE_UP_MESSAGES])
    async with fresh_target() as there:
        play = Play(there, Pace(trace, None, secrets.token_hex(4)), Plan(seed=extent.seed))
        try:
            await play.set_up()
            await play.perform()
            await play.compare()
        finally:
            await play.leave()
    figures = {
        "messages_per_s": len(trace.messages) / play.seconds,
        "deliveries_per_s": play.deliveries / play.seconds,
        "faults": float(sum(play.tally.counts().values())),
        "real": float(extent.trace is not None),
    }
    return Measured(figures, [{"scenario": "replay", **play.tally.counts(), "examples": play.tally.examples}])


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
        "reconnect: 5,000 clients x 20 rooms, 50 missed messages each, kill -9",
        (
            Figure("complete_s", "all back and complete", "s", must=30, aim=10),
            Figure("polite_s", "a polite send meanwhile, p99", "s", must=1),
            Figure("ready_s", "the daemon was ready", "s"),
            Figure("clients", "clients"),
        ),
        _reconnect,
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
    ),
    Goal(
        "P9",
        f"one stalled reader among {MEMBERS:,} members at {RATE:g} msg/s",
        (
            Figure("moved", "others' p99 moved by", "%", must=10),
            Figure("mib", "memory of the daemon grew by", "MiB", must=1),
            Figure("p99_ms", "others' delivery p99", "ms"),
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
            Figure("real", "1: the trace of --trace, 0: made up"),
        ),
        _replay,
    ),
)

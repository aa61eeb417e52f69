"""All rows, in order, and how each is measured."""

import argparse
import io
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from bench.database import Shape
from bench.engine.run_state import Pacing
from bench.options import script
from bench.outcome import Played
from bench.peers.table import PEERS
from bench.scenarios import floor, history, loads, media, platform, push, reconnect, replay, stalled
from bench.scenarios.reconnect import Crowd
from bench.scenarios.replay import Plan
from bench.server import daemon_dir, own_endpoint
from bench.targets.target import ONCE, Extent, Figure, Measured, Target, median, number_of, ratio
from bench.trace import Trace, read

NATS = PEERS["nats-server"]  # measured where it is installed
DEPTHS = (4, 16)  # sends in flight of each sender of P2
AT_ONCE = 16  # handshakes under way: below `limits.unauthenticated_per_address`
MADE_UP = "MADE-UP TRACE, no real talk: give one with --trace"


async def played(load: Callable[..., Awaitable[Played]], at: Pacing, **sizes: int) -> dict[str, Any]:
    """The result of a load on an empty daemon of its own. Raises Unreachable."""
    async with own_endpoint() as there:
        result, _ = await load(there, script(at.seed), at, **sizes)
    return result


Measure = Callable[[Extent], Awaitable[Measured]]


def in_rounds(one: Callable[[Extent, Pacing], Awaitable[Measured]]) -> Measure:
    """Measures as often as the extent says; each round has both sides, side by side."""

    async def measure(extent: Extent) -> Measured:
        return median([await one(extent, extent.pacing()) for _ in range(extent.rounds)])

    return measure


async def _fanout_saturated(extent: Extent, at: Pacing) -> Measured:
    sizes = {"members": extent.members, "senders": extent.senders}
    bare, _ = await floor.floor("push", script(at.seed), at.paced(in_flight=extent.senders), extent.members)
    least = number_of(bare, "deliveries_per_s")
    figures, results = {"floor": least}, [bare]
    for depth in DEPTHS:
        deep = at.paced(in_flight=depth)
        results.append(await played(loads.fanout, deep, **sizes))
        rate, theirs = number_of(results[-1], "deliveries_per_s"), None
        if NATS.present:
            results.append((await NATS.play(script(at.seed), deep, **sizes))[0])
            theirs = number_of(results[-1], "deliveries_per_s")
        figures |= {f"rate_{depth}": rate, f"ratio_{depth}": ratio(rate, least)}
        figures |= {f"nats_{depth}": theirs, f"ratio_nats_{depth}": ratio(rate, theirs)}
    return Measured(figures, results)


def _beside_floor(
    kind: str, load: Callable[..., Awaitable[Played]], size: str, paced: bool, *paths: str
) -> Measure:
    """Measure a load and its floor at one pace. `paths`: where each figure is; `floor` ones are those of the floor."""

    async def one(extent: Extent, at: Pacing) -> Measured:
        at = at.paced(rate=extent.rate, arrival="uniform") if paced else at.paced(in_flight=1)
        count, more = getattr(extent, size), {"senders": 1} if size == "members" else {}
        bare, _ = await floor.floor(kind, script(at.seed), at, count)
        ours = await played(load, at, **{size: count}, **more)
        figures: dict[str, float | None] = {}
        for key, path in (pair.split("=") for pair in paths):
            mine, least = (number_of(side, *path.split(".")) for side in (ours, bare))
            figures[key] = (
                ratio(mine, least) if key == "ratio" else least if key.startswith("floor") else mine
            )
        return Measured(figures, [bare, ours])

    return in_rounds(one)


async def _idle(extent: Extent) -> Measured:
    settle = Pacing(extent.settle_s, 0.0, seed=extent.seed)
    result = await played(loads.idle, settle, sessions=extent.sessions, rooms=10)
    seen = result["empty_bytes"] and result["server"]["rss_bytes"]  # 0 where the system does not tell
    kib = result["session_bytes"] / 1024 if seen else None
    return Measured({"kib": kib, "sessions": float(extent.sessions)}, [result])


async def _connect(extent: Extent, at: Pacing) -> Measured:
    sizes = {"users": extent.users, "rooms": extent.rooms}
    result = await played(loads.connect, at.paced(in_flight=AT_ONCE), **sizes)
    per_s, p99_ms = number_of(result, "connects_per_s"), number_of(result, "resume_ms", "p99")
    return Measured({"connects_per_s": per_s, "p99_ms": p99_ms}, [result])


async def _reconnect(extent: Extent) -> Measured:
    crowd = Crowd(extent.returning, rooms_each=20, missed=50, seed=extent.seed)
    with daemon_dir() as here:
        storm, measured = await reconnect.play(here, crowd)
    result = reconnect.result_of(storm, here, measured)
    polite_ms = number_of(result, "polite_ms", "p99")
    figures = {name: number_of(result, name) for name in ("complete_s", "ready_s", "clients")}
    return Measured({**figures, "polite_s": None if polite_ms is None else polite_ms / 1000}, [result])


async def _history(extent: Extent) -> Measured:
    messages, rooms, users = extent.history
    shape = Shape(messages, rooms, users, history.END_MS, extent.seed)
    asked = {"duration": extent.duration_s, "warmup": min(1.0, extent.warmup_s), "rounds": extent.rounds}
    fixed = {"pages": 2_000, "procs": 1, "seed": 1, "encoding": "msgpack", "directory": None}
    result = await history.play(shape, argparse.Namespace(**asked, **fixed))
    sides = result["sending"].values()
    result["generator_bound"] = any(side["generator_bound"] for side in sides)
    timed = ("page_ms", "hello_ms", "page_cold_ms", "hello_cold_ms")
    figures = {name: number_of(result, name, "p99") for name in timed} | {
        "send": number_of(result, "ratio", "send") if all(side["acks_per_s"] for side in sides) else None,
        "ready_s": number_of(result, "ready_s"),
        "mib": result["memory_growth_bytes"] / 1024**2 if result["start"]["rss_bytes"] else None,
        "messages": float(messages),
    }
    return Measured(figures, [result])


async def _stalled(extent: Extent) -> Measured:
    async def one(reads: bool) -> Played:
        async with own_endpoint() as there:
            at = extent.pacing().paced(rate=extent.stalled_rate)
            return await stalled.play(there, script(extent.seed), at, members=extent.members, reads=reads)

    rounds = await stalled.in_turn(one, extent.rounds)
    result = stalled.beside(rounds)
    parts = {
        "moved": ("p99_moved", 100),
        "mib": ("memory_growth_bytes", 1 / 1024**2),
        "spread": ("p99_spread", 100),
    }
    figures = {
        name: None if (value := number_of(result, key)) is None else value * times
        for name, (key, times) in parts.items()
    }
    figures["p99_ms"] = number_of(result, "delivery_ms", "p99")
    notes = (result["unmeasured"],) if result["unmeasured"] else ()
    return Measured(figures, [side for sides in rounds for side, _ in sides], notes)


async def _replay(extent: Extent) -> Measured:
    trace = extent.trace or made_up(*extent.made_up)
    if extent.quick:
        trace = replace(trace, messages=trace.messages[: extent.made_up[0]])
    async with own_endpoint() as there:
        result, seen = await replay.play(there, trace, Plan(seed=extent.seed))
    figures = {
        "faults": float(sum(seen.state.tally.counts().values())),
        "messages_per_s": len(trace.messages) / seen.seconds,
        "deliveries_per_s": number_of(result, "deliveries_per_s"),
    }
    return Measured(figures, [result], (MADE_UP,) if extent.trace is None else ())


def made_up(messages: int, people: int) -> Trace:
    """Some people in one large group and a few small ones, when nobody gave a trace."""
    lines = (
        {"ts": at, "room": f"room {at % 7 % 4}", "user": f"user {at * 31 % people}", "text": "x" * 80}
        for at in range(messages)
    )
    return read(io.BytesIO("\n".join(map(json.dumps, lines)).encode()), "made up")


def _beside_nats(depth: int) -> tuple[Figure, Figure]:
    name, absent = f"{depth} in flight each, to nats-server", not NATS.present
    theirs = f"nats-server, {depth} x {Extent.senders} in flight"
    return (
        Figure(f"ratio_nats_{depth}", name, "x", required=2, stretch=5, more=True, absent=absent),
        Figure(f"nats_{depth}", theirs, "deliveries/s", absent=absent),
    )


P99 = ("ratio=delivery_ms.p99", "p99_ms=delivery_ms.p99", "floor_p99_ms=delivery_ms.p99")
ACKS = ("ratio=acks_per_s", "acks_per_s=acks_per_s", "p99_ms=ack_ms.p99", "floor=acks_per_s")
P50 = ("ratio=ack_ms.p50", "p50_ms=delivery_ms.p50", "p99_ms=delivery_ms.p99", "floor=ack_ms.p50")
# What has a ratio of the same run is judged by it, and its absolute figure is reported beside it.
TARGETS = (
    Target(
        "P1",
        f"fanout, {Extent.members:,} members on screen, {Extent.rate:g} msg/s open loop",
        (
            Figure("ratio", "delivery p99 to floor (a)", "x", 1.5, 1.15),
            Figure("p99_ms", "delivery p99", "ms"),
            Figure("floor_p99_ms", "floor (a) p99", "ms"),
        ),
        _beside_floor("push", loads.fanout, "members", True, *P99),
    ),
    Target(
        "P2",
        f"fanout, {Extent.members:,} members, saturated by {Extent.senders} senders",
        (
            Figure("ratio_4", "4 in flight each, to floor (a)", "x", 8, 20, more=True),
            Figure("ratio_16", "16 in flight each, to floor (a)", "x", 8, 20, more=True),
            Figure("rate_4", "4 in flight each", "deliveries/s"),
            Figure("rate_16", "16 in flight each", "deliveries/s"),
            Figure("floor", "floor (a), one write each", "deliveries/s"),
            *(one for depth in DEPTHS for one in _beside_nats(depth)),
        ),
        in_rounds(_fanout_saturated),
    ),
    Target(
        "P3",
        f"direct, {Extent.clients} clients, closed loop",
        (
            Figure("ratio", "to floor (c), an echo", "x", 0.5, more=True),
            Figure("p99_ms", "ack p99", "ms", 30, scale="core"),
            Figure("acks_per_s", "durable and delivered", "acks/s"),
            Figure("floor", "floor (c)", "echoes/s"),
        ),
        _beside_floor("echo", loads.direct, "clients", False, *ACKS),
    ),
    Target(
        "P4",
        f"direct, {Extent.rate:g} msg/s",
        (
            # 1.5 ms where floor (d) took 1.15.
            Figure("ratio", "ack p50 to floor (d), a durable echo", "x", 1.3, 0.6),
            Figure("p99_ms", "send to delivered p99", "ms", 5, scale="flush"),
            Figure("p50_ms", "send to delivered p50", "ms"),
            Figure("floor", "floor (d) p50", "ms"),
        ),
        _beside_floor("flush", loads.direct, "clients", True, *P50),
    ),
    Target(
        "P5",
        f"idle, {Extent.sessions:,} sessions with 10 rooms each",
        (Figure("kib", "resident memory each", "KiB", 16, 10), Figure("sessions", "sessions")),
        _idle,
        ONCE,
    ),
    Target(
        "P6",
        f"connect: token checked and {Extent.rooms} rooms synchronised",
        (
            Figure("connects_per_s", "devices let in", "/s", 1_500, 3_000, more=True, scale="core"),
            Figure("p99_ms", "dialled to synchronised p99", "ms"),
        ),
        in_rounds(_connect),
    ),
    Target(
        "P7",
        f"reconnect: {Extent.returning:,} clients x 20 rooms, 50 missed messages each, kill -9",
        (
            Figure("complete_s", "all back and complete", "s", 30, 10, scale="core"),
            Figure("polite_s", "a polite send meanwhile, p99", "s", 1, scale="core"),
            Figure("ready_s", "the daemon was ready", "s"),
            Figure("clients", "clients"),
        ),
        _reconnect,
        ONCE,
    ),
    Target(
        "P8",
        "history: 10 million messages, 10,000 rooms, 100,000 users",
        (
            Figure("page_ms", "page of 50 p99, file in memory", "ms", 5, scale="core"),
            Figure("hello_ms", "hello with 500 rooms p99", "ms", 25, scale="core"),
            Figure("send", "send rate to an empty database", "x", 0.85, more=True),
            Figure("ready_s", "start to ready", "s", 1, scale="core"),
            Figure("mib", "memory after start, beyond an empty one", "MiB", 20),
            Figure("page_cold_ms", "page of 50 p99, file on disk", "ms"),
            Figure("hello_cold_ms", "hello p99, file on disk", "ms"),
            Figure("messages", "messages"),
        ),
        _history,
        "send rate: median of {rounds}, start and memory: median of 3, the rest measured once",
    ),
    Target(
        "P9",
        f"one stalled reader among {Extent.members:,} members at {Extent.stalled_rate:g} msg/s",
        (
            Figure("moved", "others' p99 moved by", "%", 10),
            Figure("mib", "memory of the daemon grew by", "MiB", 1),
            Figure("p99_ms", "others' delivery p99", "ms"),
            Figure("spread", "p99 without them varies by", "%"),
        ),
        _stalled,
    ),
    Target(
        "P10",
        "replay of a trace as fast as it goes",
        (
            Figure("faults", "lost, doubled, reordered, misrouted", "", 0),
            Figure("messages_per_s", "messages", "/s"),
            Figure("deliveries_per_s", "deliveries", "/s"),
        ),
        _replay,
        ONCE,
    ),
    Target(
        "P11",
        "platform: feed, endpoint, filters, hooks, API and erasure, beside a daemon without",
        platform.FIGURES,
        platform.measure,
    ),
    Target(
        "P12",
        "push: notifications of phones that are off, beside a daemon without",
        push.FIGURES,
        push.measure,
    ),
    Target(
        "P13",
        "media: files beside nginx and a loop in C, messages beside phones, pictures, live notes, cuts",
        media.FIGURES,
        media.measure,
    ),
)

"""P1 to P4: messages, against the floors of the same run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bench.engine.stage import Pacing
from bench.peers.relay import Crowd
from bench.peers.table import PEERS
from bench.scenarios import direct, fanout, floor
from bench.targets.goal import Extent, Figure, Goal, Measured, median, number_of, ratio
from bench.targets.runs import fresh_target, pacing, script

NATS = PEERS["nats-server"]  # measured where it is installed
MEMBERS, SENDERS, CLIENTS = 1_000, 8, 200
RATE = 20.0  # messages/s of P1 and P4, evenly spaced: what a message costs, not how often two meet by chance
DEPTHS = (4, 16)  # sends in flight of each sender of P2


async def _group(at: Pacing, senders: int) -> dict[str, object]:
    async with fresh_target() as there:
        result, _ = await fanout.play(there, script(at.seed), at, members=MEMBERS, senders=senders)
    return result


async def _pairs(at: Pacing) -> dict[str, object]:
    async with fresh_target() as there:
        result, _ = await direct.play(there, script(at.seed), at, clients=CLIENTS)
    return result


def _in_rounds(one: Callable[[Pacing], Awaitable[Measured]]) -> Callable[[Extent], Awaitable[Measured]]:
    """Measures as often as the extent says; each round has both sides, side by side."""

    async def measure(extent: Extent) -> Measured:
        return median([await one(pacing(extent)) for _ in range(extent.rounds)])

    return measure


async def _fanout_at_rate(at: Pacing) -> Measured:
    paced = at.paced(rate=RATE, arrival="uniform")
    (bare, _), ours = await floor.push("push", script(at.seed), paced, MEMBERS), await _group(paced, 1)
    p99_ms, floor_ms = number_of(ours, "delivery_ms", "p99"), number_of(bare, "delivery_ms", "p99")
    figures = {"ratio": ratio(p99_ms, floor_ms), "p99_ms": p99_ms, "floor_p99_ms": floor_ms}
    return Measured(figures, [bare, ours])


async def _fanout_saturated(at: Pacing) -> Measured:
    bare, _ = await floor.push("push", script(at.seed), at.paced(in_flight=SENDERS), MEMBERS)
    least = number_of(bare, "deliveries_per_s")
    figures, results = {"floor": least}, [bare]
    for depth in DEPTHS:
        ours = await _group(at.paced(in_flight=depth), SENDERS)
        results.append(ours)
        rate, theirs = number_of(ours, "deliveries_per_s"), None
        if NATS.present:
            beside, _ = await NATS.play(script(at.seed), at.paced(in_flight=depth), Crowd(MEMBERS, SENDERS))
            results.append(beside)
            theirs = number_of(beside, "deliveries_per_s")
        figures |= {
            f"rate_{depth}": rate,
            f"ratio_{depth}": ratio(rate, least),
            f"nats_{depth}": theirs,
            f"ratio_nats_{depth}": ratio(rate, theirs),
        }
    return Measured(figures, results)


async def _direct_closed(at: Pacing) -> Measured:
    closed = at.paced(in_flight=1)
    (echo, _), ours = await floor.echo(script(at.seed), closed, CLIENTS), await _pairs(closed)
    acks, echoes = number_of(ours, "acks_per_s"), number_of(echo, "acks_per_s")
    p99_ms = number_of(ours, "ack_ms", "p99")
    figures = {"acks_per_s": acks, "p99_ms": p99_ms, "floor": echoes, "ratio": ratio(acks, echoes)}
    return Measured(figures, [echo, ours])


async def _direct_at_rate(at: Pacing) -> Measured:
    paced = at.paced(rate=RATE, arrival="uniform")
    (flushed, _), ours = await floor.echo(script(at.seed), paced, CLIENTS, "flush"), await _pairs(paced)
    figures = {f"{name}_ms": number_of(ours, "delivery_ms", name) for name in ("p50", "p99")}
    ack_ms, floor_ms = number_of(ours, "ack_ms", "p50"), number_of(flushed, "ack_ms", "p50")
    return Measured({**figures, "floor": floor_ms, "ratio": ratio(ack_ms, floor_ms)}, [flushed, ours])


def _beside_nats(depth: int) -> tuple[Figure, Figure]:
    beside = f"{depth} in flight each, to nats-server"
    return (
        Figure(f"ratio_nats_{depth}", beside, "x", must=2, aim=5, more=True, absent=not NATS.present),
        Figure(
            f"nats_{depth}",
            f"nats-server, {depth} x {SENDERS} in flight",
            "deliveries/s",
            absent=not NATS.present,
        ),
    )


GOALS = (
    Goal(
        "P1",
        f"fanout, {MEMBERS:,} members on screen, {RATE:g} msg/s open loop",
        (
            Figure("ratio", "delivery p99 to floor (a)", "x", must=1.5, aim=1.15),
            Figure("p99_ms", "delivery p99", "ms"),
            Figure("floor_p99_ms", "floor (a) p99", "ms"),
        ),
        _in_rounds(_fanout_at_rate),
    ),
    Goal(
        "P2",
        f"fanout, {MEMBERS:,} members, saturated by {SENDERS} senders",
        (
            Figure("ratio_4", "4 in flight each, to floor (a)", "x", must=8, aim=20, more=True),
            Figure("ratio_16", "16 in flight each, to floor (a)", "x", must=8, aim=20, more=True),
            Figure("rate_4", "4 in flight each", "deliveries/s"),
            Figure("rate_16", "16 in flight each", "deliveries/s"),
            Figure("floor", "floor (a), one write each", "deliveries/s"),
            *(one for depth in DEPTHS for one in _beside_nats(depth)),
        ),
        _in_rounds(_fanout_saturated),
    ),
    Goal(
        "P3",
        f"direct, {CLIENTS} clients, closed loop",
        (
            Figure("acks_per_s", "durable and delivered", "acks/s", must=12_000, aim=20_000, more=True),
            Figure("p99_ms", "ack p99", "ms", must=30),
            Figure("ratio", "to floor (c), an echo", "x", must=0.5, more=True),
            Figure("floor", "floor (c)", "echoes/s"),
        ),
        _in_rounds(_direct_closed),
    ),
    Goal(
        "P4",
        f"direct, {RATE:g} msg/s",
        (
            Figure("p50_ms", "send to delivered p50", "ms", must=1.5, aim=0.7),
            Figure("p99_ms", "send to delivered p99", "ms", must=5),
            Figure("ratio", "ack p50 to floor (d), a durable echo", "x"),
            Figure("floor", "floor (d) p50", "ms"),
        ),
        _in_rounds(_direct_at_rate),
    ),
)

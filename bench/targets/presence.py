"""P5 and P6: being connected, and becoming so."""

from __future__ import annotations

from bench.engine.crowd import Visits
from bench.engine.stage import Pacing
from bench.scenarios import connect, idle
from bench.targets.goal import ONCE, Extent, Figure, Goal, Measured, median, number_of
from bench.targets.runs import fresh_target, pacing, script

SESSIONS, QUICK_SESSIONS, IDLE_ROOMS = 15_000, 1_500, 10
SETTLE_S = 10.0
VISITS = Visits(users=1_000, rooms=20)
QUICK_VISITS = Visits(users=200, rooms=20)
AT_ONCE = 16  # handshakes under way: below `limits.unauthenticated_per_address`


async def _idle(extent: Extent) -> Measured:
    sessions = QUICK_SESSIONS if extent.quick else SESSIONS
    settle = Pacing(2.0 if extent.quick else SETTLE_S, 0.0, seed=extent.seed)
    async with fresh_target() as there:
        result, _ = await idle.play(there, script(extent.seed), settle, sessions=sessions, rooms=IDLE_ROOMS)
    seen = result["empty_bytes"] and result["server"]["rss_bytes"]  # 0 where the system does not tell
    kib = result["session_bytes"] / 1024 if seen else None
    return Measured({"kib": kib, "sessions": float(sessions)}, [result])


async def _connect(extent: Extent) -> Measured:
    visits = QUICK_VISITS if extent.quick else VISITS
    rounds = []
    for _ in range(extent.rounds):
        async with fresh_target() as there:
            at = pacing(extent).paced(in_flight=AT_ONCE)
            result, _ = await connect.play(there, script(extent.seed), at, visits=visits)
        figures = {
            "connects_per_s": number_of(result, "connects_per_s"),
            "p99_ms": number_of(result, "resume_ms", "p99"),
        }
        rounds.append(Measured(figures, [result]))
    return median(rounds)


GOALS = (
    Goal(
        "P5",
        f"idle, {SESSIONS:,} sessions with {IDLE_ROOMS} rooms each",
        (
            Figure("kib", "resident memory each", "KiB", must=16, aim=10),
            Figure("sessions", "sessions", ""),
        ),
        _idle,
        ONCE,
    ),
    Goal(
        "P6",
        f"connect: token checked and {VISITS.rooms} rooms synchronised",
        (
            Figure("connects_per_s", "devices let in", "/s", must=1_500, aim=3_000, more=True),
            Figure("p99_ms", "dialled to synchronised p99", "ms"),
        ),
        _connect,
    ),
)

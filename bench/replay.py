"""`replay`: plays a chat trace, one connection a person, cuts some, and compares all replicas at the end."""

from __future__ import annotations

import argparse
import asyncio
import random
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import bounds, configuration, outcome, progress, report, target
from bench import options as common
from bench.load import Load
from bench.pace import WINDOW, Pace
from bench.play import Plan, Play
from bench.target import Target
from bench.trace import Trace, load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `replay`."""
    parser.add_argument(
        "trace", type=Path, help="JSON lines with ts, room, user, text; gzip accepted; - is standard input"
    )
    parser.add_argument(
        "--speed",
        type=_speed,
        default=None,
        metavar="N|max",
        help="N times as fast as it was said, or max (default): the next message when one is acknowledged",
    )
    parser.add_argument(
        "--flap",
        type=bounds.positive,
        default=0.0,
        metavar="P",
        help="cut a connection with this probability a message",
    )
    common.add_seed(parser)
    target.add_arguments(parser)
    common.add_output(parser)


async def run(options: argparse.Namespace) -> int:
    """Replays, prints the report, writes the result; 1 if anything was lost, doubled or reordered."""
    trace = load(options.trace)
    async with target.open_target(options) as there:
        result, seen = await play(there, trace, options.speed, Plan(options.flap, options.seed))
    return outcome.finish(result, _text(seen, result), options, clean=seen.tally.clean)


async def play(there: Target, trace: Trace, speed: float | None, plan: Plan) -> tuple[dict[str, Any], Play]:
    """Replays at `speed` times real time, None as fast as it goes: the result and what it is made of."""
    random.seed(plan.seed)
    name = secrets.token_hex(4)  # never the same twice: a daemon at a URL may still have the last run
    played = Play(there, Pace(trace, speed, name), plan)
    measured, seconds = Load(there.daemon), Seconds(played)
    await _carry_out(played, measured, seconds)
    return {**_result(played, there, measured), "timeline": measured.beside(seconds.rows)}, played


class Seconds:
    """What was acknowledged and received in each second of a replay, by when it came."""

    def __init__(self, play: Play) -> None:
        self.rows: list[dict[str, int]] = []
        self._play = play
        self._seen = (0, 0)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Counts until the block ends."""
        counting = asyncio.create_task(self._count())
        try:
            yield
        finally:
            counting.cancel()
            self._note()

    async def _count(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._note()

    def _note(self) -> None:
        now = (self._play.pace.acks.count, self._play.figures.received)
        acks, deliveries = (new - old for new, old in zip(now, self._seen, strict=True))
        self.rows.append({"second": len(self.rows), "acks": acks, "deliveries": deliveries})
        self._seen = now


async def _carry_out(play: Play, measured: Load, seconds: Seconds) -> None:
    people, messages, figures = len(play.trace.users), len(play.trace.messages), play.figures

    def replayed() -> str:
        done = progress.bar(play.pace.acks.count, messages)
        return f"replay   {done} acknowledged · {figures.received:,} received · {figures.resumes:,} resumes"

    try:
        with progress.shown(lambda: f"connect  {progress.bar(play.online, people)}"):
            await play.set_up()
        await measured.count_connections()
        with measured.during(), seconds.counted(), progress.shown(replayed):
            await play.perform()
        with progress.shown(lambda: "compare  every replica with the log, the log with the trace"):
            await play.compare()
    finally:
        await play.leave()


def _result(play: Play, there: Target, measured: Load) -> dict[str, Any]:
    """What was asked, what was counted and what was measured, as a result file holds it."""
    return {
        "scenario": "replay",
        "trace": play.trace.name,
        "mending": list(play.trace.mending),
        "speed": play.pace.speed or "max",
        "window": None if play.pace.speed else WINDOW,
        "flap": play.plan.flap,
        "seed": play.plan.seed,
        "encoding": there.encoding.name,
        "url": None if there.daemon is not None else there.url,
        "messages": len(play.trace.messages),
        "users": len(play.trace.users),
        "rooms": {room: len(members) for room, members in play.trace.members.items()},
        "seconds": round(play.seconds, 3),
        **play.counted(),
        "acks_per_s": round(play.pace.acks.count / play.seconds, 1),
        "deliveries_per_s": round(play.deliveries / play.seconds, 1),
        "ack_ms": play.pace.acks.milliseconds(),
        "delivery_ms": play.runs.live.milliseconds(),
        "repair_ms": play.figures.repairs.milliseconds(),
        "resume_ms": play.figures.absences.milliseconds(),
        "connect_ms": play.figures.connects.milliseconds(),
        "schedule_lag_ms": play.pace.lags.milliseconds(),
        "generator_bound": report.generator_bound(
            measured.generator_cpu_share,
            play.pace.lags.milliseconds()["p99"],
            play.runs.live.milliseconds()["p99"],
        ),
        **measured.counted(),
        "histograms": {
            "ack": play.pace.acks.sparse(),
            "delivery": play.runs.live.sparse(),
            "repair": play.figures.repairs.sparse(),
            "resume": play.figures.absences.sparse(),
            "connect": play.figures.connects.sparse(),
        },
        "config": {"daemon": configuration.of_daemon(there.daemon, there.url)},
        "examples": play.tally.examples,
    }


def _text(play: Play, result: dict[str, Any]) -> list[str]:
    """The report as lines."""
    pace, figures, seconds = play.pace, play.figures, play.seconds
    start = "due" if pace.speed else "sent"
    lines = [
        f"bench replay · {play.trace.name} · {_pacing(pace)} · {result['encoding']} · seed {result['seed']}",
        _plan(play.trace, result["flap"]),
        "",
        *report.latency_table(
            {
                "connect": (figures.connects, "dial to hello answered"),
                "ack": (pace.acks, f"{start} to durable"),
                "delivery": (play.runs.live, f"{start} to received live"),
                "repair": (figures.repairs, "the same, of what came by hello or log"),
                "resume": (figures.absences, "cut to everything repaired"),
            }
        ),
        "",
        f"  throughput  {result['messages'] / seconds:,.0f} messages/s · "
        f"{result['deliveries'] / seconds:,.0f} deliveries/s · {seconds:.1f} s in all",
        f"  delivered   {result['deliveries']:,} of {play.trace.deliveries:,} · "
        f"{figures.repaired:,} of them by hello or log, the others in {figures.pushes:,} pushes",
        f"  links       cut {figures.cuts:,} · resumes {figures.resumes:,} · "
        f"messages sent again {figures.retries:,}",
    ]
    for title, counter in (("ended", figures.drops), ("refused", figures.failures)):
        lines += [f"  {title:<10}  {count:,} times: {reason}" for reason, count in counter.most_common(5)]
    return [*lines, *report.correctness(play.tally), *report.load(result)]


def _pacing(pace: Pace) -> str:
    if pace.speed is None:
        return f"closed loop, at most {WINDOW} unacknowledged"
    return f"open loop, {pace.speed:g} times real time"


def _plan(trace: Trace, flap: float) -> str:
    sizes = ", ".join(f"{len(members):,}" for members in trace.members.values())
    people = f"{len(trace.messages):,} messages · {len(trace.users):,} people · {len(trace.members)} rooms"
    return f"plan  {people} ({sizes} members) · flap {flap:g}"


def _speed(word: str) -> float | None:
    if word == "max":
        return None
    value = float(word)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{word} is not a positive number")
    return value

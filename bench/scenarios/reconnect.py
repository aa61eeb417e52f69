"""`reconnect`: the daemon is killed under load and everybody comes back: how soon, how complete, and how it felt."""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import secrets
from contextlib import AsyncExitStack
from typing import Any

from bench import bounds, configuration, outcome, progress, report, target
from bench import options as common
from bench.engine.device import Access
from bench.engine.pump import Pump
from bench.engine.script import Script
from bench.histogram import Histogram
from bench.home import Home, kill, new_home
from bench.load import Load
from bench.storm.crowd import Crowd
from bench.storm.manners import Manners, Polite, Rude
from bench.storm.storm import Storm
from bench.storm.visit import Stage


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `reconnect`."""
    parser.add_argument(
        "--clients", type=bounds.count, default=1000, metavar="N", help="who come back (1,000)"
    )
    parser.add_argument("--rooms", type=bounds.count, default=20, metavar="R", help="of each client (20)")
    parser.add_argument(
        "--missed", type=bounds.count_or_none, default=50, metavar="M", help="messages each has missed (50)"
    )
    parser.add_argument("--rude", action="store_true", help="retry every second instead of with full jitter")
    common.add_seed(parser)
    target.add_encoding(parser)
    common.add_output(parser)


async def run(options: argparse.Namespace) -> int:
    """Measures, prints the report, writes the result."""
    crowd = Crowd(options.clients, options.rooms, options.missed, options.seed)
    with new_home() as home:
        storm, measured = await play(home, crowd, rude=options.rude, encoding=options.encoding)
    result = {**result_of(storm, home, measured), "rude": options.rude, "encoding": options.encoding}
    clean = storm.stage.tally.clean
    return outcome.finish(result, text(result, storm), options, clean=clean)


async def play(
    home: Home, crowd: Crowd, *, rude: bool = False, encoding: str = "msgpack"
) -> tuple[Storm, Load]:
    """One storm against a daemon in that home, which is killed and started again."""
    chance = random.Random(crowd.seed)
    manners: Manners = Rude() if rude else Polite(chance)
    script = Script(secrets.token_hex(2), crowd.seed)
    pump = Pump()
    storm = Storm(
        Stage(
            pump,
            Access(home.url, home.secret, encoding, tuple(common.sources(crowd.clients))),
            script,
            manners,
        ),
        crowd,
    )
    try:
        return storm, await _play(home, storm)
    finally:
        pump.close()
        gc.unfreeze()


async def _play(home: Home, storm: Storm) -> Load:
    clients = storm.crowd.clients
    async with home.daemon() as daemon:
        with progress.shown(
            lambda: f"gather   {progress.bar(storm.back, clients)} in {storm.crowd.rooms:,} rooms"
        ):
            await asyncio.to_thread(storm.gather)
        gc.collect()
        gc.freeze()  # the people stay until the end; a full collection need not look at them again
        with progress.shown(lambda: "miss     everybody is away, the rooms go on, the daemon is killed"):
            await asyncio.to_thread(storm.miss, lambda: kill(daemon))
    async with AsyncExitStack() as stack:
        with progress.shown(lambda: f"storm    {progress.bar(storm.back, clients)} back"):
            enduring = asyncio.create_task(asyncio.to_thread(storm.endure))
            second = await stack.enter_async_context(home.daemon())
            measured = Load(second)
            with measured.during():
                await enduring
                await measured.count_connections()
        with progress.shown(lambda: "compare  everybody with the logs"):
            await asyncio.to_thread(storm.compare)
        kill(second)  # a polite stop would give all these people time to leave
    return measured


def result_of(storm: Storm, home: Home, measured: Load) -> dict[str, Any]:
    """What was counted and what was measured."""
    stage, crowd = storm.stage, storm.crowd
    polite, lags = storm.polite, storm.lags.milliseconds()
    said = sum(author.said for author in storm.authors)
    seconds = range(int(storm.complete_s) + 1)
    return {
        "scenario": "reconnect",
        "clients": crowd.clients,
        "rooms_each": crowd.rooms_each,
        "missed_each": crowd.missed,
        "rooms": crowd.rooms,
        "seed": crowd.seed,
        "messages": said,
        "deliveries": storm.deliveries,
        "deliveries_per_s": round(storm.deliveries / storm.complete_s, 1),
        "complete_s": round(storm.complete_s, 3),
        "ready_s": round(home.ready_s, 3),
        **stage.tally.counts(),
        "resume_ms": storm.resumes.milliseconds(),
        "polite_ms": polite.milliseconds(),
        "ack_ms": polite.milliseconds(),
        "acks_per_s": round(polite.count / storm.complete_s, 1),
        "schedule_lag_ms": lags,
        "generator_bound": report.generator_bound(
            measured.generator_cpu_share, lags["p99"], polite.milliseconds()["p99"]
        ),
        "attempts": stage.attempts,
        "refused": dict(stage.failures),
        "repaired": sum(traveller.repaired for traveller in storm.travellers),
        "sent_again": sum(author.sent_again for author in storm.authors),
        **measured.counted(),
        "timeline": measured.beside(
            [{"second": second, "resumed": storm.returned[second]} for second in seconds], -home.ready_s
        ),
        "histograms": {"resume": storm.resumes.sparse(), "polite": polite.sparse()},
        "config": {"daemon": configuration.of_daemon(measured.daemon)},
        "examples": stage.tally.examples,
    }


def text(result: dict[str, Any], storm: Storm) -> list[str]:
    """The report as lines."""
    kept = {name: Histogram.from_sparse(slots) for name, slots in result["histograms"].items()}
    rows = {
        "resume": (kept["resume"], "killed to back and complete"),
        "polite send": (kept["polite"], "due to durable, of those who are back, during the storm"),
    }
    manners = "RUDE, every second" if result["rude"] else "polite, full jitter"
    failures = sorted(result["refused"].items(), key=lambda one: -one[1])[:5]
    return [
        f"bench reconnect · {manners} · {result['encoding']} · seed {result['seed']}",
        f"plan  {result['clients']:,} clients · {result['rooms_each']} rooms each of {storm.crowd.size + 1} members · "
        f"{result['missed_each']} missed messages each · kill -9",
        "",
        *report.latency_table(rows),
        "",
        f"  back        all complete {result['complete_s']:.2f} s after the kill · "
        f"the daemon was ready after {result['ready_s']:.2f} s",
        f"  per second  {report.spark([row['resumed'] for row in result['timeline']])}",
        f"  made good   {result['deliveries']:,} messages · {result['repaired']:,} of them by log · "
        f"sent again {result['sent_again']:,}",
        f"  attempts    {result['attempts']:,}",
        *(f"  refused     {count:,} times: {reason}" for reason, count in failures),
        *report.correctness(storm.stage.tally),
        *report.load(result),
    ]

"""`history`: a large database, made up and filled in: pages, syncs, sends and starts against an empty one."""

import argparse
import asyncio
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from bench import options as common
from bench import outcome, printout, progress
from bench.checks import Tally
from bench.codec import ENCODINGS, Encoding
from bench.endpoint import Endpoint
from bench.engine.run_state import Pacing
from bench.histogram import Histogram
from bench.history import measuring
from bench.history.filling import fill
from bench.history.measuring import Sending
from bench.history.shape import Shape
from bench.options import Scenario
from bench.rooms import create_direct
from bench.server import DaemonDir, daemon_dir

CLIENTS_MAX = 200  # who write while the send rate is measured; as in `direct`
END_MS = 1_780_000_000_000  # a fixed day in 2026: the same options make the same database


@dataclass(frozen=True)
class Asked:
    """How much is measured, and where the database is made; without a directory it is removed afterwards."""

    pages: int = 2_000
    duration_s: float = 10.0  # of each send rate
    warmup_s: float = 1.0  # before it
    procs: int = 1  # of the generator that sends
    rounds: int = 1  # of send rates, side by side; the median round counts
    seed: int = 1
    encoding: str = "msgpack"
    directory: Path | None = None


async def run(options: argparse.Namespace) -> int:
    shape = Shape(options.messages, options.rooms, options.users, END_MS, options.seed)
    tally = Tally()
    names = {"duration_s": "duration", "warmup_s": "warmup"}
    asked = Asked(**{one.name: getattr(options, names.get(one.name, one.name)) for one in fields(Asked)})
    result = {**await play(shape, asked, tally), "scenario": "history"}
    result |= {"seed": options.seed, **tally.counts(), "examples": tally.examples}
    return outcome.finish(result, text(result, tally), options, clean=tally.clean)


async def play(shape: Shape, asked: Asked, tally: Tally) -> dict[str, Any]:
    encoding = ENCODINGS[asked.encoding]
    places = range(min(CLIENTS_MAX // 2, shape.directs))
    with daemon_dir() as none, daemon_dir(directory=asked.directory) as here:
        empty = await measuring.start(none)
        rooms = await _make_rooms(none, shape, encoding, len(places))
        filled_s = await build(here, shape)
        existing = tuple(shape.all_rooms[shape.direct_number(place) - 1].name for place in places)
        full = await measuring.start(here)
        looked = await measuring.read(here, shape, encoding, asked.pages, tally)
        pacing = Pacing(asked.duration_s, asked.warmup_s, in_flight=1, seed=asked.seed)
        sending = Sending(shape.script, pacing, tally, asked.procs, encoding)
        rates = []
        for _ in range(asked.rounds):
            sent_empty = await measuring.write(none, rooms, sending)
            rates.append((sent_empty, await measuring.write(here, existing, sending)))
        size = here.database.stat().st_size
    sent_empty, sent = sorted(rates, key=_ratio)[len(rates) // 2]
    return {
        **sent,
        **_sizes(shape, size, filled_s),
        "pages": asked.pages,
        **looked,
        "histograms": {**sent["histograms"], **looked["histograms"]},
        "start": full.counted(),
        "empty": empty.counted(),
        "ready_s": full.counted()["ready_s"],
        "memory_growth_bytes": full.rss_bytes - empty.rss_bytes,
        "sending": {"full": _short(sent), "empty": _short(sent_empty)},
        "ratio": {"send": round(_ratio((sent_empty, sent)), 3)},
    }


def _short(sent: dict[str, Any]) -> dict[str, Any]:
    return {key: sent[key] for key in ("acks_per_s", "ack_ms", "delivery_ms", "generator_bound", "server")}


def _ratio(rates: tuple[dict[str, Any], dict[str, Any]]) -> float:
    empty, full = rates
    return float(full["acks_per_s"] / (empty["acks_per_s"] or 1))


async def build(here: DaemonDir, shape: Shape) -> float:
    """Fills the database unless an earlier run did; seconds it took. Raises ValueError for another one."""
    mark, told = here.directory / "shape.txt", f"{shape}\n"
    if mark.exists():
        if mark.read_text() != told:
            raise ValueError(f"{here.directory} holds another database: {mark.read_text().strip()}")
        return 0.0
    if here.database.exists():
        raise ValueError(f"{here.database} exists and was not made here; it is left alone")
    async with here.daemon():
        pass  # the first start makes the schema
    started, messages = time.monotonic(), 0

    def done(now: int) -> None:
        nonlocal messages
        messages = now

    with progress.shown(lambda: f"fill     {progress.bar(messages, shape.messages)} messages"):
        await asyncio.to_thread(fill, here.database, shape, done)
    mark.write_text(told)
    return time.monotonic() - started


def text(result: dict[str, Any], tally: Tally) -> list[str]:
    full, empty = result["start"], result["empty"]
    kept = {name: Histogram.from_sparse(slots) for name, slots in result["histograms"].items()}
    rows = {
        "page": (kept["page"], f"{result['pages']:,} pages of 50, the file in memory"),
        "page cold": (kept["page_cold"], "the same, the file not in memory"),
        "hello": (kept["hello"], f"{result['rooms_each']} rooms, the first 30 of them"),
        "hello cold": (
            kept["hello_cold"],
            "the same, the file not in memory, but for what the pages touched",
        ),
        "sync": (kept["sync"], f"all {result['rooms_each']} rooms"),
        "sync cold": (kept["sync_cold"], ""),
    }
    sizes = f"{result['database']['messages']:,} messages · {result['database']['rooms']:,} rooms"
    sending = result["sending"]
    return [
        f"bench history · seed {result['seed']}",
        f"plan  {sizes} · {result['database']['users']:,} users · {printout.size(result['database']['bytes'])}",
        "",
        *printout.latency_table(rows),
        "",
        f"  start       ready in {full['ready_s']:.2f} s, empty {empty['ready_s']:.2f} s · rss "
        f"{printout.size(full['rss_bytes'])}, empty {printout.size(empty['rss_bytes'])}",
        f"  send        {sending['full']['acks_per_s']:,.0f} durable/s, empty "
        f"{sending['empty']['acks_per_s']:,.0f} · ratio {result['ratio']['send']:.2f}",
        *printout.correctness(tally),
    ]


async def _make_rooms(here: DaemonDir, shape: Shape, encoding: Encoding, count: int) -> tuple[str, ...]:
    user = shape.script.user
    pairs = [(user(2 * place), user(2 * place + 1)) for place in range(count)]
    async with here.daemon() as daemon:
        there = Endpoint(daemon.url, daemon.secret, encoding, daemon)
        return tuple(await create_direct(there, "none", pairs))


def _sizes(shape: Shape, size_bytes: int, filled_s: float) -> dict[str, Any]:
    return {
        "database": {
            **{key: getattr(shape, key) for key in ("messages", "rooms", "users")},
            "members": sum(len(room.users) for room in shape.all_rooms),
            "largest_room": max(room.messages for room in shape.all_rooms),
            "bytes": size_bytes,
            "filled_s": round(filled_s, 1),
        },
        "rooms_each": sum(shape.script.user(shape.heavy(0)) in room.users for room in shape.all_rooms),
    }


LENGTHS = {"duration": 10.0, "warmup": 1.0}
SCENARIO = Scenario(
    "a large database, made up and filled in: pages, syncs, sends and starts against an empty one",
    run,
    f"messages rooms users pages rounds seed directory {common.LENGTH} procs encoding {common.OUTPUT}",
    {"messages": 100_000, "rooms": 1_000, "users": 5_000, "pages": 2_000, "rounds": 1} | LENGTHS,
)

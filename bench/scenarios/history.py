"""`history`: a large database, made up and filled in: pages, syncs, sends and starts against an empty one."""

import argparse
import os
import random
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench import options as common
from bench import outcome, printout
from bench.checks import Tally
from bench.client.phone import Phone
from bench.database import HEAVY_USERS, RUN, Room, Shape, make, message
from bench.engine.roles import Direct, Pairs
from bench.engine.run_state import Access, Pacing
from bench.engine.workers import Plan
from bench.histogram import Histogram
from bench.options import Scenario
from bench.rooms import create_direct
from bench.server import DaemonDir, Endpoint, daemon_dir
from bench.wire import Packet

PAGE = 50  # messages: what one screen of a phone asks for (protocol.md "Reading history")
_ROOMS_A_PAGE = 200  # `limits.page`: the most a sync brings at once


class Reading:
    """One phone after the other looks at what years left; every answer is compared with the shape."""

    def __init__(self, there: Endpoint, shape: Shape, tally: Tally, seed: int) -> None:
        self.pages = Histogram()  # from asking for 50 messages to having them decoded
        self.hellos = Histogram()  # from saying hello to having the first rooms decoded
        self.syncs = Histogram()  # the same, until all rooms are there
        self._there = there
        self._shape = shape
        self._tally = tally
        self._chance = random.Random(seed)
        self._rooms = {room.name: room for room in shape.all_rooms}

    async def greet(self, times: int) -> None:
        for place in range(times):
            user = self._shape.script.user(self._shape.heavy(place % HEAVY_USERS))
            phone = await self._there.dial()
            started_ns = time.perf_counter_ns()
            page = (await self._there.hello(phone, user, f"{RUN}-{place}"))["sync"]
            self.hellos.record(time.perf_counter_ns() - started_ns)
            found: list[Packet] = list(page["rooms"])
            while "more" in page:
                page = await phone.request({"type": "sync", "more": page["more"], "rooms": _ROOMS_A_PAGE})
                found += page["rooms"]
            self.syncs.record(time.perf_counter_ns() - started_ns)
            await phone.close()
            self._check_rooms(user, {summary["room"]: summary for summary in found})

    async def leaf(self, times: int) -> None:
        """Asks for a page somewhere in the log of some room, that often, in the name of one of its members."""
        heavy = [self._shape.heavy(place) for place in range(HEAVY_USERS)]
        users = [self._shape.script.user(number) for number in heavy]
        phones = {user: await self._there.enter(user, f"{RUN}-reader") for user in users}
        theirs = {user: [room for room in self._rooms.values() if user in room.users] for user in phones}
        for _ in range(times):
            user = self._chance.choice(list(phones))
            await self._page(phones[user], self._chance.choice(theirs[user]))
        for phone in phones.values():
            await phone.close()

    async def _page(self, phone: Phone, room: Room) -> None:
        before = self._chance.randint(min(3, room.messages + 2), room.messages + 2)
        asked: Packet = {"type": "history", "room": room.name, "before": before, "limit": PAGE}
        started_ns = time.perf_counter_ns()
        reply = await phone.request(asked)
        self.pages.record(time.perf_counter_ns() - started_ns)
        last = before - 2  # the ordinal of the message before
        wanted = [self._message(room, ordinal) for ordinal in range(max(1, last - PAGE + 1), last + 1)]
        self._same(f"history of {room.name} before {before}", reply["events"], wanted)
        self._same(f"the end of {room.name}", reply["seq"], room.messages + 1)

    def _message(self, room: Room, ordinal: int) -> dict[str, Any]:
        return message(room, ordinal, self._shape.text(room, ordinal))

    def _check_rooms(self, user: str, found: dict[str, Packet]) -> None:
        wanted = {room.name: room for room in self._rooms.values() if user in room.users}
        if missing := wanted.keys() - found.keys():
            self._tally.add("lost", f"{user} misses {len(missing)} rooms", len(missing))
        if foreign := found.keys() - wanted.keys():
            self._tally.add("misrouted", f"{user} sees {len(foreign)} rooms they are not in", len(foreign))
        for name in wanted.keys() & found.keys():
            room, summary = wanted[name], found[name]
            (member,) = [one for one in self._shape.members(room) if one.user == user]
            unread = room.messages - member.read_ordinal - member.own_unread
            told = [summary.get(key, 0) for key in ("seq", "ordinal", "unread", "members")]
            counts = [room.messages + 1, room.messages, unread, len(room.users)]
            self._same(f"{name} as {user} sees it", told, counts)
            if room.messages:
                last = self._message(room, room.messages)
                self._same(f"the preview of {name}", summary.get("preview"), last)

    def _same(self, what: str, told: object, wanted: object) -> None:
        if told != wanted:
            self._tally.add("altered", f"{what} is {str(told)[:200]}, not {str(wanted)[:200]}")


_CHUNK_BYTES = 4 << 20  # large enough that the disk, not the loop, sets the pace
STARTS = 3  # of which the median counts
GREETINGS = 200  # enough that the 99th percentile is not the maximum


async def start(here: DaemonDir) -> dict[str, float]:
    """The median of some starts: seconds until the daemon answered, and the memory it held then."""
    seen: list[tuple[float, int]] = []
    for _ in range(STARTS):
        async with here.daemon() as daemon:
            seen.append((here.ready_s, daemon.rss_bytes()))
    ready_s, rss_bytes = (median(values) for values in zip(*seen, strict=True))
    return {"ready_s": round(ready_s, 3), "rss_bytes": rss_bytes}


async def read(here: DaemonDir, shape: Shape, asked: argparse.Namespace, tally: Tally) -> dict[str, Any]:
    """Pages and hellos with the file out of the kernel's memory, then with it there."""
    timed: dict[str, Histogram] = {}
    for state, suffix, prepare in (("cold", "_cold", forget), ("warm", "", remember)):
        prepare(here.database)
        async with here.endpoint(asked.encoding) as there:
            reading = Reading(there, shape, tally, seed=len(suffix))
            with printout.shown(partial(_told, reading, state)):
                await reading.leaf(asked.pages)
                await reading.greet(GREETINGS)
        kinds = {"page": reading.pages, "hello": reading.hellos, "sync": reading.syncs}
        timed |= {f"{kind}{suffix}": histogram for kind, histogram in kinds.items()}
    return {
        **{f"{name}_ms": histogram.milliseconds() for name, histogram in timed.items()},
        "histograms": {name: histogram.sparse() for name, histogram in timed.items()},
    }


def _told(reading: Reading, state: str) -> str:
    return f"read     {reading.pages.count:,} pages · {reading.hellos.count} hellos · {state}"


def forget(file: Path) -> None:
    """Make the kernel drop its copy of the file, so that the next reader waits for the disk."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())  # what is not on the disk yet cannot be dropped
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def remember(file: Path) -> None:
    """Reads the file once, so that the kernel keeps as much of it as it has memory for."""
    with file.open("rb", buffering=0) as opened:
        while opened.read(_CHUNK_BYTES):
            pass


CLIENTS_MAX = 200  # who write while the send rate is measured; as in `direct`
END_MS = 1_780_000_000_000  # a fixed day in 2026: the same options make the same database


async def run(options: argparse.Namespace) -> int:
    shape = Shape(options.messages, options.rooms, options.users, END_MS, options.seed)
    return outcome.finish({**await play(shape, options), "scenario": "history"}, options)


async def play(shape: Shape, asked: argparse.Namespace) -> dict[str, Any]:
    """All figures. `asked` has the options of the scenario; without a directory the database is removed afterwards."""
    tally, user = Tally(), shape.script.user
    places = range(min(CLIENTS_MAX // 2, shape.directs))
    pacing = Pacing(asked.duration, asked.warmup, in_flight=1, seed=asked.seed)

    async def write(here: DaemonDir, rooms: tuple[str, ...]) -> dict[str, Any]:
        """Everybody writes to their partner in these direct rooms, in a closed loop."""
        async with here.endpoint(asked.encoding) as there:
            access = Access(there.url, there.secret, there.encoding.name)
            plan = Plan(Direct, access, shape.script, pacing, Pairs(rooms))
            result, seen = await outcome.play("history", plan, there, asked.procs)
        tally.merge(seen.tally)
        return result

    with daemon_dir() as none, daemon_dir(directory=asked.directory) as here:
        empty = await start(none)
        async with none.endpoint(asked.encoding) as there:
            pairs = [(user(2 * place), user(2 * place + 1)) for place in places]
            rooms = tuple(await create_direct(there, "none", pairs))
        filled_s = await build(here, shape)
        existing = tuple(shape.all_rooms[shape.direct_number(place) - 1].name for place in places)
        full = await start(here)
        looked = await read(here, shape, asked, tally)
        rates = [(await write(none, rooms), await write(here, existing)) for _ in range(asked.rounds)]
        size_bytes = here.database.stat().st_size
    sent_empty, sent = sorted(rates, key=_ratio)[len(rates) // 2]
    kept = ("acks_per_s", "ack_ms", "delivery_ms", "generator_bound", "server")
    sides = {"full": sent, "empty": sent_empty}
    return {
        **sent,
        "database": {
            **{key: getattr(shape, key) for key in ("messages", "rooms", "users")},
            "members": sum(len(room.users) for room in shape.all_rooms),
            "largest_room": max(room.messages for room in shape.all_rooms),
            "bytes": size_bytes,
            "filled_s": round(filled_s, 1),
        },
        "rooms_each": sum(user(shape.heavy(0)) in room.users for room in shape.all_rooms),
        "pages": asked.pages,
        **looked,
        "histograms": {**sent["histograms"], **looked["histograms"]},
        "start": full,
        "empty": empty,
        "ready_s": full["ready_s"],
        "memory_growth_bytes": full["rss_bytes"] - empty["rss_bytes"],
        "sending": {name: {key: side[key] for key in kept} for name, side in sides.items()},
        "ratio": {"send": round(_ratio((sent_empty, sent)), 3)},
        **tally.counts(),
        "examples": tally.examples,
    }


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
    started = time.monotonic()
    await make(here, shape)
    mark.write_text(told)
    return time.monotonic() - started


LENGTHS = {"duration": 10.0, "warmup": 1.0}
SCENARIO = Scenario(
    "a large database, made up and filled in: pages, syncs, sends and starts against an empty one",
    run,
    f"messages rooms users pages rounds seed directory {common.LENGTH} procs encoding {common.OUTPUT}",
    {"messages": 100_000, "rooms": 1_000, "users": 5_000, "pages": 2_000, "rounds": 1} | LENGTHS,
)

"""`search`: a search in a room beside a page of history, the index beside the database, and sends with search on beside
sends without; on made-up texts with and without spaces, and on a real trace.
"""

import argparse
import asyncio
import random
import sqlite3
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from bench import outcome, printout, trace
from bench.client.phone import Phone
from bench.database import HEAVY_USERS, Room, Shape, make
from bench.options import Scenario
from bench.scenarios.beside import by_turns, p99
from bench.server import Daemon, Endpoint, daemon_dir
from bench.wire import Packet

USER = "search-ann"
ROOMS = 10
AT_ONCE = 32
PAGES, SENDS = 500, 2_000
# Different texts, and a number that has no part with that of them.
TEXTS, STRIDE = 50_000, 7_919
ROOM_MESSAGES = 1_000
POLL_S = 0.05
# Of made-up texts: as many characters as a newspaper uses, or as many words, the first of them far more often.
CHARACTERS, FIRST, SENTENCE = 3_000, 0x4E00, 14
LETTERS = "aaaeeeeiiioouubcddfghklllmnnnprrrssstttvwyz"
QUERY_CHARS_MAX = 12
SETTINGS = {side: {"CHATD_SEARCH__ENABLED": word} for side, word in (("on", "true"), ("off", "false"))}


async def run(options: argparse.Namespace) -> int:
    chance = random.Random(options.seed)
    kinds = {
        kind: make(min(TEXTS, options.messages), chance)
        for kind, make in (("words", words), ("Chinese", chinese))
    }
    if options.trace is not None:
        kinds["trace"] = [
            message.text for message in trace.load(options.trace).messages if message.text.strip()
        ]
    found = {kind: await looked_for(texts, chance, options) for kind, texts in kinds.items()}
    ratios: list[float] = []
    sends: list[dict[str, float]] = []
    for number in range(options.rounds):
        sends.append(await by_turns([*SETTINGS], number, lambda side: sent(SETTINGS[side], kinds["words"])))
        ratios.append(sends[-1]["on"] / sends[-1]["off"])
    result = {"scenario": "search", "found": found, "sends_per_s": sends, "ratio": statistics.median(ratios)}
    names = list(found["words"])
    rows = [[name, *(f"{one[name]:,.3g}" for one in found.values())] for name in names]
    told = ["", *printout.table(("", *found), rows)]
    told.append(f"  sends with search on / without: {statistics.median(ratios):.3f}")
    return outcome.finish(result, options, told)


def words(count: int, chance: random.Random) -> list[str]:
    """Return sentences of words with spaces, which are as unevenly frequent as those of a language."""
    known = ["".join(chance.choices(LETTERS, k=chance.randint(2, 10))) for _ in range(CHARACTERS)]
    return [" ".join(said) for said in unevenly(known, count, chance)]


def chinese(count: int, chance: random.Random) -> list[str]:
    """Return sentences of characters without spaces."""
    known = [chr(FIRST + place) for place in range(CHARACTERS)]
    return ["".join(said) for said in unevenly(known, count, chance)]


def unevenly(known: Sequence[str], count: int, chance: random.Random) -> list[list[str]]:
    weights = list(accumulate(1 / (place + 5) for place in range(len(known))))
    return [
        chance.choices(known, cum_weights=weights, k=chance.randint(4, 2 * SENTENCE)) for _ in range(count)
    ]


@dataclass(frozen=True)
class Talk(Shape):
    """A made-up database in which these texts are said, over and over."""

    texts: Sequence[str] = ()

    def text(self, room: Room, ordinal: int) -> str:
        return self.texts[(room.number * STRIDE + ordinal) % len(self.texts)]


async def looked_for(
    texts: Sequence[str], chance: random.Random, options: argparse.Namespace
) -> dict[str, float]:
    """Return what searches among these texts cost, once the index has them all."""
    rooms = max(ROOMS, options.messages // ROOM_MESSAGES)
    talk = Talk(
        options.messages, rooms, 10 * rooms + HEAVY_USERS, int(time.time() * 1000), options.seed, texts
    )
    user = talk.script.user(talk.heavy(0))
    with daemon_dir(SETTINGS["on"]) as here:
        await make(here, talk)
        async with here.endpoint() as there:
            began = time.perf_counter()
            phone = await there.enter(user)
            await filled(there.own, phone)
            filled_s = time.perf_counter() - began
            theirs = [room.name for room in talk.all_rooms if user in room.users]
            spent, cores = defaultdict[str, list[float]](list), defaultdict[str, float](float)
            for _ in range(PAGES):
                room, query = chance.choice(theirs), query_of(chance.choice(texts), chance)
                asked: dict[str, Packet] = {
                    "history": {"type": "history", "room": room, "limit": 20},
                    "search in a room": {"type": "search", "room": room, "text": query},
                    "search over all rooms": {"type": "search", "text": query},
                }
                for name, packet in asked.items():
                    used_s, began = cpu_s(there.own), time.perf_counter()
                    await phone.request(packet)
                    spent[name].append((time.perf_counter() - began) * 1e3)
                    cores[name] += cpu_s(there.own) - used_s
        index, database = (size_of(here.database.with_name(f"{name}.sqlite")) for name in ("search", "chatd"))
    found: dict[str, float] = {}
    for name, values in spent.items():
        found |= {f"{name} p50, ms": statistics.median(values), f"{name} p99, ms": p99(values) or 0.0}
        found[f"{name}, µs of a core"] = cores[name] * 1e6 / PAGES
    a_search, a_page = (p99(spent[name]) or 1.0 for name in ("search in a room", "history"))
    return found | {
        "p99 of a search in a room / of history": a_search / a_page,
        "messages/s into the index": options.messages / filled_s,
        "index / database": index / database,
        "index, bytes a message": index / options.messages,
    }


def query_of(text: str, chance: random.Random) -> str:
    """Return a part of a text that somebody may look for: a word, or two characters of one without spaces."""
    word = max(text.split(), key=lambda one: (len(one) > 2, chance.random()), default="")
    if len(word) > 2 * QUERY_CHARS_MAX or not word.isascii():
        place = chance.randrange(max(1, len(word) - 1))
        word = word[place : place + 2]
    letters = "".join(filter(str.isalnum, word))
    return letters[:QUERY_CHARS_MAX] or "a"


def cpu_s(daemon: Daemon) -> float:
    """Return the processor seconds of a daemon and of the process with the index."""
    return daemon.cpu_s() + sum(child.cpu_s() for child in daemon.children())


def size_of(path: Path) -> int:
    """Return the bytes of a database whose daemon has ended, without what waits in a log beside it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(truncate)").fetchall()
    return path.stat().st_size


async def filled(daemon: Daemon, phone: Phone) -> None:
    """Return when the index has seen everything: nothing is behind twice in a row, the commits of a moment included."""
    calm = 0
    while calm < 3:
        await asyncio.sleep(POLL_S * 10)  # commits are told once a second
        is_up = await daemon.metric("chatd_search_index_bytes") > 0
        calm = calm + 1 if is_up and await daemon.metric("chatd_search_behind_rooms") == 0 else 0
    await phone.request({"type": "search", "text": "everything"})


async def sent(settings: dict[str, str], texts: Sequence[str]) -> float:
    """Return the messages a second that one connection sends and a new daemon acknowledges."""
    with daemon_dir(settings) as here:
        async with here.endpoint() as there:
            phone, rooms = await enter(there)
            await say(phone, rooms, texts[:AT_ONCE])
            began = time.perf_counter()
            count = min(SENDS, len(texts))
            await say(phone, rooms, texts[:count], first=AT_ONCE)
            return count / (time.perf_counter() - began)


async def say(phone: Phone, rooms: Sequence[str], texts: Sequence[str], first: int = 0) -> None:
    """Send each text to one of the rooms, some at a time."""
    places = iter(enumerate(texts, first))

    async def one_after_the_other() -> None:
        for number, text in places:
            body = {"text": text or "-"}
            room = rooms[number % len(rooms)]
            await phone.request({"type": "send", "room": room, "key": f"search-{number:015d}", "body": body})

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))


async def enter(there: Endpoint) -> tuple[Phone, list[str]]:
    """Return a connection that has said hello, and the rooms it made."""
    phone = await there.enter(USER)
    rooms = []
    for number in range(ROOMS):
        key = f"search-room-{number}"
        made = await phone.request({"type": "room.create", "kind": "group", "key": key, "title": "Room"})
        rooms.append(str(made["summary"]["room"]))
    return phone, rooms


SCENARIO = Scenario(
    "what search costs: beside a page of history, the log, and sends without it",
    run,
    "messages trace rounds seed json html threshold",
    {"messages": 20_000, "rounds": 3},
)

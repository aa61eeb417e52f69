"""`search`: a search in a room beside a page of history, the index beside the database, and sends with search on beside
sends without; on made-up texts with and without spaces, and on a real trace.
"""

import argparse
import asyncio
import random
import sqlite3
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from itertools import accumulate
from pathlib import Path
from typing import Any

from bench import outcome, printout, trace, wire
from bench.client.phone import Phone
from bench.options import Scenario
from bench.server import Daemon, Endpoint, daemon_dir
from bench.wire import Packet

USER = "search-ann"
ROOMS = 10
AT_ONCE = 32
PAGES, SENDS = 500, 2_000
POLL_S = 0.05
# Of made-up texts: as many characters as a newspaper uses, or as many words, the first of them far more often.
CHARACTERS, FIRST, SENTENCE = 3_000, 0x4E00, 14
LETTERS = "aaaeeeeiiioouubcddfghklllmnnnprrrssstttvwyz"
QUERY_CHARS_MAX = 12
ON, OFF = ({"CHATD_SEARCH__ENABLED": word} for word in ("true", "false"))


async def run(options: argparse.Namespace) -> int:
    chance = random.Random(options.seed)
    kinds = {"words": words(options.messages, chance), "Chinese": chinese(options.messages, chance)}
    if options.trace is not None:
        kinds["trace"] = [message.text for message in trace.load(options.trace).messages][: options.messages]
    found = {kind: await looked_for(texts, chance) for kind, texts in kinds.items()}
    ratios: list[float] = []
    sends: list[dict[str, float]] = []
    for number in range(options.rounds):
        order = (("on", ON), ("off", OFF)) if number % 2 else (("off", OFF), ("on", ON))
        sends.append({side: await sent(settings, kinds["words"]) for side, settings in order})
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


async def looked_for(texts: Sequence[str], chance: random.Random) -> dict[str, float]:
    """Return what searches among these texts cost, once the index has them all."""
    with daemon_dir(ON) as here:
        async with here.endpoint() as there:
            assert there.daemon is not None
            phone, rooms = await enter(there)
            began = time.perf_counter()
            await say(phone, rooms, texts)
            await filled(there.daemon, phone)
            filled_s = time.perf_counter() - began
            pages, searches, wide = [], [], []
            for _ in range(PAGES):
                room, query = chance.choice(rooms), query_of(chance.choice(texts), chance)
                pages.append(await timed(phone, {"type": "history", "room": room, "limit": 20}))
                searches.append(await timed(phone, {"type": "search", "room": room, "text": query}))
                wide.append(await timed(phone, {"type": "search", "text": query}))
        return {
            **percentiles("history", pages),
            **percentiles("search in a room", searches),
            **percentiles("search over all rooms", wide),
            "p99 of a search in a room / of history": p99(searches) / p99(pages),
            "messages/s until they are in the index": len(texts) / filled_s,
            "index / database": size_of(here.database, "search.sqlite")
            / size_of(here.database, "chatd.sqlite"),
            "index, bytes a message": size_of(here.database, "search.sqlite") / len(texts),
        }


def query_of(text: str, chance: random.Random) -> str:
    """Return a part of a text that somebody may look for: a word, or two characters of one without spaces."""
    word = max(text.split(), key=lambda one: (len(one) > 2, chance.random()), default="")
    if len(word) > 2 * QUERY_CHARS_MAX or not word.isascii():
        place = chance.randrange(max(1, len(word) - 1))
        word = word[place : place + 2]
    letters = "".join(filter(str.isalnum, word))
    return letters[:QUERY_CHARS_MAX] or "a"


async def timed(phone: Phone, packet: Packet) -> float:
    began = time.perf_counter()
    await phone.request(packet)
    return (time.perf_counter() - began) * 1e3


def p99(took: Sequence[float]) -> float:
    return sorted(took)[min(len(took) - 1, len(took) * 99 // 100)]


def percentiles(name: str, took: Sequence[float]) -> dict[str, float]:
    return {f"{name} p50, ms": statistics.median(took), f"{name} p99, ms": p99(took)}


def size_of(database: Path, name: str) -> int:
    """Return the bytes of a database whose daemon has ended, without what waits in a log beside it."""
    path = database.with_name(name)
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

    await together([one_after_the_other] * AT_ONCE)


async def together(works: Sequence[Callable[[], Awaitable[Any]]]) -> None:
    await asyncio.gather(*(work() for work in works))


async def enter(there: Endpoint) -> tuple[Phone, list[str]]:
    """Return a connection that has said hello, and the rooms it made."""
    phone = await there.dial()
    hello = {"type": "hello", "version": 1, "token": wire.token(USER, there.secret)}
    await phone.request({**hello, "device": "phone".ljust(22, "-")})
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

"""`people`: what the same requests cost a daemon with people switched on, beside one with people switched off; and the
first round of an account with many contacts beside the bare SELECT of its rows.
"""

import argparse
import sqlite3
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from itertools import count
from typing import Any

from bench import outcome, printout, wire
from bench.client.phone import Phone
from bench.options import Scenario
from bench.server import Daemon, DaemonDir, Endpoint, daemon_dir
from bench.wire import Packet

WATCHED = 200  # as many as a connection may watch
CONTACTS = 10_000
SENDS, HELLOS, WATCHES, FIRST_ROUNDS = 2_000, 300, 100, 5
ANN, BOB, MANY = "people-ann", "people-bob", "people-many"
FEATURES = ["account", "people"]
SELECT = "SELECT * FROM contacts WHERE owner = ? ORDER BY stamp, number"
FRIEND = """
INSERT INTO contacts (owner, user, state, blocked, following, circles, remark, note, via, since, expires, quiet, tries,
                      known, stamp)
VALUES (?, ?, 4, 0, 0, 0, '', '', '', 1764000000000, 0, 0, 0, 0, 1)
"""


async def run(options: argparse.Namespace) -> int:
    rounds: list[dict[str, dict[str, float]]] = []
    for number in range(options.rounds):
        order = ("off", "on") if number % 2 else ("on", "off")
        rounds.append({side: await costs(side) for side in order})
    ratios = {
        name: round(statistics.median(one["on"][name] / one["off"][name] for one in rounds), 3)
        for name in ("send", "hello", "watch")
    }
    ratios["first round"] = round(
        statistics.median(one["on"]["first round"] / one["on"]["select"] for one in rounds), 2
    )
    rows = [
        [
            name,
            *(f"{statistics.median(one[side][name] for one in rounds):,.0f}" for side in ("off", "on")),
            str(ratio),
        ]
        for name, ratio in ratios.items()
        if name != "first round"
    ]
    told = ["", *printout.table(("µs of a core", "off", "on", "on / off"), rows)]
    told += [f"  first round of {CONTACTS:,} contacts / bare SELECT of them: {ratios['first round']}"]
    return outcome.finish({"scenario": "people", "ratios": ratios, "costs_us": rounds}, options, told)


async def costs(side: str) -> dict[str, float]:
    """Return the microseconds of a core that each request takes a new daemon."""
    with daemon_dir({"CHATD_PEOPLE__ENABLED": str(side == "on").lower()}) as here:
        async with here.daemon():
            pass
        if side == "on":
            befriend(here)
        async with here.endpoint() as there:
            assert there.daemon is not None
            (ann, _), (bob, _) = await enter(there, ANN), await enter(there, BOB)
            found = {"send": await sends(there.daemon, ann, bob)}
            found["hello"] = await hellos(there, there.daemon)
            found["watch"] = await watches(there.daemon, ann, side)
            if side == "on":
                many, _ = await enter(there, MANY)
                found["first round"] = await used(there.daemon, FIRST_ROUNDS, lambda: first_round(many))
        if side == "on":
            found["select"] = select(here)
        return found


def befriend(here: DaemonDir) -> None:
    """Store the friends of both in the database of a daemon that does not run."""
    pairs = [(ANN, BOB), *((ANN, f"watched-{number}") for number in range(WATCHED))]
    pairs += [(MANY, f"contact-{number}") for number in range(CONTACTS)]
    with closing(sqlite3.connect(here.database)) as connection, connection:
        connection.executemany(
            FRIEND, [pair for one, other in pairs for pair in ((one, other), (other, one))]
        )


async def used(daemon: Daemon, times: int, call: Callable[[], Awaitable[Any]]) -> float:
    """Return the microseconds of a core that one of `times` calls takes the daemon, which counts in ticks."""
    await call()
    before = daemon.cpu_s()
    for _ in range(times):
        await call()
    return max(1.0, round((daemon.cpu_s() - before) * 1e6 / times, 1))


async def sends(daemon: Daemon, ann: Phone, bob: Phone) -> float:
    """Write to a friend who has answered, one message after the other."""
    room = (await ann.request({"type": "room.direct", "user": BOB}))["summary"]["room"]
    keys = (f"people-{number:015d}" for number in count())

    async def send(phone: Phone) -> None:
        await phone.request(
            {"type": "send", "room": room, "key": next(keys), "body": {"text": "Hello there"}}
        )

    await send(ann)
    await send(bob)
    return await used(daemon, SENDS, lambda: send(ann))


async def hellos(there: Endpoint, daemon: Daemon) -> float:
    """Come back with a cursor when there is nothing new."""
    phone, first = await enter(there, ANN, "another")
    phone.cut()
    place = {"epoch": first["epoch"], "cursor": first["sync"]["cursor"]}

    async def come_back() -> None:
        (await enter(there, ANN, "another", **place))[0].cut()

    return await used(daemon, HELLOS, come_back)


async def watches(daemon: Daemon, ann: Phone, side: str) -> float:
    """Watch friends; where people are switched off, members of groups one is in."""
    users = [f"watched-{number}" for number in range(WATCHED)]
    if side == "off":
        for number in range(0, WATCHED, 100):
            room = {"type": "room.create", "kind": "group", "key": f"people-room-{number}", "title": "all"}
            await ann.request({**room, "users": users[number : number + 100]})
    return await used(daemon, WATCHES, lambda: ann.request({"type": "watch", "users": users}))


async def first_round(phone: Phone) -> None:
    """Synchronise everything."""
    page = await phone.request({"type": "sync"})
    got = len(page["sections"]["contacts"])
    while "more" in page:
        page = await phone.request({"type": "sync", "more": page["more"]})
        got += len(page["sections"]["contacts"])
    if got != CONTACTS:
        raise ValueError(f"{got} contacts of {CONTACTS} came")


def select(here: DaemonDir) -> float:
    """Return the microseconds of a core that reading the rows of these contacts takes."""
    with closing(sqlite3.connect(here.database)) as connection:
        connection.execute(SELECT, (MANY,)).fetchall()
        before = time.process_time()
        for _ in range(FIRST_ROUNDS):
            connection.execute(SELECT, (MANY,)).fetchall()
        return round((time.process_time() - before) * 1e6 / FIRST_ROUNDS, 1)


async def enter(there: Endpoint, user: str, device: str = "phone", **place: str) -> tuple[Phone, Packet]:
    """Return a connection on which people are in force where they can be, and the answer to its hello."""
    phone = await there.dial()
    hello = {"type": "hello", "version": 1, "token": wire.token(user, there.secret), "features": FEATURES}
    return phone, await phone.request({**hello, "device": device.ljust(22, "-"), **place})


SCENARIO = Scenario(
    "what people cost: the same requests with people switched on and off",
    run,
    "rounds json html threshold",
    {"rounds": 5},
)

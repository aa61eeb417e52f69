"""`people`: what the same requests cost a daemon with people switched on, beside one with people switched off; and the
first round of an account with many contacts beside the bare SELECT of its rows.
"""

import argparse
import sqlite3
import time
from contextlib import closing
from functools import partial
from itertools import count

from bench.client.phone import Phone
from bench.options import Scenario
from bench.scenarios.beside import SWITCHED, by_turns, told, used
from bench.server import DaemonDir, Endpoint, daemon_dir
from bench.targets.target import Extent, Figure, Measured, median, ratio

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
BOTH = ("send", "hello", "watch")
FIGURES = (
    *(Figure(name, f"{name}, people on / off, by core", "x") for name in BOTH),
    *(Figure(f"{name}_us", f"core each {name} with people", "µs") for name in BOTH),
    Figure("first_round", "first round of 10,000 contacts / SELECT", "x"),
    Figure("first_round_us", "core each first round", "µs"),
)


async def run(options: argparse.Namespace) -> int:
    return await told("people", FIGURES, measure, options)


async def measure(extent: Extent) -> Measured:
    """Return all FIGURES. Raises Unreachable, Refused."""
    rounds = []
    for number in range(extent.rounds):
        found = await by_turns(SWITCHED, number, costs)
        on, off = found[True], found[False]
        figures = {name: ratio(on[name], off[name]) for name in BOTH}
        figures |= {"first_round": ratio(on["first_round"], on.pop("select"))}
        rounds.append(Measured({**figures, **{f"{name}_us": us for name, us in on.items()}}, []))
    return median(rounds)


async def costs(is_on: bool) -> dict[str, float]:
    """Return the microseconds of a core that each request takes a new daemon."""
    with daemon_dir({"CHATD_PEOPLE__ENABLED": str(is_on).lower()}) as here:
        async with here.daemon():
            pass
        if is_on:
            befriend(here)
        async with here.endpoint() as there:
            ann, bob = [await there.enter(user, features=FEATURES) for user in (ANN, BOB)]
            found = {"send": await sends(there, ann, bob), "hello": await hellos(there)}
            found["watch"] = await watches(there, ann, is_on)
            if is_on:
                many = await there.enter(MANY, features=FEATURES)
                found["first_round"] = await used(there.own, FIRST_ROUNDS, partial(first_round, many))
        return found | ({"select": select(here)} if is_on else {})


def befriend(here: DaemonDir) -> None:
    """Store the friends of both in the database of a daemon that does not run."""
    pairs = [(ANN, BOB), *((ANN, f"watched-{number}") for number in range(WATCHED))]
    pairs += [(MANY, f"contact-{number}") for number in range(CONTACTS)]
    with closing(sqlite3.connect(here.database)) as connection, connection:
        connection.executemany(FRIEND, [*pairs, *((other, one) for one, other in pairs)])


async def sends(there: Endpoint, ann: Phone, bob: Phone) -> float:
    """Write to a friend who has answered, one message after the other."""
    room = (await ann.request({"type": "room.direct", "user": BOB}))["summary"]["room"]
    keys = (f"people-{number:015d}" for number in count())

    async def send(_: int, phone: Phone = ann) -> None:
        packet = {"type": "send", "room": room, "key": next(keys), "body": {"text": "Hello there"}}
        await phone.request(packet)

    await send(0)
    await send(0, bob)
    return await used(there.own, SENDS, send)


async def hellos(there: Endpoint) -> float:
    """Come back with a cursor when there is nothing new."""
    first = await there.hello(await there.dial(), ANN, "another", features=FEATURES)
    place = {"epoch": first["epoch"], "cursor": first["sync"]["cursor"]}

    async def come_back(_: int) -> None:
        (await there.enter(ANN, "another", features=FEATURES, **place)).cut()

    await come_back(0)
    return await used(there.own, HELLOS, come_back)


async def watches(there: Endpoint, ann: Phone, is_on: bool) -> float:
    """Watch friends; where people are switched off, members of groups one is in."""
    users = [f"watched-{number}" for number in range(WATCHED)]
    for at in range(0, 0 if is_on else WATCHED, 100):
        room = {"type": "room.create", "kind": "group", "key": f"people-room-{at}", "title": "all"}
        await ann.request({**room, "users": users[at : at + 100]})

    async def watch(_: int) -> None:
        await ann.request({"type": "watch", "users": users})

    await watch(0)
    return await used(there.own, WATCHES, watch)


async def first_round(phone: Phone, _: int) -> None:
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
        return (time.process_time() - before) * 1e6 / FIRST_ROUNDS


SCENARIO = Scenario(
    "what people cost: the same requests with people switched on and off",
    run,
    "rounds json html threshold",
    {"rounds": 5},
)

"""`channel`: what a channel with a million followers costs a daemon, beside one with few: posts, memory, the hello and
the read of a follower.
"""

import argparse
import sqlite3
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any

from bench import outcome, printout, wire
from bench.client.phone import Phone
from bench.options import Scenario
from bench.server import Daemon, DaemonDir, Endpoint, daemon_dir

FOLLOWERS = 1_000_000
POSTS, HELLOS = 500, 200
OWNER = "channel-owner"
SETTINGS = {"CHATD_CHANNELS__ENABLED": "true", "CHATD_CHANNELS__CREATE": "users"}
FOLLOW = """
INSERT INTO members (user, room, role, joined_at, first_visible, read, read_ordinal, own_unread, mentions, delivered,
                     muted_until, pinned, hidden, gone, stamp)
SELECT :user, number, 'member', created_at, 1, seq, ordinal, 0, 0, 0, 0, 0, 0, NULL, 1 FROM rooms WHERE name = :room
"""
COUNT = "UPDATE rooms SET members = members + ? WHERE name = ?"
COUNT_ROOM = "INSERT INTO memberships (user, rooms) VALUES (?, 1)"
STAMPS = "SELECT count(*) FROM members WHERE role = 'member' AND stamp > 1"


async def run(options: argparse.Namespace) -> int:
    rounds: list[dict[str, dict[str, float]]] = []
    for number in range(options.rounds):
        sides = {"few": HELLOS, "many": options.users}
        order = ("few", "many") if number % 2 else ("many", "few")
        rounds.append({side: await costs(sides[side]) for side in order})
    names = list(rounds[0]["many"])
    found = {
        side: {name: statistics.median(one[side][name] for one in rounds) for name in names}
        for side in ("few", "many")
    }
    rows = [[name, *(f"{found[side][name]:,.2f}" for side in ("few", "many"))] for name in names]
    columns = ("", f"{HELLOS:,} followers", f"{options.users:,} followers")
    told = ["", *printout.table(columns, rows)]
    result = {"scenario": "channel", "followers": options.users, "costs": found, "rounds": rounds}
    return outcome.finish(result, options, told)


async def costs(followers: int) -> dict[str, float]:
    """Return what a channel costs that so many follow, none of whom is connected while somebody posts."""
    with daemon_dir(SETTINGS) as here:
        async with here.endpoint() as there:
            owner = await enter(there, OWNER)
            made = await owner.request(
                {"type": "room.create", "kind": "channel", "key": "channel-create", "title": "News"}
            )
        room = str(made["summary"]["room"])
        follow(here, room, followers)
        async with here.endpoint() as there:
            assert there.daemon is not None
            owner = await enter(there, OWNER)
            before = there.daemon.rss_bytes()
            found = await posts(there.daemon, owner, room)
            found["memory of the channel, KiB"] = (there.daemon.rss_bytes() - before) / 1024
            found |= await hellos(there, there.daemon, room, followers)
        with closing(sqlite3.connect(here.database)) as connection:
            (changed,) = connection.execute(STAMPS).fetchone()
        if changed != HELLOS:
            raise ValueError(f"{changed} rows of followers changed, of whom {HELLOS} read")
        return found


def follow(here: DaemonDir, room: str, followers: int) -> None:
    """Store the followers in the database of a daemon that does not run."""
    with closing(sqlite3.connect(here.database)) as connection, connection:
        users = [follower(number) for number in range(followers)]
        connection.executemany(FOLLOW, ({"user": user, "room": room} for user in users))
        connection.executemany(COUNT_ROOM, ((user,) for user in users))
        connection.execute(COUNT, (followers, room))


def follower(number: int) -> str:
    return f"follower-{number:07d}"


async def timed(
    daemon: Daemon, times: int, call: Callable[[int], Awaitable[Any]], name: str
) -> dict[str, float]:
    """Return the median and the 99th percentile of some calls in ms, and the microseconds of a core of one."""
    took, used = [], daemon.cpu_s()
    for number in range(times):
        began = time.perf_counter()
        await call(number)
        took.append((time.perf_counter() - began) * 1e3)
    cpu_us = (daemon.cpu_s() - used) * 1e6 / times
    p99 = sorted(took)[min(times - 1, times * 99 // 100)]
    return {
        f"{name} p50, ms": statistics.median(took),
        f"{name} p99, ms": p99,
        f"{name}, µs of a core": cpu_us,
    }


async def posts(daemon: Daemon, owner: Phone, room: str) -> dict[str, float]:
    async def post(number: int) -> None:
        body = {"text": f"Post {number}: the weather stays fine"}
        await owner.request({"type": "send", "room": room, "key": f"post-{number:017d}", "body": body})

    return await timed(daemon, POSTS, post, "post")


async def hellos(there: Endpoint, daemon: Daemon, room: str, followers: int) -> dict[str, float]:
    """Let some followers say hello, who have read nothing yet, and read everything."""
    phones: list[Phone] = []

    async def hello(number: int) -> None:
        phones.append(await enter(there, follower(number * (followers // HELLOS)), unread=POSTS))

    async def read(number: int) -> None:
        await phones[number].request({"type": "read", "room": room, "seq": POSTS + 1})

    return await timed(daemon, HELLOS, hello, "hello") | await timed(daemon, HELLOS, read, "read")


async def enter(there: Endpoint, user: str, unread: int | None = None) -> Phone:
    """Return a connection that has said hello, to whom so many messages are unread."""
    phone = await there.dial()
    hello = {
        "type": "hello",
        "version": 1,
        "token": wire.token(user, there.secret),
        "device": "phone".ljust(22, "-"),
    }
    reply = await phone.request(hello)
    if (
        unread is not None
        and (found := sum(row.get("unread", 0) for row in reply["sync"]["rooms"])) != unread
    ):
        raise ValueError(f"{found} messages are unread, not {unread}")
    return phone


SCENARIO = Scenario(
    "what a channel with a million followers costs, beside one with few",
    run,
    "users rounds json html threshold",
    {"users": FOLLOWERS, "rounds": 1},
)

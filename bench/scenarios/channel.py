"""`channel`: what a channel with a million followers costs a daemon, beside one with few: posts, memory, the hello and
the read of a follower.
"""

import argparse
import sqlite3
import statistics
from collections.abc import Awaitable, Callable, Iterable
from contextlib import closing
from typing import Any

from bench import outcome, printout
from bench.client.phone import Phone
from bench.options import Scenario
from bench.scenarios.beside import by_turns, p99, took
from bench.server import Daemon, DaemonDir, daemon_dir

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
    sides = {"few": HELLOS, "many": options.users}
    for number in range(options.rounds):
        rounds.append(await by_turns([*sides], number, lambda side: costs(sides[side])))
    found = {
        side: {name: statistics.median(one[side][name] for one in rounds) for name in rounds[0][side]}
        for side in sides
    }
    rows = [[name, *(f"{found[side][name]:,.2f}" for side in sides), ""] for name in found["few"]]
    heads = ("", *(f"{followers:,} followers" for followers in sides.values()), "")
    result = {"scenario": "channel", "followers": options.users, "costs": found, "rounds": rounds}
    return outcome.finish(result, options, ["", *printout.table(heads, rows)])


async def costs(followers: int) -> dict[str, float]:
    """Return what a channel costs that so many follow, none of whom is connected while somebody posts."""
    with daemon_dir(SETTINGS) as here:
        room = await followed(here, map(follower, range(followers)))
        async with here.endpoint() as there:
            owner, phones, daemon = await there.enter(OWNER), list[Phone](), there.own
            before = daemon.rss_bytes()
            found = await timed(daemon, POSTS, lambda number: post(owner, room, number), "post")
            found["memory of the channel, KiB"] = (daemon.rss_bytes() - before) / 1024

            async def hello(number: int) -> None:
                phones.append(await there.dial())
                user = follower(number * (followers // HELLOS))
                rows = (await there.hello(phones[-1], user))["sync"]["rooms"]
                if (unread := sum(row.get("unread", 0) for row in rows)) != POSTS:
                    raise ValueError(f"{unread} messages are unread, not {POSTS}")

            async def read(number: int) -> None:
                await phones[number].request({"type": "read", "room": room, "seq": POSTS + 1})

            found |= await timed(daemon, HELLOS, hello, "hello") | await timed(daemon, HELLOS, read, "read")
        with closing(sqlite3.connect(here.database)) as connection:
            (changed,) = connection.execute(STAMPS).fetchone()
        if changed != HELLOS:
            raise ValueError(f"{changed} rows of followers changed, of whom {HELLOS} read")
        return found


def follower(number: int) -> str:
    return f"follower-{number:07d}"


async def followed(here: DaemonDir, users: Iterable[str]) -> str:
    """Return a new channel; its followers are stored while no daemon runs."""
    async with here.endpoint() as there:
        make = {"type": "room.create", "kind": "channel", "key": "channel-create", "title": "News"}
        made = await (await there.enter(OWNER)).request(make)
    room = str(made["summary"]["room"])
    with closing(sqlite3.connect(here.database)) as connection, connection:
        stored = [{"user": user, "room": room} for user in users]
        connection.executemany(FOLLOW, stored)
        connection.executemany(COUNT_ROOM, ((one["user"],) for one in stored))
        connection.execute(COUNT, (len(stored), room))
    return room


async def post(owner: Phone, room: str, number: int) -> None:
    body = {"text": f"Post {number}: the weather stays fine"}
    await owner.request({"type": "send", "room": room, "key": f"post-{number:017d}", "body": body})


async def timed(
    daemon: Daemon, times: int, call: Callable[[int], Awaitable[Any]], name: str
) -> dict[str, float]:
    """Return the median and the 99th percentile of some calls in ms, and the microseconds of a core of one."""
    before = daemon.cpu_s()
    spent = await took(times, call)
    return {
        f"{name} p50, ms": statistics.median(spent),
        f"{name} p99, ms": p99(spent) or 0.0,
        f"{name}, µs of a core": (daemon.cpu_s() - before) * 1e6 / times,
    }


SCENARIO = Scenario(
    "what a channel with a million followers costs, beside one with few",
    run,
    "users rounds json html threshold",
    {"users": FOLLOWERS, "rounds": 1},
)

"""`graph`: the import of a graph of friends into a daemon that serves, beside the bare `executemany` of the same rows
in the same commits.
"""

import argparse
import asyncio
import json
import sqlite3
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from bench import outcome, printout
from bench.friend_graph import FRIENDSHIPS, PEOPLE, friend_graph
from bench.options import Scenario
from bench.server import daemon_dir, http

SETTINGS = {"CHATD_PEOPLE__ENABLED": "true", "CHATD_PEOPLE__HOST_OWNS": "friends"}
DURABLE = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL")


async def run(options: argparse.Namespace) -> int:
    friendships = friend_graph(options.users, options.users * FRIENDSHIPS // PEOPLE, options.seed)
    body = b"".join(lines(friendships))
    rounds = [await one_round(body, 2 * len(friendships)) for _ in range(options.rounds)]
    rows = []
    for side in ("online", "bare"):
        rates = [2 * len(friendships) / one[f"{side}_s"] for one in rounds]
        cpu_us = [one[f"{side}_cpu_s"] * 1e6 / (2 * len(friendships)) for one in rounds]
        rows.append([side, f"{statistics.median(rates):,.0f}", f"{statistics.median(cpu_us):.1f}"])
    ratio = statistics.median(one["bare_s"] / one["online_s"] for one in rounds)
    result: dict[str, Any] = {
        "scenario": "graph",
        "users": options.users,
        "friendships": len(friendships),
        "commits": rounds[0]["commits"],
        "ratio": round(ratio, 3),
        "rounds": rounds,
    }
    told = ["", *printout.table(("", "rows/s", "µs of a core a row"), rows)]
    told += [
        f"  online / bare: {ratio:.2f}, {len(friendships):,} friendships in {rounds[0]['commits']} commits"
    ]
    return outcome.finish(result, options, told)


def lines(friendships: list[tuple[str, str]]) -> Iterator[bytes]:
    """Yield a line for each user, with all their friends."""
    friends: dict[str, list[str]] = {}
    for one, other in friendships:
        friends.setdefault(one, []).append(other)
        friends.setdefault(other, []).append(one)
    for user in sorted(friends):
        yield json.dumps({"user": user, "friends": friends[user]}).encode() + b"\n"


async def one_round(body: bytes, rows: int) -> dict[str, Any]:
    """Import into a new daemon, then write the same rows into a new database."""
    with daemon_dir(SETTINGS) as here:
        async with here.daemon() as daemon:
            before, began = daemon.cpu_s(), time.perf_counter()
            streams = await asyncio.open_unix_connection(str(here.store / "chatd.sock"))
            answer = await http(*streams, "POST /v1/people/import", body)
            took, used = time.perf_counter() - began, daemon.cpu_s() - before
        if answer.count(b'"ok":true') != body.count(b"\n"):
            raise ValueError(f"the import was not taken: {answer[:500]!r}")
        commits, bare_s, bare_cpu_s = bare(here.database, here.directory / "bare.sqlite", rows)
    found = {"online_s": took, "online_cpu_s": used, "bare_s": bare_s, "bare_cpu_s": bare_cpu_s}
    return {name: round(value, 3) for name, value in found.items()} | {"commits": commits}


def bare(database: Path, copy: Path, rows: int) -> tuple[int, float, float]:
    """Write the contacts of a database into an empty table like theirs, in the same commits; return their number, and
    the seconds, also of the processor.
    """
    with (
        closing(sqlite3.connect(database)) as source,
        closing(sqlite3.connect(copy, isolation_level=None)) as target,
    ):
        schema = source.execute(
            "SELECT sql FROM sqlite_schema WHERE tbl_name = 'contacts' AND sql IS NOT NULL"
        )
        for statement in (*DURABLE, *(sql for (sql,) in schema.fetchall())):
            target.execute(statement)
        found = source.execute("SELECT stamp, * FROM contacts ORDER BY stamp, number").fetchall()
        if len(found) != rows:
            raise ValueError(f"{len(found)} rows of {rows} were stored")
        commits = [[row[1:] for row in group] for _, group in groupby(found, key=itemgetter(0))]
        put = f"INSERT INTO contacts VALUES ({', '.join('?' * len(commits[0][0]))})"
        began, used = time.perf_counter(), time.process_time()
        for commit in commits:
            target.execute("BEGIN IMMEDIATE")
            target.executemany(put, commit)
            target.execute("COMMIT")
        return len(commits), time.perf_counter() - began, time.process_time() - used


SCENARIO = Scenario(
    "the import of a graph of friends beside the bare writes of its rows",
    run,
    "users rounds seed json html threshold",
    {"users": PEOPLE, "rounds": 3},
)

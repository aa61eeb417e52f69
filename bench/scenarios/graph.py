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
from pathlib import Path
from typing import Any

from bench import outcome, printout
from bench.friend_graph import FRIENDSHIPS, PEOPLE, friend_graph
from bench.options import Scenario
from bench.server import daemon_dir, http

SETTINGS = {"CHATD_PEOPLE__ENABLED": "true", "CHATD_PEOPLE__HOST_OWNS": "friends"}
STORED = "SELECT count(*), count(DISTINCT stamp) FROM contacts"
SCHEMA = """
SELECT type, name, sql FROM sqlite_schema
WHERE tbl_name LIKE ? AND tbl_name NOT LIKE 'sqlite%' AND sql IS NOT NULL ORDER BY type DESC
"""
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
        with closing(sqlite3.connect(here.database)) as connection:
            (stored, commits) = connection.execute(STORED).fetchone()
        if stored != rows:
            raise ValueError(f"{stored} rows of {rows} were stored")
        bare_s, bare_cpu_s = bare(
            here.database, here.directory / "bare.sqlite", commits, "contacts", "stamp, number"
        )
    found = {"online_s": took, "online_cpu_s": used, "bare_s": bare_s, "bare_cpu_s": bare_cpu_s}
    return {name: round(value, 3) for name, value in found.items()} | {"commits": commits}


def bare(database: Path, copy: Path, commits: int, name: str = "%", order: str = "1") -> tuple[float, float]:
    """Write the rows of tables like `name` into empty ones like theirs, in their order, evenly in so many commits;
    return the seconds, also of the processor.
    """
    with (
        closing(sqlite3.connect(database)) as source,
        closing(sqlite3.connect(copy, isolation_level=None)) as target,
    ):
        for statement in DURABLE:
            target.execute(statement)
        puts: list[tuple[str, list[tuple[Any, ...]]]] = []
        for kind, table, statement in source.execute(SCHEMA, (name,)).fetchall():
            target.execute(statement)
            rows = (
                source.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()
                if kind == "table"
                else []
            )
            if rows:
                puts.append((f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows))
        began, used = time.perf_counter(), time.process_time()
        for number in range(commits):
            target.execute("BEGIN IMMEDIATE")
            for put, rows in puts:
                first, end = (len(rows) * place // commits for place in (number, number + 1))
                target.executemany(put, rows[first:end])
            target.execute("COMMIT")
        return time.perf_counter() - began, time.process_time() - used


SCENARIO = Scenario(
    "the import of a graph of friends beside the bare writes of its rows",
    run,
    "users rounds seed json html threshold",
    {"users": PEOPLE, "rounds": 3},
)

"""A feed of the host through kill -9: the number that is stored is always that of the edges that are stored."""

import asyncio
import random
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.kit import http
from tests.kit.daemon import PROGRAM, DaemonProcess, daemon_process
from tests.kit.host_graph import HostGraph
from tests.kit.soak import scaled, seed_base

KILLS = scaled(3, 60)
USERS = [f"u{number}" for number in range(60)]
REQUEST = 1000

# The break `feed-number-apart`: the number of a feed is stored in the commit after that of its changes.
NUMBER_APART = """
import sys
from chatd.core import graph
from chatd.core.write_set import WriteSet

late, real = [], WriteSet.add

def add(writes, *records):
    numbers = [record for record in records if isinstance(record, graph.GraphFeed)]
    if numbers:
        real(writes, *late)
        late[:] = numbers
    real(writes, *(record for record in records if record not in numbers))

WriteSet.add = add
from chatd.cli.main import main
main(["serve"])
"""


class Host:
    """A back end with a feed of random changes, which it sends again where an answer is missing."""

    def __init__(self, daemon: DaemonProcess, choices: random.Random) -> None:
        self.daemon = daemon
        self.choices = choices
        self.changes = [self._change() for _ in range(REQUEST * (KILLS + 2))]

    def _change(self) -> tuple[str, str, str]:
        op = self.choices.choice(("friend", "friend", "unfriend", "follow", "unfollow", "block", "unblock"))
        a, b = self.choices.sample(USERS, 2)
        return op, a, b

    async def call(self, method: str, path: str, content: Any = None) -> http.Answer:
        socket_path = self.daemon.database.parent / "chatd.sock"
        return await http.request(f"http://host{path}", method, content=content, socket_path=socket_path)

    async def send(self, first: int) -> None:
        """Send a request of changes from number `first` on."""
        some = self.changes[first - 1 : first - 1 + REQUEST]
        rows = [{"n": n, "op": op, "a": a, "b": b} for n, (op, a, b) in enumerate(some, first)]
        answer = await self.call("POST", "/v1/people/changes", {"feed": "main", "changes": rows})
        assert answer.json == {"n": first + len(some) - 1}

    async def kill_in_the_middle(self, reached: int) -> None:
        """Kill the daemon when it is some way through a request, before its answer or just behind it.

        The request begins with changes that were carried out before.
        """
        stop = reached + self.choices.randrange(1, REQUEST // 2)
        request = asyncio.ensure_future(
            self.send(reached + 1 - self.choices.randrange(min(reached + 1, 400)))
        )
        while not request.done() and self.stored() < stop:
            await asyncio.sleep(0.001)
        await self.daemon.kill9()
        await asyncio.gather(request, return_exceptions=True)

    def stored(self) -> int:
        with closing(sqlite3.connect(f"file:{self.daemon.database}?mode=ro", uri=True)) as database:
            return int((database.execute("SELECT n FROM graph_feeds").fetchone() or (0,))[0])

    async def compare(self) -> int:
        """Compare the two graphs as of the number that chatd has; return it."""
        n = int((await self.call("GET", "/v1/people/digest")).json["feeds"].get("main", 0))
        graph = HostGraph()
        for change in self.changes[:n]:
            graph.apply(*change)
        asked = {"feed": "main", "n": n, "buckets": graph.buckets()}
        answer = (await self.call("POST", "/v1/people/reconcile", asked)).json
        assert answer == {"equal": True, "differ": []}, f"the graph is not that of change {n}"
        return n


async def feed_through_kills(directory: Path, seed: int, program: Sequence[str]) -> None:
    settings = {"PEOPLE__ENABLED": "true", "PEOPLE__HOST_OWNS": "friends,follows,blocks"}
    async with daemon_process(directory, program, **settings) as daemon:
        host = Host(daemon, random.Random(seed))
        reached = 0
        for _ in range(KILLS):
            await host.kill_in_the_middle(reached)
            await daemon.start()
            assert await host.compare() > reached
            reached = host.stored()
        await host.send(reached + 1)
        assert await host.compare() == reached + REQUEST


async def test_each_number_of_a_feed_is_carried_out_once_through_kill_9(tmp_path: Path) -> None:
    seed = seed_base()
    try:
        await feed_through_kills(tmp_path, seed, PROGRAM)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error


async def test_a_feed_whose_number_is_stored_apart_is_found_out(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="the graph is not that of change"):
        await feed_through_kills(tmp_path, 1, (sys.executable, "-c", NUMBER_APART))

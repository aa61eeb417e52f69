"""A graph of the size of a real one, imported in three ways: the same rows, the digest that others compute, and every
edge that was damaged found by its digest.
"""

import asyncio
import json
import random
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench.friend_graph import FRIENDSHIPS, PEOPLE, Friendship, friend_graph
from chatd.cli.main import main
from tests.kit import http
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.host_graph import HostGraph
from tests.kit.soak import scaled

USERS, EDGES, DAMAGED = scaled(300, PEOPLE), scaled(3_000, FRIENDSHIPS), scaled(40, 1_000)
OWNED: dict[str, Any] = {"enabled": True, "host_owns": ("friends", "follows", "blocks")}


@pytest.fixture(scope="module")
def host() -> HostGraph:
    """Friends of everybody, and here and there somebody who is followed or blocked."""
    friendships, choices = friend_graph(USERS, EDGES), random.Random(1)
    graph = HostGraph()
    for one, other in friendships:
        graph.apply("friend", one, other)
        if choices.random() < 0.05:
            graph.apply(choices.choice(("follow", "follow", "block")), other, choices.choice(friendships)[0])
    graph.edges = {(kind, a, b) for kind, a, b in graph.edges if a != b}
    return graph


def test_the_graph_is_like_that_of_real_people() -> None:
    friendships = friend_graph()
    assert (len(friendships), len({user for pair in friendships for user in pair})) == (FRIENDSHIPS, PEOPLE)
    assert abs(clustering(friendships) - 0.6055) < 0.01
    assert friendships == friend_graph()


def clustering(friendships: list[Friendship]) -> float:
    """Return the average clustering coefficient: of two friends of somebody, how often they are friends, too."""
    friends: dict[str, set[str]] = {}
    for one, other in friendships:
        friends.setdefault(one, set()).add(other)
        friends.setdefault(other, set()).add(one)
    return sum(closed(user, friends) for user in friends) / len(friends)


def closed(user: str, friends: Mapping[str, set[str]]) -> float:
    mine = friends[user]
    if len(mine) < 2:
        return 0.0
    pairs = sum(len(friends[other] & mine) for other in mine)
    return pairs / (len(mine) * (len(mine) - 1))


def ndjson(host: HostGraph) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in host.lines())


async def by_file(daemon: RunningDaemon, host: HostGraph, directory: Path) -> None:
    (directory / "graph.ndjson").write_bytes(ndjson(host))
    command = ["people", "import", str(directory / "graph.ndjson"), "--data", daemon.config.storage.directory]
    result = await asyncio.to_thread(CliRunner().invoke, main, command)
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"Imported {len(host.lines())} users: ")


async def by_upload(daemon: RunningDaemon, host: HostGraph, directory: Path) -> None:
    answer = await call(daemon, "POST", "/v1/people/import", ndjson(host))
    assert answer.body.count(b'"ok":true') == len(host.lines())


async def by_changes(daemon: RunningDaemon, host: HostGraph, directory: Path) -> None:
    for first, edges in numbered(host):
        rows = [{"n": n, "op": kind, "a": a, "b": b} for n, (kind, a, b) in enumerate(edges, first)]
        answer = await call(daemon, "POST", "/v1/people/changes", {"feed": "main", "changes": rows})
        assert answer.json == {"n": first + len(edges) - 1}


def numbered(host: HostGraph) -> Iterator[tuple[int, list[tuple[str, str, str]]]]:
    """Yield 1,000 changes at a time, with the number of the first; a friendship is one."""
    changes = [edge for edge in sorted(host.edges) if edge[0] != "friend" or edge[1] < edge[2]]
    for first in range(0, len(changes), 1000):
        yield first + 1, changes[first : first + 1000]


async def call(daemon: RunningDaemon, method: str, path: str, content: Any = None) -> http.Answer:
    socket_path = Path(daemon.config.storage.directory) / "chatd.sock"
    answer = await http.request(f"http://host{path}", method, content=content, socket_path=socket_path)
    assert answer.status == 200, answer.body
    return answer


@pytest.mark.parametrize("way", [by_file, by_upload, by_changes])
async def test_each_way_gives_the_same_graph(tmp_path: Path, host: HostGraph, way: Any) -> None:
    async with running_daemon(config_for(tmp_path, people=OWNED)) as daemon:
        await way(daemon, host, tmp_path)
        with closing(sqlite3.connect(daemon.database)) as database:
            rows = database.execute(
                "SELECT owner, user, state = 4, following, blocked FROM contacts"
            ).fetchall()
        kinds = ("friend", "follow", "block")
        found = {
            (kind, a, b) for a, b, *flags in rows for kind, flag in zip(kinds, flags, strict=True) if flag
        }
        assert found == host.edges
        whole = (await call(daemon, "GET", "/v1/people/digest")).json
        assert whole["buckets"] == host.buckets()
        assert sum(whole["counts"].values()) == len(host.edges)


async def test_every_damaged_edge_is_named_and_repaired_by_its_users(tmp_path: Path, host: HostGraph) -> None:
    async with running_daemon(config_for(tmp_path, people=OWNED)) as daemon:
        await by_upload(daemon, host, tmp_path)
        lines = {line["user"]: line for line in host.lines()}
        damaged = random.Random(2).sample(sorted(host.edges), DAMAGED)
        with closing(sqlite3.connect(daemon.database)) as database, database:
            columns = {"friend": "state = 0", "follow": "following = 0", "block": "blocked = 0"}
            for kind, a, b in damaged:
                database.execute(f"UPDATE contacts SET {columns[kind]} WHERE owner = ? AND user = ?", (a, b))

        async def get(path: str) -> Any:
            return (await call(daemon, "GET", path)).json

        async def differ() -> list[str]:
            asked = {"buckets": host.buckets()}
            return (await call(daemon, "POST", "/v1/people/reconcile", asked)).json["differ"]  # type: ignore[no-any-return]

        assert await host.differences(await differ(), get) == set(damaged)
        again = b"".join(
            json.dumps(lines[user]).encode() + b"\n" for user in sorted({a for _, a, _ in damaged})
        )
        await call(daemon, "POST", "/v1/people/import", again)
        assert await differ() == []

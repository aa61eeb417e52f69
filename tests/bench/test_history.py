"""A made-up database is what a daemon would have written, and reading it back finds what is wrong with it."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgpack
import pytest

from bench import __main__ as command
from bench import database
from bench.checks import Tally
from bench.database import Shape, fill
from bench.histogram import Histogram
from bench.scenarios import history
from bench.scenarios.history import Reading
from bench.server import DaemonDir, Endpoint, daemon_dir
from bench.wire import ENCODINGS
from tests.kit.longer import lengths
from tests.kit.result import is_whole
from tests.kit.soak import also, in_a_soak

END_MS = 1_780_000_000_000
SMALL = Shape(messages=600, rooms=12, users=60, end_ms=END_MS)


@pytest.fixture
def home() -> Iterator[DaemonDir]:
    with daemon_dir() as made:
        yield made


@pytest.fixture(scope="module")
def empty_store() -> Iterator[Path]:
    """A store after its first start, to be copied."""

    async def first_start(home: DaemonDir) -> None:
        async with home.daemon():
            pass

    with daemon_dir() as made:
        asyncio.run(first_start(made))
        yield made.store


def filled(home: DaemonDir, empty_store: Path) -> None:
    shutil.copytree(empty_store, home.store)
    fill(home.database, SMALL, lambda messages: None)


def stored(home: DaemonDir, table: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(home.database)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]


def test_messages_add_up_and_every_room_has_its_own_number() -> None:
    made = SMALL.all_rooms
    assert sum(room.messages for room in made) == 600
    assert [room.number for room in made] == list(range(1, 13))
    assert len({room.name for room in made}) == 12
    direct = [room for room in made if room.kind == "direct"]
    assert len(direct) == SMALL.directs
    pair = made[SMALL.direct_number(1) - 1].users
    assert pair == (SMALL.script.user(2), SMALL.script.user(3))


@pytest.mark.parametrize("room", SMALL.all_rooms)
def test_unread_counts_are_what_counting_gives(room: Any) -> None:
    for member in SMALL.members(room):
        said = [ordinal for ordinal in range(1, room.messages + 1) if room.author(ordinal) == member.user]
        assert member.own_unread == len([ordinal for ordinal in said if ordinal > member.read_ordinal])
        assert member.own_last == max(said, default=0)
    times = [room.time(ordinal) for ordinal in range(room.messages + 1)]
    assert times == sorted(times)
    assert times[-1] <= END_MS


def test_a_shape_without_enough_people_is_refused() -> None:
    with pytest.raises(ValueError, match="users"):
        Shape(messages=1, rooms=10, users=5, end_ms=END_MS)


@pytest.mark.parametrize("kind", ["group", "direct"])
async def test_rows_are_those_the_daemon_writes(home: DaemonDir, kind: str) -> None:
    room = next(room for room in SMALL.all_rooms if room.kind == kind and room.messages > 3)
    async with home.daemon() as daemon:
        there = Endpoint(daemon.url, daemon.secret, ENCODINGS["msgpack"], daemon)
        phones = {}
        for user in room.users:
            phones[user] = await there.enter(user, "d" * 22)
        owner, others = phones[room.users[0]], list(room.users[1:])
        asked: dict[str, Any] = {"type": "room.direct", "user": others[0]}
        if kind == "group":
            asked = {"type": "room.create", "kind": "group", "title": room.name, "users": others}
            asked["key"] = f"made-{room.number:011d}"
        name = (await owner.request(asked))["summary"]["room"]
        for ordinal in range(1, 4):
            body = {"text": SMALL.text(room, ordinal)}
            send = {"type": "send", "room": name, "key": room.key(ordinal), "body": body}
            await phones[room.author(ordinal)].request(send)
        await phones[room.users[1]].request({"type": "read", "room": name, "seq": 3})
        for phone in phones.values():
            await phone.close()
    check_events(room, stored(home, "events"))
    check_room(room, stored(home, "rooms"))
    check_members(room, stored(home, "members"))


def check_events(room: Any, written: list[dict[str, Any]]) -> None:
    columns = list(written[0])
    for ours, theirs in zip(database.event_rows(SMALL, room, {}), written, strict=False):
        mine = dict(zip(columns, ours, strict=True))
        blob, their_blob = (list(msgpack.unpackb(one.pop("blob")).items()) for one in (mine, theirs))
        for one in (mine, theirs):
            one["position"] &= 0xFFFFFFFF
        assert drop(mine) == drop(theirs)
        assert [pair for pair in blob if pair[0] != "time"] == [
            pair for pair in their_blob if pair[0] != "time"
        ]
        assert [name for name, _ in blob] == [name for name, _ in their_blob]


def check_room(room: Any, written: list[dict[str, Any]]) -> None:
    (theirs,) = written
    said = type(room)(room.number, room.kind, room.users, 3, room.created_at, room.closed_at)
    mine = dict(zip(theirs, database.room_row(SMALL, said), strict=True))
    assert drop(mine, "number", "name", "title") == drop(theirs, "number", "name", "title")
    assert mine["title"] == theirs["title"]


def check_members(room: Any, written: list[dict[str, Any]]) -> None:
    said = type(room)(room.number, room.kind, room.users, 3, room.created_at, room.closed_at)
    for theirs in written:
        place = room.users.index(theirs["user"])
        read = 2 if place == 1 else 0
        own, own_read = said.own(place, 3), said.own(place, read)
        role = "owner" if place == 0 and room.kind == "group" else "member"
        member = next(SMALL.members(said)).__class__(theirs["user"], role, read, own - own_read, own)
        mine = dict(zip(theirs, database.member_row(SMALL, said, member), strict=True))
        assert drop(mine, "room") == drop(theirs, "room")


def drop(row: dict[str, Any], *names: str) -> dict[str, Any]:
    """Without what depends on the moment."""
    moments = ("time", "created_at", "joined_at", "stamp", *names)
    return {name: value for name, value in row.items() if name not in moments}


def test_a_filled_database_is_sound_and_has_the_daemons_schema(home: DaemonDir, empty_store: Path) -> None:
    shutil.copytree(empty_store, home.store)
    before = stored(home, "sqlite_schema")
    fill(home.database, SMALL, lambda messages: None)
    after = stored(home, "sqlite_schema")
    assert sorted((row["name"], row["sql"]) for row in before) == sorted(
        (row["name"], row["sql"]) for row in after
    )
    with closing(sqlite3.connect(home.database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (612,)


@pytest.mark.parametrize(
    ("damage", "counter"),
    [
        (None, None),
        ("DELETE FROM events WHERE kind = 'message' AND ordinal % 3 = 0", "altered"),
        ("DELETE FROM members WHERE room = (SELECT min(number) FROM rooms WHERE kind = 'group')", "lost"),
        *also(
            ("UPDATE rooms SET ordinal = ordinal + 1", "altered"),
            ("UPDATE members SET own_unread = own_unread + 1", "altered"),
        ),
    ],
)
async def test_reading_back_finds_what_is_wrong(
    home: DaemonDir, empty_store: Path, damage: str | None, counter: str | None
) -> None:
    filled(home, empty_store)
    if damage:
        with closing(sqlite3.connect(home.database)) as connection:
            connection.execute(damage)
            connection.commit()
    tally = Tally()
    async with home.daemon() as daemon:
        reading = Reading(
            Endpoint(daemon.url, daemon.secret, ENCODINGS["msgpack"], daemon), SMALL, tally, seed=1
        )
        await reading.greet(2)
        if counter != "lost":
            await reading.leaf(30)
    assert [name for name, count in tally.counts().items() if count] == ([counter] if counter else [])
    assert reading.hellos.count == 2


def test_a_full_database_is_put_beside_an_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts are not timed here, and what is read back is the matter of the tests above."""

    async def started(here: DaemonDir) -> dict[str, float]:
        return {"ready_s": 0.5, "rss_bytes": 30_000_000 if here.database.exists() else 20_000_000}

    async def looked(*_: object) -> dict[str, Any]:
        return {"page_ms": Histogram.of([1]).milliseconds(), "histograms": {}}

    monkeypatch.setattr(history, "start", started)
    monkeypatch.setattr(history, "read", looked)
    out, few = tmp_path / "h.json", ["--messages", "500", "--rooms", "10", "--users", "60", "--warmup", "0"]
    for duration_s in lengths(0.2):
        assert command.main(["history", *few, "--duration", str(duration_s), "--json", str(out)]) == 0
        result = json.loads(out.read_text())
        assert is_whole(result)
        if result["ratio"]["send"]:
            break
    assert result["memory_growth_bytes"] == 10_000_000
    assert result["database"]["messages"] == 500


@in_a_soak
def test_the_scenario_runs_and_keeps_its_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "STARTS", 1)
    monkeypatch.setattr(history, "GREETINGS", 10)
    out = tmp_path / "h.json"
    few = ["--messages", "500", "--rooms", "10", "--users", "60", "--pages", "20"]
    few += ["--warmup", "0.1", "--procs", "2", "--encoding", "json"]
    for duration_s in lengths(0.2):
        small, kept = [*few, "--duration", str(duration_s)], tmp_path / f"kept-{duration_s:g}"
        code = command.main(["history", *small, "--json", str(out), "--directory", str(kept)])
        result = json.loads(out.read_text())
        assert is_whole(result)
        assert result["page_ms"]["count"] == result["page_cold_ms"]["count"] == 20
        if result["acks_per_s"] and result["ratio"]["send"]:
            break
    assert code == 0
    assert result["encoding"] == "json", "of what is sent, too"
    assert command.main(["history", *small, "--seed", "2", "--directory", str(kept)]) == 2

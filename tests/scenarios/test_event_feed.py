"""docs/events.md: every commit is told, once and in order, whatever happens to the daemon or the database."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chatd.core.audit import Audit
from chatd.core.erasure_steps import Erase
from chatd.core.event_feed import position_of
from tests.kit import http
from tests.kit.clients import Clients
from tests.kit.consistency import feed_contradictions
from tests.kit.daemon import DaemonProcess
from tests.kit.inprocess import in_process
from tests.kit.random_workload import SECTIONS, RandomWorkload

KILLS = 4
# Presence comes when it comes.
TYPES = "event,presence.reset"
Entry = dict[str, Any]


class Reader:
    """A back end that follows the feed of a process, and keeps its cursor."""

    def __init__(self, server: DaemonProcess) -> None:
        self.server = server
        self.cursor = ""
        self.entries: list[Entry] = []

    async def read(self, limit: int = 500) -> list[Entry]:
        """Read to the end; return the entries that are new."""
        new: list[Entry] = []
        while True:
            asked = f"http://chatd/v1/events?after={self.cursor}&limit={limit}&types={TYPES}"
            answer = await http.request(asked, socket_path=self.server.database.with_name("chatd.sock"))
            assert answer.status == 200, answer.body
            page = answer.json
            self.cursor = page["next"]
            if not page["events"]:
                self.entries += new
                return new
            new += page["events"]

    def logged(self) -> list[tuple[str, int]]:
        """Room and number of every event that was told."""
        return [(one["room"], one["event"]["seq"]) for one in self.entries if "event" in one]


@pytest.mark.parametrize("seed", range(3))
async def test_the_ids_that_a_reader_sees_are_the_log(tmp_path: Path, seed: int) -> None:
    """Pages of random sizes, read while everything that users do goes on."""
    chance, told = random.Random(seed), []
    async with in_process(tmp_path, **SECTIONS) as server:
        workload = RandomWorkload(server, seed, told=lambda stamp: None)
        await workload.open()
        feed, cursor = server.app.event_feed, ""
        assert feed is not None
        for _ in range(40):
            await workload.run(chance.randrange(1, 6))
            page = await feed.page(cursor, chance.randrange(1, 20))
            told, cursor = told + page.entries, page.next
        while (page := await feed.page(cursor, chance.randrange(1, 20))).entries:
            told, cursor = told + page.entries, page.next
        last = server.store.stamp
    ids = [one.id for one in told]
    assert len(set(ids)) == len(ids)
    places = [position_of(one)[1] for one in ids]
    assert places == sorted(places)
    assert places[-1].stamp <= last
    with closing(sqlite3.connect(tmp_path / "chatd.sqlite")) as connection:
        assert feed_contradictions(connection) == []
        count = connection.execute("SELECT max(count) FROM event_feed").fetchone()[0]
    assert len(told) == count


@pytest.mark.environment(EVENTS__ENABLED="true")
@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_a_kill_between_commit_and_page_loses_no_entry_and_doubles_none(
    server: DaemonProcess, callers: Clients
) -> None:
    reader, acked = Reader(server), []
    room, (alice, _) = await callers.in_direct("alice", "bob")
    for number in range(KILLS):
        for message in range(5):
            acked.append((room, (await alice.send(room, f"{number}.{message}"))["seq"]))
        if number % 2:
            await reader.read(limit=3)
        await server.kill9()
        await server.start()
        alice, _ = await callers.reconnect(alice)
    await reader.read()
    logged = reader.logged()
    assert logged == [(room, 1), *acked]
    assert sum(one["type"] == "presence.reset" for one in reader.entries) == KILLS + 1


@pytest.mark.environment(EVENTS__ENABLED="true")
@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_a_restored_backup_resets_the_feed_and_gives_what_the_backup_has(
    server: DaemonProcess, callers: Clients, tmp_path: Path
) -> None:
    ahead, behind = Reader(server), Reader(server)
    room, (alice, _) = await callers.in_direct("alice", "bob")
    await behind.read()
    kept = await alice.send(room, "in the backup")
    saved = tmp_path / "saved.sqlite"
    assert (await server.run("backup", str(saved)))[0] == 0
    await alice.send(room, "after the backup")
    await ahead.read()
    await server.terminate()
    assert (await server.run("restore", "--yes", str(saved)))[0] == 0
    await server.start()
    assert [one["type"] for one in await ahead.read()] == ["feed.reset", "presence.reset"]
    reset, message, start = await behind.read()
    assert (reset["type"], start["type"]) == ("feed.reset", "presence.reset")
    assert message["event"]["seq"] == kept["seq"]


async def test_an_erased_person_says_nothing_in_a_page_of_before(tmp_path: Path) -> None:
    async with in_process(tmp_path, **SECTIONS) as server:
        ann = await server.connect("ann")
        room = await ann.create_group("bob")
        await ann.send(room, "planted")
        feed = server.app.event_feed
        assert feed is not None
        assert b"planted" in msgspec.json.encode((await feed.page()).entries)
        persons = server.app.persons
        privacy = persons.privacy(server.app.host.writes, server.app.hub)
        await privacy.erase(Erase("ann"), Audit("k2", "PUT /v1/erasures/{user}", "ann", "r"))
        await persons.erasures.carry_out_due()
        entries = (await feed.page()).entries
        assert b"planted" not in msgspec.json.encode(entries)
        shown = [(one.type, one.change) for one in entries if one.user == "ann"]
        assert ("account", "erased") in shown
        (message,) = [one for one in entries if one.type == "event.message"]
        assert msgspec.json.decode(message.event)["recalled"] is True

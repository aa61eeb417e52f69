import asyncio
import logging
import sqlite3
from contextlib import closing

import pytest

from chatd.core.audit import Audit
from chatd.core.report_actions import AmendReport
from chatd.jobs import maintenance as upkeep_module
from chatd.protocol.errors import Unavailable
from tests.kit.inprocess import in_process, new_key

DAY_S = 86_400
AUDIT = Audit("socket", "test", "r2", "request")


@pytest.fixture
async def ann(server):
    return await server.connect("ann")


async def with_operations(ann, count):
    """A room with a message and `count` reactions set and cleared: its name."""
    room = await ann.create_group()
    await ann.send(room)
    for number in range(count):
        await ann.request(type="react", room=room, key=new_key(), target=2, emoji="👍", set=number % 2 == 0)
    return room


async def floor_of(server, room):
    return (await server.app.context.rooms.get(room)).log_floor


async def test_operations_that_are_old_and_not_among_the_last_are_folded(tmp_path):
    async with in_process(tmp_path, rates={"enabled": False}, storage={"operations_kept": 100}) as server:
        ann = await server.connect("ann")
        room = await with_operations(ann, 150)
        assert await server.app.maintenance.compact() == 0, "not old yet"
        ann.hang_up()
        server.env.advance(31 * DAY_S)
        assert await server.app.maintenance.compact() == 1
        floor = await floor_of(server, room)
        assert floor > 1
        ann = await server.connect("ann")
        reply = await ann.request(type="log", room=room, **{"from": floor})
        assert len(reply["events"]) >= 100
        assert (await ann.request(type="log", room=room, **{"from": floor - 1}))["reset"] is True
        (message,) = (await ann.request(type="history", room=room))["events"]
        assert message["seq"] == 2, "messages stay"
        assert await server.app.maintenance.compact() == 0, "folded once"


async def test_the_last_operations_are_kept_however_old(server, ann):
    await with_operations(ann, 20)
    ann.hang_up()
    server.env.advance(400 * DAY_S)
    assert await server.app.maintenance.compact() == 0


@pytest.fixture
async def large(tmp_path):
    async with in_process(
        tmp_path, rates={"enabled": False}, delivery={"large_members": 2, "full_members": 500}
    ) as server:
        yield server


async def reactions(client):
    return [e for p in client.take("event") for e in p["events"] if e["kind"] in ("reaction", "reactions")]


async def test_reactions_of_a_large_room_are_pushed_once_an_interval(large):
    ann, bob = await large.connect("ann"), await large.connect("bob")
    room = await ann.create_group("bob", "cat")
    await ann.send(room)
    for client, emoji in ((ann, "👍"), (bob, "👍"), (bob, "👎")):
        assert "seq" not in await client.request(
            type="react", room=room, key=new_key(), target=2, emoji=emoji, set=True
        )
    assert await reactions(bob) == []
    await large.advance(1.0)
    (event,) = await reactions(bob)
    assert (event["kind"], event["target"], event["seq"]) == ("reactions", 2, 3)
    assert event["reactions"] == [{"emoji": "👍", "count": 2}, {"emoji": "👎", "count": 1}]
    await large.advance(5.0)
    assert await reactions(bob) == []


async def test_reactions_of_two_messages_are_told_apart(large):
    ann = await large.connect("ann")
    room = await ann.create_group("bob", "cat")
    await ann.send(room)
    await ann.send(room)
    for target in (2, 3):
        await ann.request(type="react", room=room, key=new_key(), target=target, emoji="👍", set=True)
    await large.advance(1.0)
    assert sorted(event["target"] for event in await reactions(ann)) == [2, 3]


async def test_a_message_recalled_meanwhile_has_no_reactions_pushed(large):
    ann = await large.connect("ann")
    room = await ann.create_group("bob", "cat")
    await ann.send(room)
    await ann.request(type="react", room=room, key=new_key(), target=2, emoji="👍", set=True)
    await ann.request(type="recall", room=room, key=new_key(), target=2)
    await large.advance(1.0)
    assert await reactions(ann) == []


class Rounds:
    """Lets the rounds of upkeep go on one at a time."""

    def __init__(self):
        self.waiting = asyncio.Event()
        self.go = asyncio.Event()

    async def sleep(self, seconds):
        self.waiting.set()
        await self.go.wait()
        self.go.clear()

    async def next(self):
        await self.waiting.wait()
        self.waiting.clear()
        self.go.set()
        await self.waiting.wait()


@pytest.fixture
async def rounds(server, monkeypatch):
    rounds = Rounds()
    monkeypatch.setattr(upkeep_module.asyncio, "sleep", rounds.sleep)
    task = asyncio.ensure_future(server.app.maintenance.run(server.app.persons.clock))
    yield rounds
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_rooms_nobody_used_for_long_leave_memory(server, ann, rounds):
    room = await ann.create_group()
    registry = server.app.context.rooms.cache
    ann.hang_up()
    server.env.advance(599)
    await rounds.next()
    assert room in registry.rooms
    server.env.advance(2)
    await rounds.next()
    assert room not in registry.rooms


async def test_a_failed_round_is_told_and_the_next_one_tries_again(server, rounds, monkeypatch, caplog):
    monkeypatch.setattr(upkeep_module, "COMPACT_EVERY", 1)
    server.store.fail("compactable", Unavailable("overloaded"))
    await rounds.next()
    assert "not dropped" in caplog.text
    before = server.store.calls["compactable"]
    await rounds.next()
    assert server.store.calls["compactable"] == before + 1


async def test_the_commit_of_a_day_is_noted(server, rounds, monkeypatch, tmp_path):
    """So it is known which tombstones of account rows are old."""
    monkeypatch.setattr(upkeep_module, "COMPACT_EVERY", 1)
    await rounds.next()
    await rounds.next()
    with closing(sqlite3.connect(tmp_path / "chatd.sqlite")) as connection:
        ((day, stamp),) = connection.execute("SELECT day, stamp FROM days").fetchall()
    assert day == server.env.now_ms() // upkeep_module.DAY_MS
    assert 0 < stamp < server.store.stamp


async def test_a_loop_that_stood_still_is_counted_and_told(server, monkeypatch, caplog):
    slept = asyncio.Event()
    late_s = [0.0, 0.099, 0.101, 3.0]

    async def sleep(seconds):
        if not late_s:
            slept.set()
            await asyncio.Event().wait()
        server.env.advance(seconds + late_s.pop(0))

    monkeypatch.setattr(upkeep_module.asyncio, "sleep", sleep)
    counters = server.app.counters
    caplog.set_level(logging.INFO)
    watching = asyncio.ensure_future(server.app.maintenance.watch_lag(counters))
    await slept.wait()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert (counters.loop_stalls, counters.loop_lag_seconds.count) == (2, 4)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "the event loop stood still for 101 ms"),
        ("WARNING", "the event loop stood still for 3000 ms"),
    ]


async def test_rooms_there_is_no_memory_for_leave_in_the_next_round(tmp_path):
    async with in_process(tmp_path, storage={"members_in_memory": 3}) as server:
        ann = await server.connect("ann")
        first, second = [await ann.create_group("bob") for _ in range(2)]
        server.env.advance(1)
        await ann.send(second)
        server.app.maintenance.forget_rooms()
        assert set(server.app.rooms.cache.rooms) == {second}
        assert (await ann.send(first))["seq"] > 1, "and come back when they are used"


async def test_reports_are_kept_so_long_after_their_last_change(tmp_path):
    async with in_process(tmp_path, moderation={"enabled": True, "reports_kept_days": 30}) as server:
        ann = await server.connect("ann")
        for user in ("bob", "eve"):
            await ann.request(type="report", key=new_key(), reason="spam", user=user)
        ann.hang_up()
        maintenance, reports = server.app.maintenance, server.store.moderation
        server.env.advance(29 * DAY_S)
        await server.app.host.admin.decide("", AmendReport(2, "", "k", "system", note="seen"), AUDIT)
        await maintenance.forget_reports()
        assert len(await reports.at([1, 2])) == 2
        server.env.advance(2 * DAY_S)
        await maintenance.forget_reports()
        assert [filed.number for filed in await reports.at([1, 2])] == [2]
        ann = await server.connect("ann")
        reply = await ann.request(type="report", key=new_key(), reason="spam", user="bob")
        assert reply["report"] == "r3", "a number is given once"

"""The cost of commands in a room of 300,000 events, counted in steps of SQLite: the same on every machine."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatd.protocol.codec import encode
from chatd.protocol.messages import Body, Event
from chatd.server.gauges import DATABASE
from chatd.storage.sqlite import connection as connections
from chatd.storage.sqlite.rows import position
from tests.kit.auth_matrix import AUTHOR, DEPUTY, REQUESTS, VICTIM, PreparedRoom, request_of
from tests.kit.inprocess import InProcessClient, InProcessServer, in_process, new_key

EVENTS = 300_000
MIDDLE = EVENTS // 2
EVERY = 50  # steps between two looks
STEPS_MAX = 150_000  # of one hop to a connection; a scan of half the room takes ten times as many
LAST = ("members.remove", "room.leave", "room.delete", "auth")  # they end what others need

FILL = """
WITH RECURSIVE n (seq) AS (SELECT 2 UNION ALL SELECT seq + 1 FROM n WHERE seq < :events)
INSERT INTO events (position, kind, user, time, ordinal, stamp, mentions, blob)
SELECT :room << 32 | seq, 'message', iif(seq % 2, 'king', :author), :now, seq - 1, 1,
       iif(seq % 3, NULL, char(31) || :author || char(31)), x'80' FROM n
"""


class Steps:
    """Steps of SQLite, one number for each hop to a connection."""

    def __init__(self) -> None:
        self.hops: list[int] = []
        self._steps: dict[int, int] = {}

    def watch(self, opened: sqlite3.Connection) -> sqlite3.Connection:
        self._steps[id(opened)] = 0

        def look() -> int:
            self._steps[id(opened)] += EVERY
            return 0

        opened.set_progress_handler(look, EVERY)
        return opened

    def count(self, real: Any) -> Any:
        async def run(connection: Any, function: Any, *args: Any, **kwargs: Any) -> Any:
            raw = id(connection._connection)
            before = self._steps.get(raw, 0)
            try:
                return await real(connection, function, *args, **kwargs)
            finally:
                self.hops.append(self._steps.get(raw, 0) - before)

        return run

    def taken(self) -> list[int]:
        """The hops since the last look."""
        hops, self.hops = self.hops, []
        return hops


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[Steps]:
    watched = Steps()
    real = connections.open_file
    monkeypatch.setattr(connections, "open_file", lambda path, *, mode: watched.watch(real(path, mode=mode)))
    monkeypatch.setattr(connections.Connection, "run", watched.count(connections.Connection.run))
    return watched


@pytest.fixture
async def server(tmp_path: Path, steps: Steps) -> AsyncIterator[InProcessServer]:
    async with in_process(tmp_path, rates={"enabled": False}) as server:
        yield server


@pytest.fixture
async def author(server: InProcessServer) -> InProcessClient:
    return await server.connect(AUTHOR)


@pytest.fixture
async def room(server: InProcessServer, author: InProcessClient, steps: Steps) -> str:
    """A group of 300,000 events nobody read, as it comes into memory."""
    name = await author.create_group("king", DEPUTY, VICTIM)
    number = server.app.rooms.cache.rooms[name].number
    now = server.env.now_ms()
    with closing(sqlite3.connect(Path(server.config.storage.directory) / DATABASE)) as database, database:
        marks = {"events": EVENTS, "room": number, "author": AUTHOR, "now": now}
        database.execute(FILL, marks)
        database.execute(
            "UPDATE rooms SET seq = ?, ordinal = ?, last_message = ?, uncounted = 0 WHERE number = ?",
            (EVENTS, EVENTS - 1, EVENTS, number),
        )
        database.execute("UPDATE members SET own_unread = ? WHERE user = ?", (EVENTS // 2, AUTHOR))
        database.execute("UPDATE members SET own_unread = ? WHERE user = 'king'", (EVENTS // 2 - 1,))
        database.execute("UPDATE members SET mentions = ? WHERE user = ?", (EVENTS // 6, AUTHOR))
        database.executemany(
            "UPDATE events SET blob = ? WHERE position = ?",
            [(encode(message(seq, now)), position(number, seq)) for seq in range(MIDDLE, MIDDLE + 200)],
        )
    server.app.rooms.cache.forget_idle(float("inf"), ())
    steps.taken()
    return name


def message(seq: int, now: int) -> Event:
    user = "king" if seq % 2 else AUTHOR
    return Event(seq, "message", user=user, time=now, ordinal=seq - 1, key=new_key(), body=Body(text="x"))


def unread(user: str, read: int) -> int:
    """Messages of others behind `read`."""
    return sum((AUTHOR if seq % 2 == 0 else "king") != user for seq in range(max(read, 1) + 1, EVENTS + 1))


async def answered(client: InProcessClient, id: int) -> dict[str, Any]:
    """The reply to a request that takes more than one batch."""
    while not any(packet.get("id") == id for packet in client.wire.packets):
        await client.server.app.rooms.load(("nowhere",))  # a hop to the store, behind those under way
    return client.reply(id)


async def test_no_command_costs_more_for_the_length_of_its_room(
    server: InProcessServer, author: InProcessClient, room: str, steps: Steps
) -> None:
    names = sorted(REQUESTS, key=lambda name: (name.partition("/")[0] in LAST, name == "room.delete", name))
    costs: dict[str, int] = {}
    for place, name in enumerate(names):
        stage = PreparedRoom(room, own=MIDDLE + 2 * place, others=MIDDLE + 2 * place + 1, user=AUTHOR)
        id = author.send_request(**request_of(name, stage))
        await answered(author, id)
        await server.wait_idle()
        costs[name] = max(steps.taken(), default=0)
    assert {name: cost for name, cost in costs.items() if cost > STEPS_MAX} == {}
    assert max(costs.values()) > STEPS_MAX / 10, "the steps are not seen"


async def test_a_read_that_passes_much_is_counted_outside_and_holds_up_nobody(
    server: InProcessServer, author: InProcessClient, room: str, steps: Steps
) -> None:
    hold = server.store.hold("counted")
    id = author.send_request(type="read", room=room, seq=MIDDLE)
    await hold.reached.wait()
    deputy = await server.connect(DEPUTY)
    assert (await deputy.send(room))["seq"] == EVENTS + 1
    hold.release()
    reply = await answered(author, id)
    assert (reply["read"], reply["unread"], reply["ordinal"]) == (MIDDLE, unread(AUTHOR, MIDDLE) + 1, EVENTS)
    assert reply["unread_mentions"] == sum(seq % 3 == 0 and seq % 2 for seq in range(MIDDLE + 1, EVENTS + 1))
    assert max(steps.taken()) <= STEPS_MAX


async def test_a_read_near_either_end_is_decided_at_once(
    server: InProcessServer, author: InProcessClient, room: str, steps: Steps
) -> None:
    for seq in (1, 2, 100, EVENTS - 100, EVENTS - 1, EVENTS):
        reply = await author.request(type="read", room=room, seq=seq)
        assert (reply["read"], reply["unread"]) == (seq, unread(AUTHOR, seq))
        assert sum(steps.taken()) <= STEPS_MAX


async def test_reads_of_one_member_look_at_each_event_once(
    server: InProcessServer, author: InProcessClient, room: str, steps: Steps
) -> None:
    """Asked again and again, each time a little further."""
    ids = [author.send_request(type="read", room=room, seq=MIDDLE + step) for step in range(10)]
    assert [(await answered(author, id))["read"] >= MIDDLE for id in ids] == [True] * 10
    once = (await answered(author, ids[-1]))["unread"]
    assert once == unread(AUTHOR, MIDDLE + 9)
    assert sum(steps.taken()) < 40 * MIDDLE, "27 an event"


async def test_who_waits_when_the_daemon_leaves_is_told_to_ask_again(
    server: InProcessServer, author: InProcessClient, room: str
) -> None:
    hold = server.store.hold("counted")
    ids = [author.send_request(type="read", room=room, seq=MIDDLE + step) for step in range(2)]
    await hold.reached.wait()
    await server.app.writer.stop()
    assert [author.reply(id)["code"] for id in ids] == ["overloaded", "overloaded"]


async def test_a_count_that_fails_is_answered_and_the_next_one_goes_on(
    server: InProcessServer, author: InProcessClient, room: str
) -> None:
    server.store.fail("counted", RuntimeError("what is this"))
    first, second = (author.send_request(type="read", room=room, seq=MIDDLE + step) for step in range(2))
    assert (await answered(author, first))["code"] == "internal"
    assert (await answered(author, second))["read"] == MIDDLE + 1

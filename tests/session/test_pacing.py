"""A client that keeps to protocol.md "The outbox of a client" gets everything through and is never closed."""

import heapq
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.kit.inprocess import InProcessClient, InProcessServer, in_process, new_key

Packet = dict[str, Any]
Lane = list[Packet]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcessServer]:
    """With the default rates, and a minute ago: full buckets."""
    async with in_process(tmp_path) as server:
        yield server


class Obedient:
    """Keeps one frame of each lane unanswered, and sends a refused request again when its `retry_after` has passed."""

    def __init__(self, server: InProcessServer, client: InProcessClient, *, batch: int = 1) -> None:
        self.server = server
        self.client = client
        self.batch = batch
        self.refusals: list[int] = []  # the `retry_after` of each
        self._ids = count(1000)

    async def send(self, *lanes: Lane) -> float:
        """Seconds until everything in all lanes was accepted."""
        env, began = self.server.env, self.server.env.monotonic()
        due = [(began, place, lane) for place, lane in enumerate(lanes)]
        while due:
            env.advance(max(0.0, due[0][0] - env.monotonic()))
            under_way = []
            while due and due[0][0] <= env.monotonic():
                _, place, lane = heapq.heappop(due)
                under_way.append((place, lane, self._frame(lane)))
            await self.server.wait_idle()
            for place, lane, ids in under_way:
                wait_ms = self._takes_answers(lane, ids)
                if lane:
                    heapq.heappush(due, (env.monotonic() + wait_ms / 1000, place, lane))
            assert self.client.wire.closed_with is None
        return env.monotonic() - began

    def _frame(self, lane: Lane) -> list[int]:
        packets = [{"id": next(self._ids), **packet} for packet in lane[: self.batch]]
        self.client.send_packets(*packets)
        return [packet["id"] for packet in packets]

    def _takes_answers(self, lane: Lane, ids: list[int]) -> int:
        """Strike out what was accepted; milliseconds to wait before the next frame."""
        for reply in map(self.client.reply, ids):
            if reply["type"] == "ok":
                lane.pop(0)
                continue
            assert (reply["code"], reply["retry"]) == ("rate_limited", "later")
            self.refusals.append(reply["retry_after"])
            return int(reply["retry_after"])
        return 0


def send(room: str) -> Packet:
    return {"type": "send", "room": room, "key": new_key(), "body": {"text": "x"}}


async def rooms_of(server: InProcessServer, client: InProcessClient, count: int) -> list[str]:
    """So many rooms, made slowly enough not to meet a limit."""
    rooms = []
    for _ in range(count):
        rooms.append(await client.create_group())
        server.env.advance(1)
        client.send_packets({"type": "pong"})
    return rooms


async def stored(client: InProcessClient, room: str) -> int:
    return len((await client.request(type="log", room=room, **{"from": 2}, limit=200))["events"])


async def test_40_messages_in_40_rooms_go_out_as_fast_as_the_rate_allows(server):
    ann = await server.connect("ann")
    rooms = await rooms_of(server, ann, 40)
    client = Obedient(server, ann)
    assert await client.send(*([send(room)] for room in rooms)) == pytest.approx(4.0)
    assert client.refusals == [200 * place for place in range(1, 21)]
    await server.advance(10)
    assert [await stored(ann, room) for room in rooms] == [1] * 40


async def test_40_reactions_at_once_are_no_abuse(server):
    ann = await server.connect("ann")
    (room,) = await rooms_of(server, ann, 1)
    seq = (await ann.send(room))["seq"]
    await server.advance(10)
    reactions = [
        {
            "type": "react",
            "room": room,
            "key": new_key(),
            "target": seq,
            "emoji": chr(0x1F600 + n),
            "set": True,
        }
        for n in range(40)
    ]
    client = Obedient(server, ann)
    assert await client.send(*([reaction] for reaction in reactions)) == pytest.approx(4.0)
    assert len(client.refusals) == 20


async def test_75_lookups_at_once_are_no_abuse(server):
    ann = await server.connect("ann")
    client = Obedient(server, ann)
    lookups = [[{"type": "users.get", "users": [f"u{n}"]}] for n in range(75)]
    assert await client.send(*lookups) == pytest.approx(0.75)
    assert len(client.refusals) == 15


@pytest.mark.parametrize("batch", [1, 8, 64])
async def test_90_messages_in_one_room_go_out_as_fast_as_the_rate_allows(server, batch):
    ann = await server.connect("ann")
    (room,) = await rooms_of(server, ann, 1)
    client = Obedient(server, ann, batch=batch)
    assert await client.send([send(room) for _ in range(90)]) == pytest.approx(14.0)
    assert set(client.refusals) == {200}
    assert await stored(ann, room) == 90


async def test_rooms_that_go_on_writing_for_a_minute_are_no_abuse(server):
    ann = await server.connect("ann")
    rooms = await rooms_of(server, ann, 40)
    client = Obedient(server, ann)
    assert await client.send(*([send(room) for _ in range(8)] for room in rooms)) == pytest.approx(60.0)
    await server.advance(10)
    assert [await stored(ann, room) for room in rooms] == [8] * 40


async def test_two_devices_of_one_user_share_the_rate_and_neither_is_closed(server):
    client, tablet = await server.connect("ann"), await server.connect("ann", device=2)
    rooms = await rooms_of(server, client, 2)
    tablet.send_packets({"type": "pong"})
    first, second = Obedient(server, client), Obedient(server, tablet)
    await first.send([send(rooms[0]) for _ in range(30)])
    await second.send([send(rooms[1]) for _ in range(30)])
    assert [await stored(client, room) for room in rooms] == [30, 30]

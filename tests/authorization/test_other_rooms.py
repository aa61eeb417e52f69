"""Numbers, keys and positions of one room, used in another, reach nothing there."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.inprocess import InProcessClient, InProcessServer, in_process, new_key

FAR = 9  # a number that only the other room has


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcessServer]:
    async with in_process(tmp_path, rates={"enabled": False}, moderation={"enabled": True}) as running:
        yield running


class Rooms:
    """bob's room with few events, and one with many of which bob is no member."""

    def __init__(self, bob: InProcessClient, ann: InProcessClient, near: str, far: str) -> None:
        self.bob, self.ann, self.near, self.far = bob, ann, near, far


@pytest.fixture
async def rooms(server: InProcessServer) -> Rooms:
    ann, bob = await server.connect("ann"), await server.connect("bob")
    near, far = await bob.create_group("ann"), await ann.create_group("carol")
    await bob.send(near, "near")
    for number in range(2, FAR + 1):
        await ann.send(far, f"secret {number}")
    for client in (ann, bob):
        client.wire.take()
    return Rooms(bob, ann, near, far)


OPERATIONS: dict[str, dict[str, Any]] = {
    "edit": {"body": {"text": "forged"}},
    "recall": {},
    "react": {"emoji": "👍", "set": True},
    "pin": {"set": True},
}


@pytest.mark.parametrize("kind", OPERATIONS)
async def test_the_number_of_a_message_elsewhere_is_no_message_here(rooms: Rooms, kind: str) -> None:
    before = await rooms.ann.request(type="history", room=rooms.far)
    reply = await rooms.bob.request(type=kind, room=rooms.near, key=new_key(), target=FAR, **OPERATIONS[kind])
    assert (reply["code"], reply["field"]) == ("not_found", "target")
    after = await rooms.ann.request(type="history", room=rooms.far)
    assert {**after, "id": 0} == {**before, "id": 0}


async def test_a_reply_to_a_number_elsewhere_shows_nothing_of_it(rooms: Rooms) -> None:
    body = {"text": "see", "reply_to": FAR, "thread": FAR}
    reply = await rooms.bob.request(type="send", room=rooms.near, key=new_key(), body=body)
    assert reply["type"] == "ok"
    (push,) = rooms.ann.take("event")
    assert push["events"][0]["body"] == body
    assert "secret" not in str(rooms.bob.wire.packets)


READS: dict[str, dict[str, Any]] = {
    "log": {"from": 1, "to": FAR},
    "history": {"around": FAR},
    "changes": {"low": 1, "high": FAR, "since": 0},
    "messages": {"seqs": [FAR, FAR - 1, 2]},
}


@pytest.mark.parametrize("kind", READS)
async def test_reading_ends_with_the_room(rooms: Rooms, kind: str) -> None:
    reply = await rooms.bob.request(type=kind, room=rooms.near, **READS[kind])
    assert reply["type"] == "ok"
    assert "secret" not in str(reply)
    assert {event["seq"] for event in reply["events"]} <= {1, 2}


async def test_a_read_position_elsewhere_moves_neither_room(rooms: Rooms) -> None:
    reply = await rooms.bob.request(type="read", room=rooms.near, seq=FAR)
    assert reply["read"] == 2  # the newest there is
    await rooms.bob.request(type="delivered", rooms=[{"room": rooms.far, "seq": FAR}])
    readers = await rooms.ann.request(type="readers", room=rooms.far, seq=1)
    assert [row["user"] for row in readers["readers"]] == []
    reply = await rooms.bob.request(type="readers", room=rooms.near, seq=FAR)
    assert (reply["count"], reply["readers"]) == (0, [])


async def test_the_key_of_another_room_or_person_is_a_new_one(rooms: Rooms) -> None:
    key = new_key()
    first = await rooms.ann.request(type="send", room=rooms.far, key=key, body={"text": "secret"})
    for client in (rooms.ann, rooms.bob):
        reply = await client.request(type="send", room=rooms.near, key=key, body={"text": "secret"})
        assert "duplicate" not in reply
        assert reply["seq"] != first["seq"]


async def test_a_continuation_from_another_list_stays_in_its_own(
    server: InProcessServer, rooms: Rooms
) -> None:
    for user in ("dan", "eve"):
        await rooms.ann.request(type="members.add", room=rooms.far, key=new_key(), users=[user])
    far = await rooms.ann.request(type="members.list", room=rooms.far, limit=1)
    near = await rooms.bob.request(type="members.list", room=rooms.near, more=far["more"])
    assert {row["user"] for row in near["members"]} <= {"ann", "bob"}
    for title in "xyz":
        await rooms.ann.create_group("carol", avatar=title)
    page = await rooms.ann.request(type="sync", rooms=1)
    stolen = await rooms.bob.request(type="sync", more=page["more"])
    assert {row["room"] for row in stolen["rooms"]} <= {rooms.near}


async def test_a_new_member_cannot_reach_back(server: InProcessServer, rooms: Rooms) -> None:
    """Neither by number, nor through what acts on messages of before."""
    await rooms.ann.request(type="members.add", room=rooms.far, key=new_key(), users=["bob"])
    rooms.bob.take()
    for kind, fields in OPERATIONS.items():
        asked = {"type": kind, "room": rooms.far, "key": new_key(), "target": FAR, **fields}
        assert (await rooms.bob.request(**asked))["code"] in ("not_found", "forbidden"), kind
    for kind, fields in READS.items():
        assert "secret" not in str(await rooms.bob.request(type=kind, room=rooms.far, **fields)), kind
    await rooms.ann.request(
        type="edit", room=rooms.far, key=new_key(), target=FAR, body={"text": "secret, still"}
    )
    log = await rooms.bob.request(type="log", room=rooms.far, **{"from": FAR + 1})
    assert [event["kind"] for event in log["events"]] == ["joined", "edit"]
    assert "secret" not in str(rooms.bob.wire.packets)


@pytest.mark.parametrize(
    "name",
    ["", "g", "dAbCdEfGhIj", "dAbCdEfGhIj00", "dAbCdEf/hIj0", "../etc/passw", "gAbCdEfGhI\n0", "🂡" * 12],
)
async def test_a_name_that_is_none_is_a_bad_request(rooms: Rooms, name: str) -> None:
    reply = await rooms.bob.request(type="room.get", room=name)
    assert (reply["code"], reply["field"]) == ("bad_request", "room")

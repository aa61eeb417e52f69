"""protocol.md "Who learns what about a room": a stranger cannot tell a private room from none, byte for byte."""

from typing import Any

import pytest

from tests.kit.auth_matrix import REQUESTS, PreparedRoom, request_of, rows
from tests.kit.client import TestClient, fresh_key
from tests.kit.clients import Clients
from tests.kit.replies import frame_answering, shown
from tests.kit.stepped_env import SteppedEnv

ABSENT = {"g": "gAbCdEfGhIj0", "d": "dAbCdEfGhIj0"}
ROOM_ROWS = [name for name, row in rows().items() if row.outcomes["stranger"] in ("not_found", "passed")]
for names_no_room in ("devices.remove/others", "watch"):
    ROOM_ROWS.remove(names_no_room)
# Refused in the table, whose server has no people and no media.
ROOM_ROWS += ["room.accept", "room.decline", "played", "file.link", "schedule/cancelled"]


def about(name: str, room: str) -> dict[str, Any]:
    """The request of a row about `room`; the same letters every time but for the room."""
    return {**request_of(name, PreparedRoom(room=room, own=2, others=2)), "id": 7, "key": "the-same-key"}


async def _answers(client: TestClient, name: str, *places: str) -> list[Any]:
    return [await frame_answering(client, about(name, room)) for room in places]


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_no_request_tells_a_private_room_from_none(clients: Clients, encoding: str) -> None:
    """And nobody in the room notices that it was asked about."""
    group, (alice, bob) = await clients.in_group("alice", "bob")
    direct = await alice.open_direct(bob)
    for room in (group, direct):
        await alice.send(room, "private")
        await alice.request({"type": "focus", "rooms": [group, direct]})
    mallory = await clients.connect("mallory", encoding=encoding)
    before = [await alice.get_room(room) for room in (group, direct)]
    for client in (alice, bob):
        await client.forget()
    for name in ROOM_ROWS:
        for room in (group, direct):
            absent, private = await _answers(mallory, name, ABSENT[room[0]], room)
            assert absent == private, name
    await bob.read(group, 2)
    receipts = await alice.receive("receipts")
    assert [row["user"] for row in receipts["receipts"]] == ["bob"]  # and no stranger's with them
    for client in (alice, bob, mallory):
        await client.expect_silence()
    assert [await alice.get_room(room) for room in (group, direct)] == before


@pytest.mark.settings(people={"enabled": True}, rates={"enabled": False})
@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_no_request_tells_a_stranger_that_somebody_asks_to_write(
    clients: Clients, encoding: str
) -> None:
    hello = {"features": ["account", "people"]}
    alice, bob, mallory = [
        await clients.connect(user, hello=hello, encoding=encoding) for user in ("alice", "bob", "mallory")
    ]
    direct = await alice.open_direct("bob")
    await alice.send(direct, "may I?")
    before = [await client.get_room(direct) for client in (alice, bob)]
    assert (before[0]["asked"], before[1]["request"]) == (1, True)
    for client in (alice, bob):
        await client.forget()
    for name in ROOM_ROWS:
        absent, asked = await _answers(mallory, name, ABSENT["d"], direct)
        assert absent == asked, name
    for client in (alice, bob, mallory):
        await client.expect_silence()
    assert [await client.get_room(direct) for client in (alice, bob)] == before


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_without_an_id_nothing_is_said_about_either(clients: Clients, encoding: str) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    mallory = await clients.connect("mallory", encoding=encoding)
    for name in ROOM_ROWS:
        for place in (room, ABSENT["g"]):
            packet = about(name, place)
            del packet["id"]
            await mallory.post(packet)
    for client in (mallory, alice, bob):
        await client.expect_silence()
    assert [packet["type"] for packet in mallory.heard] == ["ok", "ok"]  # of the hello and of a ping


async def test_a_public_room_shows_strangers_only_that_it_can_be_joined(clients: Clients) -> None:
    room, (alice, _) = await clients.in_group("alice", "bob", public=True)
    await alice.send(room, "for members")
    mallory = await clients.connect("mallory")
    for name in ROOM_ROWS:
        if name != "room.join":
            absent, public = await _answers(mallory, name, ABSENT["g"], room)
            assert absent == public, name


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_a_removed_member_learns_nothing_of_what_happens_afterwards(
    clients: Clients, encoding: str
) -> None:
    """The same bytes before and after the room was renamed, written in and given other members."""
    room, (alice, bob) = await clients.in_group("alice", "bob")
    mallory = await clients.connect("mallory", encoding=encoding)
    await alice.mutate("members.add", room, users=["mallory"])
    await mallory.request({"type": "focus", "rooms": [room]})
    await alice.mutate("members.remove", room, users=["mallory"])
    await mallory.receive("gone")
    await mallory.forget()
    before = {name: await frame_answering(mallory, about(name, room)) for name in ROOM_ROWS}
    await alice.mutate("room.update", room, title="without mallory", public=False)
    await alice.mutate("members.add", room, users=["carol"])
    await alice.send(room, "a secret", body={"mentions": ["mallory", "*"]})
    await bob.read(room, 5)
    await bob.post({"type": "typing", "room": room})
    after = {name: await frame_answering(mallory, about(name, room)) for name in ROOM_ROWS}
    assert after == before
    await mallory.expect_silence()
    page = await mallory.request({"type": "sync"})
    assert (page["rooms"], page["totals"]) == ([], {"rooms": 0, "unread": 0, "mentions": 0})


async def test_a_hello_that_names_a_private_room_is_answered_like_any_other(clients: Clients) -> None:
    room, _ = await clients.in_direct("alice", "bob")
    replies = []
    for place in (room, ABSENT["d"]):
        mallory = await clients.open("mallory")
        replies.append(shown(await mallory.say_hello(focus=[place])))
    assert replies[0] == replies[1]


async def test_who_exists_is_not_told(clients: Clients) -> None:
    """alice is connected and has rooms, and shares none with mallory; bolke never was here."""
    await clients.in_direct("alice", "bob")
    mallory = await clients.connect("mallory")
    for kind in ("users.get", "watch"):
        known, unknown = [
            await frame_answering(mallory, {"type": kind, "users": [user], "id": 7})
            for user in ("alice", "bolke")
        ]
        assert known.replace(b"alice", b"?") == unknown.replace(b"bolke", b"?")
    shapes = [
        (await mallory.request({"type": "room.direct", "user": user}))["summary"].keys()
        for user in ("alice", "bolke")
    ]
    assert shapes[0] == shapes[1]


async def test_a_device_of_somebody_else_looks_like_none(clients: Clients) -> None:
    alice, mallory = await clients.connect_all("alice", "mallory")
    others, none = [
        await frame_answering(mallory, {"type": "devices.remove", "device": device, "id": 7})
        for device in (alice.device, "A" * 22)
    ]
    assert others == none


@pytest.mark.settings(rates={"enabled": True, "room_per_s": 0.1, "room_burst": 3})
async def test_the_rate_of_a_busy_room_shows_strangers_nothing(clients: Clients, clock: SteppedEnv) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    for client in (alice, bob, alice):
        await client.send(room, "busy")
    await bob.expect_refusal("rate_limited", about("send", room) | {"key": fresh_key()})
    mallory = await clients.connect("mallory")
    for name in ("send", "edit/own", "recall/own", "react"):
        absent, busy = await _answers(mallory, name, ABSENT["g"], room)
        assert absent == busy, name


@pytest.mark.settings(rates={"enabled": True, "room_per_s": 0.1, "room_burst": 3})
async def test_strangers_and_removed_members_cannot_use_up_the_rate_of_a_room(
    clients: Clients, clock: SteppedEnv
) -> None:
    room, (alice, bob, carol) = await clients.in_group("alice", "bob", "carol")
    await alice.mutate("members.remove", room, users=["carol"])
    mallory = await clients.connect("mallory")
    for _ in range(5):
        await mallory.expect_refusal("not_found", about("send", room))
        await carol.expect_refusal("not_member", about("send", room))
    for client in (alice, bob):  # the removal took the first of three
        await client.send(room, "still served")


def test_every_request_about_a_room_is_asked_here() -> None:
    stage = PreparedRoom(room="a room", own=1, others=2)
    assert set(ROOM_ROWS) == {name for name in REQUESTS if "a room" in str(REQUESTS[name](stage))}

"""protocol.md "typing" and "presence": never stored, pushed only to those who watch, and gone when nobody does."""

import pytest

from tests.kit.client import TestClient
from tests.kit.clients import Clients
from tests.kit.stepped_env import SteppedEnv


async def test_typing_is_relayed_to_those_who_focus_the_room(clients: Clients) -> None:
    room, (alice, bob, carol) = await clients.in_group("alice", "bob", "carol")
    await bob.request({"type": "focus", "rooms": [room]})
    await alice.request({"type": "focus", "rooms": [room]})
    await alice.post({"type": "typing", "room": room})
    assert await bob.receive("typing") == {"type": "typing", "room": room, "user": "alice"}
    await alice.expect_silence()
    await carol.expect_silence()


async def test_typing_with_an_id_is_answered(clients: Clients) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    await alice.request({"type": "typing", "room": room})


@pytest.mark.settings(delivery={"typing_members": 3})
async def test_typing_is_not_relayed_in_larger_rooms(clients: Clients) -> None:
    room, (alice, bob, *_) = await clients.in_group("alice", "bob", "carol", "dave")
    await bob.request({"type": "focus", "rooms": [room]})
    await alice.request({"type": "typing", "room": room})
    await bob.expect_silence()


async def test_a_stranger_cannot_type(clients: Clients) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    await alice.request({"type": "focus", "rooms": [room]})
    mallory = await clients.connect("mallory")
    await mallory.post({"type": "typing", "room": room})
    await mallory.catch_up()
    await alice.expect_silence()


async def test_a_removed_member_gets_no_typing(clients: Clients) -> None:
    room, (alice, bob, carol) = await clients.in_group("alice", "bob", "carol")
    await bob.request({"type": "focus", "rooms": [room]})
    await alice.mutate("members.remove", room, users=["bob"])
    await bob.receive("gone")
    await bob.forget()
    await carol.request({"type": "typing", "room": room})
    await bob.expect_silence()


async def test_focus_is_replaced_and_forgets_rooms_one_is_not_in(clients: Clients) -> None:
    alice, bob = await clients.connect_all("alice", "bob")
    rooms = [await alice.create_group(name, bob) for name in ("one", "two")]
    private = await bob.create_group("three")
    reply = await alice.request({"type": "focus", "rooms": [*rooms, private, "gAbCdEfGhIj0"]})
    assert [row["room"] for row in reply["rooms"]] == rooms
    reply = await alice.request({"type": "focus", "rooms": [rooms[1]]})
    assert [row["room"] for row in reply["rooms"]] == [rooms[1]]
    await bob.request({"type": "typing", "room": rooms[0]})
    await alice.expect_silence("typing")
    assert (await alice.request({"type": "focus", "rooms": []}))["rooms"] == []


async def test_more_than_eight_focused_rooms_are_too_many(clients: Clients) -> None:
    alice = await clients.connect("alice")
    rooms = [await alice.create_group(f"room {number}") for number in range(9)]
    await alice.request({"type": "focus", "rooms": rooms[:8]})
    await alice.expect_refusal("too_large", {"type": "focus", "rooms": rooms})


async def _sees(client: TestClient, user: str) -> str:
    """The next pushed state of `user`."""
    presence = await client.receive("presence")
    (row,) = presence["users"]
    assert row["user"] == user
    return str(row.get("state", "offline"))


async def test_presence_follows_those_one_watches(clients: Clients) -> None:
    _, (alice, bob) = await clients.in_touch("alice", "bob")
    reply = await alice.request({"type": "watch", "users": ["bob"]})
    assert reply["users"] == [{"user": "bob", "state": "online"}]
    await bob.request({"type": "mode", "mode": "background"})
    assert await _sees(alice, "bob") == "away"
    await bob.request({"type": "mode", "mode": "foreground"})
    assert await _sees(alice, "bob") == "online"
    await bob.hang_up()
    assert await _sees(alice, "bob") == "offline"
    reply = await alice.request({"type": "watch", "users": ["bob"]})
    assert reply["users"][0]["last_seen"] > 1_600_000_000_000
    await clients.reconnect(bob)
    assert await _sees(alice, "bob") == "online"


@pytest.mark.settings(delivery={"presence_linger_s": 1.0})
async def test_a_quick_reconnect_is_no_absence(clients: Clients, clock: SteppedEnv) -> None:
    _, (alice, bob) = await clients.in_touch("alice", "bob")
    await alice.request({"type": "watch", "users": ["bob"]})
    for _ in range(3):
        bob.cut()
        bob, _ = await clients.reconnect(bob)
    await bob.hang_up()
    while not any(packet["type"] == "presence" for packet in alice.heard):
        clock.advance(1.0)
        await alice.catch_up()
    assert await _sees(alice, "bob") == "offline"
    assert sum(packet["type"] == "presence" for packet in alice.heard) == 1


async def test_one_device_in_foreground_is_enough_to_be_online(clients: Clients) -> None:
    _, (alice, bob) = await clients.in_touch("alice", "bob")
    tablet = await clients.connect("bob", hello={"mode": "background"})
    await bob.request({"type": "mode", "mode": "background"})
    reply = await alice.request({"type": "watch", "users": ["bob"]})
    assert [(row["user"], row["state"]) for row in reply["users"]] == [("bob", "away")]
    await tablet.request({"type": "mode", "mode": "foreground"})
    assert await _sees(alice, "bob") == "online"
    await tablet.hang_up()
    assert await _sees(alice, "bob") == "away"


async def test_strangers_look_offline(clients: Clients) -> None:
    alice, mallory = await clients.connect_all("alice", "mallory")
    reply = await mallory.request({"type": "watch", "users": ["alice", "nobody"]})
    assert reply["users"] == [{"user": "alice"}, {"user": "nobody"}]
    await alice.hang_up()
    await mallory.expect_silence()


async def test_watching_is_replaced(clients: Clients) -> None:
    _, (alice, bob, carol) = await clients.in_group("alice", "bob", "carol")
    await alice.request({"type": "watch", "users": ["bob"]})
    await alice.request({"type": "watch", "users": ["carol"]})
    await bob.request({"type": "mode", "mode": "background"})
    await carol.request({"type": "mode", "mode": "background"})
    assert await _sees(alice, "carol") == "away"
    await alice.expect_silence()


async def test_more_than_200_watched_users_are_too_many(clients: Clients) -> None:
    alice = await clients.connect("alice")
    users = [f"user{number}" for number in range(201)]
    await alice.request({"type": "watch", "users": users[:200]})
    await alice.expect_refusal("too_large", {"type": "watch", "users": users})


async def test_who_shares_no_room_any_more_is_not_shown(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    await alice.request({"type": "watch", "users": ["bob"]})
    await bob.mutate("room.leave", room)
    await alice.forget()
    reply = await alice.request({"type": "watch", "users": ["bob"]})
    assert reply["users"] == [{"user": "bob"}]

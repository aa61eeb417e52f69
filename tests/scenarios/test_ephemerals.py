"""protocol.md, Typing and presence: never stored, only to those who look, and gone when nobody does."""

import pytest

from tests.kit.company import Company
from tests.kit.phone import Phone


async def test_typing_is_relayed_to_those_who_focus_the_room(people: Company) -> None:
    room, (alice, bob, carol) = await people.in_group("alice", "bob", "carol")
    await bob.asks({"type": "focus", "rooms": [room]})
    await alice.asks({"type": "focus", "rooms": [room]})
    await alice.posts({"type": "typing", "room": room})
    assert await bob.receives("typing") == {"type": "typing", "room": room, "user": "alice"}
    await alice.is_silent()
    await carol.is_silent()


async def test_typing_with_an_id_is_answered(people: Company) -> None:
    room, (alice, _) = await people.in_direct("alice", "bob")
    await alice.asks({"type": "typing", "room": room})


@pytest.mark.settings(delivery={"typing_members": 3})
async def test_typing_is_not_relayed_in_larger_rooms(people: Company) -> None:
    room, (alice, bob, *_) = await people.in_group("alice", "bob", "carol", "dave")
    await bob.asks({"type": "focus", "rooms": [room]})
    await alice.asks({"type": "typing", "room": room})
    await bob.is_silent()


async def test_a_stranger_cannot_type(people: Company) -> None:
    room, (alice, _) = await people.in_direct("alice", "bob")
    await alice.asks({"type": "focus", "rooms": [room]})
    mallory = await people.meets("mallory")
    await mallory.posts({"type": "typing", "room": room})
    await mallory.catches_up()
    await alice.is_silent()


async def test_a_removed_member_gets_no_typing(people: Company) -> None:
    room, (alice, bob, carol) = await people.in_group("alice", "bob", "carol")
    await bob.asks({"type": "focus", "rooms": [room]})
    await alice.does("members.remove", room, users=["bob"])
    await bob.receives("gone")
    await bob.forgets()
    await carol.asks({"type": "typing", "room": room})
    await bob.is_silent()


async def test_focus_is_replaced_and_forgets_rooms_one_is_not_in(people: Company) -> None:
    alice, bob = await people.meet("alice", "bob")
    rooms = [await alice.creates_group(name, bob) for name in ("one", "two")]
    private = await bob.creates_group("three")
    reply = await alice.asks({"type": "focus", "rooms": [*rooms, private, "gAbCdEfGhIj0"]})
    assert [row["room"] for row in reply["rooms"]] == rooms
    reply = await alice.asks({"type": "focus", "rooms": [rooms[1]]})
    assert [row["room"] for row in reply["rooms"]] == [rooms[1]]
    await bob.asks({"type": "typing", "room": rooms[0]})
    await alice.is_silent("typing")
    assert (await alice.asks({"type": "focus", "rooms": []}))["rooms"] == []


async def test_more_than_eight_focused_rooms_are_too_many(people: Company) -> None:
    alice = await people.meets("alice")
    rooms = [await alice.creates_group(f"room {number}") for number in range(9)]
    await alice.asks({"type": "focus", "rooms": rooms[:8]})
    await alice.is_refused("too_large", {"type": "focus", "rooms": rooms})


async def _sees(phone: Phone, user: str) -> str:
    """The next pushed state of `user`."""
    presence = await phone.receives("presence")
    (row,) = presence["users"]
    assert row["user"] == user
    return str(row.get("state", "offline"))


async def test_presence_follows_those_one_watches(people: Company) -> None:
    _, (alice, bob) = await people.in_touch("alice", "bob")
    reply = await alice.asks({"type": "watch", "users": ["bob"]})
    assert reply["users"] == [{"user": "bob", "state": "online"}]
    await bob.asks({"type": "mode", "mode": "background"})
    assert await _sees(alice, "bob") == "away"
    await bob.asks({"type": "mode", "mode": "foreground"})
    assert await _sees(alice, "bob") == "online"
    await bob.hangs_up()
    assert await _sees(alice, "bob") == "offline"
    reply = await alice.asks({"type": "watch", "users": ["bob"]})
    assert reply["users"][0]["last_seen"] > 1_600_000_000_000
    await people.again(bob)
    assert await _sees(alice, "bob") == "online"


@pytest.mark.settings(delivery={"presence_linger_s": 1.0})
async def test_a_quick_reconnect_is_no_absence(people: Company) -> None:
    _, (alice, bob) = await people.in_touch("alice", "bob")
    await alice.asks({"type": "watch", "users": ["bob"]})
    for _ in range(3):
        bob.cuts()
        bob, _ = await people.again(bob)
    await bob.hangs_up()
    assert await _sees(alice, "bob") == "offline"
    assert sum(packet["type"] == "presence" for packet in alice.heard) == 1


async def test_one_device_in_foreground_is_enough_to_be_online(people: Company) -> None:
    _, (alice, bob) = await people.in_touch("alice", "bob")
    tablet = await people.meets("bob", hello={"mode": "background"})
    await bob.asks({"type": "mode", "mode": "background"})
    reply = await alice.asks({"type": "watch", "users": ["bob"]})
    assert [(row["user"], row["state"]) for row in reply["users"]] == [("bob", "away")]
    await tablet.asks({"type": "mode", "mode": "foreground"})
    assert await _sees(alice, "bob") == "online"
    await tablet.hangs_up()
    assert await _sees(alice, "bob") == "away"


async def test_strangers_look_offline(people: Company) -> None:
    alice, mallory = await people.meet("alice", "mallory")
    reply = await mallory.asks({"type": "watch", "users": ["alice", "nobody"]})
    assert reply["users"] == [{"user": "alice"}, {"user": "nobody"}]
    await alice.hangs_up()
    await mallory.is_silent()


async def test_watching_is_replaced(people: Company) -> None:
    _, (alice, bob, carol) = await people.in_group("alice", "bob", "carol")
    await alice.asks({"type": "watch", "users": ["bob"]})
    await alice.asks({"type": "watch", "users": ["carol"]})
    await bob.asks({"type": "mode", "mode": "background"})
    await carol.asks({"type": "mode", "mode": "background"})
    assert await _sees(alice, "carol") == "away"
    await alice.is_silent()


async def test_more_than_200_watched_users_are_too_many(people: Company) -> None:
    alice = await people.meets("alice")
    users = [f"user{number}" for number in range(201)]
    await alice.asks({"type": "watch", "users": users[:200]})
    await alice.is_refused("too_large", {"type": "watch", "users": users})


async def test_who_shares_no_room_any_more_is_not_shown(people: Company) -> None:
    room, (alice, bob) = await people.in_group("alice", "bob")
    await alice.asks({"type": "watch", "users": ["bob"]})
    await bob.does("room.leave", room)
    await alice.forgets()
    reply = await alice.asks({"type": "watch", "users": ["bob"]})
    assert reply["users"] == [{"user": "bob"}]

"""protocol.md, Delivery of events: who gets which push, at which level, in which order."""

import asyncio
import time
from typing import Any

import pytest

from tests.kit.company import Company
from tests.kit.phone import Phone, fresh_key

HEAD_LEVEL = {"full_members": 3}  # a group of four already gets heads


async def test_s05_an_ack_stands_where_the_own_event_would_have_been(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")

    async def writes(phone: Phone) -> None:
        sends = [
            {"type": "send", "room": room, "key": fresh_key(), "body": {"text": "x"}} for _ in range(100)
        ]
        for start in range(0, 100, 10):
            await phone.asks_at_once(sends[start : start + 10], as_batch=False)

    await asyncio.gather(writes(alice), writes(bob))
    for phone in (alice, bob):
        await phone.catches_up()
        assert _shown(phone, room) == list(range(2, 202))


def _shown(phone: Phone, room: str) -> list[int]:
    """The numbers a phone was shown of a room, acks and events, in order of arrival."""
    shown: list[int] = []
    for packet in phone.heard:
        if packet["type"] == "ok" and "ordinal" in packet:
            shown.append(packet["seq"])
        elif packet["type"] == "event" and packet["room"] == room:
            shown += [event["seq"] for event in packet["events"] if event["kind"] == "message"]
    return shown


async def test_other_devices_of_the_author_get_the_event_with_its_key(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    tablet = await people.meets("alice")
    key = fresh_key()
    ack = await alice.sends(room, "from the phone", key=key)
    event = await tablet.hears(room)
    assert (event["seq"], event["key"], event["user"]) == (ack["seq"], key, "alice")
    assert (await bob.hears(room))["key"] == key
    await alice.is_silent()


async def test_a_new_member_gets_the_room_and_then_its_events(people: Company) -> None:
    room, (alice, _) = await people.in_group("alice", "bob")
    carol = await people.meets("carol")
    joined = await alice.does("members.add", room, users=["carol"])
    sent = await alice.sends(room, "welcome")
    await carol.hears(room, "message")
    pushes = [push for push in carol.heard if push["type"] in ("room", "event")]
    assert pushes[0]["type"] == "room"
    assert pushes[0]["summary"]["room"] == room
    assert pushes[0]["summary"]["first_visible"] == joined["seq"]
    events = [event for push in pushes[1:] for event in push["events"]]
    assert events[-1]["seq"] == sent["seq"]


async def test_members_of_a_new_group_are_told_at_once(people: Company) -> None:
    alice, bob = await people.meet("alice", "bob")
    tablet = await people.meets("alice")
    room = await alice.creates_group("tea", bob)
    assert (await bob.receives("room"))["summary"]["room"] == room
    assert (await tablet.receives("room"))["summary"]["role"] == "owner"


async def test_the_peer_of_a_new_direct_room_is_told(people: Company) -> None:
    alice, bob = await people.meet("alice", "bob")
    room = await alice.opens_direct(bob)
    sent = await alice.sends(room, "hello")
    summary = (await bob.receives("room"))["summary"]
    assert (summary["room"], summary["peer"]) == (room, "alice")
    assert (await bob.hears(room, "message"))["seq"] == sent["seq"]


async def test_s23_a_removed_member_hears_nothing_after_gone(people: Company) -> None:
    room, (alice, bob, carol) = await people.in_group("alice", "bob", "carol")
    await alice.does("members.remove", room, users=["bob"])
    assert await bob.receives("gone") == {"type": "gone", "room": room}  # `removed`, the default, is left out
    await bob.forgets()
    ack = await alice.sends(room, "without bob")
    assert (await carol.hears(room, "message"))["seq"] == ack["seq"]
    await bob.is_silent()
    for request in _everything_a_member_asks(room):
        await bob.is_refused("not_member", request)


def _everything_a_member_asks(room: str) -> list[dict[str, Any]]:
    mutation = {"room": room, "key": fresh_key()}
    return [
        {"type": "room.get", "room": room},
        {"type": "log", "room": room, "from": 1},
        {"type": "history", "room": room},
        {"type": "changes", "room": room, "low": 1, "high": 2, "since": 0},
        {"type": "messages", "room": room, "seqs": [1]},
        {"type": "members.list", "room": room},
        {"type": "readers", "room": room, "seq": 1},
        {"type": "read", "room": room, "seq": 1},
        {"type": "send", **mutation, "body": {"text": "x"}},
        {"type": "react", **mutation, "target": 1, "emoji": "👍", "set": True},
        {"type": "preferences", "room": room, "pinned": True},
    ]


async def test_s23_also_when_removal_races_with_messages(people: Company) -> None:
    room, (alice, bob, carol) = await people.in_group("alice", "bob", "carol")
    tablet = await people.meets("bob")

    async def chatters() -> list[int]:
        return [(await carol.sends(room, "x"))["seq"] for _ in range(60)]

    async def removes() -> int:
        for _ in range(5):
            await alice.catches_up()
        return int((await alice.does("members.remove", room, users=["bob"]))["seq"])

    sent, removed = await asyncio.gather(chatters(), removes())
    assert max(sent) > removed
    for phone in (bob, tablet):
        await phone.catches_up()
        seen = [event["seq"] for push in phone.heard if push["type"] == "event" for event in push["events"]]
        assert max(seen) <= removed
        kinds = [push["type"] for push in phone.heard if push["type"] in ("event", "head", "gone")]
        assert kinds[-1] == "gone"
        assert kinds.count("gone") == 1


async def test_whoever_comes_back_hears_again(people: Company) -> None:
    room, (alice, bob) = await people.in_group("alice", "bob")
    await alice.does("members.remove", room, users=["bob"])
    await alice.sends(room, "unheard")
    again = await alice.does("members.add", room, users=["bob"])
    ack = await alice.sends(room, "heard")
    await bob.receives("gone")
    assert (await bob.receives("room"))["summary"]["first_visible"] == again["seq"]
    assert (await bob.hears(room, "message"))["seq"] == ack["seq"]


async def test_leaving_tells_the_other_devices(people: Company) -> None:
    room, (_, bob) = await people.in_group("alice", "bob")
    tablet = await people.meets("bob")
    await bob.does("room.leave", room)
    assert (await tablet.receives("gone", room=room))["reason"] == "left"


async def test_deleting_tells_every_member(people: Company) -> None:
    room, (alice, bob) = await people.in_group("alice", "bob")
    await alice.does("room.delete", room)
    assert (await bob.receives("gone", room=room))["reason"] == "deleted"


async def test_reading_tells_the_other_devices_their_position(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    tablet = await people.meets("bob")
    for _ in range(3):
        await alice.sends(room, "x", body={"mentions": ["bob"]})
    await bob.reads(room, 3)
    position = await tablet.receives("position")
    assert position == {
        "type": "position",
        "room": room,
        "read": 3,
        "unread": 1,
        "unread_mentions": 1,
        "ordinal": 3,
    }
    await bob.reads(room, 4)
    position = await tablet.receives("position")
    assert position == {
        "type": "position",
        "room": room,
        "read": 4,
        "unread": 0,
        "unread_mentions": 0,
        "ordinal": 3,
    }
    await bob.is_silent("position")


@pytest.mark.settings(delivery=HEAD_LEVEL)
async def test_larger_groups_get_heads_and_the_log_has_the_content(people: Company) -> None:
    room, (alice, bob, *_) = await people.in_group("alice", "bob", "carol", "dave")
    for number in range(20):
        ack = await alice.sends(room, f"message {number}")
    head = await bob.hears_of(room, ack["seq"])
    assert head == {"room": room, "seq": ack["seq"], "ordinal": ack["ordinal"]}
    assert [event["seq"] for event in await bob.logs(room, 2)] == list(range(2, 22))
    await bob.is_silent("event")


@pytest.mark.settings(delivery={**HEAD_LEVEL, "head_interval_s": 0.3})
async def test_heads_are_coalesced(people: Company) -> None:
    room, (alice, bob, *_) = await people.in_group("alice", "bob", "carol", "dave")
    started = time.monotonic()
    for _ in range(30):
        ack = await alice.sends(room, "x")
    await bob.hears_of(room, ack["seq"])
    heads = [packet for packet in bob.heard if packet["type"] == "head"]
    assert len(heads) <= (time.monotonic() - started) / 0.3 + 3  # the one at creation, and both ends


@pytest.mark.settings(delivery={"full_members": 2, "large_members": 3, "head_interval_s": 0.3})
async def test_a_head_that_waited_never_goes_back_behind_events(people: Company) -> None:
    """While a head waits for its interval the room becomes small, gets events, and becomes large again."""
    room, (alice, bob, _) = await people.in_group("alice", "bob", "carol")
    for _ in range(2):
        await alice.sends(room, "the second head waits")
    await alice.does("members.remove", room, users=["carol"])
    sent = (await alice.sends(room, "an event again"))["seq"]
    assert (await bob.collects_until(room, sent))[-1]["seq"] == sent
    await alice.does("members.add", room, users=["dave", "erin"])  # large now: this is not logged
    later = await alice.creates_group("a clock", "bob", "carol")
    for _ in range(2):
        ack = await alice.sends(later, "its second head is due after that of the room")
    await bob.hears_of(later, ack["seq"])


@pytest.mark.settings(delivery=HEAD_LEVEL)
async def test_a_focused_room_gets_events_whatever_its_size(people: Company) -> None:
    room, (alice, bob, *_) = await people.in_group("alice", "bob", "carol", "dave")
    focused = await bob.asks({"type": "focus", "rooms": [room]})
    assert [row["seq"] for row in focused["rooms"]] == [1]
    ack = await alice.sends(room, "on screen")
    assert (await bob.hears(room))["seq"] == ack["seq"]
    await bob.asks({"type": "focus", "rooms": []})
    ack = await alice.sends(room, "off screen")
    await bob.hears_of(room, ack["seq"])
    await bob.is_silent("event")


@pytest.mark.settings(delivery=HEAD_LEVEL)
async def test_focus_can_be_set_in_hello(people: Company) -> None:
    room, (alice, bob, *_) = await people.in_group("alice", "bob", "carol", "dave")
    fresh, _ = await people.again(bob, focus=[room])
    ack = await alice.sends(room, "on screen")
    assert (await fresh.hears(room))["seq"] == ack["seq"]


@pytest.mark.settings(delivery=HEAD_LEVEL)
async def test_in_larger_groups_own_messages_and_named_mentions_are_pushed(people: Company) -> None:
    room, (alice, bob, carol, _) = await people.in_group("alice", "bob", "carol", "dave")
    tablet = await people.meets("alice")
    ack = await alice.sends(room, "bob!", body={"mentions": ["bob"]})
    assert (await bob.hears(room))["seq"] == ack["seq"]
    assert (await tablet.hears(room))["seq"] == ack["seq"]
    await carol.hears_of(room, ack["seq"])
    await carol.is_silent("event")
    assert (await bob.gets(room))["unread_mentions"] == 1


@pytest.mark.settings(delivery=HEAD_LEVEL)
async def test_in_larger_groups_everybody_is_nobody(people: Company) -> None:
    room, (alice, bob, *_) = await people.in_group("alice", "bob", "carol", "dave")
    ack = await alice.sends(room, "all!", body={"mentions": ["*"]})
    await bob.hears_of(room, ack["seq"])
    await bob.is_silent("event")
    assert "unread_mentions" not in await bob.gets(room)


async def test_in_small_groups_everybody_is_mentioned(people: Company) -> None:
    room, (alice, bob, carol) = await people.in_group("alice", "bob", "carol")
    await alice.sends(room, "all!", body={"mentions": ["*"]})
    for phone in (bob, carol):
        assert (await phone.gets(room))["unread_mentions"] == 1
    assert "unread_mentions" not in await alice.gets(room)


async def test_strangers_hear_nothing(people: Company) -> None:
    room, (alice, _) = await people.in_group("alice", "bob", public=True)
    mallory = await people.meets("mallory")
    await alice.sends(room, "private", body={"mentions": ["mallory"]})
    await alice.does("room.update", room, title="still private")
    await mallory.asks({"type": "focus", "rooms": []})
    await mallory.is_silent()

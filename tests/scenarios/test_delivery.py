"""protocol.md "Delivery and gap repair": the recipients of each push, its level, its order."""

import asyncio
from typing import Any

import pytest

from tests.kit.client import TestClient, fresh_key
from tests.kit.clients import Clients
from tests.kit.stepped_env import SteppedEnv

HEAD_LEVEL = {"full_members": 3}  # a group of four already gets heads


async def test_s05_an_ack_stands_where_the_own_event_would_have_been(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")

    async def writes(client: TestClient) -> None:
        sends = [
            {"type": "send", "room": room, "key": fresh_key(), "body": {"text": "x"}} for _ in range(100)
        ]
        for start in range(0, 100, 10):
            await client.request_all(sends[start : start + 10], as_batch=False)

    await asyncio.gather(writes(alice), writes(bob))
    for client in (alice, bob):
        await client.catch_up()
        assert _shown(client, room) == list(range(2, 202))


def _shown(client: TestClient, room: str) -> list[int]:
    """The numbers a phone was shown of a room, acks and events, in order of arrival."""
    shown: list[int] = []
    for packet in client.heard:
        if packet["type"] == "ok" and "ordinal" in packet:
            shown.append(packet["seq"])
        elif packet["type"] == "event" and packet["room"] == room:
            shown += [event["seq"] for event in packet["events"] if event["kind"] == "message"]
    return shown


async def test_other_devices_of_the_author_get_the_event_with_its_key(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    tablet = await clients.connect("alice")
    key = fresh_key()
    ack = await alice.send(room, "from the phone", key=key)
    event = await tablet.next_event(room)
    assert (event["seq"], event["key"], event["user"]) == (ack["seq"], key, "alice")
    assert (await bob.next_event(room))["key"] == key
    await alice.expect_silence()


async def test_a_new_member_gets_the_room_and_then_its_events(clients: Clients) -> None:
    room, (alice, _) = await clients.in_group("alice", "bob")
    carol = await clients.connect("carol")
    joined = await alice.mutate("members.add", room, users=["carol"])
    sent = await alice.send(room, "welcome")
    await carol.next_event(room, "message")
    pushes = [push for push in carol.heard if push["type"] in ("room", "event")]
    assert pushes[0]["type"] == "room"
    assert pushes[0]["summary"]["room"] == room
    assert pushes[0]["summary"]["first_visible"] == joined["seq"]
    events = [event for push in pushes[1:] for event in push["events"]]
    assert events[-1]["seq"] == sent["seq"]


async def test_members_of_a_new_group_get_it_at_once(clients: Clients) -> None:
    alice, bob = await clients.connect_all("alice", "bob")
    tablet = await clients.connect("alice")
    room = await alice.create_group("tea", bob)
    assert (await bob.receive("room"))["summary"]["room"] == room
    assert (await tablet.receive("room"))["summary"]["role"] == "owner"


async def test_the_peer_of_a_new_direct_room_gets_it(clients: Clients) -> None:
    alice, bob = await clients.connect_all("alice", "bob")
    room = await alice.open_direct(bob)
    sent = await alice.send(room, "hello")
    summary = (await bob.receive("room"))["summary"]
    assert (summary["room"], summary["peer"]) == (room, "alice")
    assert (await bob.next_event(room, "message"))["seq"] == sent["seq"]


async def test_s23_a_removed_member_receives_nothing_after_gone(clients: Clients) -> None:
    room, (alice, bob, carol) = await clients.in_group("alice", "bob", "carol")
    await alice.mutate("members.remove", room, users=["bob"])
    assert await bob.receive("gone") == {"type": "gone", "room": room}  # `removed`, the default, is left out
    await bob.forget()
    ack = await alice.send(room, "without bob")
    assert (await carol.next_event(room, "message"))["seq"] == ack["seq"]
    await bob.expect_silence()
    for request in _everything_a_member_asks(room):
        await bob.expect_refusal("not_member", request)


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


async def test_s23_also_when_removal_races_with_messages(clients: Clients) -> None:
    room, (alice, bob, carol) = await clients.in_group("alice", "bob", "carol")
    tablet = await clients.connect("bob")

    async def chatters() -> list[int]:
        return [(await carol.send(room, "x"))["seq"] for _ in range(60)]

    async def removes() -> int:
        for _ in range(5):
            await alice.catch_up()
        return int((await alice.mutate("members.remove", room, users=["bob"]))["seq"])

    sent, removed = await asyncio.gather(chatters(), removes())
    assert max(sent) > removed
    for client in (bob, tablet):
        await client.catch_up()
        seen = [event["seq"] for push in client.heard if push["type"] == "event" for event in push["events"]]
        assert max(seen) <= removed
        kinds = [push["type"] for push in client.heard if push["type"] in ("event", "head", "gone")]
        assert kinds[-1] == "gone"
        assert kinds.count("gone") == 1


async def test_a_member_who_comes_back_receives_again(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    await alice.mutate("members.remove", room, users=["bob"])
    await alice.send(room, "unheard")
    again = await alice.mutate("members.add", room, users=["bob"])
    ack = await alice.send(room, "heard")
    await bob.receive("gone")
    assert (await bob.receive("room"))["summary"]["first_visible"] == again["seq"]
    assert (await bob.next_event(room, "message"))["seq"] == ack["seq"]


async def test_leaving_tells_the_other_devices(clients: Clients) -> None:
    room, (_, bob) = await clients.in_group("alice", "bob")
    tablet = await clients.connect("bob")
    await bob.mutate("room.leave", room)
    assert (await tablet.receive("gone", room=room))["reason"] == "left"


async def test_deleting_tells_every_member(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    await alice.mutate("room.delete", room)
    assert (await bob.receive("gone", room=room))["reason"] == "deleted"


async def test_reading_tells_the_other_devices_their_position(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    tablet = await clients.connect("bob")
    for _ in range(3):
        await alice.send(room, "x", body={"mentions": ["bob"]})
    await bob.read(room, 3)
    position = await tablet.receive("position")
    assert position == {
        "type": "position",
        "room": room,
        "read": 3,
        "unread": 1,
        "unread_mentions": 1,
        "ordinal": 3,
    }
    await bob.read(room, 4)
    position = await tablet.receive("position")
    assert position == {
        "type": "position",
        "room": room,
        "read": 4,
        "unread": 0,
        "unread_mentions": 0,
        "ordinal": 3,
    }
    await bob.expect_silence("position")


@pytest.mark.settings(delivery=HEAD_LEVEL)
async def test_larger_groups_get_heads_and_the_log_has_the_content(clients: Clients) -> None:
    room, (alice, bob, *_) = await clients.in_group("alice", "bob", "carol", "dave")
    for number in range(20):
        ack = await alice.send(room, f"message {number}")
    head = await bob.wait_for_head(room, ack["seq"])
    assert head == {"room": room, "seq": ack["seq"], "ordinal": ack["ordinal"]}
    assert [event["seq"] for event in await bob.read_log(room, 2)] == list(range(2, 22))
    await bob.expect_silence("event")


@pytest.mark.settings(delivery={**HEAD_LEVEL, "head_interval_s": 0.3})
async def test_heads_are_coalesced(clients: Clients, clock: SteppedEnv) -> None:
    room, (alice, bob, *_) = await clients.in_group("alice", "bob", "carol", "dave")
    clock.advance(0.3)
    for _ in range(30):
        ack = await alice.send(room, "x")
    clock.advance(0.3)
    await bob.wait_for_head(room, ack["seq"])
    heads = [packet for packet in bob.heard if packet["type"] == "head"]
    assert [head["rooms"][0]["seq"] for head in heads] == [1, 2, 31]


@pytest.mark.settings(delivery={"full_members": 2, "large_members": 3, "head_interval_s": 0.3})
async def test_a_head_that_waited_never_goes_back_behind_events(clients: Clients, clock: SteppedEnv) -> None:
    """While a head waits for its interval the room becomes small, gets events, and becomes large again."""
    room, (alice, bob, _) = await clients.in_group("alice", "bob", "carol")
    for _ in range(2):
        await alice.send(room, "the second head waits")
    await alice.mutate("members.remove", room, users=["carol"])
    sent = (await alice.send(room, "an event again"))["seq"]
    assert (await bob.collect_until(room, sent))[-1]["seq"] == sent
    await alice.mutate("members.add", room, users=["dave", "erin"])  # large now: this is not logged
    clock.advance(0.3)
    await bob.catch_up()


@pytest.mark.settings(delivery=HEAD_LEVEL)
async def test_a_focused_room_gets_events_whatever_its_size(clients: Clients) -> None:
    room, (alice, bob, *_) = await clients.in_group("alice", "bob", "carol", "dave")
    focused = await bob.request({"type": "focus", "rooms": [room]})
    assert [row["seq"] for row in focused["rooms"]] == [1]
    ack = await alice.send(room, "on screen")
    assert (await bob.next_event(room))["seq"] == ack["seq"]
    await bob.request({"type": "focus", "rooms": []})
    ack = await alice.send(room, "off screen")
    await bob.wait_for_head(room, ack["seq"])
    await bob.expect_silence("event")


@pytest.mark.settings(delivery=HEAD_LEVEL)
async def test_focus_can_be_set_in_hello(clients: Clients) -> None:
    room, (alice, bob, *_) = await clients.in_group("alice", "bob", "carol", "dave")
    fresh, _ = await clients.reconnect(bob, focus=[room])
    ack = await alice.send(room, "on screen")
    assert (await fresh.next_event(room))["seq"] == ack["seq"]


@pytest.mark.settings(delivery=HEAD_LEVEL)
async def test_in_larger_groups_own_messages_and_named_mentions_are_pushed(clients: Clients) -> None:
    room, (alice, bob, carol, _) = await clients.in_group("alice", "bob", "carol", "dave")
    tablet = await clients.connect("alice")
    ack = await alice.send(room, "bob!", body={"mentions": ["bob"]})
    assert (await bob.next_event(room))["seq"] == ack["seq"]
    assert (await tablet.next_event(room))["seq"] == ack["seq"]
    await carol.wait_for_head(room, ack["seq"])
    await carol.expect_silence("event")
    assert (await bob.get_room(room))["unread_mentions"] == 1


@pytest.mark.settings(delivery=HEAD_LEVEL)
async def test_in_larger_groups_everybody_is_nobody(clients: Clients) -> None:
    room, (alice, bob, *_) = await clients.in_group("alice", "bob", "carol", "dave")
    ack = await alice.send(room, "all!", body={"mentions": ["*"]})
    await bob.wait_for_head(room, ack["seq"])
    await bob.expect_silence("event")
    assert "unread_mentions" not in await bob.get_room(room)


async def test_in_small_groups_everybody_is_mentioned(clients: Clients) -> None:
    room, (alice, bob, carol) = await clients.in_group("alice", "bob", "carol")
    await alice.send(room, "all!", body={"mentions": ["*"]})
    for client in (bob, carol):
        assert (await client.get_room(room))["unread_mentions"] == 1
    assert "unread_mentions" not in await alice.get_room(room)


async def test_strangers_receive_nothing(clients: Clients) -> None:
    room, (alice, _) = await clients.in_group("alice", "bob", public=True)
    mallory = await clients.connect("mallory")
    await alice.send(room, "private", body={"mentions": ["mallory"]})
    await alice.mutate("room.update", room, title="still private")
    await mallory.request({"type": "focus", "rooms": []})
    await mallory.expect_silence()

"""protocol.md "Large rooms": joins and leaves are not logged above the threshold, reactions are summarised."""

from typing import Any

import pytest

from tests.kit.client import TestClient, fresh_key
from tests.kit.clients import Clients
from tests.kit.replica import Replica

pytestmark = pytest.mark.settings(
    delivery={"full_members": 3, "large_members": 4, "reactions_interval_s": 0.1}
)


async def _large(clients: Clients, **fields: Any) -> tuple[str, list[TestClient]]:
    """A group of eight, of whom four are connected: large as configured here."""
    room, peers = await clients.in_group("alice", "bob", "carol", "dave", **fields)
    await peers[0].mutate("members.add", room, users=["erin", "frank", "judy", "kim"])
    for client in peers:
        await client.forget()
    return room, peers


async def test_joining_is_not_logged_but_counted(clients: Clients) -> None:
    room, (alice, bob, *_) = await _large(clients, public=True)
    before = await alice.get_room(room)
    grace = await clients.connect("grace")
    assert "seq" not in await grace.mutate("room.join", room)
    assert "seq" not in await alice.mutate("members.add", room, users=["heidi"])
    pushed = (await bob.receive("room"))["summary"]["members"]
    if pushed < 10:  # the two may come in a push each
        pushed = (await bob.receive("room"))["summary"]["members"]
    assert pushed == 10
    after = await alice.get_room(room)
    assert (after["seq"], after["members"]) == (before["seq"], 10)
    await bob.expect_silence("event", "head")


async def test_who_joins_sees_what_comes_next(clients: Clients) -> None:
    room, (alice, *_) = await _large(clients)
    await alice.send(room, "before grace")
    grace = await clients.connect("grace")
    await alice.mutate("members.add", room, users=["grace"])
    assert (await grace.receive("room"))["summary"]["room"] == room
    sent = await alice.send(room, "after grace")
    assert (await grace.get_room(room))["first_visible"] == sent["seq"]
    assert [event["seq"] for event in await grace.read_log(room, sent["seq"])] == [sent["seq"]]
    page = await grace.request_history(room)
    assert [event["seq"] for event in page] == [sent["seq"]]
    assert (await grace.get_room(room))["unread"] == 1


async def test_leaving_and_being_removed_are_not_logged(clients: Clients) -> None:
    room, (alice, bob, carol, _) = await _large(clients)
    before = (await alice.get_room(room))["seq"]
    assert "seq" not in await bob.mutate("room.leave", room)
    assert "seq" not in await alice.mutate("members.remove", room, users=["carol"])
    assert (await carol.receive("gone"))["room"] == room
    assert (await alice.get_room(room))["seq"] == before
    await carol.expect_refusal("not_member", {"type": "room.get", "room": room})


async def test_a_mutation_that_is_not_logged_is_idempotent_by_key(clients: Clients) -> None:
    room, (alice, *_) = await _large(clients)
    packet = {"type": "members.add", "room": room, "key": fresh_key(), "users": ["grace"]}
    assert "duplicate" not in await alice.request(packet)
    assert (await alice.request(packet))["duplicate"] is True
    assert (await alice.get_room(room))["members"] == 9


async def test_a_leave_that_is_not_logged_is_remembered_by_its_key(clients: Clients) -> None:
    room, (alice, bob, *_) = await _large(clients)
    packet = {"type": "room.leave", "room": room, "key": fresh_key()}
    await bob.request(packet)
    await alice.mutate("members.add", room, users=["bob"])
    assert (await bob.request(packet))["duplicate"] is True
    assert (await bob.get_room(room))["members"] == 8


async def test_a_reaction_that_is_not_logged_is_remembered_by_its_key(clients: Clients) -> None:
    room, (alice, bob, *_) = await _large(clients)
    sent = (await alice.send(room, "vote"))["seq"]
    packet = {"type": "react", "room": room, "key": fresh_key(), "target": sent, "emoji": "👍", "set": True}
    await bob.request(packet)
    await bob.react(room, sent, "👍", to=False)
    assert (await bob.request(packet))["duplicate"] is True
    (message,) = (await bob.request({"type": "messages", "room": room, "seqs": [sent]}))["events"]
    assert "reactions" not in message


async def test_roles_are_logged_whatever_the_size(clients: Clients) -> None:
    room, (alice, bob, *_) = await _large(clients)
    ack = await alice.mutate("members.role", room, users=[{"user": "bob", "role": "admin"}])
    (event,) = await bob.read_log(room, ack["seq"])
    assert (event["kind"], event["users"]) == ("role", [{"user": "bob", "role": "admin"}])


async def test_reactions_are_summarised_in_one_event(clients: Clients) -> None:
    room, (alice, bob, carol, dave) = await _large(clients)
    sent = (await alice.send(room, "vote"))["seq"]
    await dave.request({"type": "focus", "rooms": [room]})
    for client, emoji in ((alice, "👍"), (bob, "👍"), (carol, "❤️")):
        assert "seq" not in await client.react(room, sent, emoji)
    counts: dict[str, int] = {}
    while counts != {"👍": 2, "❤️": 1}:
        event = await dave.next_event(room, "reactions")
        assert event["target"] == sent
        counts = {row["emoji"]: row["count"] for row in event["reactions"]}
    log = await dave.read_log(room)
    kinds = [event["kind"] for event in log if event["seq"] > sent]
    assert set(kinds) == {"reactions"}
    assert len(kinds) <= 3
    message = next(event for event in log if event["seq"] == sent)
    assert message["changed"] == log[-1]["seq"]
    assert {row["emoji"]: row["count"] for row in message["reactions"]} == counts


async def test_a_summarised_reaction_is_a_set_too(clients: Clients) -> None:
    room, (alice, bob, *_) = await _large(clients)
    sent = (await alice.send(room, "vote"))["seq"]
    await bob.react(room, sent, "👍")
    assert (await bob.react(room, sent, "👍"))["duplicate"] is True
    await bob.request({"type": "focus", "rooms": [room]})
    await bob.react(room, sent, "👍", to=False)
    reactions: list[Any] = [None]
    while reactions:
        reactions = (await bob.next_event(room, "reactions"))["reactions"]
    (message,) = (await bob.request({"type": "messages", "room": room, "seqs": [sent]}))["events"]
    assert not {"reactions", "mine"} & message.keys()


async def test_s10_replays_of_summarised_reactions_converge(clients: Clients) -> None:
    room, (alice, bob, *_) = await _large(clients)
    await bob.request({"type": "focus", "rooms": [room]})
    sent = (await alice.send(room, "vote"))["seq"]
    for emoji in ("👍", "❤️"):
        await alice.react(room, sent, emoji)
        await bob.next_event(room, "reactions")
    await alice.edit(room, sent, "vote now")
    log = await bob.read_log(room)
    once, twice, truth = Replica(), Replica(), Replica()
    once.apply_all(log)
    twice.apply_all(log + log)
    truth.apply_all(await bob.request_history(room))
    assert once.messages == twice.messages == truth.messages


async def test_a_large_room_is_delivered_by_heads(clients: Clients) -> None:
    room, (alice, bob, *_) = await _large(clients)
    ack = await alice.send(room, "to the crowd")
    head = await bob.wait_for_head(room, ack["seq"])
    assert head["ordinal"] == ack["ordinal"]
    await bob.expect_silence("event")


async def test_a_room_becomes_large_and_small_again(clients: Clients) -> None:
    room, (alice, bob, carol) = await clients.in_group("alice", "bob", "carol")
    added = await alice.mutate("members.add", room, users=["dave"])
    assert "seq" in added  # four members are not above the threshold
    await alice.mutate("members.add", room, users=["erin", "frank"])
    assert "seq" not in await carol.mutate("room.leave", room)
    await alice.mutate("members.remove", room, users=["frank", "erin"])
    assert "seq" in await bob.mutate("room.leave", room)
    seqs = [event["seq"] for event in await alice.read_log(room)]
    assert seqs == list(range(1, len(seqs) + 1))

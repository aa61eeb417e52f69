"""protocol.md, Large rooms: coming and going is not logged above the threshold, reactions are summarised."""

from typing import Any

import pytest

from tests.kit.company import Company
from tests.kit.phone import Phone, fresh_key
from tests.kit.replica import Replica

pytestmark = pytest.mark.settings(
    delivery={"full_members": 3, "large_members": 4, "reactions_interval_s": 0.1}
)


async def _large(people: Company, **fields: Any) -> tuple[str, list[Phone]]:
    """A group of eight, of whom four are connected: large as configured here."""
    room, phones = await people.in_group("alice", "bob", "carol", "dave", **fields)
    await phones[0].does("members.add", room, users=["erin", "frank", "judy", "kim"])
    for phone in phones:
        await phone.forgets()
    return room, phones


async def test_joining_is_not_logged_but_counted(people: Company) -> None:
    room, (alice, bob, *_) = await _large(people, public=True)
    before = await alice.gets(room)
    grace = await people.meets("grace")
    assert "seq" not in await grace.does("room.join", room)
    assert "seq" not in await alice.does("members.add", room, users=["heidi"])
    pushed = (await bob.receives("room"))["summary"]["members"]
    if pushed < 10:  # the two may have been told of one by one
        pushed = (await bob.receives("room"))["summary"]["members"]
    assert pushed == 10
    after = await alice.gets(room)
    assert (after["seq"], after["members"]) == (before["seq"], 10)
    await bob.is_silent("event", "head")


async def test_who_joins_sees_what_comes_next(people: Company) -> None:
    room, (alice, *_) = await _large(people)
    await alice.sends(room, "before grace")
    grace = await people.meets("grace")
    await alice.does("members.add", room, users=["grace"])
    assert (await grace.receives("room"))["summary"]["room"] == room
    sent = await alice.sends(room, "after grace")
    assert (await grace.gets(room))["first_visible"] == sent["seq"]
    assert [event["seq"] for event in await grace.logs(room, sent["seq"])] == [sent["seq"]]
    page = await grace.asks_history(room)
    assert [event["seq"] for event in page] == [sent["seq"]]
    assert (await grace.gets(room))["unread"] == 1


async def test_leaving_and_being_removed_are_not_logged(people: Company) -> None:
    room, (alice, bob, carol, _) = await _large(people)
    before = (await alice.gets(room))["seq"]
    assert "seq" not in await bob.does("room.leave", room)
    assert "seq" not in await alice.does("members.remove", room, users=["carol"])
    assert (await carol.receives("gone"))["room"] == room
    assert (await alice.gets(room))["seq"] == before
    await carol.is_refused("not_member", {"type": "room.get", "room": room})


async def test_a_mutation_that_is_not_logged_is_idempotent_by_key(people: Company) -> None:
    room, (alice, *_) = await _large(people)
    packet = {"type": "members.add", "room": room, "key": fresh_key(), "users": ["grace"]}
    assert "duplicate" not in await alice.asks(packet)
    assert (await alice.asks(packet))["duplicate"] is True
    assert (await alice.gets(room))["members"] == 9


async def test_a_leave_that_is_not_logged_is_remembered_by_its_key(people: Company) -> None:
    room, (alice, bob, *_) = await _large(people)
    packet = {"type": "room.leave", "room": room, "key": fresh_key()}
    await bob.asks(packet)
    await alice.does("members.add", room, users=["bob"])
    assert (await bob.asks(packet))["duplicate"] is True
    assert (await bob.gets(room))["members"] == 8


async def test_a_reaction_that_is_not_logged_is_remembered_by_its_key(people: Company) -> None:
    room, (alice, bob, *_) = await _large(people)
    sent = (await alice.sends(room, "vote"))["seq"]
    packet = {"type": "react", "room": room, "key": fresh_key(), "target": sent, "emoji": "👍", "set": True}
    await bob.asks(packet)
    await bob.reacts(room, sent, "👍", to=False)
    assert (await bob.asks(packet))["duplicate"] is True
    (message,) = (await bob.asks({"type": "messages", "room": room, "seqs": [sent]}))["events"]
    assert "reactions" not in message


async def test_roles_are_logged_whatever_the_size(people: Company) -> None:
    room, (alice, bob, *_) = await _large(people)
    ack = await alice.does("members.role", room, users=[{"user": "bob", "role": "admin"}])
    (event,) = await bob.logs(room, ack["seq"])
    assert (event["kind"], event["users"]) == ("role", [{"user": "bob", "role": "admin"}])


async def test_reactions_are_summarised_in_one_event(people: Company) -> None:
    room, (alice, bob, carol, dave) = await _large(people)
    sent = (await alice.sends(room, "vote"))["seq"]
    await dave.asks({"type": "focus", "rooms": [room]})
    for phone, emoji in ((alice, "👍"), (bob, "👍"), (carol, "❤️")):
        assert "seq" not in await phone.reacts(room, sent, emoji)
    counts: dict[str, int] = {}
    while counts != {"👍": 2, "❤️": 1}:
        event = await dave.hears(room, "reactions")
        assert event["target"] == sent
        counts = {row["emoji"]: row["count"] for row in event["reactions"]}
    log = await dave.logs(room)
    kinds = [event["kind"] for event in log if event["seq"] > sent]
    assert set(kinds) == {"reactions"}
    assert len(kinds) <= 3
    message = next(event for event in log if event["seq"] == sent)
    assert message["changed"] == log[-1]["seq"]
    assert {row["emoji"]: row["count"] for row in message["reactions"]} == counts


async def test_a_summarised_reaction_is_a_set_too(people: Company) -> None:
    room, (alice, bob, *_) = await _large(people)
    sent = (await alice.sends(room, "vote"))["seq"]
    await bob.reacts(room, sent, "👍")
    assert (await bob.reacts(room, sent, "👍"))["duplicate"] is True
    await bob.asks({"type": "focus", "rooms": [room]})
    await bob.reacts(room, sent, "👍", to=False)
    reactions: list[Any] = [None]
    while reactions:
        reactions = (await bob.hears(room, "reactions"))["reactions"]
    (message,) = (await bob.asks({"type": "messages", "room": room, "seqs": [sent]}))["events"]
    assert not {"reactions", "mine"} & message.keys()


async def test_s10_replays_of_summarised_reactions_converge(people: Company) -> None:
    room, (alice, bob, *_) = await _large(people)
    await bob.asks({"type": "focus", "rooms": [room]})
    sent = (await alice.sends(room, "vote"))["seq"]
    for emoji in ("👍", "❤️"):
        await alice.reacts(room, sent, emoji)
        await bob.hears(room, "reactions")
    await alice.edits(room, sent, "vote now")
    log = await bob.logs(room)
    once, twice, truth = Replica(), Replica(), Replica()
    once.apply_all(log)
    twice.apply_all(log + log)
    truth.apply_all(await bob.asks_history(room))
    assert once.messages == twice.messages == truth.messages


async def test_a_large_room_is_delivered_by_heads(people: Company) -> None:
    room, (alice, bob, *_) = await _large(people)
    ack = await alice.sends(room, "to the crowd")
    head = await bob.hears_of(room, ack["seq"])
    assert head["ordinal"] == ack["ordinal"]
    await bob.is_silent("event")


async def test_a_room_becomes_large_and_small_again(people: Company) -> None:
    room, (alice, bob, carol) = await people.in_group("alice", "bob", "carol")
    added = await alice.does("members.add", room, users=["dave"])
    assert "seq" in added  # four members are not above the threshold
    await alice.does("members.add", room, users=["erin", "frank"])
    assert "seq" not in await carol.does("room.leave", room)
    await alice.does("members.remove", room, users=["frank", "erin"])
    assert "seq" in await bob.does("room.leave", room)
    seqs = [event["seq"] for event in await alice.logs(room)]
    assert seqs == list(range(1, len(seqs) + 1))

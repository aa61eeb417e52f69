"""protocol.md, Read state and receipts: watermarks that only move forward, and who is told of them."""

import pytest

from tests.kit.company import Company
from tests.kit.phone import Phone


async def test_reading_moves_forward_only_and_never_beyond_the_last_event(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    for _ in range(4):
        await alice.sends(room, "x")
    assert await _read(bob, room, 3) == (3, 2)
    assert await _read(bob, room, 2) == (3, 2)
    assert await _read(bob, room, 0) == (3, 2)
    assert await _read(bob, room, 2**53 - 1) == (5, 0)


async def _read(phone: Phone, room: str, seq: int) -> tuple[int, int]:
    reply = await phone.reads(room, seq)
    return reply["read"], reply["unread"]


async def test_a_lower_position_without_id_is_answered_by_the_stored_one(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    await alice.sends(room, "x")
    await bob.reads(room, 2)
    await bob.posts({"type": "read", "room": room, "seq": 1})
    position = await bob.receives("position")
    assert position == {
        "type": "position",
        "room": room,
        "read": 2,
        "unread": 0,
        "unread_mentions": 0,
        "ordinal": 1,
    }


async def test_reading_survives_a_reconnect(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    for _ in range(3):
        await alice.sends(room, "x")
    await bob.reads(room, 3)
    _, hello = await people.again(bob)
    (summary,) = hello["sync"]["rooms"]
    assert (summary["read"], summary["unread"]) == (3, 1)


async def test_receipts_of_direct_rooms_are_pushed_and_kept(people: Company) -> None:
    room, (alice, bob) = await people.in_touch("alice", "bob")
    sent = (await alice.sends(room, "x"))["seq"]
    await bob.posts({"type": "delivered", "rooms": [{"room": room, "seq": sent}]})
    assert (await alice.receives("receipts"))["receipts"] == [{"user": "bob", "delivered": sent}]
    await bob.reads(room, sent)
    assert (await alice.receives("receipts"))["receipts"][0]["read"] == sent
    summary = await alice.gets(room)
    assert (summary["peer_read"], summary["peer_delivered"]) == (sent, sent)


async def test_delivered_moves_forward_only(people: Company) -> None:
    room, (alice, bob) = await people.in_touch("alice", "bob")
    for seq in (2, 1, 9_999):
        await bob.asks({"type": "delivered", "rooms": [{"room": room, "seq": seq}]})
        delivered = (await alice.gets(room))["peer_delivered"]
        assert delivered == (3 if seq == 9_999 else 2)


async def test_reading_moves_the_delivered_position_along(people: Company) -> None:
    room, (alice, bob) = await people.in_touch("alice", "bob")
    sent = (await alice.sends(room, "x"))["seq"]
    await bob.reads(room, sent)
    assert (await alice.gets(room))["peer_delivered"] == sent


async def test_receipts_of_groups_go_to_those_who_look(people: Company) -> None:
    room, (alice, bob, carol) = await people.in_group("alice", "bob", "carol")
    await alice.asks({"type": "focus", "rooms": [room]})
    sent = (await alice.sends(room, "x"))["seq"]
    await bob.reads(room, sent)
    receipts = await alice.receives("receipts")
    assert (receipts["room"], receipts["receipts"][0]["user"], receipts["receipts"][0]["read"]) == (
        room,
        "bob",
        sent,
    )
    await _flushed(people, alice)
    await carol.is_silent("receipts")


async def _flushed(people: Company, phone: Phone) -> None:
    """Return when receipts that were gathered by now have been pushed: those of a later read have arrived."""
    witness = await people.meets(f"witness-of-{phone.user}")
    room = await witness.opens_direct(phone)
    await witness.sends(room, "hello")
    sent = (await phone.sends(room, "sentinel"))["seq"]
    await witness.reads(room, sent)
    await phone.receives("receipts", room=room)


async def test_focusing_tells_the_positions_of_the_members(people: Company) -> None:
    room, (alice, bob, _) = await people.in_group("alice", "bob", "carol")
    sent = (await alice.sends(room, "x"))["seq"]
    await bob.reads(room, sent)
    (row,) = (await alice.asks({"type": "focus", "rooms": [room]}))["rooms"]
    assert (row["room"], row["seq"]) == (room, sent)
    assert [(r["user"], r["read"]) for r in row["receipts"] if r["user"] == "bob"] == [("bob", sent)]


@pytest.mark.settings(delivery={"receipts_members": 3})
async def test_s15_receipts_above_the_limit_of_members_are_not_pushed(people: Company) -> None:
    await _receipts_are_not_pushed(people, ["alice", "bob", "carol", "dave"])


async def test_s15_receipts_in_a_room_of_101_are_not_pushed(people: Company) -> None:
    await _receipts_are_not_pushed(people, ["alice", "bob", *(f"user{number}" for number in range(99))])


async def _receipts_are_not_pushed(people: Company, users: list[str]) -> None:
    alice, bob = await people.meet("alice", "bob")
    room = await alice.creates_group("large", *users[1:])
    focused = await alice.asks({"type": "focus", "rooms": [room]})
    assert "receipts" not in focused["rooms"][0]
    sent = (await alice.sends(room, "x"))["seq"]
    await bob.reads(room, sent)
    await _flushed(people, alice)
    await alice.is_silent("receipts")
    readers = await alice.asks({"type": "readers", "room": room, "seq": sent})
    assert readers["readers"] == [{"user": "bob", "read": sent}]


@pytest.mark.settings(delivery={"delivered_members": 3})
async def test_delivered_is_not_kept_above_the_limit_of_members(people: Company) -> None:
    room, (alice, bob, *_) = await people.in_group("alice", "bob", "carol", "dave")
    await alice.asks({"type": "focus", "rooms": [room]})
    sent = (await alice.sends(room, "x"))["seq"]
    await bob.asks({"type": "delivered", "rooms": [{"room": room, "seq": sent}]})
    await _flushed(people, alice)
    assert "delivered" not in repr([push for push in alice.waiting() if push.get("room") == room])


async def test_who_hides_receipts_sees_none_and_shows_none(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    await bob.asks({"type": "preferences", "receipts": False})
    sent = (await alice.sends(room, "x"))["seq"]
    assert (await bob.reads(room, sent))["read"] == sent
    answer = (await bob.sends(room, "y"))["seq"]
    await alice.reads(room, answer)
    await _flushed(people, alice)
    await bob.catches_up()
    assert [push for push in alice.waiting() if push["type"] == "receipts"] == []
    assert [push for push in bob.waiting() if push["type"] == "receipts"] == []
    for phone in (alice, bob):
        assert not {"peer_read", "peer_delivered"} & (await phone.gets(room)).keys()
    own = [{"user": "alice", "read": answer}]
    assert (await alice.asks({"type": "readers", "room": room, "seq": sent}))["readers"] == own
    assert (await bob.asks({"type": "readers", "room": room, "seq": sent}))["readers"] == []


async def test_receipts_switched_on_again_are_shown_again(people: Company) -> None:
    room, (alice, bob) = await people.in_touch("alice", "bob")
    await bob.asks({"type": "preferences", "receipts": False})
    await bob.asks({"type": "preferences", "receipts": True})
    sent = (await alice.sends(room, "x"))["seq"]
    await bob.reads(room, sent)
    assert (await alice.receives("receipts"))["receipts"][0]["read"] == sent


async def test_readers_are_paged(people: Company) -> None:
    room, phones = await people.in_group("alice", "bob", "carol", "dave", "erin")
    sent = (await phones[0].sends(room, "x"))["seq"]
    for phone in phones[1:4]:
        await phone.reads(room, sent)
    request = {"type": "readers", "room": room, "seq": sent, "limit": 2}
    first = await phones[0].asks(request)
    second = await phones[0].asks({**request, "more": first["more"]})
    assert (first["count"], len(first["readers"]), len(second["readers"])) == (3, 2, 1)
    assert {row["user"] for page in (first, second) for row in page["readers"]} == {"bob", "carol", "dave"}
    assert "more" not in second


async def test_readers_are_those_at_or_beyond_the_message(people: Company) -> None:
    room, (alice, bob, carol) = await people.in_group("alice", "bob", "carol")
    sent = [(await alice.sends(room, "x"))["seq"] for _ in range(3)]
    await bob.reads(room, sent[0])
    await carol.reads(room, sent[2])
    reply = await alice.asks({"type": "readers", "room": room, "seq": sent[1]})
    assert (reply["count"], reply["readers"]) == (1, [{"user": "carol", "read": sent[2]}])


async def test_only_who_could_see_a_message_has_read_it(people: Company) -> None:
    room, (alice, bob) = await people.in_group("alice", "bob")
    sent = (await alice.sends(room, "before carol"))["seq"]
    joined = (await alice.does("members.add", room, users=["carol"]))["seq"]
    focused = await alice.asks({"type": "focus", "rooms": [room]})
    assert {"user": "carol", "first_visible": joined} in focused["rooms"][0]["receipts"]
    carol = await people.meets("carol")
    await carol.asks({"type": "delivered", "rooms": [{"room": room, "seq": sent}]})
    await carol.asks({"type": "delivered", "rooms": [{"room": room, "seq": joined}]})
    assert (await alice.receives("receipts"))["receipts"] == [
        {"user": "carol", "delivered": joined, "first_visible": joined}
    ]
    await carol.reads(room, joined)
    await bob.reads(room, sent)
    for seq, readers in ((sent, ["bob"]), (joined, ["carol"])):
        reply = await alice.asks({"type": "readers", "room": room, "seq": seq})
        assert (reply["count"], [row["user"] for row in reply["readers"]]) == (1, readers)
    await carol.is_refused("not_found", {"type": "readers", "room": room, "seq": sent})

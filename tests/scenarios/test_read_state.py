"""protocol.md "Read state, receipts, typing, presence": watermarks that only rise, and the users they are pushed to."""

import pytest

from tests.kit.client import TestClient
from tests.kit.clients import Clients


async def test_reading_moves_forward_only_and_never_beyond_the_last_event(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    for _ in range(4):
        await alice.send(room, "x")
    assert await _read(bob, room, 3) == (3, 2)
    assert await _read(bob, room, 2) == (3, 2)
    assert await _read(bob, room, 0) == (3, 2)
    assert await _read(bob, room, 2**53 - 1) == (5, 0)


async def _read(client: TestClient, room: str, seq: int) -> tuple[int, int]:
    reply = await client.read(room, seq)
    return reply["read"], reply["unread"]


async def test_a_lower_position_without_id_is_answered_by_the_stored_one(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    await alice.send(room, "x")
    await bob.read(room, 2)
    await bob.post({"type": "read", "room": room, "seq": 1})
    position = await bob.receive("position")
    assert position == {
        "type": "position",
        "room": room,
        "read": 2,
        "unread": 0,
        "unread_mentions": 0,
        "ordinal": 1,
    }


async def test_reading_survives_a_reconnect(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    for _ in range(3):
        await alice.send(room, "x")
    await bob.read(room, 3)
    _, hello = await clients.reconnect(bob)
    (summary,) = hello["sync"]["rooms"]
    assert (summary["read"], summary["unread"]) == (3, 1)


async def test_receipts_of_direct_rooms_are_pushed_and_kept(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_touch("alice", "bob")
    sent = (await alice.send(room, "x"))["seq"]
    await bob.post({"type": "delivered", "rooms": [{"room": room, "seq": sent}]})
    assert (await alice.receive("receipts"))["receipts"] == [{"user": "bob", "delivered": sent}]
    await bob.read(room, sent)
    assert (await alice.receive("receipts"))["receipts"][0]["read"] == sent
    summary = await alice.get_room(room)
    assert (summary["peer_read"], summary["peer_delivered"]) == (sent, sent)


async def test_delivered_moves_forward_only(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_touch("alice", "bob")
    for seq in (2, 1, 9_999):
        await bob.request({"type": "delivered", "rooms": [{"room": room, "seq": seq}]})
        delivered = (await alice.get_room(room))["peer_delivered"]
        assert delivered == (3 if seq == 9_999 else 2)


async def test_reading_moves_the_delivered_position_along(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_touch("alice", "bob")
    sent = (await alice.send(room, "x"))["seq"]
    await bob.read(room, sent)
    assert (await alice.get_room(room))["peer_delivered"] == sent


async def test_receipts_of_groups_go_to_those_who_look(clients: Clients) -> None:
    room, (alice, bob, carol) = await clients.in_group("alice", "bob", "carol")
    await alice.request({"type": "focus", "rooms": [room]})
    sent = (await alice.send(room, "x"))["seq"]
    await bob.read(room, sent)
    receipts = await alice.receive("receipts")
    assert (receipts["room"], receipts["receipts"][0]["user"], receipts["receipts"][0]["read"]) == (
        room,
        "bob",
        sent,
    )
    await _flushed(clients, alice)
    await carol.expect_silence("receipts")


async def _flushed(clients: Clients, client: TestClient) -> None:
    """Return when receipts that were gathered by now have been pushed: those of a later read have arrived."""
    witness = await clients.connect(f"witness-of-{client.user}")
    room = await witness.open_direct(client)
    await witness.send(room, "hello")
    sent = (await client.send(room, "sentinel"))["seq"]
    await witness.read(room, sent)
    await client.receive("receipts", room=room)


async def test_focusing_tells_the_positions_of_the_members(clients: Clients) -> None:
    room, (alice, bob, _) = await clients.in_group("alice", "bob", "carol")
    sent = (await alice.send(room, "x"))["seq"]
    await bob.read(room, sent)
    (row,) = (await alice.request({"type": "focus", "rooms": [room]}))["rooms"]
    assert (row["room"], row["seq"]) == (room, sent)
    assert [(r["user"], r["read"]) for r in row["receipts"] if r["user"] == "bob"] == [("bob", sent)]


@pytest.mark.settings(delivery={"receipts_members": 3})
async def test_s15_receipts_above_the_limit_of_members_are_not_pushed(clients: Clients) -> None:
    await _receipts_are_not_pushed(clients, ["alice", "bob", "carol", "dave"])


async def test_s15_receipts_in_a_room_of_101_are_not_pushed(clients: Clients) -> None:
    await _receipts_are_not_pushed(clients, ["alice", "bob", *(f"user{number}" for number in range(99))])


async def _receipts_are_not_pushed(clients: Clients, users: list[str]) -> None:
    alice, bob = await clients.connect_all("alice", "bob")
    room = await alice.create_group("large", *users[1:])
    focused = await alice.request({"type": "focus", "rooms": [room]})
    assert "receipts" not in focused["rooms"][0]
    sent = (await alice.send(room, "x"))["seq"]
    await bob.read(room, sent)
    await _flushed(clients, alice)
    await alice.expect_silence("receipts")
    readers = await alice.request({"type": "readers", "room": room, "seq": sent})
    assert readers["readers"] == [{"user": "bob", "read": sent}]


@pytest.mark.settings(delivery={"delivered_members": 3})
async def test_delivered_is_not_kept_above_the_limit_of_members(clients: Clients) -> None:
    room, (alice, bob, *_) = await clients.in_group("alice", "bob", "carol", "dave")
    await alice.request({"type": "focus", "rooms": [room]})
    sent = (await alice.send(room, "x"))["seq"]
    await bob.request({"type": "delivered", "rooms": [{"room": room, "seq": sent}]})
    await _flushed(clients, alice)
    assert "delivered" not in repr([push for push in alice.waiting() if push.get("room") == room])


async def test_who_hides_receipts_sees_none_and_shows_none(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    await bob.request({"type": "preferences", "receipts": False})
    sent = (await alice.send(room, "x"))["seq"]
    assert (await bob.read(room, sent))["read"] == sent
    answer = (await bob.send(room, "y"))["seq"]
    await alice.read(room, answer)
    await _flushed(clients, alice)
    await bob.catch_up()
    assert [push for push in alice.waiting() if push["type"] == "receipts"] == []
    assert [push for push in bob.waiting() if push["type"] == "receipts"] == []
    for client in (alice, bob):
        assert not {"peer_read", "peer_delivered"} & (await client.get_room(room)).keys()
    own = [{"user": "alice", "read": answer}]
    assert (await alice.request({"type": "readers", "room": room, "seq": sent}))["readers"] == own
    assert (await bob.request({"type": "readers", "room": room, "seq": sent}))["readers"] == []


async def test_receipts_switched_on_again_are_shown_again(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_touch("alice", "bob")
    await bob.request({"type": "preferences", "receipts": False})
    await bob.request({"type": "preferences", "receipts": True})
    sent = (await alice.send(room, "x"))["seq"]
    await bob.read(room, sent)
    assert (await alice.receive("receipts"))["receipts"][0]["read"] == sent


async def test_readers_are_paged(clients: Clients) -> None:
    room, peers = await clients.in_group("alice", "bob", "carol", "dave", "erin")
    sent = (await peers[0].send(room, "x"))["seq"]
    for client in peers[1:4]:
        await client.read(room, sent)
    request = {"type": "readers", "room": room, "seq": sent, "limit": 2}
    first = await peers[0].request(request)
    second = await peers[0].request({**request, "more": first["more"]})
    assert (first["count"], len(first["readers"]), len(second["readers"])) == (3, 2, 1)
    assert {row["user"] for page in (first, second) for row in page["readers"]} == {"bob", "carol", "dave"}
    assert "more" not in second


async def test_readers_are_those_at_or_beyond_the_message(clients: Clients) -> None:
    room, (alice, bob, carol) = await clients.in_group("alice", "bob", "carol")
    sent = [(await alice.send(room, "x"))["seq"] for _ in range(3)]
    await bob.read(room, sent[0])
    await carol.read(room, sent[2])
    reply = await alice.request({"type": "readers", "room": room, "seq": sent[1]})
    assert (reply["count"], reply["readers"]) == (1, [{"user": "carol", "read": sent[2]}])


async def test_only_who_could_see_a_message_has_read_it(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    sent = (await alice.send(room, "before carol"))["seq"]
    joined = (await alice.mutate("members.add", room, users=["carol"]))["seq"]
    focused = await alice.request({"type": "focus", "rooms": [room]})
    assert {"user": "carol", "first_visible": joined} in focused["rooms"][0]["receipts"]
    carol = await clients.connect("carol")
    await carol.request({"type": "delivered", "rooms": [{"room": room, "seq": sent}]})
    await carol.request({"type": "delivered", "rooms": [{"room": room, "seq": joined}]})
    assert (await alice.receive("receipts"))["receipts"] == [
        {"user": "carol", "delivered": joined, "first_visible": joined}
    ]
    await carol.read(room, joined)
    await bob.read(room, sent)
    for seq, readers in ((sent, ["bob"]), (joined, ["carol"])):
        reply = await alice.request({"type": "readers", "room": room, "seq": seq})
        assert (reply["count"], [row["user"] for row in reply["readers"]]) == (1, readers)
    await carol.expect_refusal("not_found", {"type": "readers", "room": room, "seq": sent})

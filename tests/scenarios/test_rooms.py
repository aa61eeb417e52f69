"""protocol.md "Rooms and members": creating, finding, changing, entering and leaving them."""

import asyncio
from typing import Any

import pytest

from tests.kit.client import TestClient, fresh_key
from tests.kit.clients import Clients

NOWHERE = "gAbCdEfGhIj0"


def _create(**fields: Any) -> dict[str, Any]:
    return {"type": "room.create", "key": fresh_key(), "kind": "group", "title": "tea", "users": [], **fields}


async def test_creating_a_room_is_idempotent_by_key(clients: Clients) -> None:
    alice, bob = await clients.connect_all("alice", "bob")
    packet = _create(users=["bob"])
    first = await alice.request(packet)
    again = await alice.request(packet)
    assert first["seq"] == 1
    assert again["summary"] == first["summary"]
    assert again["duplicate"] is True
    assert "seq" not in again
    await bob.receive("room")
    await bob.expect_silence("room")
    assert (await clients.reconnect(bob))[1]["sync"]["totals"]["rooms"] == 1


async def test_the_list_has_a_room_without_a_message_at_the_time_of_its_creation(clients: Clients) -> None:
    alice, bob = await clients.connect_all("alice", "bob")
    old = (await alice.request(_create(users=["bob"])))["summary"]["room"]
    await alice.send(old, "before the next room")
    created = await alice.request(_create(users=["bob"]))
    assert created["summary"]["time"] == created["time"]
    _, hello = await clients.reconnect(bob)
    assert [room["room"] for room in hello["sync"]["rooms"]] == [created["summary"]["room"], old]
    assert hello["sync"]["rooms"][0]["time"] == created["time"]


async def test_the_key_of_a_room_belongs_to_its_creator(clients: Clients) -> None:
    alice, bob = await clients.connect_all("alice", "bob")
    packet = _create()
    of_alice = (await alice.request(packet))["summary"]["room"]
    of_bob = (await bob.request(packet))["summary"]["room"]
    assert of_alice != of_bob


async def test_the_key_of_a_room_for_other_content_is_a_conflict(clients: Clients) -> None:
    alice = await clients.connect("alice")
    packet = _create()
    await alice.request(packet)
    await alice.expect_refusal("conflict", {**packet, "title": "coffee"})


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "direct"},
        {"kind": "community"},
        {"title": 7},
        {"users": ["with a space"]},
        {"users": "bob"},
        {"key": "short"},
    ],
    ids=lambda fields: next(iter(fields)),
)
async def test_a_room_of_a_wrong_form_is_not_created(clients: Clients, fields: dict[str, Any]) -> None:
    alice = await clients.connect("alice")
    await alice.expect_refusal("bad_request", _create(**fields))
    await alice.expect_silence()


@pytest.mark.parametrize(
    "fields", [{"title": "x" * 257}, {"avatar": "x" * 2049}], ids=lambda fields: next(iter(fields))
)
async def test_a_room_with_too_much_of_something_is_not_created(
    clients: Clients, fields: dict[str, Any]
) -> None:
    alice = await clients.connect("alice")
    await alice.expect_refusal("too_large", _create(**fields))
    await alice.expect_silence()


async def test_more_than_100_first_members_are_too_many(clients: Clients) -> None:
    alice = await clients.connect("alice")
    await alice.request(_create(users=[f"user{number}" for number in range(100)]))
    await alice.expect_refusal("too_large", _create(users=[f"user{number}" for number in range(101)]))


async def test_naming_oneself_or_somebody_twice_is_one_membership(clients: Clients) -> None:
    alice = await clients.connect("alice")
    reply = await alice.request(_create(users=["bob", "alice", "bob"]))
    assert reply["summary"]["members"] == 2


@pytest.mark.settings(limits={"group_members": 3})
async def test_a_group_is_full_at_its_limit(clients: Clients) -> None:
    room, (alice, _) = await clients.in_group("alice", "bob", public=True)
    add = {"type": "members.add", "room": room, "key": fresh_key(), "users": ["carol", "dave"]}
    await alice.expect_refusal("room_full", add)
    assert (await alice.get_room(room))["members"] == 2
    await alice.mutate("members.add", room, users=["carol"])
    erin = await clients.connect("erin")
    await erin.expect_refusal("room_full", {"type": "room.join", "room": room, "key": fresh_key()})
    await alice.expect_refusal("room_full", _create(users=["bob", "carol", "dave"]))


async def test_two_users_have_one_direct_room_however_many_ask_at_once(clients: Clients) -> None:
    peers = [await clients.connect(user) for user in ("alice", "bob") for _ in range(4)]

    async def opens(client: TestClient) -> str:
        return await client.open_direct("bob" if client.user == "alice" else "alice")

    rooms = await asyncio.gather(*(opens(client) for client in peers for _ in range(5)))
    assert len(set(rooms)) == 1
    assert (await clients.reconnect(peers[0]))[1]["sync"]["totals"]["rooms"] == 1


async def test_a_direct_room_with_oneself_has_ones_notes(clients: Clients) -> None:
    phone, desk = await clients.connect("alice"), await clients.connect("alice")
    room = await phone.open_direct("alice")
    assert await desk.open_direct("alice") == room
    await phone.send(room, "milk")
    assert (await desk.next_event(room, "message"))["body"] == {"text": "milk"}
    summary = await desk.get_room(room)
    assert (summary["peer"], summary.get("unread", 0), summary["ordinal"]) == ("alice", 0, 1)
    await desk.read(room, 2)
    _, hello = await clients.reconnect(phone)
    (listed,) = hello["sync"]["rooms"]
    assert (listed["peer"], listed["preview"]["body"]) == ("alice", {"text": "milk"})
    assert "peer_read" not in listed


async def test_a_direct_room_cannot_be_changed(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    requests: list[dict[str, Any]] = [
        {"type": "room.update", "title": "us"},
        {"type": "room.delete"},
        {"type": "room.leave"},
        {"type": "members.add", "users": ["carol"]},
        {"type": "members.remove", "users": ["bob"]},
        {"type": "members.role", "users": [{"user": "bob", "role": "admin"}]},
    ]
    for request in requests:
        await alice.expect_refusal("forbidden", {**request, "room": room, "key": fresh_key()})
    await bob.expect_silence()
    assert (await bob.get_room(room))["seq"] == 1


async def test_updating_a_room_is_an_event_with_what_changed(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    ack = await alice.mutate("room.update", room, title="coffee", data={"beans": 7})
    event = await bob.next_event(room)
    assert (event["seq"], event["kind"], event["user"]) == (ack["seq"], "settings", "alice")
    assert (event["title"], event["data"]) == ("coffee", {"beans": 7})
    assert not {"avatar", "public"} & event.keys()
    summary = await bob.get_room(room)
    assert (summary["title"], summary["data"]) == ("coffee", {"beans": 7})


async def test_absent_keys_of_an_update_stay_as_they_are(clients: Clients) -> None:
    room, (alice, _) = await clients.in_group("alice", "bob", avatar="a.png", public=True, data=[1])
    await alice.mutate("room.update", room, title="coffee")
    summary = await alice.get_room(room)
    assert (summary["avatar"], summary["public"], summary["data"]) == ("a.png", True, [1])
    await alice.mutate("room.update", room, avatar="", public=False)
    assert not {"avatar", "public"} & (await alice.get_room(room)).keys()


async def test_an_update_is_idempotent_by_key(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    packet = {"type": "room.update", "room": room, "key": fresh_key(), "title": "coffee"}
    first = await alice.request(packet)
    again = await alice.request(packet)
    assert (again["seq"], again["duplicate"]) == (first["seq"], True)
    await bob.next_event(room)
    await bob.expect_silence("event")


async def test_a_deleted_room_is_gone_for_its_members(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    mallory = await clients.connect("mallory")
    packet = {"type": "room.delete", "room": room, "key": fresh_key()}
    assert "seq" not in await alice.request(packet)
    assert (await alice.request(packet))["duplicate"] is True
    for client in (alice, bob):
        await client.expect_refusal("gone", {"type": "room.get", "room": room})
        await client.expect_refusal("gone", {"type": "log", "room": room, "from": 1})
    send = {"type": "send", "room": room, "key": fresh_key(), "body": {"text": "x"}}
    await bob.expect_refusal("gone", send)
    await mallory.expect_refusal("not_found", {"type": "room.get", "room": room})
    assert (await clients.reconnect(bob))[1]["sync"]["rooms"] == []


async def test_anybody_may_join_a_public_room(clients: Clients) -> None:
    room, (alice, _) = await clients.in_group("alice", "bob", public=True)
    carol = await clients.connect("carol")
    tablet = await clients.connect("carol")
    ack = await carol.mutate("room.join", room)
    event = await alice.next_event(room)
    assert (event["seq"], event["kind"], event["user"], event["users"]) == (
        ack["seq"],
        "joined",
        "carol",
        ["carol"],
    )
    assert (await carol.get_room(room))["first_visible"] == ack["seq"]
    assert (await tablet.receive("room"))["summary"]["room"] == room
    sent = await alice.send(room, "welcome")
    assert (await carol.next_event(room, "message"))["seq"] == sent["seq"]


async def test_joining_twice_keeps_the_membership(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob", public=True)
    again = await bob.mutate("room.join", room)
    assert again["duplicate"] is True
    assert "seq" not in again
    await alice.expect_silence()


async def test_a_private_room_cannot_be_joined(clients: Clients) -> None:
    room, _ = await clients.in_group("alice", "bob")
    mallory = await clients.connect("mallory")
    private = await mallory.expect_refusal(
        "not_found", {"type": "room.join", "room": room, "key": fresh_key()}
    )
    absent = await mallory.expect_refusal(
        "not_found", {"type": "room.join", "room": NOWHERE, "key": fresh_key()}
    )
    assert {**private, "id": 0} == {**absent, "id": 0}


async def test_a_public_room_shows_a_stranger_only_that_it_can_be_joined(clients: Clients) -> None:
    room, _ = await clients.in_group("alice", "bob", public=True)
    mallory = await clients.connect("mallory")
    await mallory.expect_refusal("not_found", {"type": "room.get", "room": room})
    await mallory.expect_refusal("not_found", {"type": "log", "room": room, "from": 1})
    await mallory.expect_refusal("not_found", {"type": "members.list", "room": room})


async def test_leaving_is_an_event_for_the_others(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    packet = {"type": "room.leave", "room": room, "key": fresh_key()}
    ack = await bob.request(packet)
    event = await alice.next_event(room)
    assert (event["seq"], event["kind"], event["users"]) == (ack["seq"], "left", ["bob"])
    assert (await bob.request(packet))["duplicate"] is True
    await bob.expect_refusal("not_member", {"type": "room.get", "room": room})
    assert (await alice.get_room(room))["members"] == 1


async def test_an_ack_of_leaving_stands_before_the_return(clients: Clients) -> None:
    """Both may be committed together; the client of the one who leaves must still see one order."""
    room, (alice, bob) = await clients.in_group("alice", "bob")
    for _ in range(30):
        await asyncio.gather(bob.mutate("room.leave", room), alice.mutate("members.add", room, users=["bob"]))
        await alice.mutate("members.add", room, users=["bob"])
    bob.check_promises()


async def test_a_former_member_may_rejoin_a_public_room_only(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob", public=True)
    await bob.mutate("room.leave", room)
    again = await bob.mutate("room.join", room)
    assert (await bob.get_room(room))["first_visible"] == again["seq"]
    await bob.mutate("room.leave", room)
    await alice.mutate("room.update", room, public=False)
    await bob.expect_refusal("not_member", {"type": "room.join", "room": room, "key": fresh_key()})


@pytest.mark.parametrize("room", ["", "short", "x" * 12, "g" + "-" * 11, 7, None], ids=repr)
async def test_what_is_no_name_of_a_room_is_refused(clients: Clients, room: Any) -> None:
    alice = await clients.connect("alice")
    error = await alice.reply_to({"type": "room.get", "room": room})
    assert error["code"] in ("bad_request", "not_found")
    await alice.expect_refusal("bad_request", {"type": "room.get"})


async def test_preferences_of_a_room_are_ones_own(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    tablet = await clients.connect("bob")
    fields = {"muted_until": 1, "pinned": True, "hidden": True, "wallpaper": "dunes"}
    await bob.request({"type": "preferences", "room": room, **fields})
    summary = (await tablet.receive("room"))["summary"]
    assert {name: summary[name] for name in fields} == fields
    assert not fields.keys() & (await alice.get_room(room)).keys()
    await bob.request({"type": "preferences", "room": room, "muted_until": 0, "pinned": False})
    summary = await bob.get_room(room)
    _, hello = await clients.reconnect(bob)
    assert hello["sync"]["rooms"] == [summary]
    assert summary["wallpaper"] == "dunes"
    assert not {"muted_until", "pinned"} & summary.keys()
    assert summary["hidden"] is True
    assert summary["seq"] == 1


async def test_a_hidden_room_is_in_no_total_until_it_is_shown_again(clients: Clients) -> None:
    """Muted for good, too, nothing that comes brings it back."""
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    group = await alice.create_group("club", bob)
    await bob.request({"type": "preferences", "room": room, "hidden": True, "muted_until": 1})
    for place in (room, group):
        await alice.send(place, "@bob", body={"mentions": ["bob"]})
    for hidden, unread in ((True, 1), (False, 2)):
        await bob.request({"type": "preferences", "room": room, "hidden": hidden})
        bob, hello = await clients.reconnect(bob)
        assert hello["sync"]["totals"] == {"rooms": 2, "unread": unread, "mentions": unread}
        summary = next(one for one in hello["sync"]["rooms"] if one["room"] == room)
        assert (summary.get("hidden", False), summary["unread"]) == (hidden, 1)


async def test_users_are_shown_as_far_as_the_server_knows_them(clients: Clients) -> None:
    alice = await clients.connect("alice")
    reply = await alice.request({"type": "users.get", "users": ["alice", "bob"]})
    assert [row["user"] for row in reply["users"]] == ["alice", "bob"]
    await alice.expect_refusal(
        "too_large", {"type": "users.get", "users": [f"user{number}" for number in range(101)]}
    )

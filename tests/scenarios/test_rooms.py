"""protocol.md, Rooms: creating, finding, changing, entering and leaving them."""

import asyncio
from typing import Any

import pytest

from tests.kit.company import Company
from tests.kit.phone import Phone, fresh_key

NOWHERE = "gAbCdEfGhIj0"


def _create(**fields: Any) -> dict[str, Any]:
    return {"type": "room.create", "key": fresh_key(), "kind": "group", "title": "tea", "users": [], **fields}


async def test_creating_a_room_is_idempotent_by_key(people: Company) -> None:
    alice, bob = await people.meet("alice", "bob")
    packet = _create(users=["bob"])
    first = await alice.asks(packet)
    again = await alice.asks(packet)
    assert first["seq"] == 1
    assert again["summary"] == first["summary"]
    assert again["duplicate"] is True
    assert "seq" not in again
    await bob.receives("room")
    await bob.is_silent("room")
    assert (await people.again(bob))[1]["sync"]["totals"]["rooms"] == 1


async def test_the_key_of_a_room_belongs_to_its_creator(people: Company) -> None:
    alice, bob = await people.meet("alice", "bob")
    packet = _create()
    of_alice = (await alice.asks(packet))["summary"]["room"]
    of_bob = (await bob.asks(packet))["summary"]["room"]
    assert of_alice != of_bob


async def test_the_key_of_a_room_for_other_content_is_a_conflict(people: Company) -> None:
    alice = await people.meets("alice")
    packet = _create()
    await alice.asks(packet)
    await alice.is_refused("conflict", {**packet, "title": "coffee"})


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "direct"},
        {"kind": "channel"},
        {"title": 7},
        {"users": ["with a space"]},
        {"users": "bob"},
        {"key": "short"},
    ],
    ids=lambda fields: next(iter(fields)),
)
async def test_a_room_of_a_wrong_form_is_not_created(people: Company, fields: dict[str, Any]) -> None:
    alice = await people.meets("alice")
    await alice.is_refused("bad_request", _create(**fields))
    await alice.is_silent()


@pytest.mark.parametrize(
    "fields", [{"title": "x" * 257}, {"avatar": "x" * 2049}], ids=lambda fields: next(iter(fields))
)
async def test_a_room_with_too_much_of_something_is_not_created(
    people: Company, fields: dict[str, Any]
) -> None:
    alice = await people.meets("alice")
    await alice.is_refused("too_large", _create(**fields))
    await alice.is_silent()


async def test_more_than_100_first_members_are_too_many(people: Company) -> None:
    alice = await people.meets("alice")
    await alice.asks(_create(users=[f"user{number}" for number in range(100)]))
    await alice.is_refused("too_large", _create(users=[f"user{number}" for number in range(101)]))


async def test_naming_oneself_or_somebody_twice_is_no_second_seat(people: Company) -> None:
    alice = await people.meets("alice")
    reply = await alice.asks(_create(users=["bob", "alice", "bob"]))
    assert reply["summary"]["members"] == 2


@pytest.mark.settings(limits={"group_members": 3})
async def test_a_group_is_full_at_its_limit(people: Company) -> None:
    room, (alice, _) = await people.in_group("alice", "bob", public=True)
    add = {"type": "members.add", "room": room, "key": fresh_key(), "users": ["carol", "dave"]}
    await alice.is_refused("room_full", add)
    assert (await alice.gets(room))["members"] == 2
    await alice.does("members.add", room, users=["carol"])
    erin = await people.meets("erin")
    await erin.is_refused("room_full", {"type": "room.join", "room": room, "key": fresh_key()})
    await alice.is_refused("room_full", _create(users=["bob", "carol", "dave"]))


async def test_two_users_have_one_direct_room_however_many_ask_at_once(people: Company) -> None:
    phones = [await people.meets(user) for user in ("alice", "bob") for _ in range(4)]

    async def opens(phone: Phone) -> str:
        return await phone.opens_direct("bob" if phone.user == "alice" else "alice")

    rooms = await asyncio.gather(*(opens(phone) for phone in phones for _ in range(5)))
    assert len(set(rooms)) == 1
    assert (await people.again(phones[0]))[1]["sync"]["totals"]["rooms"] == 1


async def test_a_direct_room_with_oneself_is_a_bad_request(people: Company) -> None:
    alice = await people.meets("alice")
    await alice.is_refused("bad_request", {"type": "room.direct", "user": "alice"})


async def test_a_direct_room_cannot_be_changed(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    requests: list[dict[str, Any]] = [
        {"type": "room.update", "title": "us"},
        {"type": "room.delete"},
        {"type": "room.leave"},
        {"type": "members.add", "users": ["carol"]},
        {"type": "members.remove", "users": ["bob"]},
        {"type": "members.role", "users": [{"user": "bob", "role": "admin"}]},
    ]
    for request in requests:
        await alice.is_refused("forbidden", {**request, "room": room, "key": fresh_key()})
    await bob.is_silent()
    assert (await bob.gets(room))["seq"] == 1


async def test_updating_a_room_is_an_event_with_what_changed(people: Company) -> None:
    room, (alice, bob) = await people.in_group("alice", "bob")
    ack = await alice.does("room.update", room, title="coffee", data={"beans": 7})
    event = await bob.hears(room)
    assert (event["seq"], event["kind"], event["user"]) == (ack["seq"], "settings", "alice")
    assert (event["title"], event["data"]) == ("coffee", {"beans": 7})
    assert not {"avatar", "public"} & event.keys()
    summary = await bob.gets(room)
    assert (summary["title"], summary["data"]) == ("coffee", {"beans": 7})


async def test_absent_keys_of_an_update_stay_as_they_are(people: Company) -> None:
    room, (alice, _) = await people.in_group("alice", "bob", avatar="a.png", public=True, data=[1])
    await alice.does("room.update", room, title="coffee")
    summary = await alice.gets(room)
    assert (summary["avatar"], summary["public"], summary["data"]) == ("a.png", True, [1])
    await alice.does("room.update", room, avatar="", public=False)
    assert not {"avatar", "public"} & (await alice.gets(room)).keys()


async def test_an_update_is_idempotent_by_key(people: Company) -> None:
    room, (alice, bob) = await people.in_group("alice", "bob")
    packet = {"type": "room.update", "room": room, "key": fresh_key(), "title": "coffee"}
    first = await alice.asks(packet)
    again = await alice.asks(packet)
    assert (again["seq"], again["duplicate"]) == (first["seq"], True)
    await bob.hears(room)
    await bob.is_silent("event")


async def test_a_deleted_room_is_gone_for_its_members(people: Company) -> None:
    room, (alice, bob) = await people.in_group("alice", "bob")
    mallory = await people.meets("mallory")
    packet = {"type": "room.delete", "room": room, "key": fresh_key()}
    assert "seq" not in await alice.asks(packet)
    assert (await alice.asks(packet))["duplicate"] is True
    for phone in (alice, bob):
        await phone.is_refused("gone", {"type": "room.get", "room": room})
        await phone.is_refused("gone", {"type": "log", "room": room, "from": 1})
    send = {"type": "send", "room": room, "key": fresh_key(), "body": {"text": "x"}}
    await bob.is_refused("gone", send)
    await mallory.is_refused("not_found", {"type": "room.get", "room": room})
    assert (await people.again(bob))[1]["sync"]["rooms"] == []


async def test_anybody_may_join_a_public_room(people: Company) -> None:
    room, (alice, _) = await people.in_group("alice", "bob", public=True)
    carol = await people.meets("carol")
    tablet = await people.meets("carol")
    ack = await carol.does("room.join", room)
    event = await alice.hears(room)
    assert (event["seq"], event["kind"], event["user"], event["users"]) == (
        ack["seq"],
        "joined",
        "carol",
        ["carol"],
    )
    assert (await carol.gets(room))["first_visible"] == ack["seq"]
    assert (await tablet.receives("room"))["summary"]["room"] == room
    sent = await alice.sends(room, "welcome")
    assert (await carol.hears(room, "message"))["seq"] == sent["seq"]


async def test_joining_twice_keeps_the_same_seat(people: Company) -> None:
    room, (alice, bob) = await people.in_group("alice", "bob", public=True)
    again = await bob.does("room.join", room)
    assert again["duplicate"] is True
    assert "seq" not in again
    await alice.is_silent()


async def test_a_private_room_cannot_be_joined(people: Company) -> None:
    room, _ = await people.in_group("alice", "bob")
    mallory = await people.meets("mallory")
    private = await mallory.is_refused("not_found", {"type": "room.join", "room": room, "key": fresh_key()})
    absent = await mallory.is_refused("not_found", {"type": "room.join", "room": NOWHERE, "key": fresh_key()})
    assert {**private, "id": 0} == {**absent, "id": 0}


async def test_a_public_room_shows_a_stranger_nothing_but_its_door(people: Company) -> None:
    room, _ = await people.in_group("alice", "bob", public=True)
    mallory = await people.meets("mallory")
    await mallory.is_refused("not_found", {"type": "room.get", "room": room})
    await mallory.is_refused("not_found", {"type": "log", "room": room, "from": 1})
    await mallory.is_refused("not_found", {"type": "members.list", "room": room})


async def test_leaving_is_an_event_for_the_others(people: Company) -> None:
    room, (alice, bob) = await people.in_group("alice", "bob")
    packet = {"type": "room.leave", "room": room, "key": fresh_key()}
    ack = await bob.asks(packet)
    event = await alice.hears(room)
    assert (event["seq"], event["kind"], event["users"]) == (ack["seq"], "left", ["bob"])
    assert (await bob.asks(packet))["duplicate"] is True
    await bob.is_refused("not_member", {"type": "room.get", "room": room})
    assert (await alice.gets(room))["members"] == 1


async def test_an_ack_of_leaving_stands_before_the_return(people: Company) -> None:
    """Both may be committed together; the phone of who leaves must still see one order."""
    room, (alice, bob) = await people.in_group("alice", "bob")
    for _ in range(30):
        await asyncio.gather(bob.does("room.leave", room), alice.does("members.add", room, users=["bob"]))
        await alice.does("members.add", room, users=["bob"])
    bob.keeps_promises()


async def test_a_former_member_may_rejoin_a_public_room_only(people: Company) -> None:
    room, (alice, bob) = await people.in_group("alice", "bob", public=True)
    await bob.does("room.leave", room)
    again = await bob.does("room.join", room)
    assert (await bob.gets(room))["first_visible"] == again["seq"]
    await bob.does("room.leave", room)
    await alice.does("room.update", room, public=False)
    await bob.is_refused("not_member", {"type": "room.join", "room": room, "key": fresh_key()})


@pytest.mark.parametrize("room", ["", "short", "x" * 12, "g" + "-" * 11, 7, None], ids=repr)
async def test_what_is_no_name_of_a_room_is_refused(people: Company, room: Any) -> None:
    alice = await people.meets("alice")
    error = await alice.is_answered({"type": "room.get", "room": room})
    assert error["code"] in ("bad_request", "not_found")
    await alice.is_refused("bad_request", {"type": "room.get"})


async def test_preferences_of_a_room_are_ones_own(people: Company) -> None:
    room, (alice, bob) = await people.in_group("alice", "bob")
    tablet = await people.meets("bob")
    fields = {"muted_until": 1, "pinned": True, "hidden": True}
    await bob.asks({"type": "preferences", "room": room, **fields})
    summary = (await tablet.receives("room"))["summary"]
    assert {name: summary[name] for name in fields} == fields
    assert not fields.keys() & (await alice.gets(room)).keys()
    await bob.asks({"type": "preferences", "room": room, "muted_until": 0, "pinned": False})
    summary = await bob.gets(room)
    assert not {"muted_until", "pinned"} & summary.keys()
    assert summary["hidden"] is True
    assert summary["seq"] == 1


async def test_a_hidden_room_is_in_no_total_until_it_is_shown_again(people: Company) -> None:
    """Muted for good, too, nothing that comes brings it back."""
    room, (alice, bob) = await people.in_direct("alice", "bob")
    group = await alice.creates_group("club", bob)
    await bob.asks({"type": "preferences", "room": room, "hidden": True, "muted_until": 1})
    for place in (room, group):
        await alice.sends(place, "@bob", body={"mentions": ["bob"]})
    for hidden, unread in ((True, 1), (False, 2)):
        await bob.asks({"type": "preferences", "room": room, "hidden": hidden})
        bob, hello = await people.again(bob)
        assert hello["sync"]["totals"] == {"rooms": 2, "unread": unread, "mentions": unread}
        summary = next(one for one in hello["sync"]["rooms"] if one["room"] == room)
        assert (summary.get("hidden", False), summary["unread"]) == (hidden, 1)


async def test_users_are_shown_as_far_as_the_server_knows_them(people: Company) -> None:
    alice = await people.meets("alice")
    reply = await alice.asks({"type": "users.get", "users": ["alice", "bob"]})
    assert [row["user"] for row in reply["users"]] == ["alice", "bob"]
    await alice.is_refused(
        "too_large", {"type": "users.get", "users": [f"user{number}" for number in range(101)]}
    )

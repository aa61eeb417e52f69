from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatd.delivery import room_pushes
from tests.kit.indoors import Indoors, indoors, new_key


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Indoors]:
    async with indoors(tmp_path, rates={"enabled": False}, delivery={"large_members": 3}) as house:
        yield house


@pytest.fixture
async def ann(house):
    return await house.meets("ann")


def summaries(guest):
    return [packet["summary"] for packet in guest.hears("room")]


async def test_new_settings_are_told_to_every_member_as_he_sees_the_room(house, ann):
    room = await ann.makes_group("bob")
    bob, eve = await house.meets("bob"), await house.meets("eve")
    ann.wire.take()
    await ann.asks(type="room.update", room=room, key=new_key(), title="new")
    assert [(one["title"], one["role"]) for one in summaries(ann)] == [("new", "owner")]
    assert [(one["title"], one.get("role")) for one in summaries(bob)] == [("new", None)]
    assert eve.hears() == []


async def test_a_summary_is_encoded_once_for_all_connections_of_its_reader(house, ann):
    phones = [ann, *[await house.meets("ann", device=device) for device in range(2, 5)]]
    room = await ann.makes_group("bob")
    for ask in ({"type": "room.update", "title": "new"}, {"type": "room.update", "data": [None] * 4000}):
        await ann.asks(**ask, room=room, key=new_key())
        told = [phone.wire.frames[-1] for phone in phones[1:]]
        assert all(frame is told[0] for frame in told), "the same bytes object"
    bob = [await house.meets("bob", device=device) for device in range(1, 4)]
    await ann.makes_group("bob")
    assert all(phone.wire.frames[-1] is bob[0].wire.frames[-1] for phone in bob), (
        "of a room they came into, too"
    )


async def test_changes_that_wait_are_told_together(house, ann, monkeypatch):
    room = await ann.makes_group("bob")
    monkeypatch.setattr(room_pushes, "TOLD_AT_ONCE", 1)
    bob = await house.meets("bob")
    bob.hears()
    for title in ("a", "b", "c"):
        await ann.asks(type="room.update", room=room, key=new_key(), title=title)
    for _ in range(6):
        house.env.advance(0)
    titles = [one["title"] for one in summaries(bob)]
    assert (titles[-1], len(titles) < 3) == ("c", True)


async def test_own_preferences_are_told_to_own_devices_only(house, ann):
    room = await ann.makes_group("bob")
    bob, other = await house.meets("ann", device=2), await house.meets("bob")
    ann.wire.take()
    await ann.asks(type="preferences", room=room, pinned=True)
    assert [one["pinned"] for one in summaries(ann)] == [True]
    assert [one["pinned"] for one in summaries(bob)] == [True]
    assert other.hears() == []


async def test_muting_is_in_force_at_once(house, ann):
    room = await ann.makes_group("bob")
    bob = await house.meets("bob", mode="background")
    await bob.asks(type="preferences", room=room, muted_until=1)
    bob.wire.take()
    await ann.sends(room)
    assert bob.hears() == []
    await bob.asks(type="preferences", room=room, muted_until=0)
    bob.wire.take()
    await ann.sends(room)
    assert [packet["type"] for packet in bob.hears()] == ["event"]


async def test_a_new_role_is_told_to_who_has_it(house, ann):
    room = await ann.makes_group("bob")
    bob = await house.meets("bob")
    await ann.asks(type="members.role", room=room, key=new_key(), users=[{"user": "bob", "role": "admin"}])
    assert [one["role"] for one in summaries(bob)] == ["admin"]


async def test_the_count_of_a_large_room_is_told_once_an_interval(house, ann):
    room = await ann.makes_group("bob", "cat")
    bob = await house.meets("bob")
    for user in ("dan", "eve", "fay"):
        await ann.asks(type="members.add", room=room, key=new_key(), users=[user])
    ann.wire.take()
    for _ in range(3):
        bob.says({"type": "pong"})
        await house.passes(9)
    assert summaries(bob) == []
    await house.passes(4)
    assert [one["members"] for one in summaries(bob)] == [6]
    assert [one["members"] for one in summaries(ann)] == [6]


@pytest.mark.parametrize("kind", ["members.add", "members.remove", "room.join", "room.leave"])
async def test_the_count_of_a_small_room_is_told_to_everybody_within_a_second(house, ann, kind):
    room = await ann.makes_group("bob", public=True)
    bob, cat = await house.meets("bob"), await house.meets("cat")
    others = {"users": ["dan"]} if kind == "members.add" else {"users": ["bob"]}
    who = {"room.join": cat, "room.leave": bob}.get(kind, ann)
    ann.wire.take()
    await who.asks(type=kind, room=room, key=new_key(), **(others if who is ann else {}))
    await house.passes(0.9)
    assert summaries(ann) == []
    await house.passes(0.2)
    members = {"members.add": 3, "room.join": 3}.get(kind, 1)
    assert [one["members"] for one in summaries(ann)] == [members]
    assert kind == "room.join" or not summaries(cat)


async def test_who_come_within_a_second_are_told_of_in_one_number(house, ann):
    room = await ann.makes_group()
    ann.wire.take()
    for user in ("bob", "cat"):
        await ann.asks(type="members.add", room=room, key=new_key(), users=[user])
    await house.passes(5)
    assert [one["members"] for one in summaries(ann)] == [3]


async def test_a_room_that_vanished_meanwhile_costs_nothing(house, ann):
    room = await ann.makes_group("bob", "cat", "dan")
    await ann.asks(type="members.add", room=room, key=new_key(), users=["eve"])
    ann.hangs_up()
    await house.passes(31)


async def test_a_large_room_is_told_a_few_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(room_pushes, "TOLD_AT_ONCE", 2)
    async with indoors(tmp_path, rates={"enabled": False}) as house:
        guests = [await house.meets(user) for user in ("ann", "bob", "cat", "dan", "eve")]
        room = await guests[0].makes_group("bob", "cat", "dan", "eve")
        for guest in guests:
            guest.wire.take()
        await guests[0].asks(type="room.update", room=room, key=new_key(), title="new")
        assert sum(packet["type"] == "room" for guest in guests for packet in guest.wire.packets[-1:]) <= 2
        house.env.advance(0)
        assert [len(summaries(guest)) for guest in guests] == [1] * 5


async def test_who_was_removed_before_his_turn_is_told_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(room_pushes, "TOLD_AT_ONCE", 1)
    async with indoors(tmp_path, rates={"enabled": False}) as house:
        ann, bob = await house.meets("ann"), await house.meets("bob")
        room = await ann.makes_group("bob")
        bob.wire.take()
        await ann.asks(type="room.update", room=room, key=new_key(), title="new")
        await ann.asks(type="members.remove", room=room, key=new_key(), users=["bob"])
        house.env.advance(0)
        assert [packet["type"] for packet in bob.hears("room", "gone")] == ["gone"]


async def test_a_number_that_is_not_on_disk_is_not_shown(house, ann):
    room = await ann.makes_group("bob", "cat")
    bob = await house.meets("bob")
    await ann.asks(type="members.add", room=room, key=new_key(), users=["dan"])
    house.env.advance(29.99)
    bob.says({"type": "pong"})
    bob.wire.take()
    hold = house.store.hold("commit")
    ann.says({"type": "send", "room": room, "key": new_key(), "body": {"text": "x"}})
    await hold.reached.wait()
    house.env.advance(0.05)
    assert summaries(bob) == []
    hold.release()
    await house.quiet()
    house.env.advance(1)
    assert [(one["members"], one["seq"]) for one in summaries(bob)] == [(4, 2)]


async def test_what_waits_for_the_disk_holds_up_nothing_that_is_on_it(house, ann):
    room = await ann.makes_group("bob")
    bob = await house.meets("bob")
    await ann.asks(type="members.add", room=room, key=new_key(), users=["cat"])
    bob.wire.take()
    hold = house.store.hold("commit")
    ann.says({"type": "room.update", "room": room, "key": new_key(), "title": "new"})
    await hold.reached.wait()
    house.env.advance(1.01)  # the count is due, and memory ahead of the disk
    assert summaries(bob) == []
    hold.release()
    await house.quiet()
    assert [(one["title"], one["members"]) for one in summaries(bob)][-1] == ("new", 3)

"""Out of the last shared room is out of sight."""

import asyncio

import pytest

from chatd.protocol.errors import Unavailable
from tests.kit.indoors import Guest, Indoors, new_key


async def kicks(owner: Guest, room: str, user: str) -> None:
    reply = await owner.asks(type="members.remove", key=new_key(), room=room, users=[user])
    assert reply["type"] == "ok", reply


async def test_out_of_the_last_shared_room_is_out_of_sight(house: Indoors) -> None:
    """For both: who left, and who stays. Nobody is told when the other really comes and goes."""
    ann, bob = await house.meets("ann"), await house.meets("bob")
    room = await ann.makes_group("bob")
    for guest, user in ((ann, "bob"), (bob, "ann")):
        reply = await guest.asks(type="watch", users=[user])
        assert [row.get("state") for row in reply["users"]] == ["online"]
    await kicks(ann, room, "bob")
    for guest, user in ((ann, "bob"), (bob, "ann")):
        (push,) = guest.hears("presence")
        assert push["users"] == [{"user": user}]
    await ann.asks(type="mode", mode="background")
    await house.passes(10)
    assert bob.hears("presence") == []
    bob.hangs_up()
    await house.passes(10)
    assert ann.hears("presence") == []


@pytest.mark.parametrize("kind", ["room.leave", "room.delete"])
async def test_leaving_and_deleting_end_watches_too(house: Indoors, kind: str) -> None:
    ann, bob = await house.meets("ann"), await house.meets("bob")
    room = await ann.makes_group("bob")
    await bob.asks(type="watch", users=["ann"])
    await ann.asks(type=kind, key=new_key(), room=room)
    assert bob.hears("presence")[-1]["users"] == [{"user": "ann"}]
    await ann.asks(type="mode", mode="background")
    await house.passes(10)
    assert bob.hears("presence") == []


async def test_who_shares_another_room_stays_in_sight(house: Indoors) -> None:
    ann, bob = await house.meets("ann"), await house.meets("bob")
    room = await ann.makes_group("bob", "carol")
    await ann.asks(type="room.direct", user="bob")
    await house.meets("carol")
    await bob.asks(type="watch", users=["ann", "carol"])
    await kicks(ann, room, "bob")
    assert [push["users"] for push in bob.hears("presence")] == [[{"user": "carol"}]]
    await ann.asks(type="mode", mode="background")
    await house.passes(10)
    assert [row["user"] for push in bob.hears("presence") for row in push["users"]] == ["ann"]


async def test_a_watch_that_was_read_before_a_departure_is_read_again(house: Indoors) -> None:
    ann, bob = await house.meets("ann"), await house.meets("bob")
    room = await ann.makes_group("bob")
    hold = house.store.hold("acquaintances", after=True)
    id = bob.asks_for(type="watch", users=["ann"])
    await hold.reached.wait()
    ann.asks_for(type="members.remove", key=new_key(), room=room, users=["bob"])
    await house._nothing_waits()
    hold.release()
    await house.quiet()
    assert bob.reply(id)["users"] == [{"user": "ann"}]
    await ann.asks(type="mode", mode="background")
    await house.passes(10)
    assert bob.hears("presence") == []


async def test_a_newer_watch_is_not_undone_by_an_older_look(house: Indoors) -> None:
    ann, bob = await house.meets("ann"), await house.meets("bob")
    room = await ann.makes_group("bob")
    await bob.asks(type="watch", users=["ann"])
    hold = house.store.hold("acquaintances", after=True)
    ann.asks_for(type="members.remove", key=new_key(), room=room, users=["bob"])
    await hold.reached.wait()
    ann.asks_for(type="room.direct", user="bob")
    await house._nothing_waits()
    bob.asks_for(type="watch", users=["ann"])
    await asyncio.wait_for(_watched_anew(house, bob), 10)
    hold.release()
    await house.quiet()
    assert house.inside.presence.watched(bob.session) == ("ann",)


async def _watched_anew(house: Indoors, guest: Guest) -> None:
    before = house.inside.presence.watched(guest.session)
    while house.inside.presence.watched(guest.session) is before:
        await asyncio.sleep(0)


async def test_whom_the_store_cannot_tell_is_not_shown(house: Indoors) -> None:
    ann, bob = await house.meets("ann"), await house.meets("bob")
    room = await ann.makes_group("bob")
    await bob.asks(type="watch", users=["ann"])
    house.store.fail("acquaintances", Unavailable("overloaded", "not now"))
    await kicks(ann, room, "bob")
    assert house.inside.presence.watched(bob.session) == ()

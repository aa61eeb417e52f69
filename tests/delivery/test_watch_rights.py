"""Out of the last shared room is out of sight."""

import asyncio

import pytest
from msgspec.structs import replace

from chatd.config.model import Privacy
from chatd.protocol.errors import Unavailable
from chatd.protocol.requests import Preferences
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
    await ann.makes_group("bob")
    await house.meets("carol")
    await bob.asks(type="watch", users=["ann", "carol"])
    await kicks(ann, room, "bob")
    assert [push["users"] for push in bob.hears("presence")] == [[{"user": "carol"}]]
    await ann.asks(type="mode", mode="background")
    await house.passes(10)
    assert [row["user"] for push in bob.hears("presence") for row in push["users"]] == ["ann"]


async def test_a_watch_that_was_read_before_a_departure_shows_nobody(house: Indoors) -> None:
    ann, bob = await house.meets("ann"), await house.meets("bob")
    room = await ann.makes_group("bob")
    hold = house.store.hold("watchable", after=True)
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


async def test_a_watch_that_was_read_before_an_arrival_shows_them_in_the_end(house: Indoors) -> None:
    """The pair is judged again while the watch is under way: then its reply says so, and nobody is told twice."""
    ann, bob = await house.meets("ann"), await house.meets("bob")
    hold = house.store.hold("watchable", after=True)
    id = bob.asks_for(type="watch", users=["ann"])
    await hold.reached.wait()
    ann.asks_for(type="room.create", key=new_key(), kind="group", title="t", users=["bob"])
    while house.inside.presence.shown(bob.session) != ["ann"]:
        await asyncio.sleep(0)
    hold.release()
    await house.quiet()
    assert bob.reply(id)["users"] == [{"user": "ann", "state": "online"}]
    assert house.inside.presence.shown(bob.session) == ["ann"]


async def test_a_newer_watch_is_not_undone_by_an_older_look(house: Indoors) -> None:
    ann, bob = await house.meets("ann"), await house.meets("bob")
    room = await ann.makes_group("bob")
    await bob.asks(type="watch", users=["ann"])
    hold = house.store.hold("watchable", after=True)
    ann.asks_for(type="members.remove", key=new_key(), room=room, users=["bob"])
    await hold.reached.wait()
    ann.asks_for(type="room.create", key=new_key(), kind="group", title="t", users=["bob"])
    await house._nothing_waits()
    id = bob.asks_for(type="watch", users=["ann"])
    while not any(packet.get("id") == id for packet in bob.wire.packets):
        await asyncio.sleep(0)
    bob.wire.take()
    hold.release()
    await house.quiet()
    assert house.inside.presence.shown(bob.session) == ["ann"]
    assert bob.hears("presence") == []


async def test_whom_the_store_cannot_tell_is_not_shown(house: Indoors) -> None:
    ann, bob = await house.meets("ann"), await house.meets("bob")
    room = await ann.makes_group("bob")
    await bob.asks(type="watch", users=["ann"])
    house.store.fail("watchable", Unavailable("overloaded", "not now"))
    await kicks(ann, room, "bob")
    assert house.inside.presence.shown(bob.session) == []


async def sees(guest: Guest, user: str) -> str:
    (row,) = (await guest.asks(type="watch", users=[user]))["users"]
    return str(row.get("state", "offline"))


def states_told(guest: Guest) -> list[tuple[str, str]]:
    rows = [row for push in guest.hears("presence") for row in push["users"]]
    return [(row["user"], row.get("state", "offline")) for row in rows]


async def test_a_stranger_sees_who_answered_from_then_on(house: Indoors) -> None:
    """And is seen: neither before, whoever made the room and however much was written."""
    ann, bob = await house.meets("ann"), await house.meets("bob")
    room = (await ann.asks(type="room.direct", user="bob"))["summary"]["room"]
    await ann.sends(room)
    assert [await sees(ann, "bob"), await sees(bob, "ann")] == ["offline", "offline"]
    await bob.asks(type="mode", mode="background")
    await house.passes(10)
    await bob.asks(type="mode", mode="foreground")
    await house.passes(10)
    assert (states_told(ann), states_told(bob)) == ([], [("ann", "offline")])  # who comes back is told again
    await bob.sends(room)
    assert (states_told(ann), states_told(bob)) == ([("bob", "online")], [("ann", "online")])
    await bob.asks(type="mode", mode="background")
    await house.passes(10)
    assert states_told(ann) == [("bob", "away")]


async def test_who_is_met_again_in_a_new_room_is_seen_without_asking(house: Indoors) -> None:
    ann, bob = await house.meets("ann"), await house.meets("bob")
    assert await sees(bob, "ann") == "offline"
    await ann.makes_group("bob")
    assert states_told(bob) == [("ann", "online")]


async def test_who_hides_shows_nothing_and_sees_nobody_on_any_device(house: Indoors) -> None:
    ann, bob, tablet = [
        await house.meets(user, device) for user, device in (("ann", 1), ("bob", 1), ("bob", 2))
    ]
    await ann.makes_group("bob")
    for guest, user in ((ann, "bob"), (bob, "ann"), (tablet, "ann")):
        assert await sees(guest, user) == "online"
    await bob.asks(type="preferences", presence=False)
    assert [states_told(guest) for guest in (ann, bob, tablet)] == [
        [("bob", "offline")], [("ann", "offline")], [("ann", "offline")],
    ]  # fmt: skip
    assert [await sees(ann, "bob"), await sees(tablet, "ann")] == ["offline", "offline"]
    for mode in ("background", "foreground"):
        for guest in (ann, bob, tablet):
            await guest.asks(type="mode", mode=mode)
        await house.passes(10)
    told = [state for guest in (ann, bob, tablet) for _, state in states_told(guest)]
    assert set(told) == {"offline"}
    await bob.asks(type="preferences", presence=True)
    assert [states_told(guest) for guest in (ann, bob, tablet)] == [
        [("bob", "online")], [("ann", "online")], [("ann", "online")],
    ]  # fmt: skip


async def test_hiding_waits_for_no_read(house: Indoors) -> None:
    ann, bob = await house.meets("ann"), await house.meets("bob")
    await ann.makes_group("bob")
    assert await sees(ann, "bob") == "online"
    hold = house.store.hold("watchable")
    bob.asks_for(type="preferences", presence=False)
    await hold.reached.wait()
    assert states_told(ann) == [("bob", "offline")]
    hold.release()
    await house.quiet()
    assert states_told(ann) == []


async def test_who_shows_again_while_away_is_shown_with_when_that_was(house: Indoors) -> None:
    ann, bob = await house.meets("ann"), await house.meets("bob")
    await ann.makes_group("bob")
    ann.hangs_up()
    await house.passes(35)
    await house.inside.writer.carry("ann", Preferences(presence=False))
    (row,) = (await bob.asks(type="watch", users=["ann"]))["users"]
    assert row == {"user": "ann"}
    await house.inside.writer.carry("ann", Preferences(presence=True))
    await house.quiet()
    (push,) = bob.hears("presence")
    assert push["users"][0]["last_seen"] > 0


async def test_a_preference_that_comes_while_a_watch_is_read_holds_for_it(house: Indoors) -> None:
    ann, bob = await house.meets("ann"), await house.meets("bob")
    await ann.makes_group("bob")
    hold = house.store.hold("watchable", after=True)
    id = bob.asks_for(type="watch", users=["ann"])
    await hold.reached.wait()
    ann.asks_for(type="preferences", presence=False)
    await house._nothing_waits()
    hold.release()
    await house.quiet()
    assert bob.reply(id)["users"] == [{"user": "ann"}]
    assert house.inside.presence.shown(bob.session) == []


async def test_a_running_daemon_is_told_who_is_shown_to_whom(house: Indoors) -> None:
    ann, _, _ = [await house.meets(user) for user in ("ann", "bob", "eve")]
    await ann.makes_group("bob")
    await ann.asks(type="room.direct", user="eve")
    await ann.asks(type="watch", users=["bob", "eve"])
    for shown_to, told in (
        ("members", [("eve", "online")]),
        ("nobody", [("bob", "offline"), ("eve", "offline")]),
        ("known", [("bob", "online")]),
    ):
        house.inside.reconfigure(replace(house.config, privacy=Privacy(shown_to=shown_to)))
        await house.quiet()
        assert (shown_to, states_told(ann)) == (shown_to, told)


async def test_a_watch_that_is_read_while_the_operator_changes_his_mind_shows_nobody(house: Indoors) -> None:
    ann, bob = await house.meets("ann"), await house.meets("bob")
    await ann.makes_group("bob")
    hold = house.store.hold("watchable", after=True)
    id = bob.asks_for(type="watch", users=["ann"])
    await hold.reached.wait()
    house.inside.reconfigure(replace(house.config, privacy=Privacy(shown_to="nobody")))
    hold.release()
    await house.quiet()
    assert bob.reply(id)["users"] == [{"user": "ann"}]
    assert house.inside.presence.shown(bob.session) == []


async def test_who_is_gone_watches_nobody(house: Indoors) -> None:
    ann, bob = await house.meets("ann"), await house.meets("bob")
    await ann.makes_group("bob")
    bob.hangs_up()
    house.inside.presence.watch(bob.session, ["ann"])
    assert house.inside.presence.related("ann") == []

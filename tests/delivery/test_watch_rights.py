"""Presence is shown to those who share a room, and no longer."""

import pytest
from msgspec.structs import replace

from chatd.config.model import Privacy
from chatd.protocol.errors import Unavailable
from chatd.protocol.rooms import Preferences
from tests.kit.inprocess import InProcessClient, InProcessServer, new_key
from tests.kit.waiting import until


async def kicks(owner: InProcessClient, room: str, user: str) -> None:
    reply = await owner.request(type="members.remove", key=new_key(), room=room, users=[user])
    assert reply["type"] == "ok", reply


async def test_out_of_the_last_shared_room_is_out_of_sight(server: InProcessServer) -> None:
    """It holds for both, the one who left and the one who stays: no presence of the other is pushed."""
    ann, bob = await server.connect("ann"), await server.connect("bob")
    room = await ann.create_group("bob")
    for client, user in ((ann, "bob"), (bob, "ann")):
        reply = await client.request(type="watch", users=[user])
        assert [row.get("state") for row in reply["users"]] == ["online"]
    await kicks(ann, room, "bob")
    for client, user in ((ann, "bob"), (bob, "ann")):
        (push,) = client.take("presence")
        assert push["users"] == [{"user": user}]
    await ann.request(type="mode", mode="background")
    await server.advance(10)
    assert bob.take("presence") == []
    bob.hang_up()
    await server.advance(10)
    assert ann.take("presence") == []


@pytest.mark.parametrize("kind", ["room.leave", "room.delete"])
async def test_leaving_and_deleting_end_watches_too(server: InProcessServer, kind: str) -> None:
    ann, bob = await server.connect("ann"), await server.connect("bob")
    room = await ann.create_group("bob")
    await bob.request(type="watch", users=["ann"])
    await ann.request(type=kind, key=new_key(), room=room)
    assert bob.take("presence")[-1]["users"] == [{"user": "ann"}]
    await ann.request(type="mode", mode="background")
    await server.advance(10)
    assert bob.take("presence") == []


async def test_who_shares_another_room_stays_in_sight(server: InProcessServer) -> None:
    ann, bob = await server.connect("ann"), await server.connect("bob")
    room = await ann.create_group("bob", "carol")
    await ann.create_group("bob")
    await server.connect("carol")
    await bob.request(type="watch", users=["ann", "carol"])
    await kicks(ann, room, "bob")
    assert [push["users"] for push in bob.take("presence")] == [[{"user": "carol"}]]
    await ann.request(type="mode", mode="background")
    await server.advance(10)
    assert [row["user"] for push in bob.take("presence") for row in push["users"]] == ["ann"]


async def test_a_watch_that_was_read_before_a_departure_shows_nobody(server: InProcessServer) -> None:
    ann, bob = await server.connect("ann"), await server.connect("bob")
    room = await ann.create_group("bob")
    hold = server.store.hold("watchable", after=True)
    id = bob.send_request(type="watch", users=["ann"])
    await hold.reached.wait()
    ann.send_request(type="members.remove", key=new_key(), room=room, users=["bob"])
    await server._nothing_waits()
    hold.release()
    await server.wait_idle()
    assert bob.reply(id)["users"] == [{"user": "ann"}]
    await ann.request(type="mode", mode="background")
    await server.advance(10)
    assert bob.take("presence") == []


async def test_a_watch_that_was_read_before_an_arrival_shows_them_in_the_end(server: InProcessServer) -> None:
    """The pair is judged again while the watch is under way: its reply says so, and nothing is pushed twice."""
    ann, bob = await server.connect("ann"), await server.connect("bob")
    hold = server.store.hold("watchable", after=True)
    id = bob.send_request(type="watch", users=["ann"])
    await hold.reached.wait()
    ann.send_request(type="room.create", key=new_key(), kind="group", title="t", users=["bob"])
    await until(lambda: server.app.presence.shown(bob.session) == ["ann"])
    hold.release()
    await server.wait_idle()
    assert bob.reply(id)["users"] == [{"user": "ann", "state": "online"}]
    assert server.app.presence.shown(bob.session) == ["ann"]


async def test_a_newer_watch_is_not_undone_by_an_older_look(server: InProcessServer) -> None:
    ann, bob = await server.connect("ann"), await server.connect("bob")
    room = await ann.create_group("bob")
    await bob.request(type="watch", users=["ann"])
    hold = server.store.hold("watchable", after=True)
    ann.send_request(type="members.remove", key=new_key(), room=room, users=["bob"])
    await hold.reached.wait()
    ann.send_request(type="room.create", key=new_key(), kind="group", title="t", users=["bob"])
    await server._nothing_waits()
    id = bob.send_request(type="watch", users=["ann"])
    await bob.answer(id)
    bob.wire.take()
    hold.release()
    await server.wait_idle()
    assert server.app.presence.shown(bob.session) == ["ann"]
    assert bob.take("presence") == []


async def test_whom_the_store_cannot_tell_is_not_shown(server: InProcessServer) -> None:
    ann, bob = await server.connect("ann"), await server.connect("bob")
    room = await ann.create_group("bob")
    await bob.request(type="watch", users=["ann"])
    server.store.fail("watchable", Unavailable("overloaded", "not now"))
    await kicks(ann, room, "bob")
    assert server.app.presence.shown(bob.session) == []


async def sees(client: InProcessClient, user: str) -> str:
    (row,) = (await client.request(type="watch", users=[user]))["users"]
    return str(row.get("state", "offline"))


def states_pushed(client: InProcessClient) -> list[tuple[str, str]]:
    rows = [row for push in client.take("presence") for row in push["users"]]
    return [(row["user"], row.get("state", "offline")) for row in rows]


async def test_a_stranger_sees_who_answered_from_then_on(server: InProcessServer) -> None:
    """They see and are seen; neither holds before, whoever made the room and however much was written."""
    ann, bob = await server.connect("ann"), await server.connect("bob")
    room = (await ann.request(type="room.direct", user="bob"))["summary"]["room"]
    await ann.send(room)
    assert [await sees(ann, "bob"), await sees(bob, "ann")] == ["offline", "offline"]
    await bob.request(type="mode", mode="background")
    await server.advance(10)
    await bob.request(type="mode", mode="foreground")
    await server.advance(10)
    # A member who comes back gets it again.
    assert (states_pushed(ann), states_pushed(bob)) == ([], [("ann", "offline")])
    await bob.send(room)
    assert (states_pushed(ann), states_pushed(bob)) == ([("bob", "online")], [("ann", "online")])
    await bob.request(type="mode", mode="background")
    await server.advance(10)
    assert states_pushed(ann) == [("bob", "away")]


async def test_who_is_met_again_in_a_new_room_is_seen_without_asking(server: InProcessServer) -> None:
    ann, bob = await server.connect("ann"), await server.connect("bob")
    assert await sees(bob, "ann") == "offline"
    await ann.create_group("bob")
    assert states_pushed(bob) == [("ann", "online")]


async def test_who_hides_shows_nothing_and_sees_nobody_on_any_device(server: InProcessServer) -> None:
    ann, bob, tablet = [
        await server.connect(user, device) for user, device in (("ann", 1), ("bob", 1), ("bob", 2))
    ]
    await ann.create_group("bob")
    for client, user in ((ann, "bob"), (bob, "ann"), (tablet, "ann")):
        assert await sees(client, user) == "online"
    await bob.request(type="preferences", presence=False)
    assert [states_pushed(client) for client in (ann, bob, tablet)] == [
        [("bob", "offline")], [("ann", "offline")], [("ann", "offline")],
    ]  # fmt: skip
    assert [await sees(ann, "bob"), await sees(tablet, "ann")] == ["offline", "offline"]
    for mode in ("background", "foreground"):
        for client in (ann, bob, tablet):
            await client.request(type="mode", mode=mode)
        await server.advance(10)
    told = [state for client in (ann, bob, tablet) for _, state in states_pushed(client)]
    assert set(told) == {"offline"}
    await bob.request(type="preferences", presence=True)
    assert [states_pushed(client) for client in (ann, bob, tablet)] == [
        [("bob", "online")], [("ann", "online")], [("ann", "online")],
    ]  # fmt: skip


async def test_hiding_waits_for_no_read(server: InProcessServer) -> None:
    ann, bob = await server.connect("ann"), await server.connect("bob")
    await ann.create_group("bob")
    assert await sees(ann, "bob") == "online"
    hold = server.store.hold("watchable")
    bob.send_request(type="preferences", presence=False)
    await hold.reached.wait()
    assert states_pushed(ann) == [("bob", "offline")]
    hold.release()
    await server.wait_idle()
    assert states_pushed(ann) == []


async def test_who_shows_again_while_away_is_shown_with_when_that_was(server: InProcessServer) -> None:
    ann, bob = await server.connect("ann"), await server.connect("bob")
    await ann.create_group("bob")
    ann.hang_up()
    await server.advance(35)
    await server.app.writer.submit_and_wait("ann", Preferences(presence=False))
    (row,) = (await bob.request(type="watch", users=["ann"]))["users"]
    assert row == {"user": "ann"}
    await server.app.writer.submit_and_wait("ann", Preferences(presence=True))
    await server.wait_idle()
    (push,) = bob.take("presence")
    assert push["users"][0]["last_seen"] > 0


async def test_a_preference_that_comes_while_a_watch_is_read_holds_for_it(server: InProcessServer) -> None:
    ann, bob = await server.connect("ann"), await server.connect("bob")
    await ann.create_group("bob")
    hold = server.store.hold("watchable", after=True)
    id = bob.send_request(type="watch", users=["ann"])
    await hold.reached.wait()
    ann.send_request(type="preferences", presence=False)
    await server._nothing_waits()
    hold.release()
    await server.wait_idle()
    assert bob.reply(id)["users"] == [{"user": "ann"}]
    assert server.app.presence.shown(bob.session) == []


async def test_a_reload_changes_who_is_shown_to_whom(server: InProcessServer) -> None:
    ann, _, _ = [await server.connect(user) for user in ("ann", "bob", "eve")]
    await ann.create_group("bob")
    await ann.request(type="room.direct", user="eve")
    await ann.request(type="watch", users=["bob", "eve"])
    for shown_to, told in (
        ("members", [("eve", "online")]),
        ("nobody", [("bob", "offline"), ("eve", "offline")]),
        ("known", [("bob", "online")]),
    ):
        server.app.reconfigure(replace(server.config, privacy=Privacy(shown_to=shown_to)))
        await server.wait_idle()
        assert (shown_to, states_pushed(ann)) == (shown_to, told)


async def test_a_watch_that_is_read_while_the_setting_changes_shows_nobody(
    server: InProcessServer,
) -> None:
    ann, bob = await server.connect("ann"), await server.connect("bob")
    await ann.create_group("bob")
    hold = server.store.hold("watchable", after=True)
    id = bob.send_request(type="watch", users=["ann"])
    await hold.reached.wait()
    server.app.reconfigure(replace(server.config, privacy=Privacy(shown_to="nobody")))
    hold.release()
    await server.wait_idle()
    assert bob.reply(id)["users"] == [{"user": "ann"}]
    assert server.app.presence.shown(bob.session) == []


async def test_who_is_gone_watches_nobody(server: InProcessServer) -> None:
    ann, bob = await server.connect("ann"), await server.connect("bob")
    await ann.create_group("bob")
    bob.hang_up()
    server.app.presence.watch(bob.session, ["ann"])
    assert server.app.presence.related("ann") == []

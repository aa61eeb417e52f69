from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatd.delivery import room_pushes
from tests.kit.inprocess import InProcessServer, in_process, new_key


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcessServer]:
    async with in_process(tmp_path, rates={"enabled": False}, delivery={"large_members": 3}) as server:
        yield server


@pytest.fixture
async def ann(server):
    return await server.connect("ann")


def summaries(client):
    return [packet["summary"] for packet in client.take("room")]


async def test_new_settings_are_pushed_to_every_member_as_they_see_the_room(server, ann):
    room = await ann.create_group("bob")
    bob, eve = await server.connect("bob"), await server.connect("eve")
    ann.wire.take()
    await ann.request(type="room.update", room=room, key=new_key(), title="new")
    assert [(one["title"], one["role"]) for one in summaries(ann)] == [("new", "owner")]
    assert [(one["title"], one.get("role")) for one in summaries(bob)] == [("new", None)]
    assert eve.take() == []


async def test_a_summary_is_encoded_once_for_all_connections_of_its_reader(server, ann):
    peers = [ann, *[await server.connect("ann", device=device) for device in range(2, 5)]]
    room = await ann.create_group("bob")
    for ask in ({"type": "room.update", "title": "new"}, {"type": "room.update", "data": [None] * 4000}):
        await ann.request(**ask, room=room, key=new_key())
        told = [client.wire.frames[-1] for client in peers[1:]]
        assert all(frame is told[0] for frame in told), "the same bytes object"
    bob = [await server.connect("bob", device=device) for device in range(1, 4)]
    await ann.create_group("bob")
    assert all(client.wire.frames[-1] is bob[0].wire.frames[-1] for client in bob), (
        "of a room they came into, too"
    )


async def test_changes_that_wait_are_pushed_together(server, ann, monkeypatch):
    room = await ann.create_group("bob")
    monkeypatch.setattr(room_pushes, "PUSHED_AT_ONCE", 1)
    bob = await server.connect("bob")
    bob.take()
    for title in ("a", "b", "c"):
        await ann.request(type="room.update", room=room, key=new_key(), title=title)
    for _ in range(6):
        server.env.advance(0)
    titles = [one["title"] for one in summaries(bob)]
    assert (titles[-1], len(titles) < 3) == ("c", True)


async def test_own_preferences_are_pushed_to_own_devices_only(server, ann):
    room = await ann.create_group("bob")
    bob, other = await server.connect("ann", device=2), await server.connect("bob")
    ann.wire.take()
    await ann.request(type="preferences", room=room, pinned=True)
    assert [one["pinned"] for one in summaries(ann)] == [True]
    assert [one["pinned"] for one in summaries(bob)] == [True]
    assert other.take() == []


async def test_muting_is_in_force_at_once(server, ann):
    room = await ann.create_group("bob")
    bob = await server.connect("bob", mode="background")
    await bob.request(type="preferences", room=room, muted_until=1)
    bob.wire.take()
    await ann.send(room)
    assert bob.take() == []
    await bob.request(type="preferences", room=room, muted_until=0)
    bob.wire.take()
    await ann.send(room)
    assert [packet["type"] for packet in bob.take()] == ["event"]


async def test_a_new_role_is_pushed_to_its_member(server, ann):
    room = await ann.create_group("bob")
    bob = await server.connect("bob")
    await ann.request(type="members.role", room=room, key=new_key(), users=[{"user": "bob", "role": "admin"}])
    assert [one["role"] for one in summaries(bob)] == ["admin"]


async def test_the_count_of_a_large_room_is_pushed_once_an_interval(server, ann):
    room = await ann.create_group("bob", "cat")
    bob = await server.connect("bob")
    for user in ("dan", "eve", "fay"):
        await ann.request(type="members.add", room=room, key=new_key(), users=[user])
    ann.wire.take()
    for _ in range(3):
        bob.send_packets({"type": "pong"})
        await server.advance(9)
    assert summaries(bob) == []
    await server.advance(4)
    assert [one["members"] for one in summaries(bob)] == [6]
    assert [one["members"] for one in summaries(ann)] == [6]


@pytest.mark.parametrize("kind", ["members.add", "members.remove", "room.join", "room.leave"])
async def test_the_count_of_a_small_room_is_pushed_to_everybody_within_a_second(server, ann, kind):
    room = await ann.create_group("bob", public=True)
    bob, cat = await server.connect("bob"), await server.connect("cat")
    others = {"users": ["dan"]} if kind == "members.add" else {"users": ["bob"]}
    who = {"room.join": cat, "room.leave": bob}.get(kind, ann)
    ann.wire.take()
    await who.request(type=kind, room=room, key=new_key(), **(others if who is ann else {}))
    await server.advance(0.9)
    assert summaries(ann) == []
    await server.advance(0.2)
    members = {"members.add": 3, "room.join": 3}.get(kind, 1)
    assert [one["members"] for one in summaries(ann)] == [members]
    assert kind == "room.join" or not summaries(cat)


async def test_joins_within_a_second_are_pushed_as_one_number(server, ann):
    room = await ann.create_group()
    ann.wire.take()
    for user in ("bob", "cat"):
        await ann.request(type="members.add", room=room, key=new_key(), users=[user])
    await server.advance(5)
    assert [one["members"] for one in summaries(ann)] == [3]


async def test_a_room_that_vanished_meanwhile_costs_nothing(server, ann):
    room = await ann.create_group("bob", "cat", "dan")
    await ann.request(type="members.add", room=room, key=new_key(), users=["eve"])
    ann.hang_up()
    await server.advance(31)


async def test_a_large_room_is_pushed_to_a_few_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(room_pushes, "PUSHED_AT_ONCE", 2)
    async with in_process(tmp_path, rates={"enabled": False}) as server:
        clients = [await server.connect(user) for user in ("ann", "bob", "cat", "dan", "eve")]
        room = await clients[0].create_group("bob", "cat", "dan", "eve")
        for client in clients:
            client.wire.take()
        await clients[0].request(type="room.update", room=room, key=new_key(), title="new")
        assert sum(packet["type"] == "room" for client in clients for packet in client.wire.packets[-1:]) <= 2
        server.env.advance(0)
        assert [len(summaries(client)) for client in clients] == [1] * 5


async def test_a_member_removed_before_their_turn_gets_no_push(tmp_path, monkeypatch):
    monkeypatch.setattr(room_pushes, "PUSHED_AT_ONCE", 1)
    async with in_process(tmp_path, rates={"enabled": False}) as server:
        ann, bob = await server.connect("ann"), await server.connect("bob")
        room = await ann.create_group("bob")
        bob.wire.take()
        await ann.request(type="room.update", room=room, key=new_key(), title="new")
        await ann.request(type="members.remove", room=room, key=new_key(), users=["bob"])
        server.env.advance(0)
        assert [packet["type"] for packet in bob.take("room", "gone")] == ["gone"]


async def test_a_number_that_is_not_on_disk_is_not_shown(server, ann):
    room = await ann.create_group("bob", "cat")
    bob = await server.connect("bob")
    await ann.request(type="members.add", room=room, key=new_key(), users=["dan"])
    server.env.advance(29.99)
    bob.send_packets({"type": "pong"})
    bob.wire.take()
    hold = server.store.hold("commit")
    ann.send_packets({"type": "send", "room": room, "key": new_key(), "body": {"text": "x"}})
    await hold.reached.wait()
    server.env.advance(0.05)
    assert summaries(bob) == []
    hold.release()
    await server.wait_idle()
    server.env.advance(1)
    assert [(one["members"], one["seq"]) for one in summaries(bob)] == [(4, 2)]


async def test_what_waits_for_the_disk_holds_up_nothing_that_is_on_it(server, ann):
    room = await ann.create_group("bob")
    bob = await server.connect("bob")
    await ann.request(type="members.add", room=room, key=new_key(), users=["cat"])
    bob.wire.take()
    hold = server.store.hold("commit")
    ann.send_packets({"type": "room.update", "room": room, "key": new_key(), "title": "new"})
    await hold.reached.wait()
    server.env.advance(1.01)  # the count is due, and memory ahead of the disk
    assert summaries(bob) == []
    hold.release()
    await server.wait_idle()
    assert [(one["title"], one["members"]) for one in summaries(bob)][-1] == ("new", 3)

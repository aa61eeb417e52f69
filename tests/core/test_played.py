"""Heard voice notes, on a real store: whose devices learn of them, and who else."""

import pytest
from msgspec.structs import replace

from chatd.core.room_summary import RoomRow
from chatd.protocol.codec import encode
from chatd.protocol.limits import PLAYED_MAX
from tests.kit.files import Files, share
from tests.kit.inprocess import in_process, new_key


@pytest.fixture
async def files(tmp_path):
    async with in_process(tmp_path, rates={"enabled": False}, media={"enabled": True}) as server:
        yield Files(server)


async def connect(files, user, device=1):
    return await files.server.connect(user, device, features=["media"])


async def speak(files, client, room, user):
    return (await share(client, room, await files.ready(user, "voice")))["seq"]


async def hear(client, room, seq):
    return await client.request(type="played", room=room, seq=seq)


def told(client):
    """Return what the last push of a room says of heard notes; None without a push."""
    pushed = [push["summary"] for push in client.take("room")]
    return (pushed[-1].get("played"), pushed[-1].get("peer_played")) if pushed else None


async def open_direct(client, user):
    return (await client.request(type="room.direct", user=user))["summary"]["room"]


async def test_a_note_is_heard_on_all_devices_and_told_its_author(files):
    ann, bob, phone = await connect(files, "ann"), await connect(files, "bob"), await connect(files, "bob", 2)
    room = await open_direct(ann, "bob")
    seq = await speak(files, ann, room, "ann")
    await bob.send(room)
    for client in (ann, bob, phone):
        client.wire.take()
    assert (await hear(bob, room, seq)).keys() == {"type", "id"}
    assert (told(bob), told(phone), told(ann)) == (([seq], None), ([seq], None), (None, [seq]))
    assert (await hear(bob, room, seq))["type"] == "ok"
    assert (told(bob), told(ann)) == (None, None), "once is enough"


async def test_a_device_that_was_away_learns_of_it(files):
    ann, bob = await connect(files, "ann"), await connect(files, "bob")
    room = await open_direct(ann, "bob")
    seqs = [await speak(files, ann, room, "ann") for _ in range(2)]
    await bob.send(room)
    cursors = {}
    for user in ("ann", "bob"):
        reply = files.server.client()
        id = reply.say_hello(user, 3, features=["media"])
        await files.server.wait_idle()
        cursors[user] = reply.reply(id)["sync"]["cursor"]
        reply.hang_up()
    for seq in reversed(seqs):
        await hear(bob, room, seq)
    for user, key in (("ann", "peer_played"), ("bob", "played")):
        client = files.server.client()
        id = client.say_hello(
            user, 3, features=["media"], cursor=cursors[user], epoch=files.server.store.epoch
        )
        await files.server.wait_idle()
        (summary,) = client.reply(id)["sync"]["rooms"]
        assert summary[key] == seqs


async def test_who_hides_receipts_tells_nobody_and_is_told_nothing(files):
    ann, bob = await connect(files, "ann"), await connect(files, "bob")
    room = await open_direct(ann, "bob")
    seqs = [await speak(files, ann, room, "ann"), await speak(files, bob, room, "bob")]
    await bob.request(type="preferences", receipts=False)
    for client in (ann, bob):
        client.wire.take()
    await hear(bob, room, seqs[0])
    await hear(ann, room, seqs[1])
    assert (told(bob), told(ann)) == (([seqs[0]], None), ([seqs[1]], None))


async def test_in_a_group_nobody_else_is_told(files):
    ann, bob = await connect(files, "ann"), await connect(files, "bob")
    room = await ann.create_group("bob")
    seq = await speak(files, ann, room, "ann")
    for client in (ann, bob):
        client.wire.take()
    await hear(bob, room, seq)
    assert (told(bob), told(ann)) == (([seq], None), None)


async def test_what_is_no_note_of_somebody_else_is_passed_over(files):
    ann, bob = await connect(files, "ann"), await connect(files, "bob")
    room = await ann.create_group("bob")
    own, text = await speak(files, ann, room, "ann"), (await bob.send(room))["seq"]
    picture = (await share(bob, room, await files.ready("bob", "picture")))["seq"]
    recalled = await speak(files, bob, room, "bob")
    await bob.request(type="recall", room=room, key=new_key(), target=recalled)
    ann.wire.take()
    for seq in (own, text, picture, recalled):
        assert (await hear(ann, room, seq))["type"] == "ok"
    assert told(ann) is None
    for seq in (1, 99):
        assert (await hear(ann, room, seq))["code"] == "not_found"


async def test_the_newest_are_kept(files):
    ann, bob = await connect(files, "ann"), await connect(files, "bob")
    room = await ann.create_group("bob")
    note = await files.ready("ann", "voice")
    seqs = [(await share(ann, room, note))["seq"] for _ in range(PLAYED_MAX + 2)]
    for seq in seqs[1:]:
        await hear(bob, room, seq)
    bob.wire.take()
    await hear(bob, room, seqs[0])
    assert told(bob) is None, "a lower one counts as heard"
    reply = await bob.request(type="room.get", room=room)
    assert reply["summary"]["played"] == seqs[-PLAYED_MAX:]


async def test_without_media_nothing_is_noted(server):
    ann = await server.connect("ann")
    room = await ann.create_group()
    assert (await hear(ann, room, 1))["code"] == "not_supported"


def test_a_page_has_room_for_what_both_heard():
    """The bound of a summary holds with every number that it may have."""
    numbers = [2**32 - 1 - number for number in range(PLAYED_MAX)]
    extras = encode({"played": numbers})
    row = RoomRow(*[1, "d" * 12, 2, *[0] * 13, "", "", "", 0, "member", "direct", 3], extras=extras.hex())
    assert row.bytes_max() - replace(row, extras="").bytes_max() == len(extras)
    assert row.bytes_max() - replace(row, kind="group").bytes_max() >= len(encode(numbers)) - 3


async def test_recording_is_told_from_typing(files):
    ann, bob = await connect(files, "ann"), await connect(files, "bob")
    room = await ann.create_group("bob")
    await bob.request(type="focus", rooms=[room])
    bob.wire.take()
    for what in ({}, {"what": "text"}, {"what": "voice"}):
        await ann.request(type="typing", room=room, **what)
    typing = {"type": "typing", "room": room, "user": "ann"}
    assert bob.take("typing") == [typing, typing, {**typing, "what": "voice"}]
    assert (await ann.request(type="typing", room=room, what="song"))["code"] == "bad_request"

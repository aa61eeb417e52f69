"""A user who left a room, or was removed, receives and reads nothing of it from then on, whatever was under way."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatd.core.accounts import Amend
from tests.kit.inprocess import InProcessClient, InProcessServer, in_process, new_key

MARKS = {"ephemeral_bytes": 2_000, "lag_bytes": 4_000, "close_bytes": 1_000_000}
BLOCKED = 3_000  # above the first mark


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcessServer]:
    async with in_process(tmp_path, outbox=MARKS, rates={"enabled": False}) as running:
        yield running


async def kicks(owner: InProcessClient, room: str, user: str) -> None:
    reply = await owner.request(type="members.remove", key=new_key(), room=room, users=[user])
    assert reply["type"] == "ok", reply


def after_gone(client: InProcessClient, room: str) -> list[dict]:
    """Return the packets about the room that follow its `gone`."""
    packets = client.take()
    places = [at for at, packet in enumerate(packets) if packet["type"] == "gone"]
    return [packet for packet in packets[places[0] + 1 :] if room in str(packet)]


# --- with much in the outbox


@pytest.mark.parametrize("before", [1, 20], ids=["little waits", "lags already"])
async def test_a_slow_phone_hears_nothing_of_the_room_behind_gone(
    server: InProcessServer, before: int
) -> None:
    owner, slow = await server.connect("owner"), await server.connect("slow")
    room, other = await owner.create_group("slow"), await owner.create_group("slow")
    slow.wire.take()
    slow.wire.clog(slow.session, BLOCKED)
    for _ in range(before):
        await owner.send(room, "x" * 400)
    await kicks(owner, room, "slow")
    for _ in range(20):
        await owner.send(other, "y" * 400)
        await owner.send(room, "not for him")
    slow.wire.clear(slow.session)
    packets = list(slow.wire.packets)
    assert after_gone(slow, room) == []
    assert "not for him" not in str(packets)
    assert [row["room"] for packet in packets if packet["type"] == "head" for row in packet["rooms"]] == [
        other
    ]


async def test_a_client_that_just_arrives_receives_nothing_of_the_room_behind_gone(
    server: InProcessServer,
) -> None:
    owner, other = await server.connect("owner"), await server.connect("late")
    other.hang_up()
    room = await owner.create_group("late")
    late, first = server.client(), server.store.hold("hello", after=True)
    late.say_hello("late")
    await first.reached.wait()
    # so it reads once more, when it is subscribed
    await server.app.writer.submit_and_wait("late", Amend(name="Late"))
    hold = server.store.hold("sync", after=True)
    first.release()
    await hold.reached.wait()
    for _ in range(20):
        owner.send_request(type="send", room=room, key=new_key(), body={"text": "x" * 400})
    owner.send_request(type="members.remove", key=new_key(), room=room, users=["late"])
    await server._nothing_waits()
    hold.release()
    await server.wait_idle()
    assert "gone" in [packet["type"] for packet in late.wire.packets]
    assert after_gone(late, room) == []


async def test_the_head_of_a_large_room_that_is_due_goes_to_its_members(tmp_path: Path) -> None:
    async with in_process(tmp_path, delivery={"full_members": 2}, rates={"enabled": False}) as server:
        owner, rex, stays = [await server.connect(user) for user in ("owner", "rex", "stays")]
        room = await owner.create_group("rex", "stays", "others")
        await owner.send(room, "tells the head at once")
        await owner.send(room, "makes one due")
        assert [push["type"] for push in rex.take("head")] == ["head"]
        stays.take()
        await kicks(owner, room, "rex")
        await owner.send(room, "for others")
        await server.advance(5)
        assert [row["room"] for push in stays.take("head") for row in push["rooms"]] == [room]
        assert after_gone(rex, room) == []


# --- requests from before, answered after

READ = {
    "log": {"from": 1},
    "history": {},
    "changes": {"low": 1, "high": 9, "since": 0},
    "messages": {"seqs": [2]},
    "readers": {"seq": 1},
    "members.list": {},
}
METHOD = {"members.list": "members"}


@pytest.mark.parametrize("kind", READ)
async def test_what_was_read_while_he_was_put_out_is_withheld(server: InProcessServer, kind: str) -> None:
    """The read may run after an edit that was made after the user left."""
    owner, rex = await server.connect("owner"), await server.connect("rex")
    room = await owner.create_group("rex")
    seq = (await owner.send(room, "for rex"))["seq"]
    hold = server.store.hold(METHOD.get(kind, kind))
    id = rex.send_request(type=kind, room=room, **READ[kind])
    await hold.reached.wait()
    owner.send_request(type="members.remove", key=new_key(), room=room, users=["rex"])
    owner.send_request(type="edit", key=new_key(), room=room, target=seq, body={"text": "not for rex"})
    await server._nothing_waits()
    hold.release()
    await server.wait_idle()
    assert rex.reply(id)["code"] == "not_member"
    assert "not for rex" not in str(rex.wire.packets)


async def test_a_focus_passes_over_a_room_that_was_left_while_another_was_loaded(
    server: InProcessServer,
) -> None:
    owner, rex = await server.connect("owner"), await server.connect("rex")
    left, other = await owner.create_group("rex"), await owner.create_group("rex")
    server.app.rooms.cache.forget_idle(float("inf"), [left])
    hold = server.store.hold("load_rooms")
    id = rex.send_request(type="focus", rooms=[left, other])
    await hold.reached.wait()
    owner.send_request(type="members.remove", key=new_key(), room=left, users=["rex"])
    await server._nothing_waits()
    hold.release()
    await server.wait_idle()
    assert [row["room"] for row in rex.reply(id)["rooms"]] == [other]
    rex.take()
    await owner.request(type="focus", rooms=[left])
    await owner.request(type="typing", room=left)
    assert rex.take() == []

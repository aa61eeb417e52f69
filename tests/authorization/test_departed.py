"""Who left a room, or was put out, hears and reads nothing of it from there on, whatever was under way."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatd.core.admin import Amend
from tests.kit.indoors import Guest, Indoors, indoors, new_key

MARKS = {"ephemeral_bytes": 2_000, "lag_bytes": 4_000, "close_bytes": 1_000_000}
BLOCKED = 3_000  # above the first mark


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Indoors]:
    async with indoors(tmp_path, outbox=MARKS, rates={"enabled": False}) as running:
        yield running


async def kicks(owner: Guest, room: str, user: str) -> None:
    reply = await owner.asks(type="members.remove", key=new_key(), room=room, users=[user])
    assert reply["type"] == "ok", reply


def after_gone(guest: Guest, room: str) -> list[dict]:
    """What came of the room behind its `gone`."""
    packets = guest.hears()
    places = [at for at, packet in enumerate(packets) if packet["type"] == "gone"]
    return [packet for packet in packets[places[0] + 1 :] if room in str(packet)]


# --- with much waiting for him


@pytest.mark.parametrize("before", [1, 20], ids=["little waits", "he lags already"])
async def test_a_slow_phone_hears_nothing_of_the_room_behind_gone(house: Indoors, before: int) -> None:
    owner, slow = await house.meets("owner"), await house.meets("slow")
    room, other = await owner.makes_group("slow"), await owner.makes_group("slow")
    slow.wire.take()
    slow.wire.clog(slow.session, BLOCKED)
    for _ in range(before):
        await owner.sends(room, "x" * 400)
    await kicks(owner, room, "slow")
    for _ in range(20):
        await owner.sends(other, "y" * 400)
        await owner.sends(room, "not for him")
    slow.wire.clear(slow.session)
    packets = list(slow.wire.packets)
    assert after_gone(slow, room) == []
    assert "not for him" not in str(packets)
    assert [row["room"] for packet in packets if packet["type"] == "head" for row in packet["rooms"]] == [
        other
    ]


async def test_a_phone_that_just_arrives_hears_nothing_of_the_room_behind_gone(house: Indoors) -> None:
    owner, other = await house.meets("owner"), await house.meets("late")
    other.hangs_up()
    room = await owner.makes_group("late")
    late, first = house.guest(), house.store.hold("hello", after=True)
    late.greets("late")
    await first.reached.wait()
    await house.inside.writer.carry("late", Amend(name="Late"))  # so it reads once more, from its seats
    hold = house.store.hold("sync", after=True)
    first.release()
    await hold.reached.wait()
    for _ in range(20):
        owner.asks_for(type="send", room=room, key=new_key(), body={"text": "x" * 400})
    owner.asks_for(type="members.remove", key=new_key(), room=room, users=["late"])
    await house._nothing_waits()
    hold.release()
    await house.quiet()
    assert "gone" in [packet["type"] for packet in late.wire.packets]
    assert after_gone(late, room) == []


async def test_the_head_of_a_large_room_that_is_due_goes_to_those_who_are_in_it(tmp_path: Path) -> None:
    async with indoors(tmp_path, delivery={"full_members": 2}, rates={"enabled": False}) as house:
        owner, rex, stays = [await house.meets(user) for user in ("owner", "rex", "stays")]
        room = await owner.makes_group("rex", "stays", "others")
        await owner.sends(room, "tells the head at once")
        await owner.sends(room, "makes one due")
        assert [push["type"] for push in rex.hears("head")] == ["head"]
        stays.hears()
        await kicks(owner, room, "rex")
        await owner.sends(room, "for others")
        await house.passes(5)
        assert [row["room"] for push in stays.hears("head") for row in push["rooms"]] == [room]
        assert after_gone(rex, room) == []


# --- what he asked for before, answered after

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
async def test_what_was_read_while_he_was_put_out_is_withheld(house: Indoors, kind: str) -> None:
    """The reader may run after an edit that came after his leaving."""
    owner, rex = await house.meets("owner"), await house.meets("rex")
    room = await owner.makes_group("rex")
    seq = (await owner.sends(room, "for rex"))["seq"]
    hold = house.store.hold(METHOD.get(kind, kind))
    id = rex.asks_for(type=kind, room=room, **READ[kind])
    await hold.reached.wait()
    owner.asks_for(type="members.remove", key=new_key(), room=room, users=["rex"])
    owner.asks_for(type="edit", key=new_key(), room=room, target=seq, body={"text": "not for rex"})
    await house._nothing_waits()
    hold.release()
    await house.quiet()
    assert rex.reply(id)["code"] == "not_member"
    assert "not for rex" not in str(rex.wire.packets)


async def test_a_focus_passes_over_a_room_he_left_while_another_was_loaded(house: Indoors) -> None:
    owner, rex = await house.meets("owner"), await house.meets("rex")
    left, other = await owner.makes_group("rex"), await owner.makes_group("rex")
    house.inside.rooms.registry.forget_idle(float("inf"), [left])
    hold = house.store.hold("load_rooms")
    id = rex.asks_for(type="focus", rooms=[left, other])
    await hold.reached.wait()
    owner.asks_for(type="members.remove", key=new_key(), room=left, users=["rex"])
    await house._nothing_waits()
    hold.release()
    await house.quiet()
    assert [row["room"] for row in rex.reply(id)["rooms"]] == [other]
    rex.hears()
    await owner.asks(type="focus", rooms=[left])
    await owner.asks(type="typing", room=left)
    assert rex.hears() == []

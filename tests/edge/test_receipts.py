from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit.indoors import Indoors, indoors, new_key


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Indoors]:
    async with indoors(
        tmp_path, rates={"enabled": False}, delivery={"receipts_members": 3, "delivered_members": 3}
    ) as house:
        yield house


@pytest.fixture
async def ann(house):
    return await house.meets("ann")


@pytest.fixture
async def bob(house):
    return await house.meets("bob")


@pytest.fixture
async def pair(ann, bob):
    """A direct room of ann and bob with three messages of ann."""
    room = (await ann.asks(type="room.direct", user="bob"))["summary"]["room"]
    for _ in range(3):
        await ann.sends(room)
    ann.wire.take()
    bob.wire.take()
    return room


async def focused_group(*guests):
    """A group everybody looks at, with one message."""
    first, *others = guests
    room = await first.makes_group(*(guest.session.user for guest in others))
    for guest in guests:
        await guest.asks(type="focus", rooms=[room])
    await first.sends(room)
    for guest in guests:
        guest.wire.take()
    return room


async def test_a_moved_watermark_is_told_to_the_peer_after_the_interval(house, ann, bob, pair):
    await bob.asks(type="read", room=pair, seq=2)
    await house.passes(0.9)
    assert ann.hears("receipts") == []
    await house.passes(0.2)
    assert ann.hears() == [
        {"type": "receipts", "room": pair, "receipts": [{"user": "bob", "read": 2, "delivered": 2}]}
    ]


async def test_moves_within_the_interval_are_told_once_with_the_last_position(house, ann, bob, pair):
    for seq in (2, 3, 4):
        await bob.asks(type="read", room=pair, seq=seq)
    await house.passes(1)
    (push,) = ann.hears("receipts")
    assert push["receipts"] == [{"user": "bob", "read": 4, "delivered": 4}]


async def test_the_next_interval_begins_with_the_next_move(house, ann, bob, pair):
    await bob.asks(type="read", room=pair, seq=2)
    await house.passes(0.6)
    await bob.asks(type="read", room=pair, seq=3)
    await house.passes(0.4)
    assert len(ann.hears("receipts")) == 1
    await house.passes(0.1)
    await bob.asks(type="read", room=pair, seq=4)
    await house.passes(0.9)
    assert ann.hears("receipts") == []
    await house.passes(0.1)
    assert len(ann.hears("receipts")) == 1


async def test_nobody_is_told_his_own(house, ann, bob, pair):
    other = await house.meets("bob", device=2)
    await bob.asks(type="read", room=pair, seq=2)
    await house.passes(1)
    assert bob.hears("receipts") == other.hears("receipts") == []


async def test_both_who_read_are_told_of_the_other(house, ann, bob, pair):
    await bob.sends(pair)
    await ann.asks(type="read", room=pair, seq=5)
    await bob.asks(type="read", room=pair, seq=4)
    await house.passes(1)
    assert [[row["user"] for row in push["receipts"]] for push in ann.hears("receipts")] == [["bob"]]
    assert [[row["user"] for row in push["receipts"]] for push in bob.hears("receipts")] == [["ann"]]


async def test_delivered_is_told_without_a_read_position(house, ann, bob, pair):
    bob.says({"type": "delivered", "rooms": [{"room": pair, "seq": 4}]})
    await house.quiet()
    await house.passes(1)
    (push,) = ann.hears("receipts")
    assert push["receipts"] == [{"user": "bob", "delivered": 4}]


async def test_in_a_group_only_those_who_look_are_told(house, ann, bob):
    cat = await house.meets("cat")
    room = await focused_group(ann, bob, cat)
    await cat.asks(type="focus", rooms=[])
    cat.wire.take()
    await bob.asks(type="read", room=room, seq=2)
    await house.passes(1)
    assert [push["receipts"][0]["user"] for push in ann.hears("receipts")] == ["bob"]
    assert cat.hears("receipts") == []


async def test_a_group_above_the_limit_is_not_told(house, ann, bob):
    cat, dan = await house.meets("cat"), await house.meets("dan")
    room = await focused_group(ann, bob, cat, dan)
    await bob.asks(type="read", room=room, seq=2)
    await house.passes(1)
    assert ann.hears("receipts") == []


async def test_a_sleeping_phone_is_not_woken(house, ann, bob, pair):
    await ann.asks(type="mode", mode="background")
    await bob.asks(type="read", room=pair, seq=2)
    await house.passes(1)
    assert ann.hears("receipts") == []


@pytest.mark.parametrize("hiding", ["ann", "bob"])
async def test_who_hides_receipts_shows_and_sees_none(house, ann, bob, pair, hiding):
    await {"ann": ann, "bob": bob}[hiding].asks(type="preferences", receipts=False)
    await bob.asks(type="read", room=pair, seq=2)
    await house.passes(1)
    assert ann.hears("receipts") == []


async def test_who_hides_them_within_the_interval_is_not_told_of(house, ann, bob, pair):
    await bob.asks(type="read", room=pair, seq=2)
    await bob.asks(type="preferences", receipts=False)
    await house.passes(1)
    assert ann.hears("receipts") == []


async def test_who_left_within_the_interval_is_not_told_of(house, ann, bob):
    room = await focused_group(ann, bob)
    await bob.asks(type="read", room=room, seq=2)
    await bob.asks(type="room.leave", room=room, key=new_key())
    await house.passes(1)
    assert ann.hears("receipts") == []


async def test_a_room_everybody_left_costs_nothing(house, ann, bob, pair):
    await bob.asks(type="read", room=pair, seq=2)
    ann.hangs_up()
    bob.hangs_up()
    await house.passes(1)


async def test_receipts_are_dropped_for_a_slow_reader(house, ann, bob, pair):
    ann.wire.clog(ann.session, 66_000)
    await bob.asks(type="read", room=pair, seq=2)
    await house.passes(1)
    ann.wire.clear(ann.session)
    assert ann.hears("receipts") == []

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from chatd.config.model import Privacy
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
    """A direct room of ann and bob with three messages of ann and one of bob."""
    room = (await ann.asks(type="room.direct", user="bob"))["summary"]["room"]
    for _ in range(3):
        await ann.sends(room)
    await bob.sends(room)
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


@pytest.fixture
async def letter(ann, bob):
    """A direct room in which ann has written and bob has not, which ann looks at."""
    room = (await ann.asks(type="room.direct", user="bob"))["summary"]["room"]
    await ann.sends(room)
    ann.wire.take()
    return room


async def marks_seen(guest, room):
    """Everything `guest` can find out about how far others got in a room, that of the pushes included."""
    focus = (await guest.asks(type="focus", rooms=[room]))["rooms"][0].get("receipts", [])
    readers = (await guest.asks(type="readers", room=room, seq=1))["readers"]
    summary = (await guest.asks(type="room.get", room=room))["summary"]
    warm = await guest.asks(type="sync")
    listed = next(one for one in warm["rooms"] if one["room"] == room)
    marks = [one.get(key, 0) for one in (summary, listed) for key in ("peer_read", "peer_delivered")]
    return [row for row in (*focus, *readers) if row["user"] != guest.session.user], marks


async def test_whom_nobody_answered_sees_no_marks_and_then_all(house, ann, bob, letter):
    await bob.asks(type="read", room=letter, seq=2)
    await house.passes(1)
    assert await marks_seen(ann, letter) == ([], [0, 0, 0, 0])
    assert ann.hears("receipts", "room") == []
    await bob.sends(letter)
    (push,) = ann.hears("room")  # what both know now, before anything else moves
    assert (push["summary"]["peer_read"], push["summary"]["peer_delivered"]) == (2, 2)
    rows, marks = await marks_seen(ann, letter)
    assert [row["user"] for row in rows] == ["bob", "bob"]
    assert marks == [2, 2, 2, 2]
    await bob.asks(type="read", room=letter, seq=3)
    await house.passes(1)
    assert [push["receipts"][0]["read"] for push in ann.hears("receipts")] == [3]
    await bob.sends(letter)
    assert ann.hears("room") == []


async def test_an_answer_counts_when_it_is_on_the_disk(house, ann, bob, letter):
    await bob.asks(type="read", room=letter, seq=2)
    hold = house.store.hold("commit")
    bob.asks_for(type="send", room=letter, key=new_key(), body={"text": "hello"})
    await hold.reached.wait()
    house.env.advance(1)
    assert ann.hears("receipts") == []
    id = ann.asks_for(type="focus", rooms=[letter])
    while not any(packet.get("id") == id for packet in ann.wire.packets):
        await asyncio.sleep(0)
    assert "receipts" not in ann.reply(id)["rooms"][0]
    hold.release()
    await house.quiet()
    assert len((await ann.asks(type="focus", rooms=[letter]))["rooms"][0]["receipts"]) == 1


@pytest.mark.parametrize(("shown_to", "seen"), [("members", True), ("nobody", False)])
async def test_the_operator_says_who_sees_marks(house, ann, bob, pair, shown_to, seen):
    """And a running daemon is told: here of a room in which both have written, and of one in which nobody has."""
    quiet = (await ann.asks(type="room.direct", user="carol"))["summary"]["room"]
    carol, group = await house.meets("carol"), await focused_group(ann, bob)
    house.inside.reconfigure(replace(house.config, privacy=Privacy(shown_to=shown_to)))
    for guest, room in ((bob, pair), (carol, quiet), (bob, group)):
        await guest.asks(type="read", room=room, seq=1)
    await ann.asks(type="focus", rooms=[group])
    await house.passes(1)
    told = {push["room"] for push in ann.hears("receipts")}
    assert told == ({pair, quiet, group} if seen else set())
    for room in (pair, quiet):
        rows, marks = await marks_seen(ann, room)
        assert (bool(rows), marks) == (seen, [1, 1, 1, 1] if seen else [0, 0, 0, 0])


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

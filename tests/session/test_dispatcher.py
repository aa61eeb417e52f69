"""How much is under way for one connection, and what happens when its peer does not read."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatd.protocol.pushes import PingPush
from tests.kit.indoors import Indoors, indoors, new_key


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Indoors]:
    async with indoors(tmp_path, rates={"enabled": False}) as house:
        yield house


@pytest.fixture
async def ann(house):
    return await house.meets("ann")


def send(room):
    return {"type": "send", "room": room, "key": new_key(), "body": {"text": "x"}}


async def test_beyond_in_flight_nothing_is_read_until_answers_come(house, ann):
    room = await ann.makes_group()
    hold = house.store.hold("commit")
    ids = [ann.asks_for(**send(room)) for _ in range(31)]
    await hold.reached.wait()
    assert ann.wire.reading
    ids.append(ann.asks_for(**send(room)))
    assert not ann.wire.reading
    ids.append(ann.asks_for(**send(room)))  # what was buffered already is handled all the same
    hold.release()
    await house.quiet()
    assert ann.wire.reading
    assert [ann.reply(id)["seq"] for id in ids] == list(range(2, 35))


async def test_fire_and_forget_lands_too(house, ann):
    room = await ann.makes_group()
    for _ in range(100):
        ann.says({"type": "typing", "room": room})
        ann.says({"type": "read", "room": room, "seq": 1})
    await house.quiet()
    assert ann.wire.reading


async def test_a_slow_reader_lags_and_is_told_where_its_rooms_are(house, ann):
    room = await ann.makes_group("bob")
    bob = await house.meets("bob")
    bob.wire.clog(bob.session, 300_000)
    for _ in range(3):
        await ann.sends(room)
    assert bob.hears() == []
    bob.wire.clear(bob.session)
    assert bob.hears() == [{"type": "head", "rooms": [{"room": room, "seq": 4, "ordinal": 3}]}]
    await ann.sends(room)
    assert [push["type"] for push in bob.hears()] == ["event"]


async def test_nothing_is_read_from_who_lags_until_he_caught_up(house, ann):
    room = await ann.makes_group("bob")
    bob = await house.meets("bob")
    bob.wire.clog(bob.session, 300_000)
    assert bob.wire.reading
    await ann.sends(room)
    assert not bob.wire.reading
    assert house.inside.counters.slow_consumers["lagging"] == 1
    bob.wire.clear(bob.session)
    assert bob.wire.reading


async def test_an_answer_that_comes_meanwhile_changes_nothing_about_it(house, ann):
    room = await ann.makes_group()
    hold = house.store.hold("commit")
    for _ in range(32):
        ann.asks_for(**send(room))
    await hold.reached.wait()
    ann.wire.clog(ann.session, 300_000)
    ann.session.push(PingPush())
    hold.release()
    await house.quiet()  # fewer than 32 are under way now, which alone would be a reason to read
    assert not ann.wire.reading
    ann.wire.clear(ann.session)
    assert ann.wire.reading


async def test_who_lags_gets_no_reply_that_must_be_read_until_he_caught_up(house, ann):
    room = await ann.makes_group()
    ann.wire.take()
    ann.wire.clog(ann.session, 300_000)
    # One frame: the first reply lets the connection lag, so the second is not even looked up.
    ann.says(*({"type": "log", "id": 900 + place, "room": room, "from": 1} for place in range(2)))
    await house.quiet()
    assert ann.session.outbox.lagging
    ann.wire.clear(ann.session)
    assert [reply["id"] for reply in ann.hears("ok")] == [900]
    await house.quiet()
    assert [reply["id"] for reply in ann.hears("ok")] == [901]


async def test_replies_that_must_be_read_are_prepared_one_at_a_time(house, ann):
    room = await ann.makes_group()
    hold = house.store.hold("log")
    ids = [ann.asks_for(type="log", room=room, **{"from": 1}) for _ in range(3)]
    await hold.reached.wait()
    assert len(house.inside.gate.tasks) == 1
    hold.release()
    await house.quiet()
    assert [ann.reply(id)["type"] for id in ids] == ["ok"] * 3


async def test_what_waits_to_be_read_is_forgotten_with_the_connection(house, ann):
    room = await ann.makes_group()
    hold = house.store.hold("log")
    for _ in range(3):
        ann.asks_for(type="log", room=room, **{"from": 1})
    await hold.reached.wait()
    ann.hangs_up()
    hold.release()
    await house.quiet()  # a request that was never begun and never ended would warn, which is an error
    assert not house.inside.gate.tasks


async def test_the_silence_of_who_lags_is_not_held_against_him(house, ann):
    room = await ann.makes_group("bob")
    bob = await house.meets("bob")
    bob.wire.clog(bob.session, 300_000)
    await ann.sends(room)
    for _ in range(12):  # a minute in which the kernel takes a little now and then
        house.env.advance(5)
        bob.wire.buffered -= 10
        ann.says({"type": "pong"})
    assert bob.wire.closed_with is None
    bob.wire.clear(bob.session)
    house.env.advance(29)
    assert bob.wire.closed_with is None


async def test_who_takes_too_little_is_dropped_without_a_bye(house, ann):
    room = await ann.makes_group("bob")
    bob = await house.meets("bob")
    bob.wire.clog(bob.session, 1_048_570)
    await ann.asks(type="members.remove", room=room, key=new_key(), users=["bob"])
    assert bob.wire.closed_with == (4002, "slow")
    assert bob.wire.aborted
    assert house.inside.live.of("bob") == []
    assert house.inside.counters.slow_consumers["overflow"] == 1


async def test_who_takes_nothing_for_long_is_dropped(house):
    bob = await house.meets("bob")
    bob.wire.clog(bob.session, 70_000)
    for _ in range(4):
        house.env.advance(7)
        bob.says({"type": "pong"})
    assert bob.wire.closed_with is None
    for _ in range(4):
        house.env.advance(7)
        if bob.wire.closed_with is None:
            bob.says({"type": "pong"})
    assert (bob.wire.closed_with, bob.wire.aborted) == ((4002, "slow"), True)

"""The requests under way for one connection, also when its peer does not read."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatd.protocol.connection import PingPush
from tests.kit.inprocess import InProcessServer, in_process, new_key


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcessServer]:
    async with in_process(tmp_path, rates={"enabled": False}) as server:
        yield server


@pytest.fixture
async def ann(server):
    return await server.connect("ann")


def send(room):
    return {"type": "send", "room": room, "key": new_key(), "body": {"text": "x"}}


async def test_beyond_in_flight_nothing_is_read_until_answers_come(server, ann):
    room = await ann.create_group()
    hold = server.store.hold("commit")
    ids = [ann.send_request(**send(room)) for _ in range(31)]
    await hold.reached.wait()
    assert ann.wire.reading
    ids.append(ann.send_request(**send(room)))
    assert not ann.wire.reading
    ids.append(ann.send_request(**send(room)))  # what was buffered already is handled all the same
    hold.release()
    await server.wait_idle()
    assert ann.wire.reading
    assert [ann.reply(id)["seq"] for id in ids] == list(range(2, 35))


async def test_fire_and_forget_lands_too(server, ann):
    room = await ann.create_group()
    for _ in range(100):
        ann.send_packets({"type": "typing", "room": room})
        ann.send_packets({"type": "read", "room": room, "seq": 1})
    await server.wait_idle()
    assert ann.wire.reading


async def test_a_slow_reader_lags_and_is_told_where_its_rooms_are(server, ann):
    room = await ann.create_group("bob")
    bob = await server.connect("bob")
    bob.wire.clog(bob.session, 300_000)
    for _ in range(3):
        await ann.send(room)
    assert bob.take() == []
    bob.wire.clear(bob.session)
    assert bob.take() == [{"type": "head", "rooms": [{"room": room, "seq": 4, "ordinal": 3}]}]
    await ann.send(room)
    assert [push["type"] for push in bob.take()] == ["event"]


async def test_nothing_is_read_from_a_lagging_client_until_it_caught_up(server, ann):
    room = await ann.create_group("bob")
    bob = await server.connect("bob")
    bob.wire.clog(bob.session, 300_000)
    assert bob.wire.reading
    await ann.send(room)
    assert not bob.wire.reading
    assert server.app.counters.slow_consumers["lagging"] == 1
    bob.wire.clear(bob.session)
    assert bob.wire.reading


async def test_an_answer_that_comes_meanwhile_changes_nothing_about_it(server, ann):
    room = await ann.create_group()
    hold = server.store.hold("commit")
    for _ in range(32):
        ann.send_request(**send(room))
    await hold.reached.wait()
    ann.wire.clog(ann.session, 300_000)
    ann.session.push(PingPush())
    hold.release()
    await server.wait_idle()  # fewer than 32 are under way now, which alone would be a reason to read
    assert not ann.wire.reading
    ann.wire.clear(ann.session)
    assert ann.wire.reading


async def test_a_lagging_client_gets_no_reply_that_must_be_read_until_it_caught_up(server, ann):
    room = await ann.create_group()
    ann.wire.take()
    ann.wire.clog(ann.session, 300_000)
    # One frame: the first reply lets the connection lag, so the second is not even looked up.
    ann.send_packets(*({"type": "log", "id": 900 + place, "room": room, "from": 1} for place in range(2)))
    await server.wait_idle()
    assert ann.session.outbox.lagging
    ann.wire.clear(ann.session)
    assert [reply["id"] for reply in ann.take("ok")] == [900]
    await server.wait_idle()
    assert [reply["id"] for reply in ann.take("ok")] == [901]


async def test_replies_that_must_be_read_are_prepared_one_at_a_time(server, ann):
    room = await ann.create_group()
    hold = server.store.hold("log")
    ids = [ann.send_request(type="log", room=room, **{"from": 1}) for _ in range(3)]
    await hold.reached.wait()
    assert len(server.app.rate_limits.tasks) == 1
    hold.release()
    await server.wait_idle()
    assert [ann.reply(id)["type"] for id in ids] == ["ok"] * 3


async def test_what_waits_to_be_read_is_forgotten_with_the_connection(server, ann):
    room = await ann.create_group()
    hold = server.store.hold("log")
    for _ in range(3):
        ann.send_request(type="log", room=room, **{"from": 1})
    await hold.reached.wait()
    ann.hang_up()
    hold.release()
    await server.wait_idle()  # a request that was never begun and never ended would warn, which is an error
    assert not server.app.rate_limits.tasks


async def test_the_silence_of_a_lagging_client_does_not_end_it(server, ann):
    room = await ann.create_group("bob")
    bob = await server.connect("bob")
    bob.wire.clog(bob.session, 300_000)
    await ann.send(room)
    for _ in range(12):  # a minute in which the kernel takes a little now and then
        server.env.advance(5)
        bob.wire.buffered -= 10
        ann.send_packets({"type": "pong"})
    assert bob.wire.closed_with is None
    bob.wire.clear(bob.session)
    server.env.advance(29)
    assert bob.wire.closed_with is None


async def test_who_takes_too_little_is_dropped_without_a_bye(server, ann):
    room = await ann.create_group("bob")
    bob = await server.connect("bob")
    bob.wire.clog(bob.session, 1_048_570)
    await ann.request(type="members.remove", room=room, key=new_key(), users=["bob"])
    assert bob.wire.closed_with == (4002, "slow")
    assert bob.wire.aborted
    assert server.app.hub.of("bob") == []
    assert server.app.counters.slow_consumers["overflow"] == 1


async def test_who_takes_nothing_for_long_is_dropped(server):
    bob = await server.connect("bob")
    bob.wire.clog(bob.session, 70_000)
    for _ in range(4):
        server.env.advance(7)
        bob.send_packets({"type": "pong"})
    assert bob.wire.closed_with is None
    for _ in range(4):
        server.env.advance(7)
        if bob.wire.closed_with is None:
            bob.send_packets({"type": "pong"})
    assert (bob.wire.closed_with, bob.wire.aborted) == ((4002, "slow"), True)

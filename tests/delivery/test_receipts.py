from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from chatd.config.model import Privacy
from tests.kit.inprocess import InProcessServer, in_process, new_key


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcessServer]:
    async with in_process(
        tmp_path, rates={"enabled": False}, delivery={"receipts_members": 3, "delivered_members": 3}
    ) as server:
        yield server


@pytest.fixture
async def ann(server):
    return await server.connect("ann")


@pytest.fixture
async def bob(server):
    return await server.connect("bob")


@pytest.fixture
async def pair(ann, bob):
    """A direct room of ann and bob with three messages of ann and one of bob."""
    room = (await ann.request(type="room.direct", user="bob"))["summary"]["room"]
    for _ in range(3):
        await ann.send(room)
    await bob.send(room)
    ann.wire.take()
    bob.wire.take()
    return room


async def focused_group(*clients):
    """A group everybody looks at, with one message."""
    first, *others = clients
    room = await first.create_group(*(client.session.user for client in others))
    for client in clients:
        await client.request(type="focus", rooms=[room])
    await first.send(room)
    for client in clients:
        client.wire.take()
    return room


async def test_a_moved_watermark_is_pushed_to_the_peer_after_the_interval(server, ann, bob, pair):
    await bob.request(type="read", room=pair, seq=2)
    await server.advance(0.9)
    assert ann.take("receipts") == []
    await server.advance(0.2)
    assert ann.take() == [
        {"type": "receipts", "room": pair, "receipts": [{"user": "bob", "read": 2, "delivered": 2}]}
    ]


async def test_moves_within_the_interval_are_pushed_once_with_the_last_position(server, ann, bob, pair):
    for seq in (2, 3, 4):
        await bob.request(type="read", room=pair, seq=seq)
    await server.advance(1)
    (push,) = ann.take("receipts")
    assert push["receipts"] == [{"user": "bob", "read": 4, "delivered": 4}]


async def test_the_next_interval_begins_with_the_next_move(server, ann, bob, pair):
    await bob.request(type="read", room=pair, seq=2)
    await server.advance(0.6)
    await bob.request(type="read", room=pair, seq=3)
    await server.advance(0.4)
    assert len(ann.take("receipts")) == 1
    await server.advance(0.1)
    await bob.request(type="read", room=pair, seq=4)
    await server.advance(0.9)
    assert ann.take("receipts") == []
    await server.advance(0.1)
    assert len(ann.take("receipts")) == 1


async def test_nobody_gets_their_own(server, ann, bob, pair):
    other = await server.connect("bob", device=2)
    await bob.request(type="read", room=pair, seq=2)
    await server.advance(1)
    assert bob.take("receipts") == other.take("receipts") == []


async def test_two_who_read_get_each_others_receipt(server, ann, bob, pair):
    await bob.send(pair)
    await ann.request(type="read", room=pair, seq=5)
    await bob.request(type="read", room=pair, seq=4)
    await server.advance(1)
    assert [[row["user"] for row in push["receipts"]] for push in ann.take("receipts")] == [["bob"]]
    assert [[row["user"] for row in push["receipts"]] for push in bob.take("receipts")] == [["ann"]]


async def test_delivered_is_pushed_without_a_read_position(server, ann, bob, pair):
    bob.send_packets({"type": "delivered", "rooms": [{"room": pair, "seq": 4}]})
    await server.wait_idle()
    await server.advance(1)
    (push,) = ann.take("receipts")
    assert push["receipts"] == [{"user": "bob", "delivered": 4}]


@pytest.fixture
async def letter(ann, bob):
    """A direct room in which ann has written and bob has not, which ann looks at."""
    room = (await ann.request(type="room.direct", user="bob"))["summary"]["room"]
    await ann.send(room)
    ann.wire.take()
    return room


async def marks_seen(client, room):
    """Everything `client` can find out about how far others got in a room, that of the pushes included."""
    focus = (await client.request(type="focus", rooms=[room]))["rooms"][0].get("receipts", [])
    readers = (await client.request(type="readers", room=room, seq=1))["readers"]
    summary = (await client.request(type="room.get", room=room))["summary"]
    warm = await client.request(type="sync")
    listed = next(one for one in warm["rooms"] if one["room"] == room)
    marks = [one.get(key, 0) for one in (summary, listed) for key in ("peer_read", "peer_delivered")]
    return [row for row in (*focus, *readers) if row["user"] != client.session.user], marks


async def test_whom_nobody_answered_sees_no_marks_and_then_all(server, ann, bob, letter):
    await bob.request(type="read", room=letter, seq=2)
    await server.advance(1)
    assert await marks_seen(ann, letter) == ([], [0, 0, 0, 0])
    assert ann.take("receipts", "room") == []
    await bob.send(letter)
    (push,) = ann.take("room")  # what both know now, before anything else moves
    assert (push["summary"]["peer_read"], push["summary"]["peer_delivered"]) == (2, 2)
    rows, marks = await marks_seen(ann, letter)
    assert [row["user"] for row in rows] == ["bob", "bob"]
    assert marks == [2, 2, 2, 2]
    await bob.request(type="read", room=letter, seq=3)
    await server.advance(1)
    assert [push["receipts"][0]["read"] for push in ann.take("receipts")] == [3]
    await bob.send(letter)
    assert ann.take("room") == []


async def test_an_answer_counts_when_it_is_on_the_disk(server, ann, bob, letter):
    await bob.request(type="read", room=letter, seq=2)
    hold = server.store.hold("commit")
    bob.send_request(type="send", room=letter, key=new_key(), body={"text": "hello"})
    await hold.reached.wait()
    server.env.advance(1)
    assert ann.take("receipts") == []
    id = ann.send_request(type="focus", rooms=[letter])
    assert "receipts" not in (await ann.answer(id))["rooms"][0]
    hold.release()
    await server.wait_idle()
    assert len((await ann.request(type="focus", rooms=[letter]))["rooms"][0]["receipts"]) == 1


@pytest.mark.parametrize(("shown_to", "seen"), [("members", True), ("nobody", False)])
async def test_the_operator_says_who_sees_marks(server, ann, bob, pair, shown_to, seen):
    """A reload changes it: here of a room in which both have written, and of one in which nobody has."""
    quiet = (await ann.request(type="room.direct", user="carol"))["summary"]["room"]
    carol, group = await server.connect("carol"), await focused_group(ann, bob)
    server.app.reconfigure(replace(server.config, privacy=Privacy(shown_to=shown_to)))
    for client, room in ((bob, pair), (carol, quiet), (bob, group)):
        await client.request(type="read", room=room, seq=1)
    await ann.request(type="focus", rooms=[group])
    await server.advance(1)
    told = {push["room"] for push in ann.take("receipts")}
    assert told == ({pair, quiet, group} if seen else set())
    for room in (pair, quiet):
        rows, marks = await marks_seen(ann, room)
        assert (bool(rows), marks) == (seen, [1, 1, 1, 1] if seen else [0, 0, 0, 0])


async def test_in_a_group_only_those_who_focus_get_receipts(server, ann, bob):
    cat = await server.connect("cat")
    room = await focused_group(ann, bob, cat)
    await cat.request(type="focus", rooms=[])
    cat.wire.take()
    await bob.request(type="read", room=room, seq=2)
    await server.advance(1)
    assert [push["receipts"][0]["user"] for push in ann.take("receipts")] == ["bob"]
    assert cat.take("receipts") == []


async def test_a_group_above_the_limit_gets_no_receipts(server, ann, bob):
    cat, dan = await server.connect("cat"), await server.connect("dan")
    room = await focused_group(ann, bob, cat, dan)
    await bob.request(type="read", room=room, seq=2)
    await server.advance(1)
    assert ann.take("receipts") == []


async def test_a_sleeping_phone_is_not_woken(server, ann, bob, pair):
    await ann.request(type="mode", mode="background")
    await bob.request(type="read", room=pair, seq=2)
    await server.advance(1)
    assert ann.take("receipts") == []


@pytest.mark.parametrize("hiding", ["ann", "bob"])
async def test_who_hides_receipts_shows_and_sees_none(server, ann, bob, pair, hiding):
    await {"ann": ann, "bob": bob}[hiding].request(type="preferences", receipts=False)
    await bob.request(type="read", room=pair, seq=2)
    await server.advance(1)
    assert ann.take("receipts") == []


async def test_who_hides_them_within_the_interval_is_not_told_of(server, ann, bob, pair):
    await bob.request(type="read", room=pair, seq=2)
    await bob.request(type="preferences", receipts=False)
    await server.advance(1)
    assert ann.take("receipts") == []


async def test_who_left_within_the_interval_is_not_told_of(server, ann, bob):
    room = await focused_group(ann, bob)
    await bob.request(type="read", room=room, seq=2)
    await bob.request(type="room.leave", room=room, key=new_key())
    await server.advance(1)
    assert ann.take("receipts") == []


async def test_a_room_everybody_left_costs_nothing(server, ann, bob, pair):
    await bob.request(type="read", room=pair, seq=2)
    ann.hang_up()
    bob.hang_up()
    await server.advance(1)


async def test_receipts_are_dropped_for_a_slow_reader(server, ann, bob, pair):
    ann.wire.clog(ann.session, 66_000)
    await bob.request(type="read", room=pair, seq=2)
    await server.advance(1)
    ann.wire.clear(ann.session)
    assert ann.take("receipts") == []

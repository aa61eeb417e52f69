"""Read and delivered marks, typing, focus, watch."""

import asyncio

import pytest

from chatd.client import (
    MessageAdded,
    Phase,
    PresenceChanged,
    ReceiptsChanged,
    StateChanged,
    TypingStarted,
    TypingStopped,
)
from tests.kit.waiting import until

ROOM = {"room": "r", "seq": 10, "first_visible": 11, "ordinal": 10, "unread": 5, "peer": "bob"}


def text(seq, user="bob", **more):
    return {"seq": seq, "kind": "message", "user": user, "time": seq, "ordinal": seq, "body": {}, **more}


async def reconnected(server, env, changes):
    await changes.until(StateChanged, phase=Phase.BACKOFF)
    env.advance(60)
    peer = await server.accept()
    await peer.welcome(rooms=[ROOM])
    return peer


async def test_a_read_mark_goes_at_once_and_the_answer_sets_the_numbers(connected):
    client, peer = await connected(rooms=[ROOM])
    client.room("r").read(8)
    read = await peer.expect("read")
    assert (read["room"], read["seq"], client.room("r").read_to) == ("r", 8, 8)
    await peer.ok(read, read=8, unread=2, unread_mentions=1)
    await until(lambda: client.room("r").unread == 2)


async def test_further_marks_wait_two_seconds_and_only_the_last_goes(connected, env):
    client, peer = await connected(rooms=[ROOM])
    for seq in (6, 7, 8):
        client.room("r").read(seq)
    assert (await peer.expect("read"))["seq"] == 6
    env.advance(1.9)
    await peer.barrier()
    env.advance(0.1)
    assert (await peer.expect("read"))["seq"] == 8


async def test_marks_never_go_back(connected):
    client, peer = await connected(rooms=[{**ROOM, "read": 9}])
    client.room("r").read(9)
    client.room("r").read(3)
    await peer.barrier()


async def test_without_a_number_everything_applied_is_read(connected):
    client, peer = await connected(rooms=[ROOM])
    await peer.push({"type": "event", "room": "r", "events": [text(11)]})
    await peer.barrier()
    client.room("r").read()
    assert (await peer.expect("read"))["seq"] == 11
    assert client.room("r").unread == 0


async def test_a_mark_made_while_away_or_lost_with_the_line_is_sent_again(connected, server, env, watch):
    client, peer = await connected(rooms=[ROOM])
    changes = watch(client)
    client.room("r").read(8)
    await peer.expect("read")
    peer.cut()
    peer = await reconnected(server, env, changes)
    assert (await peer.expect("read"))["seq"] == 8


async def test_a_mark_refused_for_now_is_sent_again_later(connected, env):
    client, peer = await connected(rooms=[ROOM])
    client.room("r").read(8)
    await peer.refuse(await peer.expect("read"), "overloaded", "later")
    await peer.barrier()
    env.advance(2)
    assert (await peer.expect("read"))["seq"] == 8


async def test_a_mark_refused_for_longer_waits_as_long_as_it_is_told(connected, env):
    client, peer = await connected(rooms=[ROOM])
    client.room("r").read(8)
    await peer.refuse(await peer.expect("read"), "rate_limited", "later", retry_after=9000)
    await peer.barrier()
    client.room("r").read(9)
    env.advance(8.9)
    await peer.barrier()
    env.advance(0.1)
    assert (await peer.expect("read"))["seq"] == 9


async def test_messages_of_others_in_small_rooms_are_confirmed_at_most_every_five_seconds(connected, env):
    rooms = [
        ROOM,
        {"room": "big", "seq": 1, "first_visible": 2, "members": 33},
        {"room": "small", "seq": 1, "first_visible": 2, "members": 32},
    ]
    _, peer = await connected(rooms=rooms, delivered=True)
    await peer.push({"type": "event", "room": "r", "events": [text(11)]})
    assert await peer.expect("delivered") == {"type": "delivered", "rooms": [{"room": "r", "seq": 11}]}
    await peer.push(
        {"type": "event", "room": "r", "events": [text(12), text(13, "me")]},
        {"type": "event", "room": "big", "events": [text(2)]},
        {"type": "event", "room": "small", "events": [text(2)]},
    )
    await peer.barrier()
    env.advance(5)
    delivered = await peer.expect("delivered")
    assert delivered["rooms"] == [{"room": "r", "seq": 12}, {"room": "small", "seq": 2}]


async def test_typing_is_said_at_most_every_three_seconds(connected, env):
    client, peer = await connected(rooms=[ROOM])
    for _ in range(3):
        client.room("r").typing()
    assert await peer.next() == {"type": "typing", "room": "r"}
    await peer.barrier()
    env.advance(3)
    client.room("r").typing()
    assert await peer.next() == {"type": "typing", "room": "r"}


async def test_recording_is_said_as_such(connected, env):
    client, peer = await connected(rooms=[ROOM])
    client.room("r").typing("voice")
    assert await peer.next() == {"type": "typing", "room": "r", "what": "voice"}


async def test_a_heard_note_is_said(connected):
    client, peer = await connected(rooms=[ROOM])
    heard = asyncio.ensure_future(client.room("r").played(5))
    asked = await peer.next()
    assert (asked["type"], asked["room"], asked["seq"]) == ("played", "r", 5)
    await peer.push({"type": "ok", "id": asked["id"]})
    await heard


async def test_typing_while_away_is_not_said_later(connected, server, env, watch):
    client, peer = await connected(rooms=[ROOM])
    changes = watch(client)
    peer.cut()
    await changes.until(StateChanged, phase=Phase.BACKOFF)
    client.room("r").typing()
    env.advance(60)
    peer = await server.welcome()
    await peer.barrier()


async def test_others_that_type_are_shown_until_their_message_comes(connected):
    client, peer = await connected(rooms=[ROOM])
    changes = []
    client.subscribe(changes.append)
    await peer.push({"type": "typing", "room": "r", "user": "bob"})
    await peer.barrier()
    assert client.room("r").typists == ["bob"]
    await peer.push({"type": "event", "room": "r", "events": [text(11)]})
    await peer.barrier()
    assert [type(change) for change in changes] == [TypingStarted, MessageAdded, TypingStopped]
    assert client.room("r").typists == []


async def test_a_note_that_is_spoken_is_shown_until_it_is_over_or_nothing_more_is_heard_of_it(connected, env):
    client, peer = await connected(rooms=[ROOM])
    changes = []
    client.subscribe(changes.append)

    async def hear(state, file="a-file"):
        await peer.push({"type": "voice", "room": "r", "user": "bob", "file": file, "state": state})
        await peer.barrier()

    await hear("live")
    env.advance(10)
    await hear("live")
    env.advance(10)
    assert client.room("r").live_notes == {"bob": "a-file"}
    await hear("done")
    assert client.room("r").live_notes == {}
    # It ended before the client heard of it.
    await hear("done", "an-old-file")
    await hear("live", "another")
    env.advance(12)
    assert client.room("r").live_notes == {}
    assert [(change.file, change.state) for change in changes] == [
        ("a-file", "live"),
        ("a-file", "done"),
        ("another", "live"),
        ("another", "cut"),
    ]


async def test_focus_brings_heads_and_receipts_and_is_said_again(connected, server, env, watch):
    client, peer = await connected(rooms=[ROOM])
    changes = watch(client)
    client.focus(["r"])
    focus = await peer.expect("focus")
    assert focus["rooms"] == ["r"]
    await peer.ok(focus, rooms=[{"room": "r", "seq": 10, "receipts": [{"user": "ann", "read": 9}]}])
    await changes.until(ReceiptsChanged, users=("ann",))
    peer.cut()
    await changes.until(StateChanged, phase=Phase.BACKOFF)
    env.advance(60)
    peer = await server.accept()
    hello = await peer.welcome(rooms=[ROOM])
    assert hello["focus"] == ["r"]
    assert (await peer.expect("focus"))["rooms"] == ["r"]


async def test_a_refused_focus_is_logged(connected, caplog):
    client, peer = await connected(rooms=[ROOM])
    client.focus(["unknown"])
    await peer.refuse(await peer.expect("focus"), "not_member", "never")
    await peer.barrier()
    assert "focus was refused" in caplog.text


@pytest.mark.parametrize(("kind", "named"), [("focus", "rooms"), ("watch", "users")])
async def test_what_is_refused_for_now_is_said_again_as_it_is_by_then(connected, env, kind, named):
    client, peer = await connected()
    say = getattr(client, kind)
    say(["a"])
    await peer.refuse(await peer.expect(kind), "rate_limited", "later", retry_after=3000)
    await peer.barrier()
    assert 3 in env.delays
    say(["b"])
    await peer.ok(await peer.expect(kind), **{named: []})
    env.advance(3)
    assert (await peer.expect(kind))[named] == ["b"]


async def test_what_was_refused_for_now_is_not_said_on_the_next_connection(connected, server, env, watch):
    client, peer = await connected()
    changes = watch(client)
    client.watch(["bob"])
    await peer.refuse(await peer.expect("watch"), "rate_limited", "later", retry_after=600_000)
    await peer.barrier()
    peer.cut()
    await changes.until(StateChanged, phase=Phase.BACKOFF)
    assert 600 not in env.delays


async def test_watched_users_are_known_and_watched_again(connected, server, env, watch):
    client, peer = await connected(rooms=[ROOM])
    changes = watch(client)
    client.watch(["bob"])
    asked = await peer.expect("watch")
    assert asked["users"] == ["bob"]
    await peer.ok(asked, users=[{"user": "bob", "state": "online"}])
    assert await changes.until(PresenceChanged) == PresenceChanged("bob", "online")
    assert client.presence["bob"].state == "online"
    peer.cut()
    peer = await reconnected(server, env, changes)
    assert (await peer.expect("watch"))["users"] == ["bob"]

"""Sending through drops, refusals and restarts."""

import asyncio

import pytest

from chatd.client import (
    Closed,
    FileStorage,
    MemoryStorage,
    MessageAdded,
    OutboxFull,
    Phase,
    SendDelayed,
    SendDone,
    SendFailed,
    State,
    StateChanged,
    TooLarge,
)
from chatd.client.core.errors import Forbidden
from chatd.client.core.records import Record

ROOM = {"room": "r", "seq": 10, "first_visible": 11, "ordinal": 5}


async def reconnected(server, env, watch, **welcome):
    """The next connection after a drop, its hello answered."""
    await watch.until(StateChanged, phase=Phase.BACKOFF)
    env.advance(60)
    peer = await server.accept()
    await peer.welcome(**welcome)
    return peer


async def acked(peer, request, seq, **more):
    await peer.ok(request, seq=seq, ordinal=seq - 5, time=1000 + seq, **more)


# --- the plain way


async def test_a_send_returns_when_the_server_has_it(connected, env):
    client, peer = await connected(rooms=[ROOM])
    sending = asyncio.create_task(client.room("r").send("Hi"))
    send = await peer.expect("send")
    assert (send["room"], send["body"], send["composed_at"]) == ("r", {"text": "Hi"}, env.time_ms())
    await acked(peer, send, 11)
    receipt = await sending
    assert (receipt.seq, receipt.ordinal, receipt.time, receipt.duplicate) == (11, 6, 1011, False)
    assert receipt.key == send["key"]
    assert client.outbox == []


async def test_an_acknowledged_send_is_a_message_of_the_room(connected, watch):
    client, peer = await connected(rooms=[ROOM])
    changes = watch(client)
    key = await client.room("r").post("Hi")
    await acked(peer, await peer.expect("send"), 11)
    added = await changes.until(MessageAdded, room="r")
    assert (added.message.seq, added.message.key, added.message.user) == (11, key, "me")
    assert await changes.until(SendDone, key=key) == SendDone("r", key, 11)
    assert client.room("r").messages[11].text == "Hi"


async def test_a_post_returns_at_once_and_goes_when_it_can(server, client_of):
    client = client_of(server)
    await client.start()
    key = await client.room("r").post("offline")
    assert [entry.state for entry in client.outbox] == [State.QUEUED]
    peer = await server.accept()
    assert await peer.expect("hello")
    assert (await peer.expect("send"))["key"] == key


async def test_the_outbox_is_sent_behind_the_hello_without_waiting(connected, server, env, watch):
    client, peer = await connected(rooms=[ROOM])
    changes = watch(client)
    peer.cut()
    await changes.until(StateChanged, phase=Phase.BACKOFF)
    small, big = await client.room("r").post("a"), await client.room("b").post("x" * 9000)
    env.advance(60)
    peer = await server.accept()
    hello, send = await peer.expect("hello"), await peer.expect("send")
    assert send["key"] == small
    await peer.welcome(hello)
    assert (await peer.expect("send"))["key"] == big


async def test_waiting_posts_go_as_one_batch_in_their_order(connected):
    client, peer = await connected(rooms=[ROOM])
    room = client.room("r")
    first = await room.post("0")
    sends = await peer.frame()
    keys = [await room.post(str(number)) for number in range(1, 4)]
    assert [send["key"] for send in sends] == [first]
    await acked(peer, sends[0], 11)
    assert [send["key"] for send in await peer.frame()] == keys


async def test_silent_messages_and_whole_bodies_are_sent_as_they_are(connected):
    client, peer = await connected(rooms=[ROOM])
    await client.room("r").post({"text": "a", "reply_to": 3}, silent=True, composed_at=7)
    send = await peer.expect("send")
    assert (send["body"], send["silent"], send["composed_at"]) == ({"text": "a", "reply_to": 3}, True, 7)


async def test_edits_recalls_reactions_and_pins_wait_for_their_ack(connected):
    client, peer = await connected(rooms=[ROOM])
    room = client.room("r")
    wanted = [
        (room.edit(3, "new"), "edit", {"target": 3, "body": {"text": "new"}}),
        (room.recall(3), "recall", {"target": 3}),
        (room.react(3, "\u2764"), "react", {"target": 3, "emoji": "\u2764\ufe0f", "set": True}),
        (room.pin(3, pinned=False), "pin", {"target": 3, "set": False}),
    ]
    for number, (writing, kind, fields) in enumerate(wanted):
        task = asyncio.create_task(writing)
        request = await peer.expect(kind)
        assert {name: request[name] for name in fields} == fields
        await peer.ok(request, seq=11 + number, time=1)
        assert (await task).seq == 11 + number
    assert room.applied == 14


async def test_a_reaction_in_a_large_room_is_known_as_own_without_an_event(connected):
    client, peer = await connected(rooms=[ROOM])
    await peer.push({"type": "event", "room": "r", "events": [message(11)]})
    reacting = asyncio.create_task(client.room("r").react(11, "x"))
    await peer.ok(await peer.expect("react"), time=1)
    assert (await reacting).seq == 0
    assert client.room("r").messages[11].mine == {"x"}


def message(seq, user="bob", **more):
    return {
        "seq": seq,
        "kind": "message",
        "user": user,
        "time": seq,
        "ordinal": seq,
        "body": {"text": "t"},
        **more,
    }


# --- drops


async def test_after_a_drop_the_same_key_is_sent_again(connected, server, env, watch):
    client, peer = await connected(rooms=[ROOM])
    changes = watch(client)
    sending = asyncio.create_task(client.room("r").send("Hi"))
    key = (await peer.expect("send"))["key"]
    peer.cut()
    peer = await reconnected(server, env, changes)
    again = await peer.expect("send")
    assert again["key"] == key
    await acked(peer, again, 11, duplicate=True)
    assert (await sending).duplicate


async def test_an_own_event_in_the_sync_is_the_ack_that_was_lost(connected, server, env, watch):
    client, peer = await connected(rooms=[ROOM])
    changes = watch(client)
    sending = asyncio.create_task(client.room("r").send("Hi"))
    key = (await peer.expect("send"))["key"]
    peer.cut()
    summary = {"room": "r", "seq": 12, "events": [message(11, "me", key=key), message(12)]}
    await reconnected(server, env, changes, rooms=[summary])
    assert (await sending).seq == 11
    assert client.outbox == []


async def test_an_own_event_is_matched_even_behind_a_hole(connected):
    client, peer = await connected(rooms=[ROOM])
    await peer.push({"type": "event", "room": "r", "events": [message(11)]})
    sending = asyncio.create_task(client.room("r").send("Hi"))
    key = (await peer.expect("send"))["key"]
    await peer.push({"type": "event", "room": "r", "events": [message(20, "me", key=key)]})
    assert (await sending).seq == 20


async def test_an_unanswered_send_is_repeated_once_the_link_has_proved_alive(connected, env):
    client, peer = await connected(rooms=[ROOM])
    await client.room("r").post("Hi")
    first = await peer.expect("send")
    env.advance(10)
    await peer.ok(await peer.expect("ping"), time=1)
    second = await peer.expect("send")
    assert (second["key"], second["id"] != first["id"]) == (first["key"], True)


# --- refusals


async def test_a_final_refusal_is_raised_and_leaves_nothing(connected):
    client, peer = await connected(rooms=[ROOM])
    sending = asyncio.create_task(client.room("r").send("Hi"))
    await peer.refuse(await peer.expect("send"), "forbidden", "never")
    with pytest.raises(Forbidden):
        await sending
    assert client.outbox == []


async def test_a_refused_post_stays_to_be_resent_with_its_key_or_discarded(connected, watch):
    client, peer = await connected(rooms=[ROOM])
    changes = watch(client)
    key = await client.room("r").post("Hi")
    await peer.refuse(await peer.expect("send"), "forbidden", "never")
    failed = await changes.until(SendFailed, key=key)
    assert isinstance(failed.error, Forbidden)
    assert [entry.state for entry in client.outbox] == [State.FAILED]
    assert client.resend(key)
    again = await peer.expect("send")
    assert again["key"] == key
    assert not client.discard(key)
    await peer.refuse(again, "forbidden", "never")
    await changes.until(SendFailed, key=key)
    assert client.discard(key)
    assert not client.resend(key)


async def test_a_refusal_for_now_is_told_and_tried_again_in_time(connected, env, watch):
    client, peer = await connected(rooms=[ROOM])
    changes = watch(client)
    key = await client.room("r").post("Hi")
    await peer.refuse(await peer.expect("send"), "rate_limited", "later", retry_after=2500, scope="user")
    assert (await changes.until(SendDelayed)).key == key
    env.advance(2.4)
    await peer.barrier()
    env.advance(0.1)
    assert (await peer.expect("send"))["key"] == key


async def test_an_aborted_batch_is_sent_again_in_its_order(connected, env, watch):
    client, peer = await connected(rooms=[ROOM])
    changes = watch(client)
    room = client.room("r")
    keys = await asyncio.gather(*(room.post(str(number)) for number in range(3)))
    frame = await peer.frame()
    if len(frame) == 1:  # the first went before the others were made
        await acked(peer, frame[0], 11)
        frame, keys = await peer.frame(), keys[1:]
    await peer.refuse(frame[0], "overloaded", "later", retry_after=100)
    for send in frame[1:]:
        await peer.refuse(send, "aborted", "later", retry_after=0)
    await changes.until(SendDelayed, key=keys[-1])
    env.advance(0.1)
    assert [send["key"] for send in await peer.frame()] == keys


# --- before anything is sent


async def test_what_fits_no_frame_is_refused_at_once(connected):
    client, peer = await connected(rooms=[ROOM])
    with pytest.raises(TooLarge):
        await client.room("r").post("x" * 70_000)
    assert client.outbox == []
    await peer.barrier()


DEEP = [[[[[[[[[[[[[[[]]]]]]]]]]]]]]]  # 15 levels, in a body in a packet


@pytest.mark.parametrize(
    "body",
    [
        {"text": "ok? \ud83d"},
        *({"data": data} for data in (object(), float("nan"), float("inf"), 2**53, -(10**30), {1: 2}, DEEP)),
    ],
)
async def test_what_no_server_takes_is_refused_at_once(connected, body):
    client, peer = await connected(rooms=[ROOM])
    with pytest.raises((TypeError, ValueError)):
        await client.room("r").post(body)
    assert client.outbox == []
    await peer.barrier()


async def test_a_full_outbox_says_so(server, client_of):
    client = client_of(server, outbox_max=1)
    await client.start()
    await client.room("r").post("1")
    with pytest.raises(OutboxFull):
        await client.room("r").post("2")


async def test_what_the_server_allows_no_more_is_failed(server, client_of, watch):
    client = client_of(server)
    changes = watch(client)
    await client.start()
    key = await client.room("r").post("x" * 9000)
    await (await server.accept()).welcome(limits={"frame_bytes": 8192})
    assert (await changes.until(SendFailed)).key == key


class SlowStorage(MemoryStorage):
    """A storage that saves records of a table when a test says so."""

    def __init__(self, table="outbox"):
        super().__init__()
        self.table = table
        self.saving, self.saved = asyncio.Event(), asyncio.Event()

    async def save(self, records):
        if any(record.table == self.table for record in records):
            self.saving.set()
            await self.saved.wait()
        await super().save(records)


async def test_nothing_is_sent_before_it_is_stored(connected):
    storage = SlowStorage()
    client, peer = await connected(rooms=[ROOM], storage=storage)
    posting = asyncio.create_task(client.room("r").post("Hi"))
    await storage.saving.wait()
    await peer.barrier()
    storage.saved.set()
    assert (await peer.expect("send"))["key"] == await posting


async def test_a_post_given_up_before_it_is_stored_is_never_sent(connected):
    storage = SlowStorage()
    client, peer = await connected(rooms=[ROOM], storage=storage)
    posting = asyncio.create_task(client.room("r").post("Hi"))
    await storage.saving.wait()
    posting.cancel()
    await asyncio.gather(posting, return_exceptions=True)
    await peer.barrier()
    assert client.outbox == []
    assert not (await storage.load()).get("outbox")


async def test_giving_up_the_waiting_does_not_give_up_the_sending(connected):
    client, peer = await connected(rooms=[ROOM])
    sending = asyncio.create_task(client.room("r").send("Hi"))
    send = await peer.expect("send")
    sending.cancel()
    await acked(peer, send, 11)
    await peer.barrier()
    assert client.room("r").messages[11].text == "Hi"


async def test_a_stop_ends_the_waiting_and_keeps_the_entry(connected):
    client, peer = await connected(rooms=[ROOM])
    sending = asyncio.create_task(client.room("r").send("Hi"))
    await peer.expect("send")
    await peer.bye(4201, "revoked")
    with pytest.raises(Closed, match="revoked"):
        await sending
    assert [entry.state for entry in client.outbox] == [State.QUEUED]
    with pytest.raises(Closed):
        await client.room("r").send("again")


# --- restarts


async def test_the_device_is_stored_before_the_first_hello(server, client_of, env):
    storage = SlowStorage("account")
    client = client_of(server, storage=storage)
    starting = asyncio.create_task(client.start())
    await storage.saving.wait()
    await asyncio.sleep(0)
    assert client.phase is Phase.STOPPED
    storage.saved.set()
    await starting
    assert (await storage.load())["account"]["device"] == env.device()
    hello = await (await server.accept()).expect("hello")
    assert hello["device"] == env.device()


async def test_the_outbox_survives_the_process(server, client_of, env, tmp_path):
    first = client_of(server, storage=FileStorage(tmp_path / "chat"))
    await first.start()
    peer = await server.accept()
    await peer.welcome(rooms=[ROOM])
    await first.connect()
    keys = [await first.room("r").post(text) for text in "abc"]
    await peer.expect("send")
    await first.close()
    second = client_of(server, storage=FileStorage(tmp_path / "chat"))
    await second.start()
    assert [entry.key for entry in second.outbox] == keys
    peer = await server.accept()
    hello = await peer.expect("hello")
    assert (hello["cursor"], hello["device"]) == ("c1", env.device())
    assert [(await peer.expect("send"))["key"] for _ in keys] == keys


async def test_what_was_acknowledged_is_not_sent_after_a_restart(server, client_of):
    storage = MemoryStorage()
    first = client_of(server, storage=storage)
    await first.start()
    peer = await server.accept()
    await peer.welcome(rooms=[ROOM])
    sending = asyncio.create_task(first.room("r").send("Hi"))
    await acked(peer, await peer.expect("send"), 11)
    await sending
    await first.close()
    assert (await storage.load())["outbox"] == {}


async def test_a_failed_post_survives_with_its_error(server, client_of, watch):
    storage = MemoryStorage()
    first = client_of(server, storage=storage)
    changes = watch(first)
    await first.start()
    peer = await server.accept()
    await peer.welcome(rooms=[ROOM])
    await first.room("r").post("Hi")
    await peer.refuse(await peer.expect("send"), "forbidden", "never")
    await changes.until(SendFailed)
    await first.close()
    second = client_of(server, storage=storage)
    await second.start()
    assert [(entry.state, entry.error.name) for entry in second.outbox] == [(State.FAILED, "forbidden")]


async def test_an_unreadable_old_record_of_another_app_is_no_trouble(server, client_of):
    storage = MemoryStorage()
    storage.note([Record("future_table", "x", {"y": 1})])
    client = client_of(server, storage=storage)
    await client.start()
    await (await server.accept()).welcome()
    await client.connect()

"""The public interface."""

import asyncio

import pytest

from chatd.client import (
    ChangesMissed,
    Closed,
    MemoryStorage,
    MessageAdded,
    Overloaded,
    Phase,
    RoomChanged,
    StateChanged,
    Timing,
    Unreachable,
)
from tests.kit.waiting import until

ROOM = {"room": "r", "seq": 10, "first_visible": 11, "title": "Bikes"}


async def asked(peer, kind, calling, **reply):
    task = asyncio.create_task(calling)
    request = await peer.expect(kind)
    await peer.ok(request, **reply)
    return request, await task


async def test_a_direct_room_is_given_with_its_summary(connected):
    client, peer = await connected()
    opening = asyncio.create_task(client.direct("bob"))
    request = await peer.expect("room.direct")
    assert request["user"] == "bob"
    await peer.ok(request, summary={"room": "d1", "seq": 1, "peer": "bob"})
    created = {"seq": 1, "kind": "created", "user": "me", "time": 1, "users": ["bob", "me"]}
    await peer.ok(await peer.expect("log"), events=[created], seq=1)
    room = await opening
    assert (room.id, room.summary.peer) == ("d1", "bob")
    assert set(client.rooms) == {"d1"}
    sending = asyncio.create_task(room.send("Hi"))
    await peer.ok(await peer.expect("send"), seq=2, ordinal=1, time=2)
    assert room.messages[(await sending).seq].text == "Hi"


async def test_an_old_direct_room_is_given_without_its_past(connected):
    client, peer = await connected()
    _, room = await asked(peer, "room.direct", client.direct("bob"), summary={"room": "d1", "seq": 900})
    await peer.barrier()
    assert room.head == 900


async def test_a_group_is_made_once_whatever_happens(connected, server, env, watch):
    client, peer = await connected()
    changes = watch(client)
    creating = asyncio.create_task(client.create_group("Bikes", ["bob"], public=True))
    first = await peer.expect("room.create")
    assert (first["kind"], first["title"], first["users"], first["public"]) == (
        "group",
        "Bikes",
        ["bob"],
        True,
    )
    peer.cut()
    await changes.until(StateChanged, phase=Phase.BACKOFF)
    env.advance(60)
    peer = await server.accept()
    await peer.welcome()
    second = await peer.expect("room.create")
    assert second["key"] == first["key"]
    await peer.ok(second, summary=ROOM, duplicate=True)
    assert (await creating).summary.title == "Bikes"


async def test_joining_brings_the_summary(connected):
    client, peer = await connected()
    joining = asyncio.create_task(client.join("r"))
    await peer.ok(await peer.expect("room.join"), seq=10, time=1)
    await peer.ok(await peer.expect("room.get"), summary=ROOM)
    assert (await joining).summary.title == "Bikes"


@pytest.mark.parametrize(
    ("call", "kind", "fields", "reply", "result"),
    [
        (
            lambda c: c.fetch_users(["bob"]),
            "users.get",
            {"users": ["bob"], "versions": [0]},
            {"users": [{"user": "bob"}]},
            [{"user": "bob"}],
        ),
        (lambda c: c.devices(), "devices.list", {}, {"devices": [{"device": "d"}]}, [{"device": "d"}]),
        (lambda c: c.remove_device("d"), "devices.remove", {"device": "d"}, {}, None),
        (lambda c: c.register_push("fcm", "t"), "devices.push", {"platform": "fcm", "token": "t"}, {}, None),
        (
            lambda c: c.register_push("apns", "9f", app="a", environment="sandbox", keys=("B", "A")),
            "devices.push",
            {
                "platform": "apns",
                "token": "9f",
                "app": "a",
                "environment": "sandbox",
                "p256dh": "B",
                "auth": "A",
            },
            {},
            None,
        ),
        (
            lambda c: c.unregister_push("apns", purpose="voip"),
            "devices.push",
            {"platform": "apns", "token": "", "purpose": "voip"},
            {},
            None,
        ),
        (
            lambda c: c.set_push_preferences(groups="mentions"),
            "preferences",
            {"push": {"groups": "mentions"}},
            {},
            None,
        ),
        (lambda c: c.show_receipts(False), "preferences", {"receipts": False}, {}, None),
        (lambda c: c.show_presence(False), "preferences", {"presence": False}, {}, None),
    ],
)
async def test_account_requests_are_asked_as_documented(connected, call, kind, fields, reply, result):
    client, peer = await connected()
    request, answer = await asked(peer, kind, call(client), **reply)
    assert request == {"type": kind, "id": request["id"], **fields}
    assert answer == result


# --- calls


async def test_a_call_goes_on_over_a_new_connection(connected, server, env, watch):
    client, peer = await connected()
    changes = watch(client)
    calling = asyncio.create_task(client.call({"type": "ping"}))
    await peer.expect("ping")
    peer.cut()
    await changes.until(StateChanged, phase=Phase.BACKOFF)
    env.advance(60)
    peer = await server.accept()
    await peer.welcome()
    await peer.ok(await peer.expect("ping"), time=5)
    assert (await calling)["time"] == 5


async def test_a_call_refused_for_now_waits_and_repeats(connected, env):
    client, peer = await connected()
    calling = asyncio.create_task(client.call({"type": "users.get"}))
    await peer.refuse(await peer.expect("users.get"), "overloaded", "later", retry_after=300)
    await until(lambda: 0.3 in env.delays)
    env.advance(0.3)
    await peer.ok(await peer.expect("users.get"), users=[])
    await calling


async def test_a_call_told_to_wait_longer_than_it_may_raises_at_once(connected):
    client, peer = await connected()
    calling = asyncio.create_task(client.call({"type": "users.get"}, timeout=5))
    await peer.refuse(await peer.expect("users.get"), "overloaded", "later", retry_after=6000)
    with pytest.raises(Overloaded):
        await calling


async def test_a_call_without_an_answer_is_unreachable(connected):
    client, peer = await connected()
    with pytest.raises(Unreachable, match=r"no answer to users\.get"):
        await client.call({"type": "users.get"}, timeout=0.01)
    assert client.phase is Phase.READY
    await peer.expect("users.get")


async def test_a_call_of_a_client_that_was_never_started_is_refused(server, client_of):
    with pytest.raises(Closed, match="not started"):
        await client_of(server).call({"type": "ping"})


async def test_a_waiting_call_ends_with_the_client(connected, env, watch):
    client, peer = await connected()
    calling = asyncio.create_task(client.call({"type": "users.get"}))
    await peer.expect("users.get")
    await peer.bye(4201, "revoked")
    with pytest.raises(Closed, match="revoked"):
        await calling


async def test_looking_at_an_unknown_room_does_not_invent_it(connected):
    client, _ = await connected()
    room = client.room("unknown")
    assert (room.summary.title, room.unread, room.cached(), room.typists) == ("", 0, (), [])
    client.focus([room])
    assert client.rooms == {}


# --- what is kept


async def test_rooms_and_positions_of_the_last_run_are_there_before_any_connection(server, client_of):
    storage = MemoryStorage()
    first = client_of(server, storage=storage)
    await first.start()
    peer = await server.accept()
    await peer.welcome(rooms=[ROOM])
    event = {"seq": 11, "kind": "message", "user": "bob", "time": 1, "ordinal": 1, "body": {"text": "t"}}
    await peer.push({"type": "event", "room": "r", "events": [event]})
    await peer.push({"type": "ping", "cursor": "c2"})
    await peer.expect("pong")
    await first.close()
    second = client_of("ws://127.0.0.1:1/v1/ws", storage=storage)
    await second.start()
    room = second.rooms["r"]
    assert (room.summary.title, room.applied, room.unread, second.user) == ("Bikes", 11, 1, "me")
    assert (await storage.load())["account"]["cursor"] == "c2"


async def test_messages_missed_over_a_restart_are_told_exactly_once(server, client_of, watch):
    storage = MemoryStorage()
    first = client_of(server, storage=storage)
    await first.start()
    peer = await server.accept()
    await peer.welcome(rooms=[ROOM])
    await peer.push({"type": "event", "room": "r", "events": [message(11)]})
    await peer.barrier()
    await first.close()
    second = client_of(server, storage=storage, prefetch=True)
    changes = watch(second)
    await second.start()
    peer = await server.accept()
    await peer.welcome(rooms=[{**ROOM, "seq": 13, "events": [message(13)]}])
    log = await peer.expect("log")
    await peer.ok(log, events=[message(12), message(13)], seq=13)
    assert [(await changes.until(MessageAdded)).message.seq for _ in range(2)] == [12, 13]


def message(seq):
    return {"seq": seq, "kind": "message", "user": "bob", "time": 1, "ordinal": seq, "body": {"text": "t"}}


async def test_positions_are_stored_every_second(connected, env):
    storage = MemoryStorage()
    _, peer = await connected(rooms=[ROOM], storage=storage, timing=Timing())
    await peer.push({"type": "event", "room": "r", "events": [message(11)]})
    await peer.barrier()
    assert "rooms" not in await storage.load()
    env.advance(1)
    assert (await storage.load())["rooms"]["r"]["applied"] == 11


async def test_the_device_is_made_once_or_given(server, client_of, env):
    storage = MemoryStorage()
    made = client_of(server, storage=storage)
    await made.start()
    assert made.device == env.device()
    await made.close()
    given = client_of(server, storage=storage, device="given-device-0123456789")
    await given.start()
    assert given.device == "given-device-0123456789"
    await given.close()
    assert (await storage.load())["account"]["device"] == "given-device-0123456789"


async def test_a_new_epoch_forgets_positions_and_keeps_the_outbox(connected, server, env, watch):
    client, peer = await connected(rooms=[ROOM, {"room": "old", "seq": 1}])
    changes = watch(client)
    await peer.push({"type": "event", "room": "r", "events": [message(11)]})
    key = await client.room("r").post("Hi")
    await peer.expect("send")
    peer.cut()
    await changes.until(StateChanged, phase=Phase.BACKOFF)
    env.advance(60)
    peer = await server.accept()
    await peer.welcome(epoch="e2", rooms=[{**ROOM, "seq": 8}], sync={"full": True, "cursor": "c5"})
    assert (await peer.expect("send"))["key"] == key
    await peer.barrier()
    assert set(client.rooms) == {"r"}
    assert (client.room("r").head, client.room("r").messages) == (8, {})


# --- changes


async def test_a_subscriber_is_told_at_once_until_it_leaves(connected):
    client, peer = await connected()
    told = []
    leave = client.subscribe(told.append)
    await peer.push({"type": "room", "summary": ROOM})
    await peer.barrier()
    leave()
    await peer.push({"type": "room", "summary": ROOM})
    await peer.barrier()
    assert told == [RoomChanged("r")]


async def test_a_reader_that_sleeps_is_told_that_it_missed_something(connected):
    client, peer = await connected(changes_max=3)
    stream = client.changes()
    await peer.push(*[{"type": "room", "summary": ROOM}] * 8)
    await peer.barrier()
    assert isinstance(await anext(stream), ChangesMissed)

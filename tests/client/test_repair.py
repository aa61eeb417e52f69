"""Fetching missing events."""

import asyncio

from chatd.client import MessageAdded, Phase, RoomGone, StateChanged, TimelineReset
from tests.kit.waiting import until


def text(seq, **more):
    return {
        "seq": seq,
        "kind": "message",
        "user": "bob",
        "time": seq,
        "ordinal": seq,
        "body": {"text": str(seq)},
        **more,
    }


def events(*seqs, room="r"):
    return {"type": "event", "room": room, "events": [text(seq) for seq in seqs]}


def head(seq, room="r"):
    return {"type": "head", "rooms": [{"room": room, "seq": seq, "ordinal": seq}]}


async def told(changes, count):
    return [(await changes.until(MessageAdded)).message.seq for _ in range(count)]


# --- holes


async def test_a_hole_is_fetched_after_half_a_second(connected, env, watch):
    client, peer = await connected()
    changes = watch(client)
    await peer.push(events(1))
    await peer.push(events(4))
    await peer.barrier()
    env.advance(0.4)
    await peer.barrier()
    env.advance(0.1)
    log = await peer.expect("log")
    assert (log["room"], log["from"], log["to"]) == ("r", 2, 4)
    await peer.ok(log, events=[text(2), text(3)], next=4, seq=4)
    assert await told(changes, 4) == [1, 2, 3, 4]


async def test_a_hole_that_the_summary_told_of_is_fetched_at_once(connected, watch):
    client, peer = await connected(rooms=[{"room": "r", "seq": 1}])
    changes = watch(client)
    await peer.push(events(2))
    log = await peer.expect("log")
    assert (log["from"], log["to"]) == (1, 2)
    await peer.ok(log, events=[text(1), text(2)], seq=2)
    assert await told(changes, 2) == [1, 2]


async def test_a_hole_that_a_head_tells_of_is_fetched_at_once(connected):
    _, peer = await connected()
    await peer.push(events(1), events(4))
    await peer.barrier()
    await peer.push(head(4))
    assert (await peer.expect("log"))["from"] == 2


async def test_a_mutation_whose_event_is_not_known_is_fetched_at_once(connected):
    client, peer = await connected(rooms=[{"room": "r", "seq": 1, "first_visible": 2}])
    await peer.push(events(2))
    await peer.barrier()
    adding = asyncio.create_task(client.room("r").add(["ann"]))
    await peer.ok(await peer.expect("members.add"), seq=3, time=3)
    assert (await peer.expect("log"))["from"] == 3
    await adding


async def test_a_hole_that_closes_by_itself_is_not_fetched(connected, env):
    client, peer = await connected()
    await peer.push(events(1), events(3), events(2))
    await peer.barrier()
    env.advance(1)
    await peer.barrier()
    assert client.room("r").applied == 3


async def test_one_timer_is_enough_for_a_hole(connected, env):
    _, peer = await connected()
    await peer.push(events(1), events(3), events(4), events(5))
    await peer.barrier()
    env.advance(0.5)
    log = await peer.expect("log")
    await peer.ok(log, events=[text(2)], next=3, seq=5)
    env.advance(5)
    await peer.barrier()


async def test_cut_replies_are_continued(connected, env, watch):
    client, peer = await connected()
    changes = watch(client)
    await peer.push(events(1), events(9))
    await peer.barrier()
    env.advance(0.5)
    for first, last in ((2, 4), (5, 8)):
        log = await peer.expect("log")
        assert log["from"] == first
        await peer.ok(log, events=[text(seq) for seq in range(first, last + 1)], next=last + 1, seq=9)
    assert await told(changes, 9) == list(range(1, 10))


async def test_a_reset_jumps_and_asks_for_the_unread_number(connected, env, watch):
    client, peer = await connected()
    changes = watch(client)
    await peer.push(events(1), events(400))
    await peer.barrier()
    env.advance(0.5)
    await peer.ok(await peer.expect("log"), events=[], reset=True, log_floor=300, seq=400)
    history = await peer.expect("history")
    assert ("before" in history, history["limit"]) == (False, 50)
    await peer.ok(history, events=[text(399), text(400)], low=390, high=400, seq=400)
    await peer.ok(
        await peer.expect("room.get"), summary={"room": "r", "seq": 400, "ordinal": 400, "unread": 17}
    )
    await changes.until(TimelineReset, room="r")
    assert await told(changes, 1) == [400]
    await until(lambda: client.room("r").unread == 17)


async def test_a_repair_that_is_refused_leaves_the_others_going(connected, env, caplog):
    client, peer = await connected()
    await peer.push(events(1), events(3), events(1, room="q"), events(3, room="q"))
    await peer.barrier()
    env.advance(0.5)
    await peer.refuse(await peer.expect("log"), "not_member", "never")
    log = await peer.expect("log")
    assert log["room"] == "q"
    await peer.ok(log, events=[text(2)], next=3, seq=3)
    await until(lambda: client.room("q").applied == 3)
    assert "cannot be repaired" in caplog.text


async def test_a_rate_limited_repair_waits_and_goes_on(connected, env):
    client, peer = await connected()
    await peer.push(events(1), events(3))
    await peer.barrier()
    env.advance(0.5)
    await peer.refuse(await peer.expect("log"), "rate_limited", "later", retry_after=700)
    await until(lambda: 0.7 in env.delays)
    env.advance(0.7)
    await peer.ok(await peer.expect("log"), events=[text(2)], next=3, seq=3)
    await until(lambda: client.room("r").applied == 3)


async def test_a_hole_left_by_a_drop_is_taken_up_again(connected, server, env, watch):
    client, peer = await connected()
    changes = watch(client)
    await peer.push(events(1), events(3))
    await peer.barrier()
    peer.cut()
    await changes.until(StateChanged, phase=Phase.BACKOFF)
    env.advance(60)
    peer = await server.accept()
    await peer.welcome()
    assert (await peer.expect("log"))["from"] == 2


# --- heads


async def test_a_head_of_a_room_off_the_screen_waits_until_it_is_opened(connected, env):
    client, peer = await connected(rooms=[{"room": "r", "seq": 1, "first_visible": 2}])
    await peer.push(events(2))
    await peer.push(head(5))
    await peer.barrier()
    env.advance(10)
    await peer.barrier()
    opening = asyncio.create_task(client.room("r").timeline(limit=2))
    log = await peer.expect("log")
    assert (log["from"], log["to"]) == (3, 5)
    await peer.ok(log, events=[text(3), text(4), text(5)], seq=5)
    assert [message.seq for message in await opening] == [4, 5]


async def test_a_head_of_the_room_on_the_screen_is_fetched_at_once(connected):
    client, peer = await connected(rooms=[{"room": "r", "seq": 1, "first_visible": 2}])
    await peer.push(events(2))
    await peer.barrier()
    client.focus(["r"])
    await peer.ok(await peer.expect("focus"), rooms=[{"room": "r", "seq": 2}])
    await peer.push(head(4))
    assert (await peer.expect("log"))["from"] == 3


async def test_focusing_a_room_that_is_behind_fetches_it(connected):
    client, peer = await connected(rooms=[{"room": "r", "seq": 900}])
    client.focus([client.room("r")])
    await peer.ok(await peer.expect("focus"), rooms=[{"room": "r", "seq": 900}])
    assert (await peer.expect("history"))["room"] == "r"


async def test_prefetching_fetches_every_room_one_at_a_time(connected):
    client, peer = await connected(rooms=[{"room": room, "seq": 100} for room in "ab"], prefetch=True)
    for room in "ab":
        history = await peer.expect("history")
        assert history["room"] == room
        await peer.barrier()
        await peer.ok(history, events=[text(99)], low=60, high=100, seq=100)
        await peer.ok(await peer.expect("room.get"), summary={"room": room, "seq": 100})
    await until(lambda: client.room("b").applied == 100)


async def test_a_room_that_is_refused_for_now_is_repaired_after_the_others(connected, env):
    client, peer = await connected(rooms=[{"room": "a", "seq": 1}, {"room": "b", "seq": 1}], prefetch=True)
    first = await peer.expect("log")
    await peer.refuse(first, "internal", "later", retry_after=31_000)
    await until(lambda: 31 in env.delays)
    env.advance(31)
    logs = []
    for _ in range(2):
        logs.append(await peer.expect("log"))
        await peer.ok(logs[-1], events=[text(1)], seq=1)
    assert [log["room"] for log in (first, *logs)] == ["a", "b", "a"]
    await until(lambda: client.room("a").applied == client.room("b").applied == 1)


# --- the rest of a sync


async def test_further_pages_are_fetched_and_the_cursor_comes_last(server, client_of):
    client = client_of(server)
    await client.start()
    peer = await server.accept()
    await peer.welcome(rooms=[{"room": "a", "seq": 1}], sync={"more": "m1", "full": True, "cursor": None})
    for more, room, rest in (("m1", "b", {"more": "m2"}), ("m2", "c", {"cursor": "c9"})):
        sync = await peer.expect("sync")
        assert sync["more"] == more
        await peer.ok(sync, rooms=[{"room": room, "seq": 1}], **rest)
    await until(lambda: set(client.rooms) == {"a", "b", "c"})


async def test_a_page_that_is_refused_begins_the_round_anew(server, client_of, watch):
    client = client_of(server)
    changes = watch(client)
    await client.start()
    peer = await server.accept()
    await peer.welcome(rooms=[{"room": "a", "seq": 1}], sync={"more": "m1", "full": True, "cursor": None})
    await peer.refuse(await peer.expect("sync"), "bad_cursor", "after_sync")
    sync = await peer.expect("sync")
    assert "more" not in sync
    await peer.ok(sync, rooms=[{"room": "b", "seq": 1}], full=True, cursor="c9")
    assert (await changes.until(RoomGone)).room == "a"


async def test_a_page_that_is_refused_for_now_is_asked_again_however_long_that_takes(server, client_of, env):
    client = client_of(server)
    await client.start()
    peer = await server.accept()
    await peer.welcome(rooms=[{"room": "a", "seq": 1}], sync={"more": "m1", "full": True, "cursor": None})
    for wait_s in (31, 40):  # longer than a call waits
        await peer.refuse(await peer.expect("sync"), "internal", "later", retry_after=wait_s * 1000)
        await until(lambda wait_s=wait_s: wait_s in env.delays)
        env.advance(wait_s)
    sync = await peer.expect("sync")
    assert sync["more"] == "m1"
    await peer.ok(sync, rooms=[{"room": "b", "seq": 1}], cursor="c9")
    await until(lambda: set(client.rooms) == {"a", "b"})


async def test_a_full_round_that_is_refused_for_now_is_begun_again(server, client_of, env):
    client = client_of(server)
    await client.start()
    peer = await server.accept()
    await peer.welcome(rooms=[{"room": "a", "seq": 1}], sync={"more": "m1", "full": True, "cursor": None})
    await peer.refuse(await peer.expect("sync"), "bad_cursor", "after_sync")
    await peer.refuse(await peer.expect("sync"), "internal", "later", retry_after=31_000)
    await until(lambda: 31 in env.delays)
    env.advance(31)
    sync = await peer.expect("sync")
    assert "more" not in sync
    await peer.ok(sync, rooms=[{"room": "b", "seq": 1}], full=True, cursor="c9")
    await until(lambda: set(client.rooms) == {"b"})


async def test_a_round_broken_by_a_drop_is_begun_again_without_a_cursor(server, client_of, env, watch):
    client = client_of(server)
    changes = watch(client)
    await client.start()
    peer = await server.accept()
    await peer.welcome(rooms=[{"room": "a", "seq": 1}], sync={"more": "m1", "full": True, "cursor": None})
    await peer.expect("sync")
    peer.cut()
    await changes.until(StateChanged, phase=Phase.BACKOFF)
    env.advance(60)
    hello = await (await server.accept()).expect("hello")
    assert "cursor" not in hello


async def test_a_sync_during_a_round_follows_it(server, client_of):
    """Begun in its middle it would have the rooms of earlier pages forgotten at the end."""
    client = client_of(server)
    await client.start()
    peer = await server.accept()
    await peer.welcome(rooms=[{"room": "a", "seq": 1}], sync={"more": "m1", "full": True, "cursor": None})
    page = await peer.expect("sync")
    await client.sync()
    await peer.ok(page, rooms=[{"room": "b", "seq": 1}], full=True, cursor="c1")
    again = await peer.expect("sync")
    assert again["cursor"] == "c1"
    assert set(client.rooms) == {"a", "b"}
    await peer.ok(again, rooms=[], cursor="c2")


# --- stale stretches


async def test_showing_an_old_stretch_asks_what_changed_in_it(connected, env):
    client, peer = await connected()
    room = client.room("r")
    await peer.push(events(1, 2, 3), head(900))
    await peer.barrier()
    opening = asyncio.create_task(room.timeline(limit=1))
    await peer.ok(await peer.expect("history"), events=[text(900)], low=900, high=900, seq=900)
    await peer.ok(await peer.expect("room.get"), summary={"room": "r", "seq": 900})
    await opening
    paging = asyncio.create_task(room.history(before=4, limit=2))
    changes = await peer.expect("changes")
    assert (changes["low"], changes["high"], changes["since"]) == (1, 3, 3)
    await peer.ok(changes, events=[text(2, changed=700, recalled=True, body=None)], seq=900)
    page = await paging
    assert [(message.seq, message.recalled) for message in page.messages] == [(2, True), (3, False)]


async def test_a_room_that_is_opened_while_it_is_repaired_is_asked_for_once(connected):
    client, peer = await connected(rooms=[{"room": "r", "seq": 900}])
    client.focus(["r"])
    await peer.ok(await peer.expect("focus"), rooms=[{"room": "r", "seq": 900}])
    history = await peer.expect("history")
    opening = asyncio.create_task(client.room("r").timeline(limit=1))
    await peer.barrier()
    await peer.ok(history, events=[text(900)], low=880, high=900, seq=900)
    await peer.ok(await peer.expect("room.get"), summary={"room": "r", "seq": 900})
    assert [message.seq for message in await opening] == [900]
    await peer.barrier()

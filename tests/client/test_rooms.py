"""A room as an app uses it."""

import asyncio

import pytest

from chatd.client import Forbidden, Member, RoomGone
from chatd.client.core.replica import MemberReceipt
from tests.kit.waiting import until

ROOM = {"room": "r", "seq": 10, "first_visible": 11, "ordinal": 10, "title": "Bikes", "members": 3}


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


async def asked(peer, kind, calling, **reply):
    """Answer the one request a call makes; the request and the call's result."""
    task = asyncio.create_task(calling)
    request = await peer.expect(kind)
    await peer.ok(request, **reply)
    return request, await task


# --- reading


async def test_a_page_of_history_says_what_it_covers_and_is_cached(connected):
    client, peer = await connected(rooms=[ROOM])
    room = client.room("r")
    request, page = await asked(
        peer, "history", room.history(before=9, limit=2), events=[text(5), text(7)], low=4, high=8, seq=10
    )
    assert (request["before"], request["limit"]) == (9, 2)
    assert ([message.text for message in page.messages], page.low, page.high, page.end) == (
        ["5", "7"],
        4,
        8,
        False,
    )
    assert sorted(room.messages) == [5, 7]


@pytest.mark.parametrize("place", ["after", "around"])
async def test_other_places_are_asked_as_they_are(connected, place):
    client, peer = await connected(rooms=[ROOM])
    request, _ = await asked(
        peer, "history", client.room("r").history(**{place: 5}), events=[], low=6, high=10, seq=10
    )
    assert request[place] == 5


async def test_a_cached_page_costs_no_request(connected):
    client, peer = await connected(rooms=[ROOM])
    room = client.room("r")
    await peer.push({"type": "event", "room": "r", "events": [text(seq) for seq in range(11, 16)]})
    await peer.barrier()
    page = await room.history(before=15, limit=2)
    assert [message.seq for message in page.messages] == [13, 14]
    await peer.barrier()


async def test_the_timeline_joins_cache_and_pages(connected):
    client, peer = await connected(rooms=[{"room": "r", "seq": 100}])
    await peer.push({"type": "event", "room": "r", "events": [text(101), text(102)]})
    await peer.barrier()
    task = asyncio.create_task(client.room("r").timeline(limit=4))
    history = await peer.expect("history")
    assert (history["before"], history["limit"]) == (103, 4)
    await peer.ok(history, events=[text(seq) for seq in (98, 99, 101, 102)], low=98, high=102, seq=102)
    assert [message.seq for message in await task] == [98, 99, 101, 102]


async def test_the_timeline_ends_where_the_room_begins(connected):
    client, peer = await connected(rooms=[{"room": "r", "seq": 2}])
    task = asyncio.create_task(client.room("r").timeline())
    created = {"seq": 1, "kind": "created", "user": "bob", "time": 1, "users": ["bob", "me"]}
    await peer.ok(await peer.expect("log"), events=[created, text(2)], seq=2)
    assert [message.seq for message in await task] == [2]
    assert [message.seq for message in client.room("r").cached()] == [2]
    await peer.barrier()


async def test_an_empty_room_has_an_empty_timeline(connected):
    client, peer = await connected(rooms=[{"room": "r", "seq": 0}])
    task = asyncio.create_task(client.room("r").timeline())
    await peer.ok(await peer.expect("history"), events=[], low=1, high=0, seq=0, end=True)
    assert await task == ()


async def test_single_messages_are_fetched(connected):
    client, peer = await connected(rooms=[ROOM])
    request, (message,) = await asked(
        peer,
        "messages",
        client.room("r").fetch([3, 4]),
        events=[text(4, reactions=[{"emoji": "x", "count": 1}])],
    )
    assert (request["seqs"], message.seq, message.reactions) == ([3, 4], 4, {"x": 1})


async def test_log_and_changes_can_be_asked_raw(connected):
    client, peer = await connected(rooms=[ROOM])
    room = client.room("r")
    request, reply = await asked(peer, "log", room.log(3), events=[], seq=10)
    assert (request["from"], "to" in request, reply["seq"]) == (3, False, 10)
    request, _ = await asked(peer, "changes", room.changes(1, 5, 4), events=[], seq=10)
    assert (request["low"], request["high"], request["since"]) == (1, 5, 4)


async def test_readers_come_with_their_count(connected):
    client, peer = await connected(rooms=[ROOM])
    request, readers = await asked(
        peer, "readers", client.room("r").readers(9), count=2, readers=[{"user": "bob", "read": 10}], more="m"
    )
    assert (request["seq"], "more" in request) == (9, False)
    assert (readers.count, readers.readers, readers.more) == (2, {"bob": 10}, "m")


# --- the room itself


async def test_the_summary_can_be_asked_for(connected):
    client, peer = await connected(rooms=[ROOM])
    _, summary = await asked(peer, "room.get", client.room("r").refresh(), summary={**ROOM, "title": "New"})
    assert (summary.title, client.room("r").summary.title) == ("New", "New")


async def test_an_update_has_a_key_and_becomes_its_event(connected):
    client, peer = await connected(rooms=[ROOM])
    await peer.push({"type": "event", "room": "r", "events": [text(11)]})
    request, _ = await asked(peer, "room.update", client.room("r").update(title="New"), seq=12, time=1)
    assert (request["title"], len(request["key"])) == ("New", 22)
    assert client.room("r").applied == 12


async def test_changed_members_are_fetched_from_the_log_not_guessed(connected, env):
    client, peer = await connected(rooms=[ROOM])
    await peer.push({"type": "event", "room": "r", "events": [text(11)]})
    request, _ = await asked(peer, "members.add", client.room("r").add(["ann", "bob"]), seq=12, time=1)
    assert request["users"] == ["ann", "bob"]
    env.advance(0.5)
    joined = {"seq": 12, "kind": "joined", "user": "me", "time": 1, "users": ["ann"]}
    await peer.ok(await peer.expect("log"), events=[joined], seq=12)
    await peer.barrier()
    await until(lambda: client.room("r").applied >= 12)


@pytest.mark.parametrize(
    ("kind", "call", "fields"),
    [
        ("members.remove", lambda room: room.remove(["ann"]), {"users": ["ann"]}),
        (
            "members.role",
            lambda room: room.set_roles({"ann": "admin"}),
            {"users": [{"user": "ann", "role": "admin"}]},
        ),
        (
            "preferences",
            lambda room: room.preferences(muted_until=0, hidden=True),
            {"muted_until": 0, "hidden": True},
        ),
        ("room.join", lambda room: room.join(), {}),
    ],
)
async def test_members_and_preferences_are_asked_as_documented(connected, kind, call, fields):
    client, peer = await connected(rooms=[ROOM])
    request, _ = await asked(peer, kind, call(client.room("r")))
    assert {name: request[name] for name in request if name not in ("type", "id", "room", "key")} == fields


@pytest.mark.parametrize(
    ("kind", "call", "reason"),
    [
        ("room.leave", lambda room: room.leave(), "left"),
        ("room.delete", lambda room: room.delete(), "deleted"),
    ],
)
async def test_leaving_and_deleting_lose_the_room_at_once(connected, watch, kind, call, reason):
    client, peer = await connected(rooms=[ROOM])
    changes = watch(client)
    await asked(peer, kind, call(client.room("r")), seq=11, time=1)
    assert await changes.until(RoomGone) == RoomGone("r", reason)
    assert client.rooms == {}


async def test_members_come_page_by_page(connected):
    client, peer = await connected(rooms=[ROOM])

    async def listed():
        return [member async for member in client.room("r").members(prefix="a")]

    task = asyncio.create_task(listed())
    first = await peer.expect("members.list")
    assert (first["prefix"], "more" in first) == ("a", False)
    await peer.ok(first, members=[{"user": "ann", "role": "owner", "joined_at": 5}], more="m", count=2)
    second = await peer.expect("members.list")
    assert second["more"] == "m"
    await peer.ok(second, members=[{"user": "abe"}], count=2)
    assert await task == [Member("ann", "owner", 5), Member("abe", "member", 0)]


async def test_a_refused_request_raises_its_error(connected):
    client, peer = await connected(rooms=[ROOM])
    task = asyncio.create_task(client.room("r").update(title="New"))
    await peer.refuse(await peer.expect("room.update"), "forbidden", "never")
    with pytest.raises(Forbidden):
        await task


async def test_what_one_sees_of_a_room(connected):
    client, _ = await connected(rooms=[{**ROOM, "unread": 2, "unread_mentions": 1, "read": 4, "peer": "bob"}])
    room = client.rooms["r"]
    assert (room.summary.title, room.head, room.unread, room.unread_mentions, room.read_to) == (
        "Bikes",
        10,
        2,
        1,
        4,
    )
    assert room.receipts == {"bob": MemberReceipt()}
    assert repr(room) == "Room('r')"


async def test_a_reaction_stored_in_another_form_is_cleared_as_it_stands(connected):
    old = "\u2764"
    client, peer = await connected(rooms=[ROOM])
    await peer.push(
        {
            "type": "event",
            "room": "r",
            "events": [text(11, reactions=[{"emoji": old, "count": 1}], mine=[old])],
        }
    )
    for present, wanted in ((True, old + "\ufe0f"), (False, old)):
        task = asyncio.create_task(client.room("r").react(11, old, present=present))
        request = await peer.expect("react")
        assert request["emoji"] == wanted
        await peer.ok(request, duplicate=True)
        await task

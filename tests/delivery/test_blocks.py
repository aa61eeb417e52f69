"""What a block and privacy cut: presence, receipts, readers, typing, and what counts as unread in a group."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chatd.core.accounts import Amend
from chatd.protocol.friends import ContactSet
from tests.kit.inprocess import InProcessClient, InProcessServer, in_process, new_key

FEATURES = ["account", "people"]
OPTIONS = {"rates": {"enabled": False}, "people": {"enabled": True, "small_group_members": 3}}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcessServer]:
    async with in_process(tmp_path, **OPTIONS) as server:
        yield server


async def comes(server: InProcessServer, *users: str) -> list[InProcessClient]:
    return [await server.connect(user, features=FEATURES) for user in users]


async def befriend(*clients: InProcessClient) -> None:
    for one in clients:
        for other in clients:
            if one is not other:
                await one.request(type="friend.request", user=other.session.user)
    for client in clients:
        client.take()


async def blocks(client: InProcessClient, user: str, *, to: bool = True) -> None:
    assert (await client.request(type="contact.set", user=user, blocked=to))["type"] == "ok"


async def watches(client: InProcessClient, *users: str) -> list[str]:
    reply = await client.request(type="watch", users=list(users))
    return [row.get("state", "offline") for row in reply["users"]]


def told(client: InProcessClient) -> list[tuple[str, str]]:
    pushes = client.take("presence")
    return [(row["user"], row.get("state", "offline")) for push in pushes for row in push["users"]]


async def test_presence_is_seen_by_those_whom_privacy_admits(server: InProcessServer) -> None:
    ann, bob, eve = await comes(server, "ann", "bob", "eve")
    await befriend(ann, bob)
    await ann.create_group("bob")
    await ann.request(type="room.direct", user="eve")
    assert await watches(ann, "bob", "eve", "nobody") == ["online", "offline", "offline"]
    assert await watches(bob, "ann") == ["online"]
    assert await watches(eve, "ann") == ["offline"]
    for client in (ann, bob, eve):
        client.take()
    await ann.request(type="privacy.set", rules={"presence": {"to": "nobody"}})
    assert (told(ann), told(bob), told(eve)) == ([("bob", "offline")], [("ann", "offline")], [])
    number = (await ann.request(type="circle.set", name="Bikes"))["circle"]["number"]
    await ann.request(type="contact.set", user="bob", circles=[number])
    await ann.request(type="privacy.set", rules={"presence": {"to": "nobody", "allow": [number]}})
    assert (told(ann), told(bob)) == ([("bob", "online")], [("ann", "online")])
    await ann.request(type="circle.delete", number=number)
    assert (told(ann), told(bob)) == ([("bob", "offline")], [("ann", "offline")])
    await ann.request(type="privacy.set", rules={"presence": {"to": "friends"}})
    assert (told(ann), told(bob)) == ([("bob", "online")], [("ann", "online")])
    await ann.request(type="privacy.set", rules={"page": {"to": "nobody"}})
    assert (told(ann), told(bob)) == ([], []), "other rules are no news"


async def test_what_is_kept_of_others_does_not_show_in_presence(server: InProcessServer) -> None:
    """Nor does a decline: who was hidden and shown again would know of it."""
    ann, bob, cat = await comes(server, "ann", "bob", "cat")
    await befriend(ann, cat)
    await befriend(bob, cat)
    await cat.create_group("ann", "bob")
    for client in (ann, bob):
        await client.request(type="privacy.set", rules={"presence": {"to": "acquaintances"}})
    assert await watches(ann, "bob") == await watches(bob, "ann") == ["online"]
    ann.take(), bob.take()
    await ann.request(type="contact.set", user="bob", remark="Bobby", following=True)
    await bob.request(type="friend.request", user="ann")
    await ann.request(type="friend.decline", user="bob")
    await ann.request(type="contact.set", user="bob", following=False)
    assert (told(ann), told(bob)) == ([], [])


@pytest.mark.parametrize("how", ["block", "be blocked", "unfriend", "close"])
async def test_presence_ends_at_once_for_both(server: InProcessServer, how: str) -> None:
    ann, bob = await comes(server, "ann", "bob")
    await befriend(ann, bob)
    assert await watches(ann, "bob") == await watches(bob, "ann") == ["online"]
    ann.take(), bob.take()
    match how:
        case "block":
            await blocks(ann, "bob")
        case "be blocked":
            await blocks(bob, "ann")
        case "unfriend":
            await ann.request(type="friend.remove", user="bob")
        case "close":
            await server.app.writer.submit_and_wait("bob", Amend(disabled=True))
            await server.wait_idle()
    assert (told(ann), told(bob)) == ([("bob", "offline")], [("ann", "offline")])
    assert await watches(ann, "bob") == await watches(bob, "ann") == ["offline"]


async def test_acquaintances_are_those_of_small_groups_while_they_are_in_them(
    server: InProcessServer,
) -> None:
    ann, bob, *others = await comes(server, "ann", "bob", "cat", "dan")
    for client in (ann, bob, *others):
        rules = {"presence": {"to": "acquaintances"}, "add": {"to": "everyone"}}
        await client.request(type="privacy.set", rules=rules)
    await ann.create_group("bob", "cat", "dan")
    assert await watches(ann, "bob") == ["offline"], "a crowd makes no acquaintances"
    room = await ann.create_group("bob")
    await server.wait_idle()
    assert told(ann) == [("bob", "online")]
    await bob.request(type="room.leave", room=room, key=new_key())
    assert told(ann) == [("bob", "offline")]


async def test_a_group_makes_no_acquaintances_while_it_is_not_small(server: InProcessServer) -> None:
    """Also not of members who were there before it grew."""
    ann, bob, cat, dan = await comes(server, "ann", "bob", "cat", "dan")
    for client in (ann, bob):
        rules = {"presence": {"to": "acquaintances"}, "write": {"to": "acquaintances"}}
        await client.request(type="privacy.set", rules=rules)
    group = await cat.create_group(public=True)
    for client in (ann, bob):
        await client.request(type="room.join", room=group, key=new_key())
    room = (await bob.request(type="room.direct", user="ann"))["summary"]["room"]
    asked = []
    assert await watches(ann, "bob") == ["online"]
    for state, change in (("offline", "room.join"), ("online", "room.leave")):
        await bob.send(room)
        asked.append((await bob.request(type="room.get", room=room))["summary"].get("asked", 0))
        ann.take()
        await dan.request(type=change, room=group, key=new_key())
        await server.wait_idle()
        assert told(ann) == [("bob", state)]
    assert asked == [0, 1]


async def in_touch(ann: InProcessClient, bob: InProcessClient) -> tuple[str, int]:
    await befriend(ann, bob)
    room = (await ann.request(type="room.direct", user="bob"))["summary"]["room"]
    await bob.send(room)
    seq = (await ann.send(room))["seq"]
    ann.take(), bob.take()
    return room, seq


async def marks(client: InProcessClient, room: str, seq: int) -> tuple[Any, ...]:
    """Return all the places where a client sees how far the other read."""
    summary = (await client.request(type="room.get", room=room))["summary"]
    listed = (await client.request(type="sync"))["rooms"][0]
    (focused,) = (await client.request(type="focus", rooms=[room]))["rooms"]
    readers = await client.request(type="readers", room=room, seq=seq)
    return (
        summary.get("peer_read", 0),
        listed.get("peer_read", 0),
        [row["read"] for row in focused.get("receipts", []) if "read" in row],
        readers["count"],
    )


@pytest.mark.parametrize("hides", ["ann", "bob"])
async def test_receipts_of_a_direct_room_are_shown_where_both_let_them(
    server: InProcessServer, hides: str
) -> None:
    ann, bob = await comes(server, "ann", "bob")
    room, seq = await in_touch(ann, bob)
    await bob.request(type="read", room=room, seq=seq)
    assert await marks(ann, room, seq) == (seq, seq, [seq], 1)
    hider = {"ann": ann, "bob": bob}[hides]
    await hider.request(type="privacy.set", rules={"receipts": {"to": "nobody"}})
    assert await marks(ann, room, seq) == (0, 0, [], 0)
    cursor = (await ann.request(type="sync"))["cursor"]
    ann.take()
    await bob.request(type="read", room=room, seq=(await ann.send(room))["seq"])
    ann.take()
    await server.advance(1)
    assert ann.take() == []
    (summary,) = (await ann.request(type="sync", cursor=cursor))["rooms"]
    assert summary.get("peer_read", 0) == 0
    await hider.request(type="privacy.set", rules={"receipts": {"to": "friends"}})
    assert (await marks(ann, room, seq))[0] == seq + 1


async def test_neither_sees_receipts_readers_and_typing_of_the_other_in_a_group(
    server: InProcessServer,
) -> None:
    ann, bob, cat = await comes(server, "ann", "bob", "cat")
    await befriend(ann, bob, cat)
    room = await ann.create_group("bob", "cat")
    seq = (await cat.send(room))["seq"]
    for client in (ann, bob, cat):
        await client.request(type="focus", rooms=[room])
    await blocks(ann, "bob")
    for client in (ann, bob, cat):
        client.take()
    for client in (ann, bob):
        await client.request(type="typing", room=room)
        await client.request(type="read", room=room, seq=seq)
    await server.advance(1)
    typed = [
        [packet["user"] for packet in client.wire.packets if packet["type"] == "typing"]
        for client in (ann, bob, cat)
    ]
    assert typed == [[], [], ["ann", "bob"]]
    shown = [
        [row["user"] for packet in client.take("receipts") for row in packet["receipts"]]
        for client in (ann, bob, cat)
    ]
    assert shown == [[], [], ["ann", "bob"]]
    readers = [
        await client.request(type="readers", room=room, seq=seq, limit=10) for client in (ann, bob, cat)
    ]
    assert [[row["user"] for row in reply["readers"]] for reply in readers] == [
        ["ann"],
        ["bob"],
        ["ann", "bob"],
    ]
    assert [reply["count"] for reply in readers] == [1, 1, 2]
    focused = [(await client.request(type="focus", rooms=[room]))["rooms"][0] for client in (ann, bob, cat)]
    assert [[row["user"] for row in one["receipts"]] for one in focused] == [["cat"], ["cat"], ["ann", "bob"]]


async def unread(client: InProcessClient) -> tuple[int, int]:
    found = (await client.request(type="sync"))["totals"]
    return found["unread"], found["mentions"]


async def test_messages_of_the_blocked_count_nothing_as_posted_and_as_recounted(
    server: InProcessServer,
) -> None:
    ann, bob, cat = await comes(server, "ann", "bob", "cat")
    await befriend(ann, bob, cat)
    room = await ann.create_group("bob", "cat")

    async def says(client: InProcessClient, *named: str) -> int:
        body = {"text": "hello", "mentions": list(named)}
        reply = await client.request(type="send", room=room, key=new_key(), body=body)
        return int(reply["seq"])

    await says(bob, "ann")
    await blocks(ann, "bob")
    for named in (["ann"], ["*"], []):
        await says(bob, *named)
    middle = await says(cat, "ann")
    await says(bob, "*", "ann")
    last = await says(cat, "*")
    assert (await unread(ann), await unread(cat)) == ((3, 3), (5, 2))
    read = await ann.request(type="read", room=room, seq=middle - 1)
    assert (read["unread"], read["unread_mentions"]) == (2, 2), "the first one came before the block"
    assert await unread(ann) == (2, 2)
    await blocks(ann, "bob", to=False)
    await says(bob, "ann")
    assert await unread(ann) == (3, 3), "it counts again, and what came meanwhile does not"
    read = await ann.request(type="read", room=room, seq=last)
    assert (read["unread"], read["unread_mentions"]) == (1, 1)


async def test_who_joins_a_group_is_ignored_by_those_who_block_them(server: InProcessServer) -> None:
    ann, bob, cat = await comes(server, "ann", "bob", "cat")
    await befriend(ann, cat)
    await befriend(bob, cat)
    await blocks(ann, "bob")
    room = await cat.create_group("ann")
    await cat.send(room)
    await cat.request(type="members.add", room=room, key=new_key(), users=["bob"])
    await bob.send(room)
    assert [await unread(client) for client in (ann, cat)] == [(1, 0), (1, 0)]


async def test_who_writes_in_the_moment_they_join_is_ignored_all_the_same(server: InProcessServer) -> None:
    """Not in the batch that lets them in: the blocks of its members against them were not read by then."""
    ann, bob, cat = await comes(server, "ann", "bob", "cat")
    await befriend(ann, cat)
    await blocks(ann, "bob")
    room, elsewhere = await cat.create_group("ann", public=True), await bob.create_group()
    await cat.send(room)
    hold = server.store.hold("commit")
    bob.send_request(type="send", room=elsewhere, key=new_key(), body={"text": "first"})
    await hold.reached.wait()
    bob.send_request(type="room.join", room=room, key=new_key())
    sent = bob.send_request(type="send", room=room, key=new_key(), body={"text": "hello"})
    hold.release()
    assert (await bob.answer(sent))["type"] == "ok"
    assert [await unread(client) for client in (ann, cat)] == [(1, 0), (1, 0)]


async def test_who_left_a_group_ignores_nothing_of_it_any_more(server: InProcessServer) -> None:
    ann, bob, cat = await comes(server, "ann", "bob", "cat")
    await befriend(ann, bob, cat)
    room = await cat.create_group("ann", "bob")
    await blocks(ann, "bob")
    await bob.send(room)
    await ann.request(type="room.leave", room=room, key=new_key())
    body = {"text": "hello", "mentions": ["*"]}
    reply = await bob.answer(bob.send_request(type="send", room=room, key=new_key(), body=body))
    assert reply["type"] == "ok", reply
    assert await unread(cat) == (2, 1)


async def read_while(server: InProcessServer, reader: InProcessClient, room: str, change: ContactSet) -> None:
    """Let a change of ann's be committed after the people of a room were read, and before they are kept."""
    hold = server.store.hold("room_relations", after=True)
    history = reader.send_request(type="history", room=room)
    await hold.reached.wait()
    await server.app.writer.submit_and_wait("ann", change)
    hold.release()
    await reader.answer(history)


async def test_a_block_that_ends_while_a_group_is_read_may_begin_again(server: InProcessServer) -> None:
    ann, bob, cat = await comes(server, "ann", "bob", "cat")
    await befriend(ann, bob, cat)
    room = await cat.create_group("ann", "bob")
    await blocks(ann, "bob")
    await read_while(server, cat, room, ContactSet(user="bob", blocked=False))
    await blocks(ann, "bob")
    await bob.send(room)
    assert await unread(ann) == (0, 0)


async def test_a_block_that_ends_while_a_group_is_loaded_is_over(tmp_path: Path) -> None:
    async with in_process(tmp_path, **OPTIONS) as server:
        ann, bob, cat = await comes(server, "ann", "bob", "cat")
        await befriend(ann, bob, cat)
        room = await cat.create_group("ann", "bob")
        await blocks(ann, "bob")
    async with in_process(tmp_path, **OPTIONS) as server:
        ann, bob, cat = await comes(server, "ann", "bob", "cat")
        await read_while(server, cat, room, ContactSet(user="bob", blocked=False))
        await bob.send(room)
        assert await unread(ann) == (1, 0)


async def test_at_level_head_who_ignores_a_message_gets_it_to_take_it_off(tmp_path: Path) -> None:
    """protocol.md "Unread": a number is kept by the ordinals of heads, less messages that do not count."""
    async with in_process(
        tmp_path, delivery={"full_members": 2, "head_interval_s": 1.0}, **OPTIONS
    ) as server:
        ann, bob, cat = await comes(server, "ann", "bob", "cat")
        await befriend(ann, bob, cat)
        room = await cat.create_group("ann", "bob")
        await blocks(ann, "bob")
        for client in (ann, cat):
            client.take()
        await bob.send(room)
        await server.advance(2)
        assert [len(client.take("event")) for client in (ann, cat)] == [1, 0]


async def test_typing_in_a_direct_room_waits_for_both(server: InProcessServer) -> None:
    ann, bob = await comes(server, "ann", "bob")
    room = (await ann.request(type="room.direct", user="bob"))["summary"]["room"]
    await ann.send(room)
    for client in (ann, bob):
        await client.request(type="focus", rooms=[room])

    async def typed() -> list[int]:
        ann.take(), bob.take()
        for client in (ann, bob):
            assert (await client.request(type="typing", room=room))["type"] == "ok"
        return [len(client.take("typing")) for client in (ann, bob)]

    assert await typed() == [0, 0]
    await bob.request(type="room.accept", room=room)
    await bob.request(type="focus", rooms=[room])
    assert await typed() == [1, 1]
    await blocks(ann, "bob")
    assert await typed() == [0, 0]


async def test_who_blocked_somebody_and_left_keeps_nobody_from_writing(server: InProcessServer) -> None:
    ann, bob, cat = await comes(server, "ann", "bob", "cat")
    await befriend(ann, bob, cat)
    room = await cat.create_group("ann", "bob")
    await blocks(ann, "bob")
    await bob.send(room)
    await ann.request(type="room.leave", room=room, key=new_key())
    assert (await bob.send(room))["type"] == "ok"
    assert await unread(cat) == (2, 0)


async def test_an_empty_direct_room_goes_with_the_friendship(server: InProcessServer) -> None:
    ann, bob = await comes(server, "ann", "bob")
    await befriend(ann, bob)
    room = (await ann.request(type="room.direct", user="bob"))["summary"]["room"]
    ann.take()
    await ann.request(type="friend.remove", user="bob")
    assert [push["room"] for push in ann.take("gone")] == [room]


async def test_everybody_sees_themself(server: InProcessServer) -> None:
    (ann,) = await comes(server, "ann")
    assert await watches(ann, "ann") == ["online"]


async def test_a_declined_request_changes_nothing_that_is_seen(server: InProcessServer) -> None:
    ann, bob = await comes(server, "ann", "bob")
    for client in (ann, bob):
        rules = {"presence": {"to": "acquaintances"}, "add": {"to": "everyone"}}
        await client.request(type="privacy.set", rules=rules)
    await ann.create_group("bob")
    await bob.request(type="friend.request", user="ann")
    assert await watches(bob, "ann") == ["online"]
    bob.take()
    await ann.request(type="friend.decline", user="bob")
    await ann.request(type="contact.set", user="bob", remark="B", following=True)
    assert told(bob) == []


@pytest.mark.parametrize("how", ["block", "close"])
async def test_receipts_of_a_group_leave_out_who_blocks_and_who_is_closed(
    server: InProcessServer, how: str
) -> None:
    ann, bob, cat = await comes(server, "ann", "bob", "cat")
    await befriend(ann, bob, cat)
    room = await cat.create_group("ann", "bob")

    async def shown() -> list[str]:
        (row,) = (await bob.request(type="focus", rooms=[room]))["rooms"]
        readers = await bob.request(type="readers", room=room, seq=1)
        return [receipt["user"] for receipt in row["receipts"]] + [row["user"] for row in readers["readers"]]

    for client in (ann, cat):
        await client.request(type="read", room=room, seq=1)
    assert await shown() == ["cat", "ann", "ann", "cat"]
    if how == "block":
        await blocks(ann, "bob")
    else:
        await server.app.writer.submit_and_wait("ann", Amend(disabled=True))
    assert await shown() == ["cat", "cat"]
    if how == "close":
        await server.app.writer.submit_and_wait("ann", Amend(disabled=False))
        assert await shown() == ["cat", "ann", "ann", "cat"]


async def test_blocks_that_come_and_go_are_few_a_minute(tmp_path: Path) -> None:
    people = {"enabled": True}
    async with in_process(
        tmp_path, rates={"people_per_min": 6, "requests_burst": 100}, people=people
    ) as server:
        ann, bob = await comes(server, "ann", "bob")
        before = server.store.stamp
        replies = [
            await ann.request(type="contact.set", user="bob", blocked=turn % 2 == 0) for turn in range(30)
        ]
        carried_out = [reply for reply in replies if reply["type"] == "ok"]
        assert {reply.get("code", "ok") for reply in replies} == {"ok", "rate_limited"}
        assert len(carried_out) == server.store.stamp - before == 6
        assert (await bob.request(type="ping"))["type"] == "ok"

import pytest
from msgspec import structs

from chatd.core.cursors import More, cursor_of
from chatd.protocol.inbox import Clear, Delete
from chatd.protocol.members import MembersRemove
from chatd.protocol.messages import Body, Send
from chatd.protocol.read_state import Read
from chatd.storage.sqlite import sync as storage_sync
from tests.kit.inprocess import in_process, new_key


async def filled(server, count=5):
    """Ann with `count` groups of one message each, oldest first."""
    ann = await server.connect("ann")
    rooms = []
    for _ in range(count):
        server.env.advance(1)
        room = await ann.create_group("bob")
        await ann.send(room)
        rooms.append(room)
    return ann, rooms


async def hello(server, user="ann", **keys):
    client = server.client()
    id = client.say_hello(user, **keys)
    await server.wait_idle()
    return client, client.reply(id)["sync"]


def names(page):
    return [summary["room"] for summary in page["rooms"]]


async def pages(client, page, **keys):
    """All pages of a round, the given one first."""
    found = [page]
    while "more" in found[-1]:
        assert "cursor" not in found[-1]
        found.append(await client.request(type="sync", more=found[-1]["more"], **keys))
    assert "cursor" in found[-1]
    return found


async def test_a_first_hello_lists_everything_latest_first(server):
    _, rooms = await filled(server)
    _, page = await hello(server, device=2)
    assert names(page) == rooms[::-1]
    assert (page["full"], page["totals"]) == (True, {"rooms": 5, "unread": 0, "mentions": 0})
    assert all(summary["preview"]["body"] == {"text": "hello"} for summary in page["rooms"])


async def test_pages_of_a_round_are_the_whole_list_without_repetition(server):
    _, rooms = await filled(server, 7)
    client, page = await hello(server, device=2, rooms=3)
    found = await pages(client, page, rooms=2)
    assert [len(page["rooms"]) for page in found] == [3, 2, 2]
    assert [name for page in found for name in names(page)] == rooms[::-1]
    assert all(page["full"] for page in found)
    assert ["totals" in page for page in found] == [True, False, False]


async def test_a_cursor_brings_only_what_changed_since(server):
    ann, rooms = await filled(server, 3)
    _, page = await hello(server, device=2)
    await ann.send(rooms[0])
    _, page = await hello(server, device=2, epoch=server.store.epoch, cursor=page["cursor"])
    assert names(page) == [rooms[0]]
    assert "full" not in page
    assert "preview" not in page["rooms"][0]


async def test_nothing_changed_is_an_empty_page(server):
    await filled(server, 2)
    _, page = await hello(server, device=2)
    _, page = await hello(server, device=2, epoch=server.store.epoch, cursor=page["cursor"])
    assert (page["rooms"], set(page)) == ([], {"cursor", "rooms"})


async def test_events_since_the_cursor_come_inline(server):
    ann, rooms = await filled(server, 1)
    _, page = await hello(server, device=2)
    for _ in range(3):
        await ann.send(rooms[0])
    _, page = await hello(server, device=2, epoch=server.store.epoch, cursor=page["cursor"], events=2)
    assert [event["seq"] for event in page["rooms"][0]["events"]] == [4, 5]


async def test_rooms_one_left_are_gone(server):
    ann, rooms = await filled(server, 2)
    _, page = await hello(server, "bob")
    await ann.request(type="members.remove", room=rooms[0], key=new_key(), users=["bob"])
    _, page = await hello(server, "bob", epoch=server.store.epoch, cursor=page["cursor"])
    assert (page["gone"], page["rooms"]) == ([rooms[0]], [])


@pytest.mark.parametrize("stored", [{"epoch": "other"}, {}, {"epoch": None}])
async def test_another_history_is_a_full_round(server, stored):
    await filled(server, 2)
    _, page = await hello(server, device=2)
    keys = {key: value for key, value in stored.items() if value}
    _, page = await hello(server, device=3, cursor=page["cursor"], **keys)
    assert (page["full"], len(page["rooms"])) == (True, 2)


async def test_a_cursor_from_the_future_is_a_full_round(server):
    await filled(server, 2)
    future = cursor_of(server.store.epoch, server.store.stamp + 1000)
    _, page = await hello(server, device=3, epoch=server.store.epoch, cursor=future)
    assert (page["full"], len(page["rooms"])) == (True, 2)


async def test_a_change_between_two_pages_is_found_by_the_cursor_of_the_round(server):
    ann, rooms = await filled(server, 4)
    client, page = await hello(server, device=2, rooms=2)
    await ann.send(rooms[3])
    found = await pages(client, page)
    later = await client.request(type="sync", cursor=found[-1]["cursor"])
    assert rooms[3] in names(later) + [name for page in found[1:] for name in names(page)]


async def test_an_incremental_round_on_a_live_connection(server):
    ann, rooms = await filled(server, 3)
    client, page = await hello(server, device=2)
    await ann.send(rooms[1])
    reply = await client.request(type="sync", cursor=page["cursor"], previews=True, events=5)
    assert names(reply) == [rooms[1]]
    assert reply["rooms"][0]["preview"]["seq"] == 3
    assert "full" not in reply


async def test_a_page_is_no_older_than_what_was_pushed_while_it_was_read(server):
    _, (moved, read, left, calm) = await filled(server, 4)
    bob = await server.connect("bob")
    hold = server.store.hold("sync", after=True)
    id = bob.send_request(type="sync", previews=True, events=5)
    await hold.reached.wait()
    for user, request in (
        ("ann", Send(room=moved, key=new_key(), body=Body(text="x"))),
        ("bob", Read(room=read, seq=2)),
        ("ann", MembersRemove(room=left, key=new_key(), users=["bob"])),
    ):
        await server.app.writer.submit_and_wait(user, request)
    hold.release()
    await server.wait_idle()
    told = bob.take()
    page = told.pop()
    assert [packet["type"] for packet in told] == ["event", "position", "gone"]
    assert page["id"] == id
    shown = {summary["room"]: summary for summary in page["rooms"]}
    assert shown.keys() == {moved, read, calm}
    assert [(shown[room]["seq"], shown[room].get("unread", 0)) for room in (moved, read, calm)] == [
        (3, 2), (2, 0), (2, 1)
    ]  # fmt: skip
    assert [shown[room].keys() & {"preview", "events"} for room in (moved, read)] == [
        set(), {"preview", "events"}
    ]  # fmt: skip


@pytest.mark.parametrize("asked", [Clear(room="", seq=2), Delete(room="", ranges=[(2, 2)])])
async def test_a_page_shows_nothing_that_its_user_took_away_while_it_was_read(server, asked):
    _, (room,) = await filled(server, 1)
    bob = await server.connect("bob")
    submit = server.app.writer.submit_and_wait
    await submit("bob", Read(room=room, seq=2))
    hold = server.store.hold("sync", after=True)
    id = bob.send_request(type="sync", previews=True, events=5)
    await hold.reached.wait()
    await submit("bob", structs.replace(asked, room=room))
    hold.release()
    (summary,) = (await bob.answer(id))["rooms"]
    assert summary.keys() & {"deleted", "first_visible"}
    assert not summary.keys() & {"preview", "events"}


async def test_where_too_many_rooms_are_gone_the_round_is_full(server, monkeypatch):
    monkeypatch.setattr(storage_sync, "GONE_MAX", 3)
    ann, rooms = await filled(server, 6)
    bob, page = await hello(server, device=2)

    async def both():
        """Return the pages of a `sync` and a `hello` from the earlier cursor."""
        known = {"epoch": server.store.epoch, "cursor": page["cursor"], "rooms": 1}
        return await bob.request(type="sync", cursor=page["cursor"], rooms=1), (
            await hello(server, device=3, **known)
        )[1]

    for count in range(1, 4):
        await ann.request(type="room.delete", room=rooms[count - 1], key=new_key())
        assert [set(reply["gone"]) for reply in await both()] == [set(rooms[:count])] * 2
    await ann.request(type="room.delete", room=rooms[3], key=new_key())
    for reply in await both():
        found = await pages(bob, reply)
        assert [names(page) for page in found] == [[rooms[5]], [rooms[4]]]
        assert all(page["full"] and "gone" not in page and "preview" in page["rooms"][0] for page in found)
        assert reply["totals"]["rooms"] == 2


async def test_a_round_without_cursor_is_full(server):
    _, rooms = await filled(server, 3)
    client, _ = await hello(server, device=2)
    reply = await client.request(type="sync")
    assert (reply["full"], names(reply)) == (True, rooms[::-1])


MADE_BY_HAND = More(0, 2**64 - 1, 0, 0, 0, previews=False, events=0, sections=0, full_sections=0)


@pytest.mark.parametrize(
    "keys", [{"cursor": "?"}, {"more": "?"}, {"more": "AAAA"}, {"more": MADE_BY_HAND.pack()}]
)
async def test_what_is_no_cursor_is_refused_on_a_live_connection(server, keys):
    client = await server.connect("ann")
    reply = await client.request(type="sync", **keys)
    assert (reply["code"], reply["retry"], client.wire.closed_with) == ("bad_cursor", "after_sync", None)


async def test_a_cursor_that_cannot_be_read_does_not_lock_a_phone_out(server):
    """A client gets its rooms, or an error that drops the cursor, whatever it stored."""
    await filled(server, 1)
    client = server.client()
    id = client.say_hello("ann", device=2, epoch=server.store.epoch, cursor="?")
    await server.wait_idle()
    reply = client.reply(id)
    assert reply.get("code") == "bad_cursor" or reply["sync"]["full"] is True


async def test_a_page_too_large_is_refused(tmp_path):
    async with in_process(tmp_path, limits={"page": 10}) as server:
        client = await server.connect("ann")
        assert (await client.request(type="sync", rooms=11))["code"] == "too_large"
        assert (await client.request(type="sync", rooms=10))["type"] == "ok"


async def test_a_hello_that_asks_for_too_many_rooms_gets_a_page(tmp_path):
    async with in_process(tmp_path, limits={"page": 10}, rates={"enabled": False}) as server:
        await filled(server, 12)
        _, page = await hello(server, device=2, rooms=1000)
        assert len(page["rooms"]) == 10
        assert "more" in page


async def test_a_page_fits_a_server_frame(tmp_path):
    async with in_process(tmp_path, limits={"server_frame_bytes": 65536}, rates={"enabled": False}) as server:
        ann = await server.connect("ann")
        for _ in range(30):
            await ann.create_group("bob", data={"pad": "x" * 6000})
        client, page = await hello(server, device=2, rooms=200)
        found = await pages(client, page)
        assert sum(len(page["rooms"]) for page in found) == 30
        assert max(map(len, client.wire.frames)) <= 65536

import pytest

from chatd.core.cursors import More, cursor_of
from chatd.protocol.objects import Body
from chatd.protocol.requests import MembersRemove, Read, Send
from chatd.storage.sqlite import sync as storage_sync
from tests.kit.indoors import indoors, new_key


async def filled(house, count=5):
    """Ann with `count` groups of one message each, oldest first."""
    ann = await house.meets("ann")
    rooms = []
    for _ in range(count):
        house.env.advance(1)
        room = await ann.makes_group("bob")
        await ann.sends(room)
        rooms.append(room)
    return ann, rooms


async def hello(house, user="ann", **keys):
    guest = house.guest()
    id = guest.greets(user, **keys)
    await house.quiet()
    return guest, guest.reply(id)["sync"]


def names(page):
    return [summary["room"] for summary in page["rooms"]]


async def pages(guest, page, **keys):
    """All pages of a round, the given one first."""
    found = [page]
    while "more" in found[-1]:
        assert "cursor" not in found[-1]
        found.append(await guest.asks(type="sync", more=found[-1]["more"], **keys))
    assert "cursor" in found[-1]
    return found


async def test_a_first_hello_lists_everything_latest_first(house):
    _, rooms = await filled(house)
    _, page = await hello(house, device=2)
    assert names(page) == rooms[::-1]
    assert (page["full"], page["totals"]) == (True, {"rooms": 5, "unread": 0, "mentions": 0})
    assert all(summary["preview"]["body"] == {"text": "hello"} for summary in page["rooms"])


async def test_pages_of_a_round_are_the_whole_list_without_repetition(house):
    _, rooms = await filled(house, 7)
    guest, page = await hello(house, device=2, rooms=3)
    found = await pages(guest, page, rooms=2)
    assert [len(page["rooms"]) for page in found] == [3, 2, 2]
    assert [name for page in found for name in names(page)] == rooms[::-1]
    assert all(page["full"] for page in found)
    assert ["totals" in page for page in found] == [True, False, False]


async def test_a_cursor_brings_only_what_changed_since(house):
    ann, rooms = await filled(house, 3)
    _, page = await hello(house, device=2)
    await ann.sends(rooms[0])
    _, page = await hello(house, device=2, epoch=house.store.epoch, cursor=page["cursor"])
    assert names(page) == [rooms[0]]
    assert "full" not in page
    assert "preview" not in page["rooms"][0]


async def test_nothing_changed_is_an_empty_page(house):
    await filled(house, 2)
    _, page = await hello(house, device=2)
    _, page = await hello(house, device=2, epoch=house.store.epoch, cursor=page["cursor"])
    assert (page["rooms"], set(page)) == ([], {"cursor", "rooms"})


async def test_events_since_the_cursor_come_inline(house):
    ann, rooms = await filled(house, 1)
    _, page = await hello(house, device=2)
    for _ in range(3):
        await ann.sends(rooms[0])
    _, page = await hello(house, device=2, epoch=house.store.epoch, cursor=page["cursor"], events=2)
    assert [event["seq"] for event in page["rooms"][0]["events"]] == [4, 5]


async def test_rooms_one_left_are_gone(house):
    ann, rooms = await filled(house, 2)
    _, page = await hello(house, "bob")
    await ann.asks(type="members.remove", room=rooms[0], key=new_key(), users=["bob"])
    _, page = await hello(house, "bob", epoch=house.store.epoch, cursor=page["cursor"])
    assert (page["gone"], page["rooms"]) == ([rooms[0]], [])


@pytest.mark.parametrize("stored", [{"epoch": "other"}, {}, {"epoch": None}])
async def test_another_history_is_a_full_round(house, stored):
    await filled(house, 2)
    _, page = await hello(house, device=2)
    keys = {key: value for key, value in stored.items() if value}
    _, page = await hello(house, device=3, cursor=page["cursor"], **keys)
    assert (page["full"], len(page["rooms"])) == (True, 2)


async def test_a_cursor_from_the_future_is_a_full_round(house):
    await filled(house, 2)
    future = cursor_of(house.store.epoch, house.store.stamp + 1000)
    _, page = await hello(house, device=3, epoch=house.store.epoch, cursor=future)
    assert (page["full"], len(page["rooms"])) == (True, 2)


async def test_a_change_between_two_pages_is_found_by_the_cursor_of_the_round(house):
    ann, rooms = await filled(house, 4)
    guest, page = await hello(house, device=2, rooms=2)
    await ann.sends(rooms[3])
    found = await pages(guest, page)
    later = await guest.asks(type="sync", cursor=found[-1]["cursor"])
    assert rooms[3] in names(later) + [name for page in found[1:] for name in names(page)]


async def test_an_incremental_round_on_a_live_connection(house):
    ann, rooms = await filled(house, 3)
    guest, page = await hello(house, device=2)
    await ann.sends(rooms[1])
    reply = await guest.asks(type="sync", cursor=page["cursor"], previews=True, events=5)
    assert names(reply) == [rooms[1]]
    assert reply["rooms"][0]["preview"]["seq"] == 3
    assert "full" not in reply


async def test_a_page_is_no_older_than_what_was_told_while_it_was_read(house):
    _, (moved, read, left, calm) = await filled(house, 4)
    bob = await house.meets("bob")
    hold = house.store.hold("sync", after=True)
    id = bob.asks_for(type="sync", previews=True, events=5)
    await hold.reached.wait()
    for user, request in (
        ("ann", Send(room=moved, key=new_key(), body=Body(text="x"))),
        ("bob", Read(room=read, seq=2)),
        ("ann", MembersRemove(room=left, key=new_key(), users=["bob"])),
    ):
        await house.inside.writer.carry(user, request)
    hold.release()
    await house.quiet()
    told = bob.hears()
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


async def test_where_too_many_rooms_are_gone_the_round_is_full(house, monkeypatch):
    monkeypatch.setattr(storage_sync, "GONE_MAX", 3)
    ann, rooms = await filled(house, 6)
    bob, page = await hello(house, device=2)

    async def both():
        """What a `sync` and a `hello` from the cursor of before say."""
        known = {"epoch": house.store.epoch, "cursor": page["cursor"], "rooms": 1}
        return await bob.asks(type="sync", cursor=page["cursor"], rooms=1), (
            await hello(house, device=3, **known)
        )[1]

    for count in range(1, 4):
        await ann.asks(type="room.delete", room=rooms[count - 1], key=new_key())
        assert [set(reply["gone"]) for reply in await both()] == [set(rooms[:count])] * 2
    await ann.asks(type="room.delete", room=rooms[3], key=new_key())
    for reply in await both():
        found = await pages(bob, reply)
        assert [names(page) for page in found] == [[rooms[5]], [rooms[4]]]
        assert all(page["full"] and "gone" not in page and "preview" in page["rooms"][0] for page in found)
        assert reply["totals"]["rooms"] == 2


async def test_a_round_without_cursor_is_full(house):
    _, rooms = await filled(house, 3)
    guest, _ = await hello(house, device=2)
    reply = await guest.asks(type="sync")
    assert (reply["full"], names(reply)) == (True, rooms[::-1])


MADE_BY_HAND = More(since=0, first_stamp=2**64 - 1, pinned=0, time=0, number=0, previews=False, events=0)


@pytest.mark.parametrize(
    "keys", [{"cursor": "?"}, {"more": "?"}, {"more": "AAAA"}, {"more": MADE_BY_HAND.pack()}]
)
async def test_what_is_no_cursor_is_refused_on_a_live_connection(house, keys):
    guest = await house.meets("ann")
    reply = await guest.asks(type="sync", **keys)
    assert (reply["code"], reply["retry"], guest.wire.closed_with) == ("bad_cursor", "after_sync", None)


async def test_a_cursor_that_cannot_be_read_does_not_lock_a_phone_out(house):
    """Whatever it stored: it gets its rooms, or is told to drop the cursor."""
    await filled(house, 1)
    guest = house.guest()
    id = guest.greets("ann", device=2, epoch=house.store.epoch, cursor="?")
    await house.quiet()
    reply = guest.reply(id)
    assert reply.get("code") == "bad_cursor" or reply["sync"]["full"] is True


async def test_a_page_too_large_is_refused(tmp_path):
    async with indoors(tmp_path, limits={"page": 10}) as house:
        guest = await house.meets("ann")
        assert (await guest.asks(type="sync", rooms=11))["code"] == "too_large"
        assert (await guest.asks(type="sync", rooms=10))["type"] == "ok"


async def test_a_hello_that_asks_for_too_many_rooms_gets_a_page(tmp_path):
    async with indoors(tmp_path, limits={"page": 10}, rates={"enabled": False}) as house:
        await filled(house, 12)
        _, page = await hello(house, device=2, rooms=1000)
        assert len(page["rooms"]) == 10
        assert "more" in page


async def test_a_page_fits_a_server_frame(tmp_path):
    async with indoors(tmp_path, limits={"server_frame_bytes": 65536}, rates={"enabled": False}) as house:
        ann = await house.meets("ann")
        for _ in range(30):
            await ann.makes_group("bob", data={"pad": "x" * 6000})
        guest, page = await hello(house, device=2, rooms=200)
        found = await pages(guest, page)
        assert sum(len(page["rooms"]) for page in found) == 30
        assert max(map(len, guest.wire.frames)) <= 65536

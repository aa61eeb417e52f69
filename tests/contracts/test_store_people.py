"""Store: members, readers, acquaintances, devices."""

import pytest

from chatd.core.room import Room
from chatd.core.users import Account, DeviceSeen
from chatd.protocol.members import MemberRow
from chatd.protocol.read_state import Reader
from chatd.storage.interface import Store
from tests.kit.history_builder import HistoryBuilder


@pytest.fixture
async def room(builder: HistoryBuilder) -> Room:
    room = await builder.group("mia", "ann", "bob", "anna", "zed")
    await builder.post_many(room, "ann", 5)
    await builder.leave(room, "zed")
    return room


async def found(store: Store, room: Room, **asked: object) -> list[str]:
    wanted = {"after": "", "prefix": "", "role": None, "limit": 10, "now_ms": 0, **asked}
    rows, count = await store.members(room.number, **wanted)  # type: ignore[arg-type]
    assert count == 4
    return [row.user for row in rows]


async def test_members_come_in_order_without_those_who_left(store: Store, room: Room) -> None:
    assert await found(store, room) == ["ann", "anna", "bob", "mia"]
    rows, _ = await store.members(room.number, after="ann", prefix="", role=None, limit=1, now_ms=0)
    assert rows == [MemberRow("anna", "member", room.members["anna"].joined_at)]


async def test_members_are_paged_and_filtered(store: Store, room: Room) -> None:
    assert await found(store, room, after="anna", limit=1) == ["bob"]
    assert await found(store, room, prefix="an") == ["ann", "anna"]
    assert await found(store, room, prefix="an", after="ann") == ["anna"]
    assert await found(store, room, prefix="x") == []
    assert await found(store, room, role="owner") == ["mia"]
    assert await found(store, room, role="member", prefix="m") == []


async def hide(builder: HistoryBuilder, user: str) -> None:
    writes = builder.writes()
    writes.add(Account(user, receipts=False))
    await builder.commit(writes)


async def test_readers_are_those_who_read_that_far_and_show_it(
    store: Store, builder: HistoryBuilder, room: Room
) -> None:
    for user, seq in (("ann", 6), ("anna", 4), ("bob", 5), ("mia", 6)):
        await builder.read(room, user, seq)
    await hide(builder, "mia")
    assert await store.readers(room.number, 5, after="", limit=10) == (
        [Reader("ann", 6), Reader("bob", 5)],
        2,
    )
    assert await store.readers(room.number, 5, after="ann", limit=10) == ([Reader("bob", 5)], 2)
    assert await store.readers(room.number, 1, after="", limit=1) == ([Reader("ann", 6)], 3)


async def test_who_came_after_a_message_did_not_read_it(
    store: Store, builder: HistoryBuilder, room: Room
) -> None:
    last = room.seq
    await builder.join(room, "zoe")
    assert await store.readers(room.number, last, after="", limit=10) == ([], 0)
    await builder.read(room, "zoe", last + 1)
    assert await store.readers(room.number, last, after="", limit=10) == ([], 0)
    assert await store.readers(room.number, last + 1, after="", limit=10) == ([Reader("zoe", last + 1)], 1)


async def sharing(store: Store, viewer: str, users: list[str]) -> set[str]:
    return {view.account.user for view in await store.card_views(viewer, users) if view.shares_room}


async def test_acquaintances_share_a_room_now(store: Store, builder: HistoryBuilder, room: Room) -> None:
    await builder.direct("ann", "eve")
    deleted = await builder.group("ann", "kim")
    await builder.delete(deleted)
    asked = ["bob", "eve", "zed", "kim", "stranger", "ann"]
    assert await sharing(store, "ann", asked) == {"bob", "eve", "ann"}
    assert await sharing(store, "zed", asked) == set()
    assert await sharing(store, "bob", []) == set()


async def test_whose_presence_may_be_seen(store: Store, builder: HistoryBuilder, room: Room) -> None:
    """Those one shares a room with now; a direct room may count only when both have written; who hides is not among
    them, and sees nobody.
    """
    strange, mutual = await builder.direct("ann", "eve"), await builder.direct("ann", "kim")
    for place, user in ((strange, "ann"), (mutual, "ann"), (mutual, "kim")):
        await builder.post(place, user)
    asked = ["bob", "eve", "kim", "stranger", "mia"]

    async def seen(user: str, *, answered: bool) -> set[str]:
        return await store.watchable(user, asked, answered=answered)

    assert await seen("ann", answered=True) == {"bob", "kim", "mia"}
    assert await seen("ann", answered=False) == {"bob", "kim", "mia", "eve"}
    assert await store.watchable("eve", ["ann"], answered=True) == set()
    writes = builder.writes()
    writes.add(Account("mia", presence=False))
    await store.commit(writes)
    assert await seen("ann", answered=True) == {"bob", "kim"}
    assert await store.watchable("mia", ["ann", "bob"], answered=False) == set()


async def test_removed_devices_are_not_listed_but_remembered(store: Store, builder: HistoryBuilder) -> None:
    one, two = DeviceSeen("ann", "A" * 22, last_seen=5), DeviceSeen("ann", "B" * 22, last_seen=9)
    removed = DeviceSeen("ann", "C" * 22, last_seen=7, revoked_before=8, removed=True)
    writes = builder.writes()
    writes.add(two, one, removed, DeviceSeen("bob", "A" * 22))
    await store.commit(writes)
    assert await store.devices("ann") == [one, two]
    assert await store.device("ann", "C" * 22) == removed
    assert await store.listed(["ann", "bob", "eve"]) == [one, two]


async def test_a_device_that_is_not_listed_is_found_when_its_revocation_is_old(
    store: Store, builder: HistoryBuilder
) -> None:
    removed = DeviceSeen("ann", "A" * 22, last_seen=7, revoked_before=5, removed=True)
    never_here = DeviceSeen("bob", "B" * 22, revoked_before=6)
    revoked = DeviceSeen("cat", "C" * 22, last_seen=9, revoked_before=5)
    writes = builder.writes()
    writes.add(removed, never_here, revoked)
    await store.commit(writes)
    assert await store.unlisted(5, 9) == []
    assert await store.unlisted(6, 9) == [("ann", "A" * 22)]
    assert await store.unlisted(7, 9) == [("ann", "A" * 22), ("bob", "B" * 22)]
    assert await store.unlisted(7, 1) == [("ann", "A" * 22)]


async def test_rooms_of_a_user_are_counted_as_they_come_and_go(store: Store, builder: HistoryBuilder) -> None:
    async def rooms_of(*users: str) -> dict[str, int]:
        return (await store.people([], [], users)).memberships

    room = await builder.group("ann", "bob")
    await builder.direct("ann", "bob")
    await builder.leave(room, "bob")
    await builder.join(room, "cat")
    assert await rooms_of("ann", "bob", "cat", "dan") == {"ann": 2, "bob": 1, "cat": 1}
    await builder.join(room, "bob")
    await builder.delete(room)
    assert await rooms_of("ann", "bob", "cat") == {"ann": 1, "bob": 1, "cat": 0}


async def test_last_seen_is_the_latest_of_all_devices(store: Store, builder: HistoryBuilder) -> None:
    writes = builder.writes()
    writes.add(DeviceSeen("ann", "A" * 22, last_seen=5), DeviceSeen("ann", "B" * 22, last_seen=9))
    writes.add(DeviceSeen("bob", "A" * 22))
    await store.commit(writes)
    assert await store.last_seen(["ann", "bob", "eve"]) == {"ann": 9}

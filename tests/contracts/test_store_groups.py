"""Store: rules of rooms, who is banned, silenced or named otherwise, who has not read, what somebody wrote lately."""

import pytest
from msgspec import UNSET

from chatd.core.bans import ban
from chatd.core.extras import NICKNAME, SILENCED, put_extra
from chatd.core.policy import NO_DETAILS, RoomDetails
from chatd.core.room import Member, Room
from chatd.core.room_summary import summary_of
from chatd.core.sync_query import SyncQuery
from chatd.protocol.groups import Policy
from chatd.protocol.members import MemberRow
from chatd.protocol.read_state import Reader
from chatd.storage.interface import Store
from tests.kit.history_builder import HistoryBuilder


@pytest.fixture
async def room(builder: HistoryBuilder) -> Room:
    return await builder.group("mia", "ann", "bob", "zed")


async def banned(builder: HistoryBuilder, room: Room, user: str, until: int = 0) -> None:
    writes = builder.writes()
    if user in room.members:
        writes.remove_member(room, user, "banned")
    ban(room, user, until, writes)
    await builder.commit(writes)


async def listed(store: Store, room: Room, role: str | None) -> list[MemberRow]:
    page = {"after": "", "prefix": "", "role": role, "limit": 10}
    rows, _ = await store.members(room.number, **page, now_ms=6)  # type: ignore[arg-type]
    return rows


async def test_a_room_comes_back_with_its_rules_and_shows_them(
    store: Store, builder: HistoryBuilder, room: Room
) -> None:
    details = RoomDetails(Policy(post="admin", join="request"), "We ride", ("bikes", "旅行"), announcement=1)
    await builder.settings(room, details=details, retain_s=3600)
    (loaded,) = (await store.load_rooms([room.name])).values()
    assert (loaded.details, loaded.retain_s, loaded.governed) == (details, 3600, True)
    (shown,) = (await store.sync(SyncQuery("ann", None, 10))).rooms
    assert shown == summary_of(room, room.members["ann"], "known")
    assert (shown.policy, shown.about, shown.announcement) == (details.policy, "We ride", 1)
    await builder.settings(room, details=NO_DETAILS, retain_s=0)
    (loaded,) = (await store.load_rooms([room.name])).values()
    assert (loaded.details is NO_DETAILS, loaded.governed) == (True, False)


async def test_a_member_is_listed_with_nickname_and_silence(
    store: Store, builder: HistoryBuilder, room: Room
) -> None:
    writes = builder.writes()
    bob = writes.touch_member(room, "bob")
    put_extra(bob, NICKNAME, "Bobby")
    put_extra(bob, SILENCED, 99)
    await builder.commit(writes)
    row = MemberRow("bob", "member", bob.joined_at, nickname="Bobby", silenced_until=99)
    assert (await listed(store, room, None))[1] == row
    assert await store.named_members(room.number, ["zed", "bob", "eve"], 98) == [
        row, MemberRow("zed", "member", room.members["zed"].joined_at)
    ]  # fmt: skip
    (over,) = await store.named_members(room.number, ["bob"], 99)
    assert (over.nickname, over.silenced_until) == ("Bobby", 0)
    (shown,) = (await store.sync(SyncQuery("bob", None, 10))).rooms
    assert (shown.nickname, shown.silenced_until) == ("Bobby", 99)


async def test_staff_and_who_is_banned_are_listed_apart(
    store: Store, builder: HistoryBuilder, room: Room
) -> None:
    writes = builder.writes()
    writes.touch_member(room, "bob").role = "admin"
    await builder.commit(writes)
    await builder.leave(room, "ann")
    await banned(builder, room, "zed", until=7)
    await banned(builder, room, "eve")
    assert [row.user for row in await listed(store, room, "staff")] == ["bob", "mia"]
    for now_ms, held in ((6, [("eve", 0), ("zed", 7)]), (7, [("eve", 0)])):
        rows, count = await store.members(
            room.number, after="", prefix="", role="banned", limit=10, now_ms=now_ms
        )
        assert ([(row.user, row.banned_until) for row in rows], count) == (held, len(held))
        (next_row,) = (
            await store.members(
                room.number, after="", prefix=held[-1][0], role="banned", limit=1, now_ms=now_ms
            )
        )[0]
        assert next_row.user == held[-1][0]
        assert await store.channels.banned(room.number, now_ms, far=1) == len(held)
    assert await store.channels.banned(room.number, 7, far=2) == 2
    (loaded,) = (await store.load_rooms([room.name])).values()
    assert {user: one.gone for user, one in loaded.former.items()} == {
        "ann": "left", "zed": "banned", "eve": "banned"
    }  # fmt: skip
    assert (loaded.former["eve"].never_joined, loaded.former["zed"].never_joined) == (True, False)


async def test_a_sync_names_a_room_to_whoever_lost_it_and_not_to_a_stranger_who_is_banned(
    store: Store, builder: HistoryBuilder, room: Room
) -> None:
    since = store.stamp
    await banned(builder, room, "zed")
    await banned(builder, room, "eve")
    gone = {user: (await store.sync(SyncQuery(user, since, 10))).gone for user in ("zed", "eve")}
    assert gone == {"zed": [room.name], "eve": []}


async def test_who_has_not_read_is_everybody_who_was_there_but_its_author(
    store: Store, builder: HistoryBuilder, room: Room
) -> None:
    seq = (await builder.post(room, "ann")).seq
    await builder.read(room, "bob", seq)
    found = await store.readers(room.number, seq, after="", limit=10, unread=True)
    assert found == ([Reader("mia", 0), Reader("zed", 0)], 2)
    assert await store.readers(room.number, seq, after="mia", limit=10, unread=True) == (
        [Reader("zed", 0)],
        2,
    )
    assert await store.readers(room.number, seq, after="", limit=9, unread=True, unseen=["mia"]) == (
        [Reader("zed", 0)], 1
    )  # fmt: skip


async def test_a_newcomer_who_sees_the_past_has_neither_read_it_nor_not(
    store: Store, builder: HistoryBuilder, room: Room
) -> None:
    seq = (await builder.post(room, "ann")).seq
    writes = builder.writes()
    newcomer = Member("new", "member", writes.now, first_visible=1, read=room.seq, read_ordinal=room.ordinal)
    writes.add_member(room, newcomer)
    await builder.commit(writes)
    later = (await builder.post(room, "ann")).seq
    for unread in (False, True):
        rows, _ = await store.readers(room.number, seq, after="", limit=10, unread=unread)
        assert "new" not in [row.user for row in rows]
    rows, _ = await store.readers(room.number, later, after="", limit=10, unread=True)
    assert "new" in [row.user for row in rows]


async def test_what_some_users_wrote_lately_comes_newest_first(
    store: Store, builder: HistoryBuilder, room: Room
) -> None:
    old = await builder.post(room, "ann")
    wrote = [(user, (await builder.post(room, user)).seq) for user in ("ann", "bob", "zed", "ann")]
    newest = [one for one in reversed(wrote) if one[0] != "zed"]
    assert old.time is not UNSET
    found = await store.recent_messages(room.number, ["ann", "bob"], old.time, 10)
    assert found == newest
    assert await store.recent_messages(room.number, ["ann", "bob"], old.time, 2) == newest[:2]
    assert await store.recent_messages(room.number, ["ann"], old.time - 1, 10) == [
        *(one for one in newest if one[0] == "ann"), ("ann", old.seq)
    ]  # fmt: skip
    assert await store.recent_messages(room.number, ["mia"], 0, 10) == []

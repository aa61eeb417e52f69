"""Store.sync, memberships: the rooms as their member is shown them (protocol.md "RoomSummary" and "sync")."""

from collections.abc import Awaitable, Callable
from operator import attrgetter
from typing import Any

import pytest
from msgspec import UNSET, Raw

from chatd.core.room import Room
from chatd.core.sync_query import SyncQuery
from chatd.core.users import Account, DeviceSeen
from chatd.core.visibility import ShownTo
from chatd.protocol.codec import decode_event, encode
from chatd.protocol.rooms import RoomSummary
from chatd.storage.interface import Store
from chatd.storage.views import SyncRows
from tests.kit.history_builder import HistoryBuilder

# All of a membership that subscribing a connection needs.
SUBSCRIBED = attrgetter("number", "name", "size", "muted_until")


def names(rows: SyncRows) -> list[str]:
    return [summary.room for summary in rows.rooms]


async def summary_of(store: Store, user: str) -> RoomSummary:
    """The one room of `user`."""
    (summary,) = (await store.sync(SyncQuery(user, None, 10))).rooms
    return summary


async def whole_round(
    store: Store, user: str, between: Callable[[], Awaitable[Any]] | None = None, **query: Any
) -> list[SyncRows]:
    """All pages of a round; `between` happens after each page."""
    pages = [await store.sync(SyncQuery(user, **query))]
    while pages[-1].after is not None:
        if between is not None:
            await between()
        query.update(after=pages[-1].after, first_stamp=pages[0].stamp)
        pages.append(await store.sync(SyncQuery(user, **query)))
        assert len(pages) < 1000
    return pages


async def test_a_user_without_rooms_gets_an_empty_page(store: Store) -> None:
    rows = await store.sync(SyncQuery("nobody", None, 10))
    assert (rows.rooms, rows.gone, rows.after, rows.stamp) == ([], [], None, store.stamp)
    assert rows.totals is not None
    assert (rows.totals.rooms, rows.totals.unread, rows.totals.mentions) == (0, 0, 0)


async def test_a_group_is_summed_up_as_its_member_sees_it(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("ann", "bob", "eve")
    await builder.settings(room, title="Tea", avatar="a.png", public=True, data={"theme": b"\x01"})
    await builder.post(room, "ann", mentions=("bob",))
    last = await builder.post(room, "ann")
    await builder.prefer(room, "bob", muted_until=1, pinned=True, hidden=room.ordinal + 1)
    assert await summary_of(store, "bob") == RoomSummary(
        room=room.name, seq=4, ordinal=2, time=last.time, read=0, unread=2, unread_mentions=1,
        title="Tea", avatar="a.png", data=Raw(encode({"theme": b"\x01"})), public=True, members=3, role="member",
        muted_until=1, pinned=True, hidden=True,
    )  # fmt: skip
    owner = await summary_of(store, "ann")
    assert (owner.role, owner.unread, owner.pinned) == ("owner", 0, False)


@pytest.mark.parametrize(
    "title",
    ['"', "\\", "\\u0041", "[1],", "a\tb\r\n", "\x00", "".join(map(chr, range(1, 32))), "\x7f\x80\x9f",
     "\u2028\u2029", "\ufeff", "\ufffe\uffff", "\U0001f9d1\u200d\U0001f680", "\U0010ffff"],
)  # fmt: skip
async def test_texts_and_data_of_a_room_come_as_they_are(
    store: Store, builder: HistoryBuilder, title: str
) -> None:
    data = {"theme": bytes(range(256)), title: [title, 2**63 - 1, -(2**63), 0.1, None, True]}
    room = await builder.group("ann", "bob")
    await builder.settings(room, title=title, avatar=title, data=data)
    shown = await summary_of(store, "bob")
    assert (shown.title, shown.avatar, shown.data) == (title, title, Raw(encode(data)))


async def test_defaults_are_left_out_of_an_encoded_summary(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("ann", "bob")
    summary = await summary_of(store, "bob")
    assert encode(summary) == encode(RoomSummary(room=room.name, seq=1, members=2))


async def test_a_direct_room_shows_the_peer_and_their_positions(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.direct("ann", "bob")
    await builder.post(room, "bob")
    event = await builder.post(room, "ann")
    await builder.read(room, "ann", 2)
    await builder.read(room, "bob", 1, delivered=2)
    shown = RoomSummary(room=room.name, seq=3, ordinal=2, time=event.time, read=2, peer="bob")
    shown.peer_read, shown.peer_delivered = 1, 2
    assert await summary_of(store, "ann") == shown


@pytest.mark.parametrize(
    ("shown_to", "shown"), [("known", (0, 0, 2)), ("members", (2, 2, 2)), ("nobody", (0, 0, 0))]
)
async def test_how_far_a_peer_got_is_shown_to_whom_the_operator_says(
    store: Store, builder: HistoryBuilder, shown_to: ShownTo, shown: tuple[int, int, int]
) -> None:
    """Before anything was said, when one has written, when both have."""
    room = await builder.direct("ann", "bob")
    for writer, expected in zip(("", "ann", "bob"), shown, strict=True):
        if writer:
            await builder.post(room, writer)
        await builder.read(room, "bob", 2)
        query = SyncQuery("ann", None, 10, shown_to=shown_to)
        (summary,) = (await store.sync(query)).rooms
        assert (summary.peer, summary.peer_read, summary.peer_delivered) == ("bob", expected, expected)


@pytest.mark.parametrize("hiding", ["ann", "bob"])
async def test_receipts_are_hidden_when_either_side_hides_them(
    store: Store, builder: HistoryBuilder, hiding: str
) -> None:
    room = await builder.direct("ann", "bob")
    await builder.post(room, "ann")
    await builder.post(room, "bob")
    await builder.read(room, "bob", 2)
    writes = builder.writes()
    writes.add(Account(hiding, receipts=False))
    await store.commit(writes)
    summary = await summary_of(store, "ann")
    assert (summary.peer, summary.peer_read, summary.peer_delivered) == ("bob", 0, 0)


async def test_strangers_former_members_and_deleted_rooms_have_no_summary(
    store: Store, builder: HistoryBuilder
) -> None:
    room, deleted = await builder.group("ann", "bob"), await builder.group("ann", "bob")
    await builder.leave(room, "bob")
    await builder.delete(deleted)
    shown = {user: names(await store.sync(SyncQuery(user, None, 10))) for user in ("ann", "bob", "eve")}
    assert shown == {"ann": [room.name], "bob": [], "eve": []}


async def test_a_hello_reads_everything_as_of_one_commit(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("ann", "bob")
    await builder.post(room, "ann")
    writes = builder.writes()
    writes.add(Account("bob", name="Bob"), DeviceSeen("bob", "d" * 22, app="chat"))
    await store.commit(writes)
    query = SyncQuery("bob", None, 10)
    rows = await store.hello("d" * 22, query)
    assert rows.account == await store.account("bob")
    assert rows.device == await store.device("bob", "d" * 22)
    assert [*map(SUBSCRIBED, rows.memberships)] == [*map(SUBSCRIBED, await store.memberships("bob"))]
    assert rows.page == await store.sync(query)
    assert rows.page.stamp == store.stamp


async def test_memberships_are_the_rooms_a_user_is_in_now(store: Store, builder: HistoryBuilder) -> None:
    room, left, deleted = [await builder.group("ann", "bob") for _ in range(3)]
    await builder.prefer(room, "bob", muted_until=5)
    await builder.leave(left, "bob")
    await builder.delete(deleted)
    assert [*map(SUBSCRIBED, await store.memberships("bob"))] == [(room.number, room.name, 2, 5)]


async def test_rooms_come_pinned_first_then_latest_first(store: Store, builder: HistoryBuilder) -> None:
    rooms = [await builder.direct("ann", f"peer{number}") for number in range(4)]
    for room in (rooms[2], rooms[0], rooms[3]):
        await builder.post(room, "ann")
    await builder.prefer(rooms[2], "ann", pinned=True)
    assert names(await store.sync(SyncQuery("ann", None, 10))) == [rooms[n].name for n in (2, 3, 0, 1)]


async def test_totals_count_all_rooms_on_the_first_page_only(store: Store, builder: HistoryBuilder) -> None:
    rooms = [await builder.direct("ann", f"peer{number}") for number in range(5)]
    for number, room in enumerate(rooms):
        await builder.post_many(room, f"peer{number}", number)
    await builder.post(rooms[0], "peer0", mentions=("ann",))
    first, *others = await whole_round(store, "ann", since=None, limit=2)
    assert first.totals is not None
    assert (first.totals.rooms, first.totals.unread, first.totals.mentions) == (5, 11, 1)
    assert [page.totals for page in others] == [None, None]


async def test_an_incremental_page_lists_what_changed_since(store: Store, builder: HistoryBuilder) -> None:
    rooms = [await builder.direct("ann", f"peer{number}") for number in range(4)]
    since = store.stamp
    await builder.post(rooms[1], "peer1")
    await builder.prefer(rooms[2], "ann", pinned=True)
    await builder.prefer(rooms[3], "peer3", pinned=True)
    rows = await store.sync(SyncQuery("ann", since, 10))
    assert names(rows) == [rooms[2].name, rooms[1].name]
    assert rows.totals is not None
    assert rows.totals.rooms == 4
    assert names(await store.sync(SyncQuery("ann", rows.stamp, 10))) == []


async def test_the_peers_read_position_makes_a_direct_room_appear(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.direct("ann", "bob")
    await builder.post(room, "bob")
    await builder.post(room, "ann")
    since = store.stamp
    await builder.read(room, "bob", 2)
    (summary,) = (await store.sync(SyncQuery("ann", since, 10))).rooms
    assert summary.peer_read == 2


async def test_rooms_that_were_left_are_told_once_as_gone(store: Store, builder: HistoryBuilder) -> None:
    stays, left, deleted = [await builder.group("ann", "bob") for _ in range(3)]
    since = store.stamp
    await builder.leave(left, "bob")
    await builder.delete(deleted)
    rows = await store.sync(SyncQuery("bob", since, 10))
    assert (names(rows), rows.gone) == ([], [left.name, deleted.name])
    assert (await store.sync(SyncQuery("bob", rows.stamp, 10))).gone == []
    full = await store.sync(SyncQuery("bob", None, 10))
    assert (names(full), full.gone) == ([stays.name], [])


async def test_a_room_left_and_entered_again_is_listed_and_not_gone(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.group("ann", "bob")
    since = store.stamp
    await builder.leave(room, "bob")
    await builder.join(room, "bob")
    rows = await store.sync(SyncQuery("bob", since, 10))
    assert (names(rows), rows.gone) == ([room.name], [])


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
async def test_the_pages_of_a_quiet_round_list_every_room_once_in_order(
    store: Store, builder: HistoryBuilder, limit: int
) -> None:
    rooms = [await builder.direct("ann", f"peer{number}") for number in range(9)]
    for number in (3, 1, 4, 8):
        await builder.post(rooms[number], "ann")
    await builder.prefer(rooms[5], "ann", pinned=True)
    pages = await whole_round(store, "ann", since=None, limit=limit)
    listed = [name for page in pages for name in names(page)]
    assert listed == [rooms[n].name for n in (5, 8, 4, 1, 3, 7, 6, 2, 0)]
    assert all(len(page.rooms) <= limit for page in pages)


async def test_a_page_asked_for_without_rooms_starts_the_round_at_the_top(
    store: Store, builder: HistoryBuilder
) -> None:
    rooms = [await builder.direct("ann", f"peer{number}") for number in range(3)]
    empty = await store.sync(SyncQuery("ann", None, 0))
    assert (empty.rooms, empty.after is None) == ([], False)
    rest = await store.sync(SyncQuery("ann", None, 10, after=empty.after, first_stamp=empty.stamp))
    assert names(rest) == [room.name for room in reversed(rooms)]


async def test_a_page_is_cut_by_bytes_and_never_empty(store: Store, builder: HistoryBuilder) -> None:
    rooms = [await builder.group("ann") for _ in range(4)]
    for room in rooms:
        await builder.settings(room, title="x" * 200)
    pages = await whole_round(store, "ann", since=None, limit=100, page_bytes=600)
    assert [len(page.rooms) for page in pages] == [2, 2]
    assert sum(len(encode(summary)) for summary in pages[0].rooms) <= 600
    tiny = await whole_round(store, "ann", since=None, limit=100, page_bytes=1)
    assert [len(page.rooms) for page in tiny] == [1, 1, 1, 1]


async def test_rooms_that_move_to_the_top_during_a_round_are_repeated_at_its_end(
    store: Store, builder: HistoryBuilder
) -> None:
    rooms = [await builder.direct("ann", f"peer{number}") for number in range(12)]
    moving = iter(rooms[:2])

    async def move() -> None:
        room = next(moving, None)
        if room is not None:
            await builder.post(room, "ann")

    pages = await whole_round(store, "ann", move, since=None, limit=4)
    latest = {summary.room: summary for page in pages for summary in page.rooms}
    assert set(latest) == {room.name for room in rooms}
    assert [latest[room.name].seq for room in rooms[:4]] == [2, 2, 1, 1]


async def test_what_moved_is_told_in_several_pages_when_it_does_not_fit_one(
    store: Store, builder: HistoryBuilder
) -> None:
    rooms = [await builder.direct("ann", f"peer{number}") for number in range(10)]
    moved = False

    async def move() -> None:
        nonlocal moved
        if not moved:
            moved = True
            for room in rooms:
                await builder.post(room, "ann")

    pages = await whole_round(store, "ann", move, since=None, limit=3)
    latest = {summary.room: summary.seq for page in pages for summary in page.rooms}
    assert latest == {room.name: 2 for room in rooms}
    assert all(len(page.rooms) <= 3 for page in pages)


async def test_a_cursor_of_the_first_page_covers_what_happened_during_the_round(
    store: Store, builder: HistoryBuilder
) -> None:
    rooms = [await builder.group("ann", "bob") for _ in range(6)]
    going = iter(rooms[4:])

    async def leave() -> None:
        room = next(going, None)
        if room is not None:
            await builder.leave(room, "bob")

    first, *_ = await whole_round(store, "bob", leave, since=None, limit=2)
    assert (await store.sync(SyncQuery("bob", first.stamp, 10))).gone == [room.name for room in rooms[4:]]


async def test_a_preview_is_the_latest_message_that_is_visible(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("ann", "bob")
    message = await builder.post(room, "ann")
    await builder.edit(room, "ann", message.seq, "edited")
    await builder.join(room, "eve")
    bob, eve = [
        (await store.sync(SyncQuery(user, None, 10, previews=True))).rooms[0].preview
        for user in ("bob", "eve")
    ]
    assert bob is not UNSET
    assert decode_event(bob) == (await store.messages_at([(room.number, 2)]))[room.number, 2]
    assert eve is UNSET
    assert (await store.sync(SyncQuery("bob", None, 10))).rooms[0].preview is UNSET


async def test_events_are_the_newest_without_a_gap_up_to_the_last(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.group("ann", "bob")
    await builder.post_many(room, "ann", 8)
    (summary,) = (await store.sync(SyncQuery("bob", None, 10, events=3, events_bytes=10_000))).rooms
    assert seqs(summary) == [7, 8, 9]
    (summary,) = (await store.sync(SyncQuery("bob", None, 10, events=50, events_bytes=10_000))).rooms
    assert seqs(summary) == list(range(1, 10))


async def test_events_are_only_those_since_the_cursor(store: Store, builder: HistoryBuilder) -> None:
    room = await builder.group("ann", "bob")
    await builder.post_many(room, "ann", 3)
    since = store.stamp
    await builder.post_many(room, "ann", 2)
    (summary,) = (await store.sync(SyncQuery("bob", since, 10, events=50, events_bytes=10_000))).rooms
    assert seqs(summary) == [5, 6]


def seqs(summary: RoomSummary) -> list[int]:
    return [] if summary.events is UNSET else [decode_event(event).seq for event in summary.events]


async def test_events_stay_within_their_bytes_most_recent_rooms_first(
    store: Store, builder: HistoryBuilder
) -> None:
    rooms = [await builder.group("ann") for _ in range(3)]
    for room in rooms:
        await builder.post_many(room, "ann", 5, text="x" * 100)
    await builder.prefer(rooms[0], "ann", pinned=True)
    rows = await store.sync(SyncQuery("ann", None, 10, events=5, events_bytes=1500))
    shown = {summary.room: seqs(summary) for summary in rows.rooms}
    assert shown[rooms[2].name] == [2, 3, 4, 5, 6]
    assert shown[rooms[1].name][-1:] == [6]
    assert shown[rooms[0].name] == []
    assert sum(len(e) for s in rows.rooms if s.events is not UNSET for e in map(bytes, s.events)) <= 1500


async def test_events_show_own_reactions_and_nothing_from_before_a_member_came(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.group("ann", "bob")
    early = await builder.post(room, "ann", "before")
    await builder.join(room, "eve")
    late = await builder.post(room, "ann", "after")
    await builder.react(room, "eve", late.seq, "+1")
    await builder.edit(room, "ann", early.seq, "before, edited")
    query = SyncQuery("eve", None, 10, events=50, events_bytes=10_000)
    events = (await store.sync(query)).rooms[0].events
    assert events is not UNSET
    decoded = [decode_event(event) for event in events]
    assert [event.kind for event in decoded] == ["joined", "message", "reaction", "edit"]
    assert decoded[1].mine == ["+1"]
    assert decoded[3].body is UNSET
    assert not any(b"before" in bytes(event) for event in events)


async def test_five_hundred_rooms_come_in_pages_with_the_right_totals(
    store: Store, builder: HistoryBuilder
) -> None:
    writes = builder.writes()
    for number in range(500):
        room = Room(await store.next_room_number(), f"d{number:011}", "direct", "ann", builder.now)
        builder.open(writes, room, ("ann", f"peer{number:03}"))
        for _ in range(number % 3):
            builder.say(writes, room, f"peer{number:03}")
    await store.commit(writes)
    pages = await whole_round(store, "ann", since=None, limit=200, previews=True)
    assert [len(page.rooms) for page in pages] == [200, 200, 100]
    assert len({name for page in pages for name in names(page)}) == 500
    assert pages[0].totals is not None
    assert pages[0].totals.unread == sum(s.unread for page in pages for s in page.rooms) == 499

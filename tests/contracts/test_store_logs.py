"""Store.log, history, changes, messages, mine and foldable: pages of one room."""

import pytest

from chatd.core.removal import FoldedLog
from chatd.core.room import Room
from chatd.protocol.codec import decode_event
from chatd.storage.interface import Store
from chatd.storage.views import EventPage, MessagePage
from tests.kit.history_builder import STEP_MS, HistoryBuilder

MANY = 10_000_000


def seqs(page: EventPage | MessagePage | list[bytes]) -> list[int]:
    blobs = page if isinstance(page, list) else page.events
    return [decode_event(blob).seq for blob in blobs]


@pytest.fixture
async def room(builder: HistoryBuilder) -> Room:
    """created 1, messages 2 4 7 8, edits of 2 at 3 5, reaction on 4 at 6."""
    room = await builder.group("ann", "bob")
    await builder.post(room, "ann")
    await builder.edit(room, "ann", 2, "new")
    await builder.post(room, "ann")
    await builder.edit(room, "ann", 2, "newer")
    await builder.react(room, "bob", 4, "+1")
    await builder.post(room, "bob")
    await builder.post(room, "bob", silent=True)
    return room


async def test_the_log_has_every_event_of_the_range(store: Store, room: Room) -> None:
    page = await store.log(room.number, 3, 6, 10, MANY)
    assert (seqs(page), page.next) == ([3, 4, 5, 6], None)


async def test_the_log_of_one_room_never_shows_another(
    store: Store, builder: HistoryBuilder, room: Room
) -> None:
    await builder.group("ann")
    page = await store.log(room.number, 0, 2**40, 100, MANY)
    assert seqs(page) == list(range(1, 9))


@pytest.mark.parametrize("limit", [1, 3, 8, 100])
async def test_the_log_is_cut_by_number_and_says_where_to_go_on(store: Store, room: Room, limit: int) -> None:
    got, low = [], 1
    while True:
        page = await store.log(room.number, low, 8, limit, MANY)
        assert len(page.events) <= limit
        got += seqs(page)
        if page.next is None:
            break
        low = page.next
    assert got == list(range(1, 9))


async def test_the_log_is_cut_by_bytes_but_always_gets_on(store: Store, room: Room) -> None:
    whole = await store.log(room.number, 1, 8, 100, MANY)
    two = len(whole.events[0]) + len(whole.events[1])
    page = await store.log(room.number, 1, 8, 100, two)
    assert (seqs(page), page.next) == ([1, 2], 3)
    assert (await store.log(room.number, 1, 8, 100, two - 1)).next == 2
    assert seqs(await store.log(room.number, 1, 8, 100, 0)) == [1]


async def test_an_empty_range_is_an_empty_page(store: Store, room: Room) -> None:
    assert await store.log(room.number, 9, 20, 10, MANY) == EventPage([])
    assert await store.log(999, 1, 20, 10, MANY) == EventPage([])


async def test_the_newest_messages_cover_their_interval_exactly(store: Store, room: Room) -> None:
    page = await store.history(room.number, 1, 8, 2, MANY, newest=True)
    assert (seqs(page), page.low, page.high, page.end) == ([7, 8], 5, 8, False)
    page = await store.history(room.number, 1, 4, 2, MANY, newest=True)
    assert (seqs(page), page.low, page.high, page.end) == ([2, 4], 1, 4, True)


async def test_the_oldest_messages_cover_their_interval_exactly(store: Store, room: Room) -> None:
    page = await store.history(room.number, 3, 8, 1, MANY, newest=False)
    assert (seqs(page), page.low, page.high) == ([4], 3, 6)
    page = await store.history(room.number, 7, 8, 9, MANY, newest=False)
    assert (seqs(page), page.low, page.high) == ([7, 8], 7, 8)


async def test_history_covers_nothing_that_is_not_there_yet(store: Store, room: Room) -> None:
    assert (await store.history(room.number, 1, 500, 50, MANY, newest=True)).high == 8
    assert (await store.history(room.number, 1, 500, 50, MANY, newest=False)).high == 8
    page = await store.history(room.number, 9, 500, 50, MANY, newest=True)
    assert (page.events, page.low > page.high) == ([], True)


async def test_a_lower_bound_ends_history(store: Store, room: Room) -> None:
    page = await store.history(room.number, 4, 8, 50, MANY, newest=True)
    assert (seqs(page), page.low, page.end) == ([4, 7, 8], 4, True)


async def test_history_is_cut_by_bytes_but_always_gets_on(store: Store, room: Room) -> None:
    page = await store.history(room.number, 1, 8, 50, 1, newest=True)
    assert (seqs(page), page.low, page.end) == ([8], 8, False)


async def test_walking_back_through_a_log_of_operations_covers_every_number_once(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.group("ann")
    await builder.post(room, "ann")
    writes = builder.writes()
    for _ in range(12_000):
        operation = builder.say(writes, room, "ann", silent=True)
        operation.kind = "reaction"  # whatever is no message
    await store.commit(writes)
    high, found, pages = room.seq, [], 0
    while True:
        page = await store.history(room.number, 1, high, 50, MANY, newest=True)
        assert page.high == high
        assert page.low <= page.high
        found += seqs(page)
        pages, high = pages + 1, page.low - 1
        if page.end:
            break
    assert (found, page.low) == ([2], 1)
    assert pages > 2  # one page does not read the whole log


async def test_changes_are_the_messages_changed_after_a_position(store: Store, room: Room) -> None:
    assert seqs(await store.changes(room.number, 1, 8, 0, MANY)) == [2, 4]
    assert seqs(await store.changes(room.number, 1, 8, 5, MANY)) == [4]
    assert seqs(await store.changes(room.number, 1, 8, 6, MANY)) == []
    assert seqs(await store.changes(room.number, 3, 8, 0, MANY)) == [4]
    assert seqs(await store.changes(room.number, 1, 3, 0, MANY)) == [2]


async def test_changes_are_cut_by_bytes_and_go_on_upwards(store: Store, room: Room) -> None:
    page = await store.changes(room.number, 1, 8, 0, 1)
    assert (seqs(page), page.next) == ([2], 4)
    page = await store.changes(room.number, 4, 8, 0, 1)
    assert (seqs(page), page.next) == ([4], None)


async def test_messages_are_those_among_the_numbers_ascending(store: Store, room: Room) -> None:
    assert seqs(await store.messages(room.number, [8, 2, 3, 99, 2, 0, 2**40], MANY)) == [2, 8]
    assert seqs(await store.messages(room.number, [8, 2], 1)) == [2]
    assert await store.messages(room.number, [], MANY) == []


async def test_a_number_beyond_32_bits_reaches_no_other_room(
    store: Store, builder: HistoryBuilder, room: Room
) -> None:
    secret = await builder.group("eve")
    event = await builder.post(secret, "eve", "secret")
    across = ((secret.number - room.number) << 32) + event.seq
    assert await store.messages(room.number, [across], MANY) == []
    assert await store.messages_at([(room.number, across)]) == {}
    assert seqs(await store.log(room.number, 1, across, 100, MANY)) == list(range(1, 9))


async def test_own_reactions_are_own(store: Store, room: Room) -> None:
    assert await store.mine(room.number, "bob", [2, 4]) == {4: ["+1"]}
    assert await store.mine(room.number, "ann", [2, 4]) == {}


async def test_only_old_operations_outside_the_last_ones_can_be_folded(
    store: Store, builder: HistoryBuilder, room: Room
) -> None:
    sixth = decode_event((await store.log(room.number, 6, 6, 1, MANY)).events[0]).time
    assert isinstance(sixth, int)
    later = builder.now + STEP_MS
    assert await store.compactable(later, 3, 10) == [(room.name, 6)]
    assert await store.compactable(sixth, 1, 10) == [(room.name, 6)]
    assert await store.compactable(sixth + 1, 1, 10) == [(room.name, 7)]
    assert await store.compactable(later, 8, 10) == []
    assert await store.compactable(0, 1, 10) == []
    assert await store.compactable(later, 1, 0) == []


async def test_a_folded_room_is_not_foldable_again(store: Store, builder: HistoryBuilder, room: Room) -> None:
    writes = builder.writes()
    writes.add(FoldedLog(room.number, room.log_floor, 6))
    writes.touch(room).log_floor = 6
    await store.commit(writes)
    assert await store.compactable(builder.now + STEP_MS, 3, 10) == []
    page = await store.history(room.number, 1, 8, 50, MANY, newest=True)
    assert (seqs(page), page.low, page.end) == ([2, 4, 7, 8], 1, True)

"""The event feed of a store: pages, what is told before them, and the end of old entries."""

from typing import Any

import msgspec
import pytest

from chatd.core.event_feed import (
    LATEST,
    FeedSwitched,
    ForgottenEntries,
    StoredEntry,
    position_of,
)
from chatd.core.read_set import DirectPair
from chatd.core.write_set import WriteSet
from chatd.protocol.errors import Refused
from chatd.storage.interface import KeyTaken, Store
from chatd.storage.views import FeedPage, FeedQuery
from tests.kit.env import START_MS
from tests.kit.history_builder import HistoryBuilder

MANY = 1 << 20


async def commit(
    store: Store, *records: Any, entries: list[StoredEntry] | None = None, after_ms: int = 0
) -> int:
    """Commit records with these entries; return the number of the commit."""
    writes = WriteSet(now=START_MS + after_ms, stamp=store.stamp + 1)
    writes.add(*(records or (StoredEntry("nothing"),)))
    writes.feed = entries or []
    await store.commit(writes)
    return store.stamp


def friend(number: int) -> StoredEntry:
    return StoredEntry("friend", keys={"user": f"u{number}", "other": "ann", "change": "followed"})


async def page(
    store: Store, after: str = "", limit: int = 500, bytes_max: int = MANY, types: tuple[str, ...] = ()
) -> FeedPage:
    return await store.feed.page(FeedQuery(after, limit, bytes_max, frozenset(types), START_MS))


def users(found: FeedPage) -> list[Any]:
    return [one.user for one in found.entries]


@pytest.fixture
async def begun(store: Store) -> Store:
    """A store whose feed begins behind some commits, and holds u0 to u5 in three commits."""
    await commit(store)
    await commit(store, FeedSwitched(on=True))
    for number in (0, 2, 4):
        await commit(store, entries=[friend(number), friend(number + 1)], after_ms=number)
        await commit(store)
    return store


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6, 7])
async def test_pages_of_any_size_give_each_entry_once_in_order(begun: Store, limit: int) -> None:
    seen, after, pages = [], "", 0
    while True:
        found = await page(begun, after, limit)
        assert len({one.id for one in found.entries}) == len(found.entries) <= limit
        assert found.after == after or not after
        seen, after, pages = [*seen, *users(found)], found.next, pages + 1
        if found.at_end:
            break
    assert seen == [f"u{number}" for number in range(6)]
    assert pages <= 6 // limit + 1
    assert (await page(begun, after)).next == after


async def test_the_id_of_an_entry_is_the_cursor_behind_it(begun: Store) -> None:
    whole = (await page(begun)).entries
    for number, entry in enumerate(whole):
        assert (await page(begun, entry.id)).entries == whole[number + 1 :]


async def test_the_end_of_the_feed_is_behind_everything_there_is(begun: Store) -> None:
    latest = await page(begun, LATEST)
    assert (latest.entries, latest.after, latest.at_end) == ([], latest.next, True)
    await commit(begun, entries=[friend(6)])
    assert users(await page(begun, latest.next)) == ["u6"]
    latest = await page(begun, LATEST)
    assert latest.next == (await page(begun)).next


async def test_a_page_is_cut_by_bytes_and_has_at_least_one_entry(begun: Store) -> None:
    one = len(msgspec.json.encode((await page(begun)).entries[0]))
    assert len((await page(begun, bytes_max=1)).entries) == 1
    found = await page(begun, bytes_max=3 * (one + 1))
    assert users(found) == ["u0", "u1", "u2"]
    assert not found.at_end
    assert users(await page(begun, found.next)) == ["u3", "u4", "u5"]


async def test_what_comes_before_the_beginning_was_never_there(store: Store) -> None:
    await commit(store, entries=[friend(1)])
    first = store.stamp
    await commit(store, FeedSwitched(on=True))
    await commit(store, entries=[friend(2)])
    assert users(await page(store)) == ["u2"]
    truncated, entry = (await page(store, f"{store.epoch}-{first - 1}-0")).entries
    assert (truncated.type, truncated.from_) == ("feed.truncated", f"{store.epoch}-{first - 1}-0")
    # Behind every entry of that commit, so that it is the id of none.
    assert truncated.to == truncated.id
    assert position_of(truncated.id)[1] > (first, 999)
    assert entry.user == "u2"


async def test_entries_that_were_forgotten_are_told_to_whoever_has_not_read_them(begun: Store) -> None:
    whole = (await page(begun)).entries
    last_gone = position_of(whole[3].id)[1].stamp
    await commit(begun, ForgottenEntries(last_gone))
    truncated, *rest = (await page(begun, whole[0].id)).entries
    assert (truncated.type, rest) == ("feed.truncated", whole[4:])
    assert (await page(begun, whole[3].id)).entries == whole[4:]
    assert (await page(begun)).entries == whole[4:]
    # A page of one has room for what is told first, and the next one goes on behind it.
    first = await page(begun, whole[0].id, limit=1)
    assert [one.type for one in first.entries] == ["feed.truncated"]
    assert (await page(begun, first.next)).entries == whole[4:]
    assert [one.type for one in (await page(begun, whole[0].id, types=("event",))).entries] == [
        "feed.truncated"
    ]


async def test_a_cursor_of_another_history_or_of_the_future_is_told_so(begun: Store) -> None:
    whole = (await page(begun)).entries
    for cursor, rest in (("other-4-0", whole), (f"{begun.epoch}-{begun.stamp + 1}-0", [])):
        reset, *entries = (await page(begun, cursor)).entries
        assert (reset.type, entries) == ("feed.reset", rest)
        first = await page(begun, cursor, limit=1)
        assert [one.type for one in first.entries] == ["feed.reset"]
        assert (await page(begun, first.next)).entries == rest


async def test_a_feed_that_is_switched_off_begins_again_where_it_is_switched_on(begun: Store) -> None:
    before = (await page(begun)).entries
    await commit(begun, FeedSwitched(on=False))
    assert not (await begun.feed.bounds()).is_on
    assert (await page(begun)).entries == []
    await commit(begun)
    await commit(begun, FeedSwitched(on=True))
    await commit(begun, entries=[friend(9)])
    assert users(await page(begun)) == ["u9"]
    assert [one.type for one in (await page(begun, before[-1].id)).entries] == ["feed.truncated", "friend"]
    # A start with the feed still on changes nothing.
    bounds = await begun.feed.bounds()
    await commit(begun, FeedSwitched(on=True))
    assert await begun.feed.bounds() == bounds


async def test_the_bounds_count_entries_and_bytes(begun: Store) -> None:
    bounds = await begun.feed.bounds()
    assert bounds.oldest is not None
    assert bounds.newest is not None
    assert (bounds.oldest.count, bounds.newest.count) == (2, 6)
    assert (bounds.oldest.time, bounds.newest.time) == (START_MS, START_MS + 4)
    size = bounds.newest.bytes - bounds.oldest.bytes
    assert 0 < size < 400
    newest = bounds.newest.stamp
    assert await begun.feed.expired(0, MANY) == 0
    assert await begun.feed.expired(START_MS + 1, MANY) == bounds.oldest.stamp
    assert await begun.feed.expired(START_MS + 5, MANY) == newest
    assert bounds.oldest.stamp <= await begun.feed.expired(0, size - 1) < newest
    assert await begun.feed.expired(0, 0) < newest


async def test_a_commit_that_fails_counts_nothing(begun: Store, builder: HistoryBuilder) -> None:
    rooms = [await builder.group("ann"), await builder.group("ann")]
    twice = [DirectPair("ann", "bob", room.number) for room in rooms]
    for _ in range(2):
        with pytest.raises(KeyTaken):
            await commit(begun, *twice, entries=[friend(6)])
    await commit(begun, entries=[friend(6)])
    bounds = await begun.feed.bounds()
    assert bounds.newest is not None
    assert (bounds.newest.count, users(await page(begun))[-2:]) == (7, ["u5", "u6"])


async def test_an_event_is_shown_as_it_is_now_and_named_when_it_is_gone(
    store: Store, builder: HistoryBuilder
) -> None:
    room = await builder.group("ann")
    event = await builder.post(room, "ann", "hello")
    await commit(store, FeedSwitched(on=True))
    entries = [
        StoredEntry("message", room.number, event.seq),
        StoredEntry("edit", room.number, event.seq + 7),
    ]
    await commit(store, entries=entries)
    shown, gone = msgspec.json.decode(msgspec.json.encode((await page(store)).entries))
    assert (shown["type"], shown["room"]) == ("event.message", room.name)
    assert shown["event"]["body"] == {"text": "hello"}
    assert gone["event"] == {"seq": event.seq + 7, "kind": "edit"}


@pytest.mark.parametrize("cursor", ["", "x", "k-1"])
async def test_what_is_no_cursor_is_refused(store: Store, cursor: str) -> None:
    if cursor:
        with pytest.raises(Refused, match="not a cursor"):
            await page(store, cursor)
    else:
        assert (await page(store)).entries == []

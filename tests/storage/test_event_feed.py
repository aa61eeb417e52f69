"""The event feed of a database that was restored: what its history has in common with those before."""

import os
from pathlib import Path

from chatd.core.event_feed import FeedSwitched, StoredEntry
from chatd.core.write_set import WriteSet
from chatd.storage.sqlite.backup import backup, restore
from chatd.storage.views import FeedQuery
from tests.kit.adapters import sqlite
from tests.kit.env import START_MS


async def write(directory: Path, name: str, count: int) -> tuple[str, list[str]]:
    """Store entries about users `name`0, `name`1, ...; return the epoch, and the ids of all entries there are."""
    store = await sqlite(directory)
    try:
        for number in range(count):
            writes = WriteSet(START_MS, store.stamp + 1)
            writes.add(FeedSwitched(on=True))
            users = [f"{name}{number}", f"{name}{number}'s friend"]
            writes.feed = [StoredEntry("account", keys={"user": user, "change": "profile"}) for user in users]
            await store.commit(writes)
        page = await store.feed.page(FeedQuery("", 500, 1 << 20, frozenset(), 0))
        return store.epoch, [one.id for one in page.entries]
    finally:
        await store.close()


async def behind(directory: Path, cursor: str) -> list[str]:
    """What a reader with this cursor is told, entry by entry: types, or the users of accounts but their friends."""
    store, told = await sqlite(directory), []
    try:
        while (page := await store.feed.page(FeedQuery(cursor, 1, 1 << 20, frozenset(), 0))).entries:
            told += [one.user if one.type == "account" else one.type for one in page.entries]
            cursor = page.next
        users = [str(one) for one in told]
        assert [one for one in users if one.endswith("friend")] == [
            f"{one}'s friend" for one in users if one[-1].isdigit()
        ]
        return [one for one in users if not one.endswith("friend")]
    finally:
        await store.close()


async def test_a_reader_of_any_earlier_history_goes_on_where_the_two_parted(tmp_path: Path) -> None:
    data, saved = tmp_path / "data", tmp_path / "saved.sqlite"
    _, first = await write(data, "a", 3)
    backup(data, saved)
    _, first = await write(data, "lost", 3)
    restore(saved, data, os.urandom)
    _, second = await write(data, "b", 3)
    saved.unlink()
    backup(data, saved)
    _, second = await write(data, "gone", 2)
    restore(saved, data, os.urandom)
    _, third = await write(data, "c", 1)

    assert await behind(data, third[-3]) == ["c0"]
    reset = "feed.reset"
    # Of the second history: what the backup has behind the cursor, or all behind the backup.
    assert await behind(data, second[9]) == [reset, "b2", "c0"]
    assert await behind(data, second[-1]) == [reset, "c0"]
    # Of the first: its last three entries never were in the second, whose entries it never had.
    assert await behind(data, first[3]) == [reset, "a2", "b0", "b1", "b2", "c0"]
    assert await behind(data, first[-1]) == [reset, "b0", "b1", "b2", "c0"]
    # Of a database that this one never was.
    assert await behind(data, "elsewhere-4-0") == [reset, "a0", "a1", "a2", "b0", "b1", "b2", "c0"]

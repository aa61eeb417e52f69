"""The event feed in the database: a row for each commit that has entries.

`count` and `bytes` are sums over all rows up to this one, so that the difference of two rows tells how much lies
between them without a scan.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET, Raw
from msgspec.json import decode as decode_json
from msgspec.json import encode as encode_json

from chatd.core.event_feed import (
    LATEST,
    FeedSwitched,
    ForgottenEntries,
    Position,
    StoredEntry,
    cursor_of,
    is_wanted,
    position_of,
)
from chatd.protocol.codec import decode_tree, event_json
from chatd.protocol.event_feed import Entry
from chatd.protocol.identifiers import U53_MAX
from chatd.storage.sqlite.meta import common_stamp, put_meta, read_meta
from chatd.storage.sqlite.rows import position
from chatd.storage.views import FeedBounds, FeedPage, FeedPlace, FeedQuery

# In `meta`: there are no entries of commits up to this one. Without it the feed is off.
FLOOR = "feed_floor"
# Behind all entries of a commit.
EVERY = U53_MAX

# Rows that one commit deletes: some 10 ms.
FORGOTTEN_AT_ONCE = 500
# Entries that a page passes because nobody asked for their types: some 10 ms.
PASSED_MAX = 5000
# Entries that are read beyond those of a page, so that a small page passes others in few steps.
ROWS_MORE = 100
# Bytes of events that are read for a page, as MessagePack: as JSON they are about as many.
EVENT_BYTES_MAX = 1 << 20

# As one text each (see rows.in_one). The first row whole, and those behind it up to so many entries more.
ROWS = """
SELECT json_group_array(json_array(stamp, time, hex(entries))) FROM (
    SELECT stamp, time, entries FROM event_feed
    WHERE stamp >= :stamp
      AND count <= :entries + (SELECT count FROM event_feed WHERE stamp >= :stamp ORDER BY stamp LIMIT 1)
    ORDER BY stamp LIMIT :entries
)
"""
SIZES = """
SELECT json_group_array(json_array(position, length(blob)))
FROM events WHERE position IN (SELECT value FROM json_each(?))
"""
EVENTS = """
SELECT json_group_array(json_array(position, hex(blob)))
FROM events WHERE position IN (SELECT value FROM json_each(?))
"""
ROOM_NAMES = """
SELECT json_group_array(json_array(number, name)) FROM rooms WHERE number IN (SELECT value FROM json_each(?))
"""

BOUNDS = """
SELECT json_group_array(json_array(stamp, time, count, bytes)) FROM (
    SELECT stamp, time, count, bytes FROM event_feed
    WHERE stamp IN ((SELECT min(stamp) FROM event_feed), (SELECT max(stamp) FROM event_feed)) ORDER BY stamp
)
"""

# The last of the oldest rows that are too old, or beyond the bytes that are kept. The sums rise with the commits.
EXPIRED = """
SELECT coalesce(max(stamp), 0) FROM (
    SELECT stamp, time, bytes FROM event_feed WHERE stamp >= (SELECT min(stamp) FROM event_feed)
    ORDER BY stamp LIMIT ?
)
WHERE time < ? OR bytes < (SELECT bytes FROM event_feed WHERE stamp = (SELECT max(stamp) FROM event_feed)) - ?
"""
FORGET = "DELETE FROM event_feed WHERE stamp IN (SELECT stamp FROM event_feed WHERE stamp <= ? ORDER BY stamp LIMIT ?)"
OLDEST = "SELECT min(stamp) FROM event_feed"
RAISE_FLOOR = "UPDATE meta SET value = max(value, ?) WHERE key = ?"
DROP_FLOOR = "DELETE FROM meta WHERE key = ?"


def switch(connection: sqlite3.Connection, switched: Sequence[FeedSwitched], stamp: int) -> None:
    """Note where the feed begins when it was off, or that it is off."""
    for one in switched:
        if not one.on:
            connection.execute(DROP_FLOOR, (FLOOR,))
        elif FLOOR not in read_meta(connection):
            put_meta(connection, FLOOR, stamp - 1)


def forget(connection: sqlite3.Connection, forgotten: Sequence[ForgottenEntries], stamp: int) -> None:
    """Delete the oldest rows; whoever has not read them is told."""
    for one in forgotten:
        connection.execute(FORGET, (one.stamp, FORGOTTEN_AT_ONCE))
        oldest = connection.execute(OLDEST).fetchone()[0]
        floor = one.stamp if oldest is None else min(one.stamp, oldest - 1)
        connection.execute(RAISE_FLOOR, (floor, FLOOR))


def nothing(connection: sqlite3.Connection, records: Sequence[object], stamp: int) -> None:
    """Write nothing: these records are for the entries of their commit."""


Choose = Callable[[Sequence[StoredEntry]], Sequence[bool]]
"""Tells of each of some entries, all of one read, whether it is asked for."""


def feed_page(connection: sqlite3.Connection, epoch: str, query: FeedQuery) -> FeedPage:
    """Return one page of the feed."""
    return page(
        connection, epoch, query, lambda some: [is_wanted(one.shown_type, query.types) for one in some]
    )


def page(connection: sqlite3.Connection, epoch: str, query: FeedQuery, choose: Choose) -> FeedPage:
    """Return one page of the entries that `choose` wants, behind what has to be told before it."""
    meta = read_meta(connection)
    head, floor = ends(meta)
    if query.after == LATEST:
        last = scan(connection, Position(head - 1, EVERY), PASSED_MAX, lambda some: [False] * len(some))
        reached = last.reached_at(head)
        cursor = cursor_of(epoch, reached)
        return FeedPage(cursor, cursor, [], at_end=True)
    start, told = begin(epoch, query, meta)
    found = scan(connection, start, query.limit - len(told), choose)
    entries = [*told, *rendered(connection, epoch, found.entries)]
    fitting = entries[: fitting_in(query.bytes_max, entries)]
    is_whole = len(fitting) == len(told) + len(found.entries)
    reached = found.reached_at(head) if is_whole else position_of(fitting[-1].id)[1]
    after = query.after or cursor_of(epoch, Position(floor, 0))
    return FeedPage(after, cursor_of(epoch, reached), fitting, at_end=is_whole and found.at_end)


def ends(meta: Mapping[str, str | int]) -> tuple[int, int]:
    """Return the last commit, and the one up to which there are no entries."""
    return int(meta["stamp"]), int(meta.get(FLOOR, meta["stamp"]))


def begin(epoch: str, query: FeedQuery, meta: Mapping[str, str | int]) -> tuple[Position, list[Entry]]:
    """Return where a page begins, and what is told before: a `feed.reset` or `feed.truncated`."""
    head, floor = ends(meta)
    oldest = Position(floor, EVERY)
    if not query.after:
        return oldest, []
    other, wanted = position_of(query.after)
    if other != epoch or wanted.stamp > head:
        # What follows a position from before the histories parted is the same in both.
        common = common_stamp(meta, other) if other != epoch else head
        start = max(oldest, min(wanted, Position(common, EVERY)))
        return start, [Entry(id=cursor_of(epoch, start), type="feed.reset", time=query.now)]
    if wanted.stamp >= floor:
        return wanted, []
    # Behind all entries of the last commit that was dropped: no entry ever had this id.
    to = cursor_of(epoch, oldest)
    return oldest, [Entry(id=to, type="feed.truncated", time=query.now, from_=query.after, to=to)]


@dataclass(slots=True)
class Found:
    """The entries that a page looked for. `reached`: behind the last entry it has seen."""

    reached: Position
    entries: list[tuple[Position, int, StoredEntry]]
    at_end: bool = False

    def reached_at(self, head: int) -> Position:
        """Return how far the page came. `head`: the last commit, which has no entries when it is behind the last."""
        return Position(head, 0) if self.at_end and self.reached.stamp < head else self.reached


def scan(connection: sqlite3.Connection, start: Position, limit: int, choose: Choose) -> Found:
    """Return up to `limit` entries behind `start` that `choose` wants."""
    found, low, passed = Found(start, []), start.stamp, 0
    while passed < PASSED_MAX:
        rows = decode_json(
            connection.execute(ROWS, {"stamp": low, "entries": limit + ROWS_MORE}).fetchone()[0]
        )
        if not rows:
            found.at_end = True
            return found
        behind = [
            (Position(stamp, n), time, StoredEntry(*values))
            for stamp, time, packed in rows
            for n, values in enumerate(decode_tree(bytes.fromhex(packed)))
            if (stamp, n) > start
        ]
        for one, is_chosen in zip(behind, choose([entry for _, _, entry in behind]), strict=True):
            if len(found.entries) == limit:
                return found
            found.reached, passed = one[0], passed + 1
            if is_chosen:
                found.entries.append(one)
        low = rows[-1][0] + 1
    return found


def rendered(
    connection: sqlite3.Connection, epoch: str, found: Sequence[tuple[Position, int, StoredEntry]]
) -> list[Entry]:
    """Return entries as the host gets them, as far as their events fit into EVENT_BYTES_MAX."""
    wanted = [position(entry.room, entry.seq) for _, _, entry in found]
    sizes, left, fitting = dict(in_one(connection, SIZES, wanted)), EVENT_BYTES_MAX, 0
    for key in wanted:
        left -= sizes.get(key, 0)
        if left < 0 and fitting:
            break
        fitting += 1
    events = dict(in_one(connection, EVENTS, wanted[:fitting]))
    names = dict(in_one(connection, ROOM_NAMES, list({entry.room for _, _, entry in found[:fitting]})))
    return [
        Entry(
            id=cursor_of(epoch, place),
            type=entry.shown_type,
            time=time,
            event=event_of(entry, events.get(key)) if entry.seq else UNSET,
            by=entry.by or UNSET,
            room=names.get(entry.room, UNSET),
            **{**dict.fromkeys(entry.marks, True), **entry.keys},
        )
        for (place, time, entry), key in zip(found[:fitting], wanted[:fitting], strict=True)
    ]


def in_one(connection: sqlite3.Connection, select: str, keys: Sequence[int]) -> list[tuple[int, Any]]:
    """Return the pairs that a statement selects as one JSON text."""
    return decode_json(connection.execute(select, (json.dumps(keys),)).fetchone()[0]) if keys else []


def event_of(entry: StoredEntry, packed: str | None) -> Raw:
    """Return an event in its current state; its number and kind when it is not kept any more."""
    if packed is None:
        return Raw(encode_json({"seq": entry.seq, "kind": entry.type}))
    return event_json(bytes.fromhex(packed))


def fitting_in(bytes_max: int, entries: Sequence[Entry]) -> int:
    """Return how many entries fit, but at least one where there is one."""
    # One comma or bracket for each entry, and one.
    if len(encode_json(entries)) - 1 <= bytes_max:
        return len(entries)
    left = bytes_max
    for number, entry in enumerate(entries):
        left -= len(encode_json(entry)) + 1
        if left < 0:
            return max(number, 1)
    return len(entries)


def bounds(connection: sqlite3.Connection) -> FeedBounds:
    """Return what the feed holds."""
    (packed,) = connection.execute(BOUNDS).fetchone()
    rows: list[list[int]] = decode_json(packed)
    return FeedBounds(
        FLOOR in read_meta(connection), *([FeedPlace(*row) for row in (rows[0], rows[-1])] if rows else ())
    )


def expired(connection: sqlite3.Connection, before_ms: int, bytes_max: int) -> int:
    """Return up to which commit entries are to be forgotten next; 0 for none."""
    found: int = connection.execute(EXPIRED, (FORGOTTEN_AT_ONCE, before_ms, bytes_max)).fetchone()[0]
    return found


WRITES: dict[type, Callable[[sqlite3.Connection, Sequence[Any], int], None]] = {
    FeedSwitched: switch,
    ForgottenEntries: forget,
    StoredEntry: nothing,
}

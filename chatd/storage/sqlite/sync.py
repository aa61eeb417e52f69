"""One page of an account's rooms (protocol.md "SyncPage" and "sync").

A round walks down a list that changes meanwhile: a room that gets a message moves to the top, which the round has
passed. So a round ends by repeating every room that changed since it began.
"""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import NamedTuple, TypeGuard

from msgspec import UNSET, Raw

from chatd.core.extras import UNLISTED, extra
from chatd.core.room import REQUEST
from chatd.core.room_summary import RoomRow, summary_of_row
from chatd.core.sync_query import SyncQuery
from chatd.protocol.codec import encode
from chatd.protocol.rooms import RoomSummary
from chatd.protocol.sync import SyncTotals
from chatd.protocol.users import Profile
from chatd.storage.sqlite.card_views import plates
from chatd.storage.sqlite.meta import stamp_of
from chatd.storage.sqlite.push import badges
from chatd.storage.sqlite.room_rows import (
    SHOWN,
    Listing,
    MembershipRow,
    all_room_rows,
    membership_rows,
    room_rows,
)
from chatd.storage.sqlite.room_summaries import add_events, peers, previews
from chatd.storage.sqlite.sections import FIRST, Sections, SectionTables
from chatd.storage.views import SyncRows

Key = tuple[int, int, int]

# A key is (pinned, time, number) of a room. Two values of `pinned` that no room has mark the list's ends.
# Above every room.
TOP: Key = (3, 0, 0)
# Rooms with their texts and data, 16 KiB each at most: the rest of the page may not fit.
READ_AT_ONCE = 32
# Below every room: (REPEATING, 0, number) continues to repeat changed rooms.
REPEATING = 2
# Rooms that a round names as gone; beyond it, listing all others costs less.
GONE_MAX = 1000
# 12 characters and their MessagePack header.
ROOM_NAME_BYTES = 13

FLOOR = "SELECT value FROM meta WHERE key = 'floor'"

FRIEND_REQUESTS = "SELECT count(*) FROM contacts WHERE owner = ? AND state = 2"

LISTED = f"""
SELECT m.pinned, r.time, r.number
FROM members m JOIN rooms r ON r.number = m.room
WHERE m.user = :user AND m.gone IS NULL AND r.deleted_by IS NULL AND {SHOWN}
  AND (r.stamp > :since OR m.stamp > :since OR (m.standing = 2 AND :all_requests))
  AND (m.pinned, r.time, r.number) < (:pinned, :time, :number)
ORDER BY m.pinned DESC, r.time DESC, r.number DESC LIMIT :limit
"""  # noqa: S608 - put together from constants

MOVED = f"""
SELECT r.number
FROM members m JOIN rooms r ON r.number = m.room
WHERE m.user = :user AND m.gone IS NULL AND r.deleted_by IS NULL AND {SHOWN}
  AND (r.stamp > :since OR m.stamp > :since) AND m.room > :number
ORDER BY m.room LIMIT :limit
"""  # noqa: S608 - put together from constants

# Without those that the user was banned from, and was never in.
GONE = """
SELECT r.name
FROM members m JOIN rooms r ON r.number = m.room
WHERE m.user = :user AND m.stamp > :since AND m.gone IS NOT NULL AND m.joined_at > 0
ORDER BY m.stamp LIMIT :limit
"""

# Deleted channels in which the row of the user is not marked yet.
LEFT = """
SELECT r.name
FROM rooms r INDEXED BY rooms_left CROSS JOIN members m ON m.room = r.number AND m.user = :user
WHERE r.deleted_by IS NOT NULL AND r.kind = 'channel' AND r.members > 0 AND r.stamp > :since AND m.gone IS NULL
"""

# Rooms in which the user was asked, and that they declined or this connection does not show.
NOT_SHOWN = """
SELECT r.name
FROM members m JOIN rooms r ON r.number = m.room
WHERE m.user = :user AND m.standing > 1 AND (m.standing = 3 OR NOT :requests) AND m.stamp > :since
ORDER BY m.stamp LIMIT :limit
"""

# Direct rooms in which nobody wrote, and that may have left the list: few have extras.
EMPTY = """
SELECT r.name, m.extras
FROM members m JOIN rooms r ON r.number = m.room
WHERE m.user = :user AND m.standing = 0 AND m.extras <> x'' AND m.stamp > :since AND r.written = 0
"""


# The sort key of a room in the list: the highest comes first.
key_of: Callable[[MembershipRow | RoomRow], Key] = attrgetter("pinned", "time", "number")


class EmptyRoom(NamedTuple):
    """One row of EMPTY."""

    name: str
    extras: bytes


def sync(connection: sqlite3.Connection, query: SyncQuery, tables: SectionTables) -> SyncRows:
    """Return the page of `query`, all of it as of one commit. Runs inside a read transaction."""
    if query.after is None:
        return first_page(connection, query, tables, listed_by(connection, query))
    return later_page(connection, query, tables, query.after)


def listed_by(connection: sqlite3.Connection, query: SyncQuery) -> Sequence[MembershipRow | RoomRow]:
    """Return the memberships of the user, in no order: whole rows for a short full list, which one page shows."""
    listing = listing_of(query)
    whole = all_room_rows(connection, listing, READ_AT_ONCE) if query.since is None else []
    return whole or membership_rows(connection, listing)


def listing_of(query: SyncQuery) -> Listing:
    return {"user": query.user, "everything": int(query.people is None), "requests": int(query.requests)}


def first_page(
    connection: sqlite3.Connection,
    query: SyncQuery,
    tables: SectionTables,
    listed: Sequence[MembershipRow | RoomRow],
) -> SyncRows:
    """Return the first page of a round. `listed`: the user's memberships as of this commit, in any order."""
    gone = [] if query.since is None else gone_since(connection, query, query.since)
    if len(gone) > GONE_MAX or is_below_floor(connection, query):
        query, gone = replace(query, since=None, full_sections=query.sections), []
    page = Page(connection, query, tables, ROOM_NAME_BYTES * len(gone))
    since, all_requests = -1 if query.since is None else query.since, query.all_requests
    wanted = [row for row in listed if row.stamp > since or (all_requests and row.standing == REQUEST)]
    wanted.sort(key=key_of, reverse=True)
    added = page.add_listed(wanted[: query.limit + 1])
    after = None if added == len(wanted) else key_of(wanted[added - 1]) if added else TOP
    page.add_events()
    after = page.add_sections() if after is None else after
    totals = totals_of(listed, query)
    # Where no rows changed, the number did not either, and no totals are shown.
    is_news = page.shown or page.sections.rows or after or gone
    if query.requests and is_news:
        totals.friend_requests = friend_requests(connection, query.user)
    if query.badge is not None and is_news:
        totals.badge = badges(connection, [query.user], *query.badge)[query.user]
    return page.result(gone, totals, after)


def gone_since(connection: sqlite3.Connection, query: SyncQuery, since: int) -> list[str]:
    """Return rooms the user left or lost since this cursor; of more than a round names, not all."""
    wanted = {"user": query.user, "since": since, "limit": GONE_MAX + 1, "requests": query.requests}
    rows = connection.execute(GONE, wanted).fetchall() + connection.execute(LEFT, wanted).fetchall()
    if query.people is not None:
        rows += connection.execute(NOT_SHOWN, wanted)
        empty = map(EmptyRoom._make, connection.execute(EMPTY, wanted))
        rows += [(room.name,) for room in empty if (extra(room, UNLISTED) or 0) > since]
    return [name for (name,) in rows]


def later_page(
    connection: sqlite3.Connection, query: SyncQuery, tables: SectionTables, after: Key
) -> SyncRows:
    """Return a page that continues where the one before ended."""
    page = Page(connection, query, tables)
    key = page.resume(after) if after[0] < FIRST else after
    page.add_events()
    if key is None or key[0] >= FIRST:
        key = page.add_sections(key)
    return page.result([], None, key)


def is_below_floor(connection: sqlite3.Connection, query: SyncQuery) -> bool:
    """Whether tombstones of account rows may be forgotten that the client has not got."""
    if not query.sections or not query.since:
        return False
    floor: int = connection.execute(FLOOR).fetchone()[0]
    return query.since < floor


def are_whole(listed: Sequence[MembershipRow | RoomRow]) -> TypeGuard[Sequence[RoomRow]]:
    """Whether these rows, all of one kind, are whole ones."""
    return bool(listed) and isinstance(listed[0], RoomRow)


def without_requests(
    listed: Sequence[MembershipRow | RoomRow], query: SyncQuery
) -> Sequence[MembershipRow | RoomRow]:
    """Return the rooms but those in which the user was asked."""
    return listed if query.people is None else [row for row in listed if row.standing != REQUEST]


def totals_of(listed: Sequence[MembershipRow | RoomRow], query: SyncQuery) -> SyncTotals:
    """Return the totals of all rooms of an account, on this page or not.

    Messages in hidden rooms are not counted, nor those in rooms in which the user was asked, which have a total of
    their own.
    """
    rooms = without_requests(listed, query)
    unread = mentions = 0
    for row in rooms:
        if not row.hidden:
            unread += row.unread
            mentions += row.mentions
    return SyncTotals(len(rooms), unread, mentions, message_requests=len(listed) - len(rooms))


def friend_requests(connection: sqlite3.Connection, user: str) -> int:
    """Return the number of friend requests to a user that wait for an answer."""
    count: int = connection.execute(FRIEND_REQUESTS, (user,)).fetchone()[0]
    return count


class Page:
    """A page while it is filled: rooms are added until one does not fit."""

    def __init__(
        self, connection: sqlite3.Connection, query: SyncQuery, tables: SectionTables, taken: int = 0
    ) -> None:
        self.connection = connection
        self.query = query
        self.stamp = stamp_of(connection)
        self.sections = Sections(connection, query, tables, query.first_stamp or self.stamp)
        self.shown: dict[int, RoomSummary] = {}  # by the number of the room
        self.previews = query.since is None if query.previews is None else query.previews
        self.events_bytes = min(query.events_bytes, query.page_bytes // 2) if query.events else 0
        # Half for plates: they are about as long as the rows they belong to.
        self.plates_bytes = query.page_bytes // 2 if self.sections.with_plates else 0
        self.bytes_left = query.page_bytes - self.events_bytes - self.plates_bytes - taken

    def result(self, gone: list[str], totals: SyncTotals | None, after: Key | None) -> SyncRows:
        """Return the page as it is now."""
        rooms = [*self.shown.values()]
        query, rows = self.query, self.sections.rows
        plates = self.plates(rooms) if self.plates_bytes else []
        return SyncRows(
            self.stamp, query.since, rooms, gone, totals, after, rows, query.full_sections, plates
        )

    def plates(self, rooms: Collection[RoomSummary]) -> list[Profile]:
        """Return the plates of contacts and direct peers on this page, as many as fit; clients ask for the others."""
        peers = [room.peer for room in rooms if room.peer is not UNSET] if self.query.since is None else []
        found = plates(self.connection, {*peers, *self.sections.mutual})
        if len(encode(found)) <= self.plates_bytes:
            return found
        shown: list[Profile] = []
        for plate in found:
            self.plates_bytes -= len(encode(plate))
            if self.plates_bytes < 0:
                break
            shown.append(plate)
        return shown

    def resume(self, after: Key) -> Key | None:
        """Fill the page from where the one before ended; return the key to continue with, None behind all rooms."""
        if after[0] == REPEATING:
            return self.repeat_moved(after[2])
        key = self.list_rooms(after)
        return self.repeat_moved(0) if key is None else key

    def list_rooms(self, after: Key) -> Key | None:
        """Add rooms in the order of the list; return the key to continue with, None at its end."""
        query, since = self.query, -1 if self.query.since is None else self.query.since
        pinned, time, number = after
        wanted = {
            **listing_of(query),
            "since": since,
            "all_requests": int(query.all_requests),
            "pinned": pinned,
            "time": time,
            "number": number,
            "limit": query.limit + 1,
        }
        keys: list[Key] = self.connection.execute(LISTED, wanted).fetchall()
        added = self.add_numbers([key[2] for key in keys])
        if added == len(keys):
            return None
        return keys[added - 1] if added else after

    def repeat_moved(self, number: int) -> Key | None:
        """Add rooms that changed since the round began, by number, which never changes; return as `list_rooms`."""
        query = self.query
        place = {"since": query.first_stamp, "number": number, "limit": query.limit + 1}
        wanted = {**listing_of(query), **place}
        moved = [row[0] for row in self.connection.execute(MOVED, wanted)]
        added = self.add_numbers(moved)
        if added == len(moved):
            return None
        return (REPEATING, 0, moved[added - 1] if added else number)

    def add_listed(self, listed: Sequence[MembershipRow | RoomRow]) -> int:
        """Add rooms in this order while they fit, whose rows are read or not, all of them; return how many did."""
        return self.add(listed) if are_whole(listed) else self.add_numbers([row.number for row in listed])

    def add_numbers(self, numbers: Sequence[int]) -> int:
        """Add the rooms of these numbers while they fit; return how many did."""
        for start in range(0, len(numbers), READ_AT_ONCE):
            part = numbers[start : start + READ_AT_ONCE]
            found = room_rows(self.connection, listing_of(self.query), part)
            added = self.add([found[number] for number in part])
            if added < len(part):
                return start + added
        return len(numbers)

    def add(self, wanted: Sequence[RoomRow]) -> int:
        """Add these rooms while they fit; return how many did. An empty page takes one whatever its size, if need be
        without its preview.
        """
        others = peers(self.connection, self.query, wanted)
        latest = previews(self.connection, wanted) if self.previews else {}
        shown, room_max, shown_to = self.shown, self.query.limit, self.query.shown_to
        for added, row in enumerate(wanted):
            number = row.number
            if number in shown:
                continue
            summary = summary_of_row(row, others.get(number), shown_to)
            size = row.bytes_max()
            if number in latest:
                summary.preview = Raw(latest[number])
                size += len(latest[number])
            if size > self.bytes_left:
                # The upper bound would not fit.
                size = len(encode(summary))
            if len(shown) >= room_max or (size > self.bytes_left and shown):
                return added
            if size > self.bytes_left:
                summary.preview = UNSET
                size = len(encode(summary))
            self.bytes_left -= size
            shown[number] = summary
        return len(wanted)

    def add_sections(self, after: Key | None = None) -> Key | None:
        """Add account rows behind the rooms, from this key on; return the key to continue with, None at the end."""
        return self.sections.add(after, self.bytes_left, empty=not self.shown)

    def add_events(self) -> None:
        """Add the newest events of the rooms, the most recently active first, as many as fit."""
        bytes_left = self.events_bytes + min(self.bytes_left, 0)
        by_time = sorted(self.shown.items(), key=lambda shown: -shown[1].time) if self.events_bytes else ()
        for number, summary in by_time:
            if bytes_left > 0:
                bytes_left -= add_events(self.connection, number, summary, self.query, bytes_left)

"""One page of an account's rooms (protocol.md "SyncPage and sync").

A round walks down a list that moves meanwhile: a room that gets a message jumps to the top, past a reader who
has left the top. So a round ends by repeating every room that changed since it began.
"""

import sqlite3

from chatd.ports import SyncQuery, SyncRows
from chatd.protocol.codec import encode
from chatd.protocol.objects import RoomSummary, SyncTotals
from chatd.storage.summaries import UNREAD, Shown, add_events, add_preview, summaries

Key = tuple[int, int, int]

# A key is (pinned, time, number) of a room. Two values of `pinned` that no room has mark the list's ends.
TOP: Key = (3, 0, 0)  # above every room
REPEATING = 2  # below every room: (REPEATING, 0, number) goes on repeating what moved
ROOM_NAME_BYTES = 13  # 12 characters and their MessagePack header

STAMP = "SELECT value FROM meta WHERE key = 'stamp'"

TOTALS = f"""
SELECT count(*), coalesce(sum({UNREAD}), 0),
       coalesce(sum(m.mentions), 0)
FROM members m JOIN rooms r ON r.number = m.room
WHERE m.user = ? AND m.gone IS NULL AND r.deleted_by IS NULL
"""  # noqa: S608 - put together from constants

LISTED = """
SELECT m.pinned, r.time, r.number
FROM members m JOIN rooms r ON r.number = m.room
WHERE m.user = ? AND m.gone IS NULL AND r.deleted_by IS NULL AND (r.stamp > ? OR m.stamp > ?)
  AND (m.pinned, r.time, r.number) < (?, ?, ?)
ORDER BY m.pinned DESC, r.time DESC, r.number DESC LIMIT ?
"""

MOVED = """
SELECT r.number
FROM members m JOIN rooms r ON r.number = m.room
WHERE m.user = ? AND m.gone IS NULL AND r.deleted_by IS NULL AND (r.stamp > ? OR m.stamp > ?) AND m.room > ?
ORDER BY m.room LIMIT ?
"""

GONE = """
SELECT r.name
FROM members m JOIN rooms r ON r.number = m.room
WHERE m.user = ? AND m.stamp > ? AND m.gone IS NOT NULL
ORDER BY m.room
"""


def sync(connection: sqlite3.Connection, query: SyncQuery) -> SyncRows:
    """The page of `query`, all of it as of one commit. Runs inside a read transaction."""
    (stamp,) = connection.execute(STAMP).fetchone()
    first = query.after is None
    page = Page(connection, query)
    gone = page.take_gone(query.since) if first and query.since is not None else []
    totals = SyncTotals(*connection.execute(TOTALS, (query.user,)).fetchone()) if first else None
    after = page.go_on()
    page.add_events()
    return SyncRows(stamp, page.rooms, gone, totals, after)


class Page:
    """A page while it is filled: rooms are added until one does not fit."""

    def __init__(self, connection: sqlite3.Connection, query: SyncQuery) -> None:
        self.connection = connection
        self.query = query
        self.shown: dict[int, Shown] = {}
        self.bytes_left = query.page_bytes - (query.events_bytes if query.events else 0)

    @property
    def rooms(self) -> list[RoomSummary]:
        return [shown.summary for shown in self.shown.values()]

    def take_gone(self, since: int) -> list[str]:
        """Rooms the user left or lost after commit `since`."""
        names = [name for (name,) in self.connection.execute(GONE, (self.query.user, since))]
        self.bytes_left -= ROOM_NAME_BYTES * len(names)
        return names

    def go_on(self) -> Key | None:
        """Fill the page from where the one before ended; the key to go on with, None at the round's end."""
        after = self.query.after or TOP
        if after[0] == REPEATING:
            return self.repeat_moved(after[2])
        key = self.list_rooms(after)
        if key is not None or self.query.after is None:
            return key
        return self.repeat_moved(0)

    def list_rooms(self, after: Key) -> Key | None:
        """Add rooms in the order of the list."""
        query, since = self.query, -1 if self.query.since is None else self.query.since
        wanted = (query.user, since, since, *after, query.limit + 1)
        keys: list[Key] = self.connection.execute(LISTED, wanted).fetchall()
        added = self.add([key[2] for key in keys])
        if added == len(keys):
            return None
        return keys[added - 1] if added else after

    def repeat_moved(self, number: int) -> Key | None:
        """Add rooms that changed since the round began, in the order of their numbers, which never change."""
        query = self.query
        wanted = (query.user, query.first_stamp, query.first_stamp, number, query.limit + 1)
        moved = [row[0] for row in self.connection.execute(MOVED, wanted)]
        added = self.add(moved)
        if added == len(moved):
            return None
        return (REPEATING, 0, moved[added - 1] if added else number)

    def add(self, numbers: list[int]) -> int:
        """Add these rooms while they fit; how many did. An empty page takes one whatever its size."""
        found = summaries(self.connection, self.query.user, numbers)
        for added, number in enumerate(numbers):
            if number in self.shown:
                continue
            shown = found[number]
            if self.query.previews:
                add_preview(self.connection, shown)
            size = len(encode(shown.summary))
            if len(self.shown) >= self.query.limit or (size > self.bytes_left and self.shown):
                return added
            self.bytes_left -= size
            self.shown[number] = shown
        return len(numbers)

    def add_events(self) -> None:
        """Add the newest events of the rooms, most recently active ones first, as far as the bytes go."""
        bytes_left = self.query.events_bytes if self.query.events else 0
        for shown in sorted(self.shown.values(), key=lambda shown: -shown.summary.time):
            if bytes_left > 0:
                bytes_left -= add_events(self.connection, shown, self.query, bytes_left)

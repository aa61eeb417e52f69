"""The places of a user: the rooms they are a member of, each as far as its own row and their member row tell.

One walk over them answers a hello: where the connection sits, what counts as unread, which rooms come first. Texts and
host data are read of the rooms of one page only: together they may be more than anybody wants in memory.
Every function runs inside a read transaction of the connection it is given.
"""

import json
import sqlite3
from collections.abc import Collection
from typing import NamedTuple

import msgspec

from chatd.core.room_summary import RoomRow
from chatd.storage.interface import Membership
from chatd.storage.sqlite.rows import in_one

# `Member.unread`, of a member `m` of a room `r`; tests/contracts/test_store_unread.py holds both equal. What the row
# does not count of their own messages stands at the end of the log.
UNREAD = """
max(0, r.ordinal - m.read_ordinal - m.own_unread - CASE r.uncounted WHEN 0 THEN 0 ELSE (
    SELECT count(*) FROM events e
    WHERE e.position BETWEEN r.number << 32 | r.uncounted AND r.number << 32 | r.seq
      AND e.user = m.user AND e.ordinal IS NOT NULL) END)
"""

# In the order of `MembershipRow`, then of `RoomRow`.
MEMBERSHIP_COLUMNS = f"""
    r.number, r.name, r.members, m.muted_until,
    m.pinned, r.time, max(r.stamp, m.stamp), {UNREAD}, m.mentions, m.hidden
"""
COLUMNS = f"""
    {MEMBERSHIP_COLUMNS},
    r.seq, r.ordinal, m.read, m.first_visible, r.log_floor, r.last_message,
    r.title, r.avatar, hex(r.data), r.public, m.role, r.kind, r.written
"""
OF_USER = """
FROM members m JOIN rooms r ON r.number = m.room
WHERE m.user = ? AND m.gone IS NULL AND r.deleted_by IS NULL
"""
MEMBERSHIP_ROWS = f"SELECT {in_one(MEMBERSHIP_COLUMNS)} {OF_USER}"
ALL_PLACES = f"SELECT {in_one(COLUMNS)} {OF_USER}"
ROOMS = "SELECT rooms FROM memberships WHERE user = ?"
ROOM_ROWS = f"SELECT {in_one(COLUMNS)} {OF_USER} AND m.room IN (SELECT value FROM json_each(?))"  # noqa: S608


class MembershipRow(NamedTuple):
    """One row of MEMBERSHIP_ROWS: what subscribing a connection takes, and the order and sums of the list."""

    number: int
    name: str
    size: int
    muted_until: int
    pinned: int
    time: int
    stamp: int  # of the last commit that changed what they see
    unread: int
    mentions: int
    hidden: int


# The rows of MEMBERSHIP_ROWS and of ROOM_ROWS from the one text they come in.
decode_membership_rows = msgspec.json.Decoder(list[MembershipRow]).decode
decode_room_rows = msgspec.json.Decoder(list[RoomRow]).decode


def membership_rows(connection: sqlite3.Connection, user: str) -> list[MembershipRow]:
    """All rooms `user` is a member of, in no order."""
    return decode_membership_rows(connection.execute(MEMBERSHIP_ROWS, (user,)).fetchone()[0])


def few_places(connection: sqlite3.Connection, user: str, rooms_max: int) -> list[RoomRow]:
    """All rooms `user` is a member of, whole, in no order; none where they are more than that."""
    known = connection.execute(ROOMS, (user,)).fetchone()
    if known is None or known[0] > rooms_max:
        return []
    return decode_room_rows(connection.execute(ALL_PLACES, (user,)).fetchone()[0])


def room_rows(connection: sqlite3.Connection, user: str, rooms: Collection[int]) -> dict[int, RoomRow]:
    """Those of the rooms of these numbers that `user` is a member of, by number."""
    row = connection.execute(ROOM_ROWS, (user, json.dumps(list(rooms)))).fetchone()
    return {room_row.number: room_row for room_row in decode_room_rows(row[0])}


def membership(membership_row: MembershipRow | RoomRow) -> Membership:
    """What subscribing a connection there takes."""
    return Membership(
        membership_row.name, membership_row.number, membership_row.size, membership_row.muted_until
    )


def memberships(connection: sqlite3.Connection, user: str) -> list[Membership]:
    """All rooms of `user`, as far as subscribing their connections takes."""
    return [membership(membership_row) for membership_row in membership_rows(connection, user)]

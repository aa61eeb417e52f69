"""The rooms of a user, from the row of each room and their member row in it.

One walk over them is enough for a hello: the subscriptions, the unread numbers, the order of the list. Texts and host
data are read for the rooms of one page only, because those of all rooms may take too much memory.
Every function runs inside a read transaction of the connection.
"""

import json
import sqlite3
from collections.abc import Collection, Sequence
from typing import TypedDict

import msgspec

from chatd.core.room import ACCEPTED
from chatd.core.room_summary import Membership, RoomRow
from chatd.storage.sqlite.rows import in_one

# `Member.unread`, of a member `m` of a room `r`; tests/contracts/test_store_unread.py holds both equal. Own messages
# that the row does not count yet are at the end of the log (core/unread_counts.py). In most rooms nothing was purged,
# and a comparison costs less than a call.
UNREAD = """
max(0, r.ordinal - CASE r.purged_ordinal WHEN 0 THEN m.read_ordinal ELSE max(m.read_ordinal, r.purged_ordinal) END
    - m.own_unread - CASE r.uncounted WHEN 0 THEN 0 ELSE (
    SELECT count(*) FROM events e
    WHERE e.position BETWEEN r.number << 32 | r.uncounted AND r.number << 32 | r.seq
      AND e.user = m.user AND e.ordinal IS NOT NULL) END)
"""

# `Room.floor`, and the messages above it that the member may see.
FIRST_VISIBLE = """
CASE WHEN r.purged = 0 OR r.kind = 'direct' THEN m.first_visible ELSE max(m.first_visible, r.purged + 1) END
"""
# In the order of `MembershipRow`, then of `RoomRow`, each without its defaults.
MEMBERSHIP_COLUMNS = f"""
    r.number, r.name, r.members, m.muted_until,
    m.pinned, r.time, max(r.stamp, m.stamp), {UNREAD}, m.mentions, m.hidden > r.ordinal
"""
COLUMNS = f"""
    {MEMBERSHIP_COLUMNS},
    r.seq, r.ordinal, m.read, {FIRST_VISIBLE}, r.log_floor, r.last_message,
    r.title, r.avatar, hex(r.data), r.public, m.role, r.kind, r.written
"""
MEMBERSHIPS = in_one(MEMBERSHIP_COLUMNS, "m.standing", usual="m.standing = 1")
ROOMS = in_one(
    COLUMNS,
    "m.standing, hex(m.extras), m.notify, hex(r.details), m.folder, m.unread_mark",
    usual="m.standing = 1 AND m.extras = x'' AND m.notify = '' AND r.details = x'' AND NOT m.folder"
    " AND NOT m.unread_mark",
)
# `Room.is_listed`, and rooms in which the user was asked. Nearly all rows end at the first term.
SHOWN = """
(m.standing = 1 OR :everything OR (m.standing = 0 AND r.written > 0) OR (m.standing = 2 AND :requests))
"""
OF_USER = f"""
FROM members m JOIN rooms r ON r.number = m.room
WHERE m.user = :user AND m.gone IS NULL AND r.deleted_by IS NULL AND {SHOWN}
"""
MEMBERSHIP_ROWS = f"SELECT {MEMBERSHIPS} {OF_USER}"
ALL_ROOM_ROWS = f"SELECT {ROOMS} {OF_USER}"
ROOM_COUNT = "SELECT rooms FROM memberships WHERE user = ?"
ROOM_ROWS = f"SELECT {ROOMS} {OF_USER} AND m.room IN (SELECT value FROM json_each(:rooms))"  # noqa: S608


class MembershipRow(Membership, array_like=True, gc=False):
    """One row of MEMBERSHIP_ROWS."""

    standing: int = ACCEPTED


class Listing(TypedDict):
    """The parameters of OF_USER, 0 or 1: `everything` where people are switched off, `requests` on connections that
    show them.
    """

    user: str
    everything: int
    requests: int


# Each decodes all rows from one text.
decode_membership_rows = msgspec.json.Decoder(list[MembershipRow]).decode
decode_room_rows = msgspec.json.Decoder(list[RoomRow]).decode


def membership_rows(connection: sqlite3.Connection, listing: Listing) -> list[MembershipRow]:
    """Return the memberships of a user, in no order."""
    return decode_membership_rows(connection.execute(MEMBERSHIP_ROWS, listing).fetchone()[0])


def all_room_rows(connection: sqlite3.Connection, listing: Listing, rooms_max: int) -> list[RoomRow]:
    """Return all rooms of a user, in no order; none when they are more than `rooms_max`."""
    known = connection.execute(ROOM_COUNT, (listing["user"],)).fetchone()
    if known is None or known[0] > rooms_max:
        return []
    return decode_room_rows(connection.execute(ALL_ROOM_ROWS, listing).fetchone()[0])


def room_rows(connection: sqlite3.Connection, listing: Listing, rooms: Collection[int]) -> dict[int, RoomRow]:
    """Return those of the rooms of these numbers of which the user is a member, by number."""
    wanted = {**listing, "rooms": json.dumps(list(rooms))}
    row = connection.execute(ROOM_ROWS, wanted).fetchone()
    return {room_row.number: room_row for room_row in decode_room_rows(row[0])}


def memberships(connection: sqlite3.Connection, user: str, everything: bool) -> Sequence[Membership]:
    """Return the rooms in the list of `user`, as far as subscribing a connection needs them."""
    return membership_rows(connection, {"user": user, "everything": int(everything), "requests": 0})

"""The parts of summaries that are not in the rows of a room and its member: peer, preview, newest events.

Every function runs inside a read transaction of the connection.
"""

import json
import sqlite3
from collections.abc import Iterable

import msgspec
from msgspec import Raw

from chatd.core.event_view import event_view, reacted
from chatd.core.own_view import View, sees
from chatd.core.privacy import mutually_allow
from chatd.core.read_set import PeopleRules
from chatd.core.room import ACCEPTED, DIRECT
from chatd.core.room_summary import Peer, RoomRow
from chatd.core.sync_query import SyncQuery
from chatd.protocol.rooms import RoomSummary
from chatd.storage.sqlite.history import mine
from chatd.storage.sqlite.privacy import relations
from chatd.storage.sqlite.rows import SEQ_BITS, in_one, position

# An account that chatd does not know shows receipts.
PEER = """
    d.room, p.user, p.first_visible, p.read, p.delivered,
    d.a <> d.b AND coalesce(u.receipts, 1) AND coalesce(v.receipts, 1) AND p.standing < 2
"""
PEERS = f"""
SELECT {in_one(PEER, "hex(p.extras)", usual="p.extras = x''")}
FROM json_each(:rooms) asked
JOIN direct d ON d.room = asked.value
JOIN members p ON p.user = CASE :user WHEN d.a THEN d.b ELSE d.a END AND p.room = d.room
LEFT JOIN users u ON u.user = :user
LEFT JOIN users v ON v.user = p.user
"""  # noqa: S608 - put together from constants

PREVIEWS = """
SELECT e.position >> 32, e.blob FROM json_each(?) asked JOIN events e ON e.position = asked.value
"""

# The limit is inside: a room with few new events must not be searched to its beginning.
NEWEST = """
SELECT blob FROM (SELECT blob, stamp FROM events WHERE position BETWEEN ? AND ? ORDER BY position DESC LIMIT ?)
WHERE stamp > ?
"""


def peers(connection: sqlite3.Connection, query: SyncQuery, shown: Iterable[RoomRow]) -> dict[int, Peer]:
    """Return the other users of the direct ones of these rooms, by number."""
    shown = [*shown]
    direct = [room_row.number for room_row in shown if room_row.kind == DIRECT]
    if not direct:
        return {}
    row = connection.execute(PEERS, {"user": query.user, "rooms": json.dumps(direct)}).fetchone()
    found = {number: Peer(*peer) for number, *peer in msgspec.json.decode(row[0])}
    for room_row in shown:
        if room_row.standing > ACCEPTED and room_row.number in found:
            found[room_row.number] = found[room_row.number]._replace(both_show=False)
    if query.people is not None:
        keep_marks(connection, query.user, found, query.people)
    return found


def keep_marks(connection: sqlite3.Connection, user: str, found: dict[int, Peer], rules: PeopleRules) -> None:
    """Show the marks of no peer whose privacy, or that of `user`, keeps them: `Room.marks_kept`."""
    asked = {number: (user, peer.user) for number, peer in found.items() if peer.both_show}
    relating = relations(connection, [*asked.values()], rules) if asked else {}
    for number, place in asked.items():
        one, other, acquainted, _ = relating[place]
        if not mutually_allow(one, other, "receipts", acquainted=acquainted, bounds=rules.bounds):
            found[number] = found[number]._replace(both_show=False)


def previews(connection: sqlite3.Connection, shown: Iterable[RoomRow]) -> dict[int, bytes]:
    """Return the latest messages of these rooms that their member may see, by number; rooms without are left out."""
    latest = [
        room_row.number << SEQ_BITS | room_row.last_message
        for room_row in shown
        if sees(room_row, room_row.last_message)
    ]
    return dict(connection.execute(PREVIEWS, (json.dumps(latest),)).fetchall()) if latest else {}


def add_events(
    connection: sqlite3.Connection, number: int, summary: RoomSummary, query: SyncQuery, bytes_left: int
) -> int:
    """Add the newest events since the query's commit, without a gap, as many as fit; return the bytes they take."""
    # Below the floor the log has gaps.
    low = max(summary.first_visible, summary.log_floor)
    bounds = position(number, low), position(number, summary.seq)
    since = -1 if query.since is None else query.since
    blobs = [blob for (blob,) in connection.execute(NEWEST, (*bounds, query.events, since))]
    own = own_reactions(connection, number, query.user, blobs)
    view = View(summary.first_visible, summary.deleted or ())
    events: list[Raw] = []
    taken = 0
    for blob in blobs:
        shown_event = event_view(blob, own, view)
        if taken + len(shown_event) > bytes_left:
            break
        taken += len(shown_event)
        events.append(Raw(shown_event))
    if events:
        summary.events = events[::-1]
    return taken


def own_reactions(
    connection: sqlite3.Connection, room: int, user: str, blobs: list[bytes]
) -> dict[int, list[str]]:
    """Return the user's reactions on these messages, without a query when there are no reactions at all."""
    seqs = reacted(blobs)
    return mine(connection, room, user, seqs) if seqs else {}

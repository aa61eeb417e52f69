"""Room summaries as their member sees them (protocol.md "RoomSummary").

Every function runs inside a read transaction of the connection it is given.
"""

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from msgspec import UNSET, Raw

from chatd.core.dressing import dress, reacted
from chatd.ports import SyncQuery
from chatd.protocol.codec import decode_tree
from chatd.protocol.objects import ROLES, RoomSummary
from chatd.storage.logs import mine
from chatd.storage.rows import Row, position

# Of a member `m` of a room `r`. What his row does not count of his own messages stands at the end of the log.
UNREAD = """
max(0, r.ordinal - m.read_ordinal - m.own_unread - CASE r.uncounted WHEN 0 THEN 0 ELSE (
    SELECT count(*) FROM events e
    WHERE e.position BETWEEN r.number << 32 | r.uncounted AND r.number << 32 | r.seq
      AND e.user = m.user AND e.ordinal IS NOT NULL) END)
"""

# `d` and `p` are the pair and the peer of a direct room, absent in groups. The peer's watermarks are shown
# when both show receipts; an account that chatd does not know shows them.
SUMMARIES = f"""
SELECT r.number, r.last_message,
       r.name, r.seq, r.ordinal, r.time,
       m.read, {UNREAD}, m.mentions,
       m.muted_until, m.pinned, m.hidden, m.first_visible, r.log_floor,
       p.user,
       CASE WHEN coalesce(u.receipts, 1) AND coalesce(v.receipts, 1) THEN p.read ELSE 0 END,
       CASE WHEN coalesce(u.receipts, 1) AND coalesce(v.receipts, 1) THEN p.delivered ELSE 0 END,
       r.title, r.avatar, r.data, r.public, r.members, m.role
FROM members m
JOIN rooms r ON r.number = m.room
LEFT JOIN direct d ON d.room = m.room
LEFT JOIN members p ON p.user = CASE m.user WHEN d.a THEN d.b ELSE d.a END AND p.room = d.room
LEFT JOIN users u ON u.user = m.user
LEFT JOIN users v ON v.user = p.user
WHERE m.user = ? AND m.room IN (SELECT value FROM json_each(?)) AND m.gone IS NULL AND r.deleted_by IS NULL
"""  # noqa: S608 - put together from constants

PREVIEW = "SELECT blob FROM events WHERE position = ?"
# The limit stands inside: a room where little happened since must not be searched to its beginning.
NEWEST = """
SELECT blob FROM (SELECT blob, stamp FROM events WHERE position BETWEEN ? AND ? ORDER BY position DESC LIMIT ?)
WHERE stamp > ?
"""


@dataclass(slots=True)
class Shown:
    """One summary, and what finding the events of its room takes."""

    number: int
    last_message: int
    summary: RoomSummary


def summaries(connection: sqlite3.Connection, user: str, rooms: Collection[int]) -> dict[int, Shown]:
    """The rooms of these numbers that `user` is a member of, without preview and events."""
    rows = connection.execute(SUMMARIES, (user, json.dumps(list(rooms))))
    return {row[0]: Shown(row[0], row[1], summary_of(row[2:])) for row in rows}


def summary(connection: sqlite3.Connection, room: int, user: str) -> RoomSummary | None:
    shown = summaries(connection, user, (room,)).get(room)
    return None if shown is None else shown.summary


def summary_of(row: Row) -> RoomSummary:
    """The struct of one row of SUMMARIES, from the name on."""
    summary = RoomSummary(*row[:7])
    summary.muted_until, pinned, hidden, summary.first_visible, summary.log_floor = row[7:12]
    summary.pinned, summary.hidden = pinned == 1, hidden == 1
    peer, peer_read, peer_delivered = row[12:15]
    if peer is None:
        show_group(summary, row[15:])
    else:
        summary.peer, summary.peer_read, summary.peer_delivered = peer, peer_read, peer_delivered
    return summary


def show_group(summary: RoomSummary, row: Row) -> None:
    title, avatar, data, public, summary.members, role = row
    summary.role = ROLES[role]
    summary.title = title or UNSET
    summary.avatar = avatar or UNSET
    summary.data = decode_tree(data) if data else UNSET
    summary.public = public == 1


def add_preview(connection: sqlite3.Connection, shown: Shown) -> None:
    """Show the latest message, if there is one that this member may see."""
    if shown.last_message >= shown.summary.first_visible:
        row = connection.execute(PREVIEW, (position(shown.number, shown.last_message),)).fetchone()
        shown.summary.preview = UNSET if row is None else Raw(row[0])


def add_events(connection: sqlite3.Connection, shown: Shown, query: SyncQuery, bytes_left: int) -> int:
    """Show the newest events since the query's commit, without a gap, as many as fit; the bytes they take."""
    summary = shown.summary
    low = max(summary.first_visible, summary.log_floor)  # below the floor the log has gaps
    bounds = position(shown.number, low), position(shown.number, summary.seq)
    since = -1 if query.since is None else query.since
    rows = connection.execute(NEWEST, (*bounds, query.events, since)).fetchall()
    own = own_reactions(connection, shown.number, query.user, [blob for (blob,) in rows])
    events: list[Raw] = []
    taken = 0
    for (blob,) in rows:
        dressed = dress(blob, own, summary.first_visible)
        if taken + len(dressed) > bytes_left:
            break
        taken += len(dressed)
        events.append(Raw(dressed))
    if events:
        summary.events = events[::-1]
    return taken


def own_reactions(
    connection: sqlite3.Connection, room: int, user: str, blobs: list[bytes]
) -> dict[int, list[str]]:
    """The user's reactions on these messages; those without any are not asked for."""
    seqs = reacted(blobs)
    return mine(connection, room, user, seqs) if seqs else {}

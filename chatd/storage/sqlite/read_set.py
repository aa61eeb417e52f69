"""The reads for decisions: rooms with their members, used keys, stored messages, reactions, spans.

Every function runs inside a read transaction of the connection.
"""

import json
import sqlite3
from collections.abc import Collection
from itertools import takewhile

from chatd.core.policy import RoomDetails, details_of
from chatd.core.read_set import Counted, KeyedEvent, UnreadSpan
from chatd.core.room import CHANNEL, Member, Room
from chatd.core.users import Account, DeviceSeen
from chatd.protocol.codec import decode_event
from chatd.protocol.messages import Event
from chatd.storage.sqlite.rows import SEPARATOR, SEQ_MASK, Row, account_of, device_of, position
from chatd.storage.views import People

ROOM_COLUMNS = """
number, name, kind, creator, created_at, seq, ordinal, time, log_floor, title, avatar, public, data,
       client_key, client_digest, deleted_by, uncounted, written,
       details, retain_s, purged, purged_ordinal, members
"""
ROOM = f"SELECT {ROOM_COLUMNS} FROM rooms WHERE name = ?"  # noqa: S608

MEMBER_COLUMNS = """
m.user, m.role, m.joined_at, m.first_visible, m.read, m.read_ordinal, m.own_unread, m.mentions,
       m.delivered, m.muted_until, m.pinned, m.hidden, m.gone, coalesce(u.receipts, 1), m.extras,
       m.standing, m.notify, m.folder, m.unread_mark
"""
# Put together from constants, like those below.
MEMBERS = f"SELECT {MEMBER_COLUMNS} FROM members m LEFT JOIN users u ON u.user = m.user WHERE m.room = ?"  # noqa: S608
FOLLOWER = f"{MEMBERS} AND m.user = ?"
# Of a channel: the planner would walk all followers.
STAFF = f"""
SELECT {MEMBER_COLUMNS} FROM members m INDEXED BY members_staff LEFT JOIN users u ON u.user = m.user
WHERE m.room = ? AND m.role <> 'member' AND m.gone IS NULL
"""  # noqa: S608

UNCOUNTED = """
SELECT user, count(*) FROM events WHERE position BETWEEN ? AND ? AND ordinal IS NOT NULL GROUP BY user
"""

PAIRS = """
SELECT d.a, d.b, r.name
FROM json_each(?) pair
JOIN direct d ON d.a = json_extract(pair.value, '$[0]') AND d.b = json_extract(pair.value, '$[1]')
JOIN rooms r ON r.number = d.room
"""
CREATED = "SELECT name FROM rooms WHERE creator = ? AND client_key = ?"

UNLOGGED = "SELECT NULL, time, digest FROM unlogged WHERE room = ? AND user = ? AND client_key = ?"
KEYED = """
SELECT blob, time, digest FROM events
WHERE position >> 32 = ? AND user = ? AND client_key = ?
"""

MESSAGE_AT = "SELECT blob FROM events WHERE position = ? AND kind = 'message'"
# Rows that a search for messages of a user looks at, some milliseconds: those of a day in all but the busiest rooms.
RECENT_SCANNED_MAX = 20_000
RECENT = """
SELECT user, position & 0xffffffff, time
FROM (SELECT user, position, time, kind FROM events WHERE position BETWEEN ? AND ? ORDER BY position DESC LIMIT ?)
WHERE kind = 'message' AND user IN (SELECT value FROM json_each(?))
ORDER BY position DESC LIMIT ?
"""
REACTION_SET = "SELECT 1 FROM reactions WHERE room = ? AND seq = ? AND user = ? AND emoji = ?"

# `unread_counts.count`; tests/contracts/test_store_unread.py holds both equal.
COUNTED = """
SELECT count(*),
       count(*) FILTER (WHERE user = :user OR instr(ignored, :mark)),
       count(*) FILTER (WHERE user <> :user AND NOT coalesce(instr(ignored, :mark), 0)
                        AND (mentions = '*' OR instr(mentions, :mark)))
FROM events WHERE position > :low AND position <= :high AND ordinal IS NOT NULL
"""

ACCOUNT = """
SELECT user, name, avatar, version, receipts, presence, disabled, generation, revoked_before, password, created_at,
       kind, restriction, restricted_until, restricted_reason
FROM users WHERE user = ?
"""

MEMBERSHIPS = "SELECT user, rooms FROM memberships WHERE user IN (SELECT value FROM json_each(?))"

DEVICE = """
SELECT user, device, app, os, last_seen, revoked_before, removed FROM devices WHERE user = ? AND device = ?
"""


# One row for an existing room, else none; the search for a member takes the same time found or not.
PLACED = """
SELECT EXISTS (SELECT 1 FROM members WHERE room = rooms.number AND user = :user)
       OR EXISTS (SELECT 1 FROM joins WHERE room = rooms.number AND user = :user) OR (:joins AND public),
       CASE WHEN :joins THEN details ELSE x'' END
FROM rooms WHERE name = :name
"""

FOLLOWS = """
SELECT 1 FROM rooms r JOIN members m ON m.room = r.number WHERE r.name = ? AND m.user = ? AND m.gone IS NULL
"""


def load_rooms(connection: sqlite3.Connection, names: Collection[str]) -> dict[str, Room]:
    """Return rooms by name, with present and former members."""
    rooms: dict[str, Room] = {}
    for name in names:
        row = connection.execute(ROOM, (name,)).fetchone()
        if row is not None:
            rooms[name] = room_of(row)
            load_members(connection, rooms[name])
    return rooms


def placed(
    connection: sqlite3.Connection, asked: Collection[tuple[str, str, bool]]
) -> set[tuple[str, str, bool]]:
    """Return those of (user, room name, joins) whose user is or was a member, waits to become one, or joins a room that
    takes them, or requests, or followers of its channel.
    """
    found = set()
    for user, name, joins in asked:
        row = connection.execute(PLACED, {"user": user, "joins": joins, "name": name}).fetchone()
        if row is not None and (row[0] or takes(connection, details_of(row[1]), user)):
            found.add((user, name, joins))
    return found


def takes(connection: sqlite3.Connection, details: RoomDetails, user: str) -> bool:
    """Whether `user` may ask to enter a room, or enter it as a follower of its channel."""
    if details.policy.join == "request":
        return True
    return (
        bool(details.channel) and connection.execute(FOLLOWS, (details.channel, user)).fetchone() is not None
    )


def room_of(row: Row) -> Room:
    *values, details, retain_s, purged, purged_ordinal, size = row
    room = Room(*values)
    if room.kind == CHANNEL:
        room.followers = size
    room.public = room.public == 1
    room.details = details_of(details)
    room.retain_s, room.purged, room.purged_ordinal = retain_s, purged, purged_ordinal
    return room


def load_members(connection: sqlite3.Connection, room: Room) -> None:
    for row in connection.execute(STAFF if room.is_channel else MEMBERS, (room.number,)):
        room.put(member_of(row))
    if room.uncounted:
        count_own(connection, room)


def member_of(row: Row) -> Member:
    member = Member(*row)
    member.pinned = member.pinned == 1
    member.unread_mark = member.unread_mark == 1
    member.receipts = member.receipts == 1
    return member


def count_own(connection: sqlite3.Connection, room: Room) -> None:
    """Add the own messages that the rows of their authors do not count yet (core/unread_counts.py)."""
    bounds = position(room.number, room.uncounted), position(room.number, room.seq)
    for user, count in connection.execute(UNCOUNTED, bounds).fetchall():
        if room.is_channel and room.known(user) is None:
            room.put(member_of(connection.execute(FOLLOWER, (room.number, user)).fetchone()))
        (room.members.get(user) or room.former[user]).own_unread += count
        room.uncounted_by |= {user}


def rooms_of_pairs(
    connection: sqlite3.Connection, pairs: Collection[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    ordered = json.dumps([sorted(place) for place in pairs])
    names = {(a, b): name for a, b, name in connection.execute(PAIRS, (ordered,))}
    return {place: names[key] for place in pairs if (key := (min(place), max(place))) in names}


def room_of_key(connection: sqlite3.Connection, creator: str, key: str) -> str | None:
    return first(connection, CREATED, (creator, key))


def first(connection: sqlite3.Connection, sql: str, parameters: tuple[str, ...]) -> str | None:
    row = connection.execute(sql, parameters).fetchone()
    return None if row is None else row[0]


def keyed(
    connection: sqlite3.Connection, keys: Collection[tuple[int, str, str]]
) -> dict[tuple[int, str, str], KeyedEvent]:
    found = {}
    for key in keys:
        row = connection.execute(KEYED, key).fetchone() or connection.execute(UNLOGGED, key).fetchone()
        if row is not None:
            blob, time, digest = row
            found[key] = KeyedEvent(None if blob is None else decode_event(blob), time, digest)
    return found


def messages_at(
    connection: sqlite3.Connection, keys: Collection[tuple[int, int]]
) -> dict[tuple[int, int], Event]:
    found = {}
    for room, seq in keys:
        row = connection.execute(MESSAGE_AT, (position(room, seq),)).fetchone()
        if row is not None:
            found[room, seq] = decode_event(row[0])
    return found


def recent_messages(
    connection: sqlite3.Connection, room: int, users: Collection[str], since_ms: int, limit: int
) -> list[tuple[str, int]]:
    span = position(room, 0), position(room, SEQ_MASK), RECENT_SCANNED_MAX
    rows = connection.execute(RECENT, (*span, json.dumps(list(users)), limit))
    return [(user, seq) for user, seq, _ in takewhile(lambda row: row[2] > since_ms, rows)]


def reactions_set(
    connection: sqlite3.Connection, asked: Collection[tuple[int, int, str, str]]
) -> set[tuple[int, int, str, str]]:
    return {
        reaction for reaction in asked if connection.execute(REACTION_SET, reaction).fetchone() is not None
    }


def counted(connection: sqlite3.Connection, spans: Collection[UnreadSpan]) -> dict[UnreadSpan, Counted]:
    return {span: count(connection, span) for span in spans}


def count(connection: sqlite3.Connection, span: UnreadSpan) -> Counted:
    parameters = {
        "user": span.user,
        "mark": f"{SEPARATOR}{span.user}{SEPARATOR}",
        "low": position(span.room, span.low),
        "high": position(span.room, span.high),
    }
    return Counted(*connection.execute(COUNTED, parameters).fetchone())


def account(connection: sqlite3.Connection, user: str) -> Account | None:
    row = connection.execute(ACCOUNT, (user,)).fetchone()
    return None if row is None else account_of(row)


def device(connection: sqlite3.Connection, user: str, device: str) -> DeviceSeen | None:
    row = connection.execute(DEVICE, (user, device)).fetchone()
    return None if row is None else device_of(row)


def people(
    connection: sqlite3.Connection,
    users: Collection[str],
    devices: Collection[tuple[str, str]],
    arriving: Collection[str],
) -> People:
    accounts = {user: known for user in users if (known := account(connection, user)) is not None}
    seen = {key: found for key in devices if (found := device(connection, *key)) is not None}
    rooms = connection.execute(MEMBERSHIPS, (json.dumps(list(arriving)),)).fetchall() if arriving else ()
    return People(accounts, seen, dict(rooms))

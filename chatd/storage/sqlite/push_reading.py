"""The reads of push notifications: who may be told of the events of a room, and what there is to tell at this moment.

Both looks are one statement over (user, device, room), so that they cannot differ. Every function runs inside a read
transaction of the connection.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec import UNSET

from chatd.core.attention import is_large
from chatd.core.contacts import State
from chatd.core.push import Address
from chatd.core.push_events import PlannedEvents, PushEvent, Topic, choose
from chatd.core.room import CHANNEL, DIRECT
from chatd.protocol.codec import decode_event
from chatd.protocol.messages import EVERYBODY, Body
from chatd.storage.push import (
    Look,
    LookQuery,
    PlanPage,
    PlanQuery,
    PushRoom,
    Recipient,
    StoredAlert,
    Unplanned,
)
from chatd.storage.sqlite import push
from chatd.storage.sqlite.rows import SEPARATOR, Row, position

# Users of a page: some 2 ms.
PAGE = 200
# Events of a plan, and of a look: beyond it the next plan goes on, and a notification says 99 all the same.
EVENTS_MAX = 256
COUNTED_MAX = 100

ROOM = """
SELECT number, name, title, kind, members, written > 0, seq FROM rooms
WHERE number = ? AND deleted_by IS NULL
"""
# Operations and silent messages alert nobody.
EVENTS = """
SELECT position & 0xffffffff, kind, user, time, stamp, mentions, ignored,
       CASE WHEN kind <> 'message' OR changed IS NOT NULL THEN blob END
FROM events
WHERE position BETWEEN ? AND ? AND (ordinal IS NOT NULL OR kind = 'reaction')
ORDER BY position {} LIMIT ?
"""
OLDEST, NEWEST = EVENTS.format("ASC"), EVENTS.format("DESC")
AUTHOR = "SELECT user FROM events WHERE position = ? AND kind = 'message'"
BODY = "SELECT blob FROM events WHERE position = ?"
IS_REACTED = "SELECT 1 FROM reactions WHERE room = ? AND seq = ? AND user = ? AND emoji = ?"

# `a` names whom it is about: their user, a room, and a device or NULL for all. In the order of `recipient_of`.
RECIPIENTS = """
SELECT a.user, m.user IS NOT NULL AND m.gone IS NULL, m.first_visible, m.read, m.standing, m.muted_until,
       coalesce(m.hidden > r.ordinal, 0), coalesce(m.folder = 1, 0), m.notify, u.disabled,
       iif(u.restriction = 'ban', u.restricted_until, 0), p.body,
       t.device, t.platform, t.app, t.token, t.purpose, t.environment, t.p256dh, t.auth,
       max(t.registered_at, coalesce(d.last_seen, 0)),
       t.epoch <> (SELECT value FROM meta WHERE key = 'epoch'), a.room
FROM ({}) a
LEFT JOIN rooms r ON r.number = a.room
LEFT JOIN members m ON m.room = a.room AND m.user = a.user
LEFT JOIN users u ON u.user = a.user
LEFT JOIN account_rows p ON p.user = a.user AND p.name = 'preferences'
LEFT JOIN push_tokens t ON t.user = a.user AND t.purpose = 'alert' AND (a.device IS NULL OR t.device = a.device)
LEFT JOIN devices d ON d.user = t.user AND d.device = t.device AND NOT d.removed
"""
OF_ROOM = RECIPIENTS.format("""
    SELECT user, room, NULL AS device FROM members
    WHERE room = :room AND gone IS NULL AND user > :after ORDER BY user LIMIT :limit
""")
OF_LARGE_ROOM = RECIPIENTS.format("""
    SELECT user, room, NULL AS device FROM members
    WHERE room = :room AND gone IS NULL AND user > :after AND notify = 'all' ORDER BY user LIMIT :limit
""")
NAMED = RECIPIENTS.format("""
    SELECT value AS user, :room AS room, NULL AS device FROM json_each(:users)
""")
LOOKED_AT = RECIPIENTS.format("""
    SELECT DISTINCT json_extract(value, '$[0]') AS user, json_extract(value, '$[2]') AS room,
           json_extract(value, '$[1]') AS device
    FROM json_each(:asked)
""")
IS_BLOCKED = "SELECT 1 FROM contacts WHERE blocked = 1 LIMIT 1"
BLOCKS = """
SELECT owner, user FROM contacts
WHERE blocked = 1 AND owner IN (SELECT value FROM json_each(?)) AND user IN (SELECT value FROM json_each(?))
"""
# The remark of the owner is how they call the author.
KNOWN = """
SELECT coalesce(nullif(c.remark, ''), u.name, ''), coalesce(c.blocked, 0), coalesce(c.state, 0)
FROM (SELECT :author AS author) a
LEFT JOIN users u ON u.user = a.author LEFT JOIN contacts c ON c.owner = :user AND c.user = a.author
"""
IS_OFFERED = "SELECT 1 FROM joins WHERE room = ? AND user = ? AND kind = 'offered'"
# Of those whom an admin does not block: how many wait, and the newest of them.
WAITING = """
SELECT count(*), coalesce(j.user, ''), max(j.time)
FROM members m JOIN joins j ON j.room = m.room AND j.kind = 'asked'
LEFT JOIN contacts c ON c.owner = m.user AND c.user = j.user
WHERE m.room = ? AND m.user = ? AND m.role IN ('admin', 'owner') AND coalesce(c.blocked, 0) = 0
"""
ROOMS_BEHIND = "SELECT number, seq, stamp FROM rooms WHERE number > ? ORDER BY number LIMIT ?"
FIRST_BEHIND = """
SELECT position & 0xffffffff, stamp, time FROM events
WHERE position BETWEEN ? AND ? AND stamp > ? ORDER BY position LIMIT 1
"""
# How far back a room is looked at for events behind the cursor: those of one second, and what waited.
BACK_MAX = 1000
# Numbers are used again once all are told.
ALERTS = """
SELECT number, stamp, user, kind, author, time, room FROM push_alerts
WHERE (stamp, number) > (?, ?) ORDER BY stamp, number LIMIT ?
"""
NAMES = """
SELECT number, name FROM rooms WHERE number IN (SELECT value FROM json_each(?)) AND deleted_by IS NULL
"""
DEVICES = (
    "SELECT device FROM devices WHERE user = :user UNION SELECT device FROM push_tokens WHERE user = :user"
)
NUMBER = "SELECT number FROM rooms WHERE name = ? AND deleted_by IS NULL"


def room_of(connection: sqlite3.Connection, number: int) -> PushRoom | None:
    row = connection.execute(ROOM, (number,)).fetchone()
    if row is None:
        return None
    number, name, title, kind, members, is_written, seq = row
    return PushRoom(
        number, name, title, kind == DIRECT, members, bool(is_written), seq, is_channel=kind == CHANNEL
    )


def recipient_of(row: Row) -> Recipient:
    (
        user,
        is_member,
        first_visible,
        read,
        standing,
        muted_until,
        hidden,
        archived,
        notify,
        disabled,
        banned_until,
        *rest,
    ) = row
    preferences, device, *place, seen_at, is_restored, _ = rest
    found = Recipient(
        user,
        bool(is_member),
        first_visible or 0,
        read or 0,
        1 if standing is None else standing,
        muted_until or 0,
        bool(hidden),
        bool(archived),
        notify or "",
        bool(disabled),
        banned_until or 0,
        preferences or b"",
    )
    if device is None:
        return found
    return found._replace(
        device=device, address=Address(*place), seen_at=seen_at, is_restored=bool(is_restored)
    )


def names_of(column: str | None) -> tuple[str, ...]:
    if not column:
        return ()
    return (EVERYBODY,) if column == EVERYBODY else tuple(column.strip(SEPARATOR).split(SEPARATOR))


def events_of(connection: sqlite3.Connection, room: int, rows: Iterable[Row]) -> Iterator[PushEvent]:
    """Yield the events of which somebody may be told."""
    for seq, kind, user, time, stamp, mentions, ignored, blob in rows:
        topic: Topic = "message"
        users: tuple[str, ...] = ()
        event = None if blob is None else decode_event(blob)
        emoji, is_recalled = "", event is not None and event.recalled is True
        if kind == "reaction":
            if event is None or event.set is not True or event.target is UNSET or event.emoji is UNSET:
                continue
            topic, emoji = "reaction", event.emoji
            users = author_of(connection, room, event.target)
            place = (room, event.target, user, emoji)
            is_recalled = connection.execute(IS_REACTED, place).fetchone() is None
        named, ignoring = names_of(mentions), names_of(ignored)
        yield PushEvent(seq, topic, user or "", time, stamp, named, ignoring, users, emoji, is_recalled)


def author_of(connection: sqlite3.Connection, room: int, seq: int) -> tuple[str, ...]:
    row = connection.execute(AUTHOR, (position(room, seq),)).fetchone()
    return () if row is None or not row[0] else (row[0],)


def plan(connection: sqlite3.Connection, query: PlanQuery) -> PlanPage:
    """Return a page. Those who are named come first; then all members, or of a large room those who want all."""
    room = room_of(connection, query.room)
    if room is None:
        return PlanPage(None)
    span = (position(query.room, query.first), position(query.room, query.last or room.seq))
    rows = connection.execute(OLDEST, (*span, EVENTS_MAX + 1)).fetchall()
    later = rows[EVENTS_MAX][0] if len(rows) > EVENTS_MAX else 0
    events = list(events_of(connection, query.room, rows[:EVENTS_MAX]))
    recipients, next_page = page_of(connection, query, room, PlannedEvents(events))
    blocks = blocks_of(connection, {one.user for one in recipients}, {event.author for event in events})
    return PlanPage(room, events, recipients, blocks, next_page, later)


def page_of(
    connection: sqlite3.Connection, query: PlanQuery, room: PushRoom, events: PlannedEvents
) -> tuple[list[Recipient], str]:
    """Return the recipients of a page, and where the next one begins."""
    phase, _, after = query.after.partition(":")
    large = room.is_channel or is_large(room.members, query.members_all, is_direct=room.is_direct)
    if phase != "members" and (large or not events.messages):
        users = [user for user in events.named if user > after][:PAGE]
        found = connection.execute(NAMED, {"room": query.room, "users": json.dumps(users)}).fetchall()
        if len(users) == PAGE:
            return [recipient_of(row) for row in found], f"named:{users[-1]}"
        return [recipient_of(row) for row in found], "members:" if events.messages else ""
    statement = OF_LARGE_ROOM if large else OF_ROOM
    found = connection.execute(statement, {"room": query.room, "after": after, "limit": PAGE}).fetchall()
    recipients = [recipient_of(row) for row in found]
    if large:
        named = set(events.named)
        kept = [one for one in recipients if one.user not in named]
    else:
        kept = recipients
    last = max((one.user for one in recipients), default="")
    is_full = len({one.user for one in recipients}) == PAGE
    return kept, f"members:{last}" if is_full else ""


def blocks_of(
    connection: sqlite3.Connection, owners: Collection[str], authors: Collection[str]
) -> frozenset[tuple[str, str]]:
    if connection.execute(IS_BLOCKED).fetchone() is None:
        return frozenset()
    asked = (json.dumps(list(owners)), json.dumps(list(authors)))
    return frozenset((owner, user) for owner, user in connection.execute(BLOCKS, asked))


def look(
    connection: sqlite3.Connection, queries: Sequence[LookQuery], now_ms: int, members_all: int
) -> list[Look]:
    """Return what there is to tell of each, in order."""
    rows = connection.execute(LOOKED_AT, {"asked": json.dumps([query[:3] for query in queries])})
    read = [(recipient_of(row), row[-1]) for row in rows]
    found = {(one.user, one.device or None, room): one for one, room in read}
    rooms = {query.room: room_of(connection, query.room) for query in queries}
    counted = push.badges(connection, {query.user for query in queries}, now_ms, members_all)
    looks = []
    for query in queries:
        recipient = found.get((query.user, query.device, query.room)) or found[query.user, None, query.room]
        looked = look_at(connection, query, rooms[query.room], recipient)
        looks.append(looked._replace(badge=counted.get(query.user, 0)))
    return looks


def look_at(
    connection: sqlite3.Connection, query: LookQuery, room: PushRoom | None, recipient: Recipient
) -> Look:
    if query.topic not in ("message", "reaction"):
        return alerted(connection, query, room, recipient)
    if room is None:
        return Look(room, recipient._replace(is_member=False))
    span = (position(room.number, query.low), position(room.number, query.seq))
    rows = connection.execute(NEWEST, (*span, COUNTED_MAX)).fetchall()
    events = [event for event in events_of(connection, room.number, rows) if event.topic == query.topic]
    newest = events[0] if events else None
    after = max(recipient.read, recipient.first_visible - 1)
    blocks = blocks_of(connection, [query.user], {event.author for event in events})
    shown = [event for event in events if (query.user, event.author) not in blocks]
    choice = choose(shown, query.user, after if query.topic == "message" else 0)
    if choice is None:
        is_blocked = newest is not None and (query.user, newest.author) in blocks
        return Look(room, recipient, None, newest, is_blocked=is_blocked)
    name, _, _ = known(connection, query.user, choice.event.author)
    body = None
    if query.topic == "message":
        body = body_of(connection, position(room.number, choice.event.seq))
    return Look(room, recipient, choice, newest, body, choice.event.author, name)


def alerted(
    connection: sqlite3.Connection, query: LookQuery, room: PushRoom | None, recipient: Recipient
) -> Look:
    """Look at an alert again: who did what it tells of, and whether that still is so."""
    by, is_over, waiting = query.by, False, 0
    if query.topic == "join":
        waiting, by, _ = connection.execute(WAITING, (query.room, query.user)).fetchone()
        is_over = not waiting
    elif query.topic == "offer":
        is_over = connection.execute(IS_OFFERED, (query.room, query.user)).fetchone() is None
    name, is_blocked, state = known(connection, query.user, by)
    if query.topic == "friend":
        is_over = state is not State.RECEIVED
    return Look(room, recipient, by=by, name=name, is_blocked=is_blocked, is_over=is_over, waiting=waiting)


def known(connection: sqlite3.Connection, user: str, author: str) -> tuple[str, bool, State]:
    """Return how `user` calls `author`, whether they block them, and what the author is to them."""
    name, is_blocked, state = connection.execute(KNOWN, {"user": user, "author": author}).fetchone()
    return name, bool(is_blocked), State(state)


def body_of(connection: sqlite3.Connection, place: int) -> Body | None:
    row = connection.execute(BODY, (place,)).fetchone()
    if row is None:
        return None
    body = decode_event(row[0]).body
    return None if body is UNSET else body


def unplanned(
    connection: sqlite3.Connection, stamp: int, after: int, limit: int
) -> tuple[list[Unplanned], int]:
    found: list[Unplanned] = []
    rows = connection.execute(ROOMS_BEHIND, (after, limit)).fetchall()
    for number, seq, changed in rows:
        if changed <= stamp:
            continue
        span = (position(number, max(1, seq - BACK_MAX)), position(number, seq))
        first = connection.execute(FIRST_BEHIND, (*span, stamp)).fetchone()
        if first is not None:
            found.append(Unplanned(number, *first))
    return found, rows[-1][0] if len(rows) == limit else 0


def recipients(connection: sqlite3.Connection, room: int, users: Sequence[str]) -> list[Recipient]:
    found = connection.execute(NAMED, {"room": room, "users": json.dumps(list(users))})
    return [recipient_of(row) for row in found]


def alerts(connection: sqlite3.Connection, after: tuple[int, int], limit: int) -> list[StoredAlert]:
    return [StoredAlert(*row) for row in connection.execute(ALERTS, (*after, limit))]


def room_names(connection: sqlite3.Connection, numbers: Sequence[int]) -> dict[int, str]:
    return dict(connection.execute(NAMES, (json.dumps(list(numbers)),)).fetchall())


def device_names(connection: sqlite3.Connection, user: str) -> list[str]:
    return [name for (name,) in connection.execute(DEVICES, {"user": user})]


def number_of(connection: sqlite3.Connection, room: str) -> int:
    row = connection.execute(NUMBER, (room,)).fetchone()
    return 0 if row is None else int(row[0])

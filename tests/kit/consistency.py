"""The invariants of every database of chatd, whatever was written: each query finds the rows that break one."""

import sqlite3
from collections import Counter

import msgpack

from chatd.core.unread_counts import UNCOUNTED_EVENTS_MAX
from chatd.storage.sqlite.room_rows import UNREAD

COUNTABLE = (
    "FROM events e WHERE e.position >> 32 = m.room AND e.ordinal IS NOT NULL AND e.position & 0xffffffff"
)

RULES: dict[str, str] = {
    "a room's log ends where the room says": """
        SELECT r.number FROM rooms r
        WHERE r.seq <> max(r.purged, (
            SELECT coalesce(max(position) & 0xffffffff, 0) FROM events WHERE position >> 32 = r.number))""",
    "numbers are dense from the floor on": """
        SELECT r.number FROM rooms r
        WHERE r.seq - max(r.log_floor, 1) + 1 <> (
            SELECT count(*) FROM events
            WHERE position BETWEEN r.number << 32 | max(r.log_floor, 1) AND r.number << 32 | r.seq)""",
    "ordinals count the messages": """
        SELECT r.number FROM rooms r
        WHERE r.ordinal - r.purged_ordinal <> (SELECT count(ordinal) FROM events WHERE position >> 32 = r.number)
          AND (r.kind <> 'direct' OR r.purged = 0)
        UNION SELECT r.number FROM rooms r WHERE r.ordinal < (
            SELECT coalesce(max(ordinal), 0) FROM events WHERE position >> 32 = r.number)""",
    "times never go back": """
        SELECT position FROM (SELECT position, time, lag(time) OVER (PARTITION BY position >> 32 ORDER BY position)
                              AS before FROM events) WHERE time < before""",
    "a key is used once": """
        SELECT user, client_key FROM events WHERE client_key IS NOT NULL
        GROUP BY position >> 32, user, client_key HAVING count(*) > 1""",
    "members are counted": """
        SELECT r.number FROM rooms r
        WHERE r.members <> (SELECT count(*) FROM members WHERE room = r.number AND gone IS NULL)""",
    "rooms of a user are counted": """
        SELECT user FROM (SELECT user, rooms FROM memberships
                          UNION ALL SELECT user, -1 FROM members WHERE gone IS NULL)
        GROUP BY user HAVING sum(rooms) <> 0""",
    "a position read lies in the log": """
        SELECT m.room, m.user FROM members m JOIN rooms r ON r.number = m.room WHERE m.read > r.seq""",
    "ordinals read are those up to the position read": f"""
        SELECT m.room, m.user, m.read_ordinal FROM members m JOIN rooms r ON r.number = m.room
        WHERE m.gone IS NULL AND r.purged = 0 AND m.read_ordinal <> (
            SELECT coalesce(max(e.ordinal), 0) {COUNTABLE} <= m.read)""",
    "an unread number is that of the log": f"""
        SELECT m.room, m.user, {UNREAD} FROM members m JOIN rooms r ON r.number = m.room
        WHERE m.gone IS NULL AND {UNREAD} <> (
            SELECT count(*) {COUNTABLE} > m.read AND e.user <> m.user
              AND NOT coalesce(instr(e.ignored, char(31) || m.user || char(31)), 0))""",
    "own messages are not unread": f"""
        SELECT m.room, m.user, m.own_unread FROM members m JOIN rooms o ON o.number = m.room
        WHERE m.gone IS NULL AND NOT (o.kind = 'direct' AND o.purged) AND m.own_unread <> (
            SELECT count(*) {COUNTABLE} > m.read
              AND (e.user = m.user OR instr(e.ignored, char(31) || m.user || char(31))) AND NOT EXISTS (
                SELECT 1 FROM rooms r WHERE r.number = m.room AND r.uncounted
                  AND e.position >= r.number << 32 | r.uncounted))""",
    "what no member's row counts is short, and behind all that was read": f"""
        SELECT r.number, r.uncounted FROM rooms r WHERE r.uncounted AND (
            r.seq - r.uncounted + 1 NOT BETWEEN 1 AND {UNCOUNTED_EVENTS_MAX - 1}
            OR EXISTS (
                SELECT 1 FROM members WHERE room = r.number AND gone IS NULL AND read >= r.uncounted))""",
    # Nothing, a request with one who was sent it or declined it, or a friendship: protocol.md "The table of a pair".
    "the contacts of a pair fit each other": """
        SELECT a.owner, a.user, a.state, coalesce(b.state, 0)
        FROM contacts a LEFT JOIN contacts b ON b.owner = a.user AND b.user = a.owner
        WHERE (a.state, coalesce(b.state, 0)) NOT IN (VALUES (0, 0), (1, 2), (2, 1), (1, 3), (3, 1), (4, 4))""",
    "the newest message is the preview": """
        SELECT r.number FROM rooms r WHERE r.last_message <> (
            SELECT coalesce(max(position) & 0xffffffff, 0) FROM events
            WHERE position >> 32 = r.number AND kind = 'message') AND r.last_message > r.purged""",
    "a direct room knows who wrote in it": """
        SELECT r.number, r.written FROM rooms r WHERE r.purged = 0 AND r.written <> iif(r.kind = 'direct', (
            SELECT coalesce(max(e.user = r.creator), 0) + 2 * coalesce(max(e.user <> r.creator), 0)
            FROM events e WHERE e.position >> 32 = r.number AND e.kind = 'message'), 0)""",
    "nothing carries a commit of the future": """
        SELECT position FROM events WHERE stamp > (SELECT value FROM meta WHERE key = 'stamp')
        UNION ALL SELECT number FROM rooms WHERE stamp > (SELECT value FROM meta WHERE key = 'stamp')""",
    "every member is of a room, every reaction of a message": """
        SELECT room FROM members WHERE room NOT IN (SELECT number FROM rooms)
        UNION ALL SELECT room FROM reactions WHERE room << 32 | seq NOT IN (SELECT position FROM events)""",
    "what is sent later is looked at": """
        SELECT user, name FROM section_rows WHERE section = 'scheduled' AND body IS NOT NULL
        EXCEPT SELECT user, key FROM scheduled""",
    "what waits to be sent was not": """
        SELECT s.user, s.name FROM section_rows s JOIN events e ON e.user = s.user AND e.client_key = s.name
        WHERE s.section = 'scheduled' AND s.body IS NOT NULL""",
    "what is looked at is sent later": """
        SELECT user, key FROM scheduled
        EXCEPT SELECT user, name FROM section_rows WHERE section = 'scheduled' AND body IS NOT NULL""",
}


# Events of commits behind the beginning of the event feed, and those that it may refer to although they are gone.
LOGGED = """
SELECT stamp, position >> 32, position & 0xffffffff, kind FROM events
WHERE stamp > (SELECT value FROM meta WHERE key = 'feed_floor')
"""
ERASED = "SELECT position, blob FROM events WHERE kind = 'erased'"
FLOORS = "SELECT number, log_floor, purged FROM rooms"


def contradictions(connection: sqlite3.Connection) -> list[str]:
    """Return the invariants that a database breaks, with the first rows that do."""
    found = ((rule, connection.execute(query).fetchmany(3)) for rule, query in RULES.items())
    rules = [f"not true: {rule} {rows}" for rule, rows in found if rows]
    return [*rules, *feed_contradictions(connection)]


def feed_contradictions(connection: sqlite3.Connection) -> list[str]:
    """Return how the event feed differs from the log: each event has one entry, in the row of its commit."""
    if connection.execute("SELECT 1 FROM meta WHERE key = 'feed_floor'").fetchone() is None:
        return []
    # What an erased person had logged, and is stored as an `erased` of itself since.
    erased = {
        at for at, blob in connection.execute(ERASED) if msgpack.unpackb(blob).get("from") == at & 0xFFFFFFFF
    }
    told = [
        (
            stamp,
            room,
            seq,
            "erased" if room << 32 | seq in erased and kind in ("reaction", "nickname") else kind,
        )
        for stamp, packed in connection.execute("SELECT stamp, entries FROM event_feed ORDER BY stamp")
        for kind, room, seq, *_ in msgpack.unpackb(packed)
        if seq
    ]
    logged = set(connection.execute(LOGGED))
    floors = {number: (floor, purged) for number, floor, purged in connection.execute(FLOORS)}
    folded = {one for one in told if one[2] < floors[one[1]][0] and one[3] != "message"}
    folded |= {one for one in told if one[2] <= floors[one[1]][1]}
    faults = {
        "an event is told once": [one for one, count in Counter(told).items() if count > 1],
        "what is stored is told": sorted(logged - set(told)),
        "what is told is stored": sorted(set(told) - logged - folded),
    }
    return [f"not true: {rule} {rows[:3]}" for rule, rows in faults.items() if rows]

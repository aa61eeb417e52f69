"""The rows of contacts: read for decisions, written, and walked as the section `contacts`."""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence

from chatd.core.contact_settings import ClearedCircle
from chatd.core.contacts import Contact, State, Tally, shown
from chatd.core.friends import Introduction
from chatd.core.sections import CONTACTS, PEOPLE
from chatd.protocol.codec import encode
from chatd.storage.sqlite.records import WriteRecords
from chatd.storage.sqlite.rows import Row
from chatd.storage.sqlite.sections import Found, SectionTable, Walk

PAIRS = """
SELECT owner, user, state, blocked, following, circles, remark, note, via, since, expires, quiet, tries, known, stamp
FROM json_each(?) pair
JOIN contacts ON owner = json_extract(pair.value, '$[0]') AND user = json_extract(pair.value, '$[1]')
"""

PUT = """
INSERT INTO contacts (owner, user, state, blocked, following, circles, remark, note, via, since, expires, quiet, tries,
                      known, stamp)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (owner, user) DO UPDATE
SET state = excluded.state, blocked = excluded.blocked, following = excluded.following, circles = excluded.circles,
    remark = excluded.remark, note = excluded.note, via = excluded.via, since = excluded.since,
    expires = excluded.expires, quiet = excluded.quiet, tries = excluded.tries, known = excluded.known,
    stamp = excluded.stamp
"""
# Friends alone are in circles.
CLEAR_CIRCLE = "UPDATE contacts SET circles = circles & ? WHERE owner = ? AND state = 4 AND circles & ?"
DROP = "DELETE FROM contacts WHERE owner = ? AND user = ?"

# Rows of one stamp, then those of later ones: a comparison of both at once would read all of that stamp again.
OF_STAMP = """
SELECT user, state, blocked, following, circles, remark, note, via, since, expires, stamp, number
FROM contacts WHERE owner = ? AND stamp = ? AND number > ? ORDER BY number LIMIT ?
"""
LATER = """
SELECT user, state, blocked, following, circles, remark, note, via, since, expires, stamp, number
FROM contacts WHERE owner = ? AND stamp > ? ORDER BY stamp, number LIMIT ?
"""
FORGET = """
DELETE FROM contacts
WHERE state = 0 AND blocked = 0 AND following = 0 AND remark = '' AND expires = 0 AND stamp <= ?
"""


STATES = "SELECT state, count(*) FROM contacts WHERE owner = ? AND state > 0 GROUP BY state"
FOLLOWING = "SELECT count(*) FROM contacts WHERE owner = ? AND following = 1"
BLOCKED = "SELECT count(*) FROM contacts WHERE owner = ? AND blocked = 1"
ROWS = "SELECT count(*) FROM contacts WHERE owner = ?"
STRANGERS = "SELECT user FROM contacts WHERE owner = ? AND known = 0 AND state = 2 ORDER BY since LIMIT ?"
PENDING = "SELECT user FROM contacts WHERE owner = ? AND state > 0 AND state < 4"
DUE = "SELECT owner, user FROM contacts WHERE expires > 0 AND expires <= ? ORDER BY expires LIMIT ?"

COMMON_FRIEND = """
SELECT 1 FROM contacts m JOIN contacts o ON o.owner = :b AND o.state = 4 AND o.user = m.user
WHERE m.owner = :a AND m.state = 4 LIMIT 1
"""
COMMON_GROUP = """
SELECT 1 FROM members m JOIN members o ON o.room = m.room AND o.user = :b AND o.gone IS NULL
JOIN rooms r ON r.number = m.room
WHERE m.user = :a AND m.gone IS NULL AND r.kind = 'group' AND r.deleted_by IS NULL AND r.members <= :members LIMIT 1
"""
COMMON_ROOM = """
SELECT 1 FROM rooms r JOIN members m ON m.room = r.number AND m.user = :a AND m.gone IS NULL
JOIN members o ON o.room = r.number AND o.user = :b AND o.gone IS NULL
WHERE r.name = :room AND r.deleted_by IS NULL
"""


# By number. To call the enumeration costs as much as all else of a contact.
STATE_OF = tuple(State)


def contact_of(row: Row) -> Contact:
    owner, user, state, blocked, following = row[:5]
    others = *row[5:13], row[13] == 1, row[14]
    return Contact(owner, user, STATE_OF[state], blocked == 1, following == 1, *others)


def row_of(contact: Contact) -> Row:
    return (
        contact.owner,
        contact.user,
        int(contact.state),
        int(contact.blocked),
        int(contact.following),
        contact.circles,
        contact.remark,
        contact.note,
        contact.via,
        contact.since,
        contact.expires,
        contact.quiet,
        contact.tries,
        int(contact.known),
        contact.stamp,
    )


def contacts(connection: sqlite3.Connection, pairs: Collection[tuple[str, str]]) -> list[Contact]:
    """Return the contacts of these (owner, user); those that have none are left out."""
    # One statement for all: an import reads hundreds, and most of the time of one each would be its start.
    return [contact_of(row) for row in connection.execute(PAIRS, (json.dumps([*pairs]),))]


def tallies(connection: sqlite3.Connection, users: Collection[str], strangers: int) -> dict[str, Tally]:
    """Return the tallies of these users, with as many of the oldest requests by `strangers`."""
    return {user: tally(connection, user, strangers) for user in users}


def tally(connection: sqlite3.Connection, user: str, strangers: int) -> Tally:
    states = dict(connection.execute(STATES, (user,)).fetchall())
    following, blocked, rows = (
        connection.execute(sql, (user,)).fetchone()[0] for sql in (FOLLOWING, BLOCKED, ROWS)
    )
    oldest = connection.execute(STRANGERS, (user, strangers)).fetchall() if strangers else []
    return Tally(
        sent=states.get(State.SENT, 0),
        received=states.get(State.RECEIVED, 0),
        friends=states.get(State.FRIEND, 0),
        following=following,
        blocked=blocked,
        rows=rows,
        strangers=[other for (other,) in oldest],
    )


def introductions(
    connection: sqlite3.Connection, asked: Collection[tuple[str, str, str]], small_group_members: int
) -> dict[tuple[str, str], Introduction]:
    """Return by (asker, user) what the two have in common. `asked`: both, and the name of a room or ""."""
    found = {}
    for asker, user, room in asked:
        known = {"a": asker, "b": user, "room": room, "members": small_group_members}
        friend, group, share_room = (
            connection.execute(sql, known).fetchone() is not None
            for sql in (COMMON_FRIEND, COMMON_GROUP, COMMON_ROOM)
        )
        found[asker, user] = Introduction(friend or group, share_room)
    return found


def due(connection: sqlite3.Connection, now: int, limit: int) -> list[tuple[str, str]]:
    """Return up to `limit` contacts (owner, user) of which something has run out."""
    return connection.execute(DUE, (now, limit)).fetchall()


def pending(connection: sqlite3.Connection, users: Collection[str]) -> list[tuple[str, str]]:
    """Return the contacts (owner, user) of these users with requests that wait, theirs and to them."""
    return [(user, other) for user in users for (other,) in connection.execute(PENDING, (user,))]


def write_contacts(connection: sqlite3.Connection, changed: Sequence[Contact], stamp: int) -> None:
    """Write the last state of each contact; one that its owner never saw and that says nothing is removed."""
    last = {(contact.owner, contact.user): contact for contact in changed}
    connection.executemany(PUT, [row_of(contact) for contact in last.values() if contact.matters])
    connection.executemany(DROP, [pair for pair, contact in last.items() if not contact.matters])


def clear_circles(connection: sqlite3.Connection, cleared: Sequence[ClearedCircle], stamp: int) -> None:
    bits = [(~(1 << one.number), one.owner, 1 << one.number) for one in cleared]
    connection.executemany(CLEAR_CIRCLE, bits)


def walk_contacts(connection: sqlite3.Connection, walk: Walk) -> list[Found]:
    """Return the rows of a page behind (`stamp`, `number`), in that order."""
    found: list[Found] = []
    stamp, number = walk.stamp, walk.number
    while len(found) < walk.limit:
        rows = connection.execute(OF_STAMP, (walk.user, stamp, number, walk.limit)).fetchall()
        if len(rows) < walk.limit:
            rows += connection.execute(LATER, (walk.user, stamp, walk.limit)).fetchall()
        for row in rows[: walk.limit]:
            user, state, blocked, following, *others, stamp, number = row
            value = shown(Contact(walk.user, user, STATE_OF[state], blocked == 1, following == 1, *others))
            if value is not None or stamp > walk.tombstones:
                found.append((stamp, number, user, None if value is None else encode(value)))
        if len(rows) < walk.limit:
            break
    return found[: walk.limit]


WRITES: Mapping[type, WriteRecords] = {ClearedCircle: clear_circles, Contact: write_contacts}
"""Circles are cleared first: a contact in this batch is written as it is after it."""

TABLE = SectionTable(PEOPLE[CONTACTS], put="", walk=walk_contacts, forget=FORGET)

"""The rows of contacts: read for decisions, written, and walked as the section `contacts`."""

import sqlite3
from collections.abc import Collection, Sequence

from chatd.core.contacts import Contact, State, shown
from chatd.core.sections import CONTACTS, PEOPLE
from chatd.protocol.codec import encode
from chatd.storage.sqlite.rows import Row
from chatd.storage.sqlite.sections import Found, SectionTable, Walk

PAIR = """
SELECT owner, user, state, blocked, following, circles, remark, note, via, since, expires, quiet, tries, known, stamp
FROM contacts WHERE owner = ? AND user = ?
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
DROP = "DELETE FROM contacts WHERE owner = ? AND user = ?"

# Rows of one stamp, then those of later ones: a comparison of both at once would read all of that stamp again.
OF_STAMP = """
SELECT owner, user, state, blocked, following, circles, remark, note, via, since, expires, quiet, tries, known, stamp,
       number
FROM contacts WHERE owner = ? AND stamp = ? AND number > ? ORDER BY number LIMIT ?
"""
LATER = """
SELECT owner, user, state, blocked, following, circles, remark, note, via, since, expires, quiet, tries, known, stamp,
       number
FROM contacts WHERE owner = ? AND stamp > ? ORDER BY stamp, number LIMIT ?
"""
FORGET = """
DELETE FROM contacts
WHERE state = 0 AND blocked = 0 AND following = 0 AND remark = '' AND expires = 0 AND stamp <= ?
"""


def contact_of(row: Row) -> Contact:
    values = [*row[:15]]
    values[2:5] = State(row[2]), row[3] == 1, row[4] == 1
    values[13] = row[13] == 1
    return Contact(*values)


def row_of(contact: Contact) -> Row:
    return (
        contact.owner,
        contact.user,
        int(contact.state),
        contact.blocked,
        contact.following,
        contact.circles,
        contact.remark,
        contact.note,
        contact.via,
        contact.since,
        contact.expires,
        contact.quiet,
        contact.tries,
        contact.known,
        contact.stamp,
    )


def contacts(connection: sqlite3.Connection, pairs: Collection[tuple[str, str]]) -> list[Contact]:
    """Return the contacts of these (owner, user); those that have none are left out."""
    rows = [connection.execute(PAIR, pair).fetchone() for pair in pairs]
    return [contact_of(row) for row in rows if row is not None]


def write_contacts(connection: sqlite3.Connection, changed: Sequence[Contact], stamp: int) -> None:
    """Write the last state of each contact; one that its owner never saw and that says nothing is removed."""
    last = {(contact.owner, contact.user): contact for contact in changed}
    connection.executemany(PUT, [row_of(contact) for contact in last.values() if contact.matters])
    connection.executemany(DROP, [pair for pair, contact in last.items() if not contact.matters])


def walk_contacts(connection: sqlite3.Connection, walk: Walk) -> list[Found]:
    """Return the rows of a page behind (`stamp`, `number`), in that order."""
    found: list[Found] = []
    stamp, number = walk.stamp, walk.number
    while len(found) < walk.limit:
        rows = connection.execute(OF_STAMP, (walk.user, stamp, number, walk.limit)).fetchall()
        rows += connection.execute(LATER, (walk.user, stamp, walk.limit)).fetchall()
        for row in rows[: walk.limit]:
            stamp, number = row[-2:]
            value = shown(contact_of(row))
            if value is not None or stamp > walk.tombstones:
                found.append((stamp, number, row[1], None if value is None else encode(value)))
        if len(rows) < walk.limit:
            break
    return found[: walk.limit]


TABLE = SectionTable(PEOPLE[CONTACTS], put="", walk=walk_contacts, forget=FORGET)

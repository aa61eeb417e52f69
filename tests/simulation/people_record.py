"""The account rows and the contacts of all users as they stand in the database, in the words of protocol.md."""

import sqlite3
from typing import Any

import msgpack

from tests.simulation.history import RowVersion

ROWS = """
SELECT stamp, user, 'account', name, body FROM account_rows WHERE stamp > ?
UNION ALL SELECT stamp, user, section, name, body FROM section_rows WHERE stamp > ?
UNION ALL SELECT stamp, user, 'notes', name, body FROM notes WHERE stamp > ? ORDER BY stamp
"""
CONTACTS = "contacts"
COLUMNS = "stamp, owner, user, state, blocked, following, remark, note, via, since, expires, circles"
CHANGED = f"SELECT {COLUMNS} FROM contacts WHERE stamp > ? ORDER BY stamp"
# Every pair, by what its two sides have; a side without a row has nothing.
SIDES = """
SELECT a.owner, a.user, a.state, coalesce(b.state, 0)
FROM contacts a LEFT JOIN contacts b ON b.owner = a.user AND b.user = a.owner
"""
# The columns of protocol.md "The table of a pair", as they are stored: nothing, sent, received, declined, friend.
EVEN = frozenset(((0, 0), (1, 2), (2, 1), (1, 3), (3, 1), (4, 4)))
SHOWN = {1: "sent", 2: "received", 4: "friend"}


def rows_since(connection: sqlite3.Connection, stamp: int) -> list[RowVersion]:
    """Return the account rows that were changed after this commit."""
    found = connection.execute(ROWS, (stamp,) * 3).fetchall()
    return [
        RowVersion(stamp, user, section, name, None if body is None else msgpack.unpackb(body))
        for stamp, user, section, name, body in found
    ]


def contacts_since(connection: sqlite3.Connection, stamp: int) -> list[RowVersion]:
    """Return the contacts whose owners see a change after this commit."""
    return [
        RowVersion(row[0], row[1], CONTACTS, row[2], contact_value(row[3:]))
        for row in connection.execute(CHANGED, (stamp,))
    ]


def contact_value(columns: tuple[Any, ...]) -> dict[str, Any] | None:
    """Return the value of the account row; None when the owner has nothing of that user."""
    state, blocked, following, remark, note, via, since, expires, circles = columns
    value: dict[str, Any] = {"blocked": True} if blocked else {}
    value |= {"following": True} if following else {}
    value |= {"remark": remark} if remark else {}
    if state in SHOWN:
        value |= {"state": SHOWN[state], "since": since} | ({"via": via} if via else {})
    if state in (1, 2):
        value |= {"expires_at": expires} | ({"note": note} if note else {})
    if not value:
        return None
    numbers = [number for number in range(circles.bit_length()) if circles >> number & 1]
    return value | ({"circles": numbers} if numbers else {})


def uneven(connection: sqlite3.Connection) -> list[str]:
    """Return, as sentences, the pairs whose sides do not fit each other."""
    return [
        f"{owner} has {mine} of {user}, who has {theirs}"
        for owner, user, mine, theirs in connection.execute(SIDES)
        if (mine, theirs) not in EVEN
    ]


def without_circles(value: Any) -> Any:
    """Return a contact without its circles, which change without a stamp when one of them is deleted."""
    if not isinstance(value, dict):
        return value
    return {key: kept for key, kept in value.items() if key != "circles"}


def in_circles(value: dict[str, Any], stamp: int, circles: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a contact with those of its circles that a client takes for valid."""
    since = {circle["number"]: circle["since"] for circle in circles}
    valid = [number for number in value.get("circles", ()) if stamp >= since.get(number, stamp + 1)]
    bare: dict[str, Any] = without_circles(value)
    return bare | ({"circles": valid} if valid else {})

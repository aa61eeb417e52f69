"""The cards of users as rows, as decisions need them."""

import json
import sqlite3
from collections.abc import Collection, Sequence

from chatd.core.profiles import Card, Cards, Holder

PUT = """
INSERT INTO pages (user, handle, verified, page, stamp) VALUES (?, nullif(?, ''), ?, ?, ?)
ON CONFLICT (user) DO UPDATE
SET handle = excluded.handle, verified = excluded.verified, page = excluded.page, stamp = excluded.stamp
"""
CARDS = """
SELECT user, coalesce(handle, ''), verified, page FROM pages WHERE user IN (SELECT value FROM json_each(?))
"""
HOLDERS = "SELECT handle, user FROM pages WHERE handle IN (SELECT value FROM json_each(?))"


def write_cards(connection: sqlite3.Connection, cards: Sequence[Card], stamp: int) -> None:
    """Write changed cards in the order of the changes: a handle may go from one user to another within a batch."""
    rows = [(card.user, card.handle, card.verified, card.page, stamp) for card in cards]
    connection.executemany(PUT, rows)


def cards(connection: sqlite3.Connection, users: Collection[str], handles: Collection[str]) -> Cards:
    found = connection.execute(CARDS, (json.dumps(list(users)),)).fetchall()
    held = connection.execute(HOLDERS, (json.dumps(list(handles)),)).fetchall() if handles else ()
    return Cards(
        {row[0]: Card(*row) for row in found},
        {handle: Holder(user) for handle, user in held},
    )

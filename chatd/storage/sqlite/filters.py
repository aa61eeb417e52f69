"""The filters of the operator as rows."""

import sqlite3
from collections.abc import Mapping, Sequence

from chatd.core.filters import DeletedFilter, Filter
from chatd.protocol.codec import decode_tree, encode
from chatd.storage.sqlite.records import WriteRecords

FILTERS = "SELECT name, does, reason, words, patterns FROM filters ORDER BY name"
PUT = """
INSERT INTO filters (name, does, reason, words, patterns) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE
SET does = excluded.does, reason = excluded.reason, words = excluded.words, patterns = excluded.patterns
"""
DELETE = "DELETE FROM filters WHERE name = ?"


def filters(connection: sqlite3.Connection) -> list[Filter]:
    """Return all filters, in order of their names."""
    return [
        Filter(name, does, reason, tuple(decode_tree(words)), tuple(decode_tree(patterns)))
        for name, does, reason, words, patterns in connection.execute(FILTERS)
    ]


def write_filters(connection: sqlite3.Connection, changed: Sequence[Filter], stamp: int) -> None:
    rows = [(one.name, one.does, one.reason, encode(one.words), encode(one.patterns)) for one in changed]
    connection.executemany(PUT, rows)


def delete_filters(connection: sqlite3.Connection, deleted: Sequence[DeletedFilter], stamp: int) -> None:
    connection.executemany(DELETE, [(one.name,) for one in deleted])


WRITES: Mapping[type, WriteRecords] = {Filter: write_filters, DeletedFilter: delete_filters}

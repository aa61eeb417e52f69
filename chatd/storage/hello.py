"""Everything a hello needs, in one read.

Runs inside a read transaction of the connection it is given.
"""

import sqlite3

from chatd.ports import HelloRows, SyncQuery
from chatd.storage.decisions import account, device
from chatd.storage.people import memberships
from chatd.storage.sync import sync


def hello(connection: sqlite3.Connection, device_id: str, query: SyncQuery) -> HelloRows:
    """`query` is that of the first page."""
    return HelloRows(
        account(connection, query.user),
        device(connection, query.user, device_id),
        memberships(connection, query.user),
        sync(connection, query),
    )

"""Everything a hello needs, in one read.

Runs inside a read transaction of the connection it is given.
"""

import sqlite3

from chatd.ports import HelloRows, SyncQuery
from chatd.storage.decisions import account, device
from chatd.storage.places import membership, places
from chatd.storage.sync import first_page


def hello(connection: sqlite3.Connection, device_id: str, query: SyncQuery) -> HelloRows:
    """`query` is that of the first page."""
    listed = places(connection, query.user)
    return HelloRows(
        account(connection, query.user),
        device(connection, query.user, device_id),
        [membership(place) for place in listed],
        first_page(connection, query, listed),
    )

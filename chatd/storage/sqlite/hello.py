"""Everything that a hello needs, in one read. It runs inside a read transaction of the connection."""

import sqlite3

from chatd.core.sync_query import SyncQuery
from chatd.storage.sqlite.push import is_registered
from chatd.storage.sqlite.read_set import account, device
from chatd.storage.sqlite.sections import SectionTables
from chatd.storage.sqlite.sync import first_page, listed_by, without_requests
from chatd.storage.views import HelloRows


def hello(
    connection: sqlite3.Connection, device_id: str, query: SyncQuery, tables: SectionTables
) -> HelloRows:
    """Return the rows of a hello; `query` is that of the first page."""
    listed = listed_by(connection, query)
    return HelloRows(
        account(connection, query.user),
        device(connection, query.user, device_id),
        without_requests(listed, query),
        first_page(connection, query, tables, listed),
        query.badge is not None and is_registered(connection, query.user, device_id),
    )

"""The facts about a database as a whole: epoch, number of the last commit, whether it was closed."""

import json
import re
import sqlite3
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping

# 72 random bits, 12 characters: no two databases of one operator share an epoch.
EPOCH_BYTES = 9

# The key of all earlier epochs, each with the last commit that was of it.
PARTED = "parted"

STAMP = "SELECT value FROM meta WHERE key = 'stamp'"
PUT_META = (
    "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)


def new_epoch(random_bytes: Callable[[int], bytes]) -> str:
    """Return a random epoch, 12 characters of base64url (protocol.md "Identifiers and counters")."""
    return urlsafe_b64encode(random_bytes(EPOCH_BYTES)).decode()


def is_epoch(value: object) -> bool:
    """Whether `value` has the form of an epoch of `new_epoch`."""
    return isinstance(value, str) and re.fullmatch(r"[\w-]{12}", value, re.ASCII) is not None


def read_meta(connection: sqlite3.Connection) -> dict[str, str | int]:
    return dict(connection.execute("SELECT key, value FROM meta").fetchall())


def stamp_of(connection: sqlite3.Connection) -> int:
    """Return the number of the last commit that the connection sees."""
    stamp: int = connection.execute(STAMP).fetchone()[0]
    return stamp


def put_meta(connection: sqlite3.Connection, key: str, value: str | int) -> None:
    connection.execute(PUT_META, (key, value))


def begin_history(connection: sqlite3.Connection, epoch: str) -> None:
    """Write the facts of a new database."""
    for key, value in (("epoch", epoch), ("stamp", 0), ("clean", 1)):
        put_meta(connection, key, value)


def leave_epoch(connection: sqlite3.Connection) -> None:
    """Note the commit up to which the next history is the one of the present epoch."""
    meta = read_meta(connection)
    parted = [*json.loads(str(meta.get(PARTED, "[]"))), [meta["epoch"], meta["stamp"]]]
    put_meta(connection, PARTED, json.dumps(parted))


def common_stamp(meta: Mapping[str, str | int], epoch: str) -> int:
    """Return the last commit that this history has in common with that of an earlier epoch; 0 for one it never had."""
    parted = json.loads(str(meta.get(PARTED, "[]")))
    earlier = [known for known, _ in parted]
    return min(stamp for _, stamp in parted[earlier.index(epoch) :]) if epoch in earlier else 0


def mark_open(connection: sqlite3.Connection) -> None:
    """Note that the database is in use: a stop without `mark_closed` is an unclean one."""
    put_meta(connection, "clean", 0)


def mark_closed(connection: sqlite3.Connection) -> None:
    put_meta(connection, "clean", 1)

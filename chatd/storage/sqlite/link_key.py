"""The key that signs links to files, in `meta`; as hexadecimal digits, as its values are texts."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chatd.core.link_key import SetLinkKey
from chatd.storage.sqlite.meta import put_meta, read_meta

NAME = "link_key"


def link_key(connection: sqlite3.Connection) -> bytes:
    """Return the key; empty before the first start with media."""
    return bytes.fromhex(str(read_meta(connection).get(NAME, "")))


def write_link_key(connection: sqlite3.Connection, keys: Sequence[SetLinkKey], stamp: int) -> None:
    put_meta(connection, NAME, keys[-1].key.hex())


WRITES: Mapping[type, Callable[[sqlite3.Connection, Sequence[Any], int], None]] = {SetLinkKey: write_link_key}

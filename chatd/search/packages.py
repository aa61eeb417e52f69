"""The library of the index, which is an extra: SQLite with a full text search that forgets what is removed."""

from importlib.util import find_spec

INSTALL = "pip install 'chatd[search]'"


def is_installed() -> bool:
    return find_spec("apsw") is not None

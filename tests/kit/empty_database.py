"""Empty databases, copied: to make one from all migrations takes thirty times as long, and most tests begin with one.

How one is made is the matter of tests/storage, and of every test that starts a process.
"""

import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from chatd.config.file_permissions import PRIVATE
from chatd.storage.sqlite.directory import Directory
from chatd.storage.sqlite.meta import EPOCH_BYTES, new_epoch
from chatd.storage.sqlite.schema import Migration
from chatd.storage.sqlite.startup import create
from tests.kit import syscalls

BYTES = bytes(range(200, 200 + EPOCH_BYTES))
# The epoch of the one that is copied. It stands in the file as text, once.
MARK = new_epoch(lambda count: BYTES).encode()


def lay_empty_database(
    path: Path, random_bytes: Callable[[int], bytes], migrations: Sequence[Migration]
) -> None:
    """Make a database with an epoch of its own, unless there is one, or what is left of one, or its disk is watched."""
    directory = Directory(path)
    if directory.path in syscalls.watchers or directory.has_database() or directory.remains():
        return
    directory.prepare()
    epoch = new_epoch(random_bytes).encode()
    directory.database.touch(mode=PRIVATE)
    directory.database.write_bytes(made(tuple(migrations)).replace(MARK, epoch))


@cache
def made(migrations: tuple[Migration, ...]) -> bytes:
    """Return the content of an empty database."""
    with tempfile.TemporaryDirectory() as place:
        directory = Directory(Path(place))
        create(directory, lambda count: BYTES, migrations)
        content = directory.database.read_bytes()
    assert content.count(MARK) == 1
    return content

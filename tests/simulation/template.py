"""The empty database with which every run begins."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from chatd.server.capability import combined
from chatd.storage.sqlite.directory import Directory
from chatd.storage.sqlite.startup import make_ready
from tests.kit.notes import NOTES


@cache
def template() -> Path:
    """Return a directory with an empty database, made once a process: making one takes as long as a small run."""
    place = Path(tempfile.mkdtemp(prefix="chatd-template-", dir=memory())) / "data"
    atexit.register(shutil.rmtree, place.parent, ignore_errors=True)
    place.mkdir(mode=0o700)
    make_ready(Directory(place), lambda count: bytes(range(count)), combined([NOTES]).sqlite.migrations)
    return place


def memory() -> str | None:
    """Return a directory whose files are in memory, if there is one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None

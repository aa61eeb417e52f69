"""The files of an index, for those who have not its library."""

from pathlib import Path

# The name that an index has wherever it lies: a file of this name is deleted when it is of no use.
NAME = "search.sqlite"
SUFFIXES = ("", "-wal", "-shm")


def files_of(path: Path) -> list[Path]:
    """Return the file of an index, and what SQLite keeps beside it."""
    return [path.with_name(path.name + suffix) for suffix in SUFFIXES]


def delete(path: Path) -> None:
    """Delete an index."""
    for file in files_of(path):
        file.unlink(missing_ok=True)

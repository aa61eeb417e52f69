"""The files of media on the disk beside their rows: compared, copied for a backup, put back by a restore."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import file_digest
from pathlib import Path

from chatd.media.interface import OBJECTS, SET_ASIDE
from chatd.media.layout import FILE_CHARACTERS, incoming_on_disk, objects_on_disk, path_of
from chatd.storage.sqlite.connection import readable
from chatd.storage.sqlite.media_rows import StoredRow, is_known, is_stored, miscounted, stored_objects

# Of one kind: a directory that was lost has millions.
FINDINGS_MAX = 20


@dataclass(slots=True)
class Found:
    """The result of a comparison: names of objects, and of uploads. `bytes`: of all objects that are right.

    `missing`: rows without bytes. `damaged`: of another size or content. `unknown`: bytes without a row.
    `miscounted`: rows whose count of references is wrong, as sentences.
    """

    objects: int = 0
    bytes: int = 0
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    unknown: list[Path] = field(default_factory=list)
    miscounted: list[str] = field(default_factory=list)

    def note(self, row: StoredRow, is_right: bool | None) -> None:
        """Note how an object was found; None: it is not there."""
        if is_right is None:
            self.missing.append(row.object)
        elif is_right:
            self.objects += 1
            self.bytes += row.size
        else:
            self.damaged.append(row.object)

    @property
    def problems(self) -> Iterator[str]:
        """Yield what is wrong, a sentence a line."""
        yield from some(self.missing, "is referred to and not there")
        yield from some(self.damaged, "is not what was stored")
        yield from some([str(path) for path in self.unknown], "is there, and nothing refers to it")
        yield from self.miscounted


def some(names: list[str], what: str) -> Iterator[str]:
    yield from (f"{name} {what}" for name in names[:FINDINGS_MAX])
    if len(names) > FINDINGS_MAX:
        yield f"and {len(names) - FINDINGS_MAX} more, each of which {what}"


def compared(directory: Path, database: Path, *, contents: bool) -> Found:
    """Compare the directory with the rows, both ways. `contents`: every byte is read.

    A daemon may run meanwhile: what seems wrong is looked at again, as the rows are then.
    """
    found = Found()
    with closing(readable(database)) as rows:
        for row in stored_objects(rows):
            found.note(row, is_right(directory, row, contents=contents))
        found.miscounted = uncounted(rows)
        found.unknown = list(unknown(directory, rows))
    with closing(readable(database)) as rows:
        found.missing = [name for name in found.missing if is_stored(rows, name)]
        found.damaged = [name for name in found.damaged if is_stored(rows, name)]
        found.unknown = [
            path for path in found.unknown if path.exists() and not is_known(rows, path.name, file_of(path))
        ]
    return found


def uncounted(rows: sqlite3.Connection) -> list[str]:
    """Return the objects whose count of references is wrong, a sentence each."""
    return [
        f"{one.object} is counted {one.refs} times, and referred to {one.counted} times"
        for one in miscounted(rows, FINDINGS_MAX)
    ]


def is_right(directory: Path, row: StoredRow, *, contents: bool) -> bool | None:
    """Whether an object on the disk is what was stored; None where there is none."""
    path = path_of(directory, row.object)
    try:
        return path.stat().st_size == row.size and (not contents or digest_of(path) == row.digest)
    except OSError:
        return None


def unknown(directory: Path, rows: sqlite3.Connection) -> Iterator[Path]:
    """Yield what lies there and no row names."""
    for path in (*objects_on_disk(directory), *incoming_on_disk(directory)):
        if not is_known(rows, path.name, file_of(path)):
            yield path


def file_of(path: Path) -> str:
    """Return the id of the file that something on the disk belongs to."""
    return path.name[:FILE_CHARACTERS]


def digest_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file_digest(file, "sha256").digest()


@dataclass(slots=True)
class Copied:
    """What a copy brought. `kept`: objects that were there before. `failed`: those that are not right at the source."""

    objects: int = 0
    bytes: int = 0
    kept: int = 0
    failed: list[str] = field(default_factory=list)


def copy_objects(source: Path, destination: Path, database: Path) -> Copied:
    """Bring all objects that this database refers to from one directory to another, each checked.

    On one file system they are linked, since they never change; what is there already is left.
    """
    copied = Copied()
    for folder in (destination, destination / OBJECTS):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(readable(database)) as rows:
        for row in stored_objects(rows):
            target = path_of(destination, row.object)
            if target.exists() and target.stat().st_size == row.size:
                copied.kept += 1
            elif bring(path_of(source, row.object), target, row):
                copied.objects += 1
                copied.bytes += row.size
            else:
                copied.failed.append(row.object)
    for folder in (*(destination / OBJECTS).glob("*"), destination / OBJECTS, destination):
        sync(folder)
    return copied


def bring(path: Path, target: Path, row: StoredRow) -> bool:
    """Link or copy one object; return whether it is there and right."""
    target.parent.mkdir(mode=0o700, exist_ok=True)
    aside = target.with_name(f"{target.name}.partial")
    aside.unlink(missing_ok=True)
    try:
        try:
            os.link(path, aside)
        except FileNotFoundError:
            return False
        except OSError:
            # Another file system, or one without links.
            shutil.copyfile(path, aside)
            sync(aside)
        if digest_of(aside) != row.digest:
            return False
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)
    return True


def sync(path: Path) -> None:
    """Have a file, or the names in a directory, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def prune(directory: Path, database: Path) -> int:
    """Delete the objects of a backup to which this database does not refer; return how many."""
    with closing(readable(database)) as rows:
        gone = [path for path in objects_on_disk(directory) if not is_stored(rows, path.name)]
    for path in gone:
        path.unlink()
    return len(gone)


def set_aside(directory: Path, database: Path) -> int:
    """Move what no row names out of the way, so that it can be looked at; return how many.

    After a restore that is what was uploaded since the backup.
    """
    with closing(readable(database)) as rows:
        strangers = list(unknown(directory, rows))
    for path in strangers:
        target = directory / SET_ASIDE / path.name
        target.parent.mkdir(mode=0o700, exist_ok=True)
        os.replace(path, target)
    return len(strangers)

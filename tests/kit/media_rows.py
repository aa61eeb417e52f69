"""Rows of files, written beside a daemon or a store as decisions leave them."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from chatd.core.files import SUFFIXES, Charged, File, FileChange, NewObject, State, StoredObjects
from chatd.core.room import Room
from chatd.protocol.media import FileKind, Variant
from chatd.protocol.messages import Attachment
from chatd.storage.sqlite.connection import open_file
from chatd.storage.sqlite.files import write_changes
from chatd.storage.sqlite.rows import position

MIME = "text/plain"


def file_id(word: str) -> str:
    """Return a word as an id of a file."""
    return word.ljust(22, "0")


def digest(file: str) -> bytes:
    return file[:1].encode() * 32


class MediaRows:
    """Rows of files in the database at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def file(self, owner: str, word: str, variants: Sequence[Variant] = ("full",), **other: Any) -> str:
        """Add a ready file named like `word`, with objects of these variants.

        `other`: `kind`, `mime`, `name`, `size` in bytes, `time` in Unix ms, `digest`.
        """
        file = file_id(word)
        mime, size, time = other.get("mime", MIME), other.get("size", 100), other.get("time", 0)
        facts = Attachment(f"media:{file}", mime, other.get("name", f"{word}.txt"))
        kind: FileKind = other.get("kind", "file")
        known = other.get("digest", digest(file))
        objects = tuple(NewObject(one, file + SUFFIXES[one], mime, size, known) for one in variants)
        self._write(
            File(file, owner, None, kind, "message", "ready", size, time, 0, facts, size),
            StoredObjects(file, objects),
        )
        return file

    def unfinished(self, owner: str, word: str, code: str = "") -> str:
        """Add a file that is being uploaded, or was refused with this code."""
        file = file_id(word)
        facts = Attachment(f"media:{file}", MIME)
        state: State = "refused" if code else "uploading"
        self._write(File(file, owner, None, "file", "message", state, 100, 0, 0, facts, 100, code=code))
        return file

    def use(self, user: str, used: int) -> None:
        self._write(Charged(f"u:{user}", used, 1))

    def attach(self, room: Room, seq: int, file: str) -> None:
        self._run("INSERT INTO attached VALUES (?, ?)", position(room.number, seq), file)

    def detach(self, room: Room, seq: int, file: str) -> None:
        self._run("DELETE FROM attached WHERE position = ? AND file = ?", position(room.number, seq), file)

    def hold(self, holder: str, file: str) -> None:
        self._run("INSERT INTO held VALUES (?, ?)", holder, file)

    def _write(self, *changes: object) -> None:
        with closing(open_file(self._path, mode="rw")) as connection:
            write_changes(connection, [FileChange(change) for change in changes], 0)

    def _run(self, statement: str, *values: object) -> None:
        with closing(open_file(self._path, mode="rw")) as connection:
            connection.execute(statement, values)

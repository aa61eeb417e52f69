"""Rows of files, written beside the store as its decisions leave them."""

from contextlib import closing
from pathlib import Path

import msgspec

from chatd.core.room import Room
from chatd.protocol.messages import Attachment
from chatd.storage.sqlite.connection import open_file
from chatd.storage.sqlite.rows import position

FILE = """
INSERT INTO files (file, owner, client_key, kind, purpose, state, reserved, length, source, facts,
    room, created_at, due_at)
VALUES (?, ?, NULL, ?, 'message', ?, ?, ?, NULL, ?, NULL, ?, 0)
"""
OBJECT = "INSERT INTO objects (object, digest, size, refs, free_at) VALUES (?, ?, ?, 1, 0)"
RENDITION = "INSERT INTO renditions (file, variant, object, mime) VALUES (?, ?, ?, ?)"


def file_id(word: str) -> str:
    """Return a word as an id of a file."""
    return word.ljust(22, "0")


class MediaRows:
    """Rows of files in the database at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _run(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        with closing(open_file(self._path, mode="rw")) as connection:
            connection.execute("BEGIN")
            for statement, values in statements:
                connection.execute(statement, values)
            connection.execute("COMMIT")

    def file(
        self,
        owner: str,
        word: str,
        variants: tuple[str, ...] = ("full",),
        *,
        kind: str = "file",
        size: int = 100,
        time: int = 0,
    ) -> str:
        """Add a ready file; its objects are named like it, and their digests are 32 times their first byte."""
        file = file_id(word)
        facts = Attachment(url=f"media:{file}", mime="text/plain", name=f"{word}.txt")
        self._run(
            (FILE, (file, owner, kind, "ready", size, size, msgspec.msgpack.encode(facts), time)),
            *((OBJECT, (object_name(file, one), digest(file), size)) for one in variants),
            *((RENDITION, (file, one, object_name(file, one), "text/plain")) for one in variants),
        )
        return file

    def unfinished(self, owner: str, word: str, state: str = "uploading", code: str = "") -> str:
        file = file_id(word)
        announced = msgspec.msgpack.encode(Attachment(url=f"media:{file}", mime="text/plain"))
        facts = code.encode() or announced
        self._run((FILE, (file, owner, "file", state, 100, 100, facts, 0)))
        return file

    def attach(self, room: Room, seq: int, file: str) -> None:
        self._run(("INSERT INTO attached VALUES (?, ?)", (position(room.number, seq), file)))

    def detach(self, room: Room, seq: int, file: str) -> None:
        self._run(
            ("DELETE FROM attached WHERE position = ? AND file = ?", (position(room.number, seq), file))
        )

    def hold(self, holder: str, file: str) -> None:
        self._run(("INSERT INTO held VALUES (?, ?)", (holder, file)))

    def use(self, user: str, used: int) -> None:
        self._run(("INSERT INTO media_usage VALUES (?, ?, 1)", (f"u:{user}", used)))


def object_name(file: str, variant: str) -> str:
    return file if variant == "full" else f"{file}-{variant}"


def digest(file: str) -> bytes:
    return file[:1].encode() * 32

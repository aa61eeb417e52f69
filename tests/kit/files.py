"""Files of a daemon without the process that takes them: rows as it would ask for them, and what the store has."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Mapping
from contextlib import closing
from itertools import count
from typing import Any

from chatd.core.files import SUFFIXES, BeginFile, FileBegun, FinishFile, KnownFile, NewObject, RefuseFile
from chatd.protocol.codec import decode_event
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import ChatError
from chatd.protocol.media import Variant
from chatd.protocol.messages import Attachment, Event
from chatd.storage.files import FileQuery
from chatd.storage.sqlite.directory import Directory
from tests.kit.inprocess import InProcessClient, InProcessServer, new_key

TABLES = ("files", "renditions", "objects", "attached", "held", "media_usage", "media_blocked")
MIMES = {"picture": "image/jpeg", "video": "video/mp4", "voice": "audio/ogg", "sticker": "image/webp"}
_ids = count(1)
COUNTED = """
SELECT 'u:' || owner AS account, sum(reserved) AS bytes, count(*) AS files FROM files
WHERE state IN ('uploading', 'ready') GROUP BY owner
UNION ALL
SELECT 'r:' || (position >> 32), sum(reserved), count(*) FROM attached JOIN files USING (file) GROUP BY position >> 32
"""
RULES = {
    "references are counted": """
        SELECT object, refs, (SELECT count(*) FROM renditions r WHERE r.object = o.object) AS found FROM objects o
        WHERE refs <> found OR (refs = 0) <> (free_at > 0)
    """,
    "renditions are of files that are ready": """
        SELECT r.* FROM renditions r LEFT JOIN files f USING (file) LEFT JOIN objects o USING (object)
        WHERE f.state IS NOT 'ready' OR o.object IS NULL
    """,
    "a ready file has a full rendition": """
        SELECT file FROM files f WHERE state = 'ready'
        AND NOT EXISTS (SELECT 1 FROM renditions r WHERE r.file = f.file AND variant = 'full')
    """,
    "what holds a file holds one that there is": """
        SELECT file FROM (SELECT file FROM attached UNION ALL SELECT file FROM held)
        WHERE file NOT IN (SELECT file FROM files WHERE state IN ('ready', 'dropped'))
    """,
    "accounts are charged what their files take": f"""
        SELECT * FROM (SELECT * FROM media_usage EXCEPT SELECT * FROM ({COUNTED}))
        UNION ALL SELECT * FROM (SELECT * FROM ({COUNTED}) EXCEPT SELECT * FROM media_usage)
    """,
    "what nothing holds is looked at": """
        SELECT file, state FROM files f WHERE due_at = 0 AND (
            state <> 'ready' OR NOT (EXISTS (SELECT 1 FROM attached a WHERE a.file = f.file)
                                     OR EXISTS (SELECT 1 FROM held h WHERE h.file = f.file)))
    """,
}
"""By what they say, statements that select nothing as long as that is so."""


def file_id(number: int) -> str:
    """Return the id of a file."""
    return f"file{number:018}"


async def code_of(asked: Awaitable[Any]) -> str | None:
    """Return the code of the refusal of what is asked, None when it is done."""
    try:
        await asked
    except ChatError as error:
        return error.code
    return None


async def share(
    client: InProcessClient, room: str, *attachments: str | dict[str, Any], key: str = "", **body: Any
) -> dict[str, Any]:
    """Send a message with attachments, a file of this server by its id; return the reply."""
    listed = [{"url": f"media:{one}", "mime": "x/x"} if isinstance(one, str) else one for one in attachments]
    return await client.request(
        type="send", room=room, key=key or new_key(), body={"attachments": listed, **body}
    )


class Files:
    """Ask the writer of a server as the process of media does."""

    def __init__(self, server: InProcessServer) -> None:
        self.server = server

    async def ask(self, request: Any, user: str = "") -> Ok:
        return await self.server.app.writer.submit_and_wait(user, request)

    def soon(self, asked: Awaitable[Any]) -> "asyncio.Future[Any]":
        """Ask beside other requests, in one batch with them."""
        return asyncio.ensure_future(asked)

    async def begin(
        self, owner: str, kind: str = "file", *, key: str = "", length: int | None = 1000, **keys: Any
    ) -> FileBegun:
        request = BeginFile(
            file_id(next(_ids)),
            owner,
            key or new_key(),
            kind,  # type: ignore[arg-type]
            keys.pop("purpose", "message"),
            length,
            **keys,
        )
        begun = await self.ask(request)
        assert isinstance(begun, FileBegun)
        return begun

    async def finish(
        self,
        file: str,
        *,
        sizes: Mapping[Variant, int] | None = None,
        names: Mapping[Variant, str] | None = None,
        source: bytes = b"\x01" * 32,
        length: int | None = None,
        mime: str = "image/jpeg",
        **facts: Any,
    ) -> None:
        """Say that a file is whole: objects of these `sizes` by variant, under `names` other than their own.

        `source`, `made`: the digests of what was uploaded, and of the objects.
        """
        sizes = {"full": 100} if sizes is None else sizes
        made: bytes = facts.pop("made", b"\x02" * 32)
        known = await self.known(file)
        objects = tuple(
            NewObject(
                variant,
                (names or {}).get(variant, file + SUFFIXES.get(variant, "")),
                mime,
                size,
                made,
            )
            for variant, size in sizes.items()
        )
        length = length if length is not None else (known.file.length if known else 0) or 0
        await self.ask(FinishFile(file, Attachment(f"media:{file}", mime, **facts), objects, source, length))

    async def ready(self, owner: str, kind: str = "file", *, size: int = 100, **keys: Any) -> str:
        """Upload a file of `size` bytes; return its id."""
        facts = {name: keys.pop(name) for name in ("sizes", "source", "made") if name in keys}
        begun = await self.begin(owner, kind, length=size, **keys)
        sizes = facts.pop("sizes", {"full": size})
        await self.finish(begun.file, sizes=sizes, mime=MIMES.get(kind, "application/pdf"), **facts)
        return begun.file

    async def refuse(self, file: str, code: str = "unreadable") -> None:
        await self.ask(RefuseFile(file, code))

    async def log(self, room: str) -> list[Event]:
        """Return the events of a room as they are stored."""
        found = await self.rows(
            "SELECT blob FROM events JOIN rooms ON number = position >> 32 WHERE name = ?", room
        )
        return [decode_event(blob) for (blob,) in found]

    async def known(self, file: str) -> KnownFile | None:
        """Return a file as decisions know it."""
        found = await self.server.app.store.file_rows.known(FileQuery([file]))
        return found.files.get(file)

    async def usage(self, account: str) -> tuple[int, int]:
        found = await self.rows("SELECT bytes, files FROM media_usage WHERE account = ?", account)
        return found[0] if found else (0, 0)

    async def dump(self) -> dict[str, list[Any]]:
        """Return all rows of all tables of files; tables without any are left out."""
        found = {table: await self.rows(f"SELECT * FROM {table}") for table in TABLES}
        return {table: rows for table, rows in found.items() if rows}

    async def check(self) -> None:
        """Check that everything is counted as the rows say: references, bytes, and when the collector looks."""
        problems = {name: found for name, sql in RULES.items() if (found := await self.rows(sql))}
        assert not problems, problems

    async def rows(self, sql: str, *values: Any) -> list[Any]:
        return await self.server.app.store.read(select, sql, values)

    def write(self, sql: str, *values: Any) -> None:
        """Change rows behind the back of the daemon, which has no open transaction."""
        directory = Directory(self.server.config.storage.directory)
        with closing(sqlite3.connect(directory.database)) as connection, connection:
            connection.execute(sql, values)


def select(connection: sqlite3.Connection, sql: str, values: tuple[Any, ...]) -> list[Any]:
    return connection.execute(sql, values).fetchall()

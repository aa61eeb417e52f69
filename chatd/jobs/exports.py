"""The job that writes what is kept of a person into a file for the host, and removes it a week later.

A file is ndjson, compressed: a line for each row, `{"table": ..., ...}`. Its rows are read in pages, each as of one
commit, so that no long read holds the write-ahead log.
"""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from chatd.core.exports import KEPT_MS, DropExport, EndExport, Export
from chatd.env import Env
from chatd.jobs.deletion_clock import DeletionClock
from chatd.jobs.erasures import ROOMS_AT_ONCE, slices, woken
from chatd.protocol.errors import ChatError, Refused
from chatd.storage.erasing import ErasureStore, PersonFiles
from chatd.writer.writer import Writer

log = logging.getLogger(__name__)

ROWS_AT_ONCE = 500
# Of the name of a file: nobody guesses it.
NAME_BYTES = 16


class Exports:
    """The exports of a daemon: `run` writes them, `wake` makes it look now."""

    def __init__(self, store: ErasureStore, files: PersonFiles, env: Env, writer: Writer) -> None:
        self._store = store
        self._files = files
        self._env = env
        self._writer = writer
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look for something to do now."""
        self._wake.set()

    async def clean(self) -> None:
        """Remove files that a crash left behind; before anything is written."""
        known = await self._store.exports_due(self._env.now_ms() + KEPT_MS)
        await asyncio.to_thread(self._files.keep_exports, {export.file for export in known})
        if any(not export.done for export in known):
            self.wake()

    async def run(self, clock: DeletionClock) -> None:
        """Write what is asked for, and remove what is old, until cancelled."""
        while True:
            await woken(self._wake)
            try:
                await self.carry_out_due(may_drop=clock.is_trusted())
            except (ChatError, OSError) as error:
                log.warning("exports go on in a minute: %s", error)

    async def carry_out_due(self, *, may_drop: bool = True) -> None:
        """Write the exports that are asked for; remove those whose week is over."""
        for export in await self._store.exports_due(self._env.now_ms() - KEPT_MS):
            if not export.done:
                await self.write(export)
            elif may_drop:
                await asyncio.to_thread(self._files.drop_export, export.file)
                await self._writer.submit_and_wait("", DropExport(export.user))

    async def write(self, export: Export) -> None:
        """Write the file of an export in place of the one before."""
        name, file = await asyncio.to_thread(self._files.new_export, self._env.random_bytes(NAME_BYTES))
        try:
            with file, gzip.open(file, "wb") as packed:
                async for table, rows in self._rows(export.user):
                    await asyncio.to_thread(packed.write, lines(table, rows))
            await asyncio.to_thread(self._files.drop_export, export.file)
            done = replace(export, done=self._env.now_ms(), file=name, bytes=self._files.size_of(name))
            await self._writer.submit_and_wait("", EndExport(done))
        except Refused:
            # Its person was erased meanwhile.
            await asyncio.to_thread(self._files.drop_export, name)
        except BaseException:
            self._files.drop_export(name)
            raise

    async def _rows(self, user: str) -> AsyncIterator[tuple[str, Sequence[dict[str, Any]]]]:
        """Yield the rows of a user, table by table, in pages."""
        for table in self._store.exported:
            if table == "events":
                async for rows in self._events(user):
                    yield table, rows
            else:
                for part in slices(await self._store.rows_of(user, table), ROWS_AT_ONCE):
                    yield table, part

    async def _events(self, user: str) -> AsyncIterator[list[dict[str, Any]]]:
        after = 0
        while rooms := await self._store.rooms(user, after, ROOMS_AT_ONCE):
            after = rooms[-1][0]
            for number, _ in rooms:
                for seqs in slices((await self._store.events(number, user))[::-1], ROWS_AT_ONCE):
                    yield await self._store.event_rows(number, seqs)


def lines(table: str, rows: Sequence[dict[str, Any]]) -> bytes:
    """Return rows of a table as ndjson."""
    return b"".join(msgspec.json.encode({"table": table, **row}) + b"\n" for row in rows)

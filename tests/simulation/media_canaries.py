"""Deliberate breaks of what chatd promises about files, by name."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import Any
from unittest.mock import patch

from chatd.media.downloads import Allowed, Downloads
from chatd.media.uploads import Uploads, _Upload
from chatd.media.writing import Writing
from chatd.storage.sqlite.media_reads import SqliteMediaReads


def door_cached() -> AbstractContextManager[Any]:
    """Remember who may fetch what."""
    real = SqliteMediaReads.placed

    async def placed(self: SqliteMediaReads, asker: Any, place: Any) -> Any:
        known = self.__dict__.setdefault("_doors", {})
        found = known.get((asker.user, place)) or await real(self, asker, place)
        if found.object is not None:
            known[asker.user, place] = found
        return found

    return patch.object(SqliteMediaReads, "placed", placed)


def link_is_capability() -> AbstractContextManager[Any]:
    """Let whoever has a link fetch the file, as long as it is there."""
    real = Downloads._allowed

    async def allowed(self: Downloads, request: Any) -> Any:
        if "sig=" not in request.query:
            return await real(self, request)
        self._access.linked(request.path, request.query)
        found = await self._reads.own(None, request.path.split("/")[5], "full")
        return await real(self, request) if found.object is None else Allowed(found.object)

    return patch.object(Downloads, "_allowed", allowed)


@contextmanager
def two_patches_append() -> Iterator[None]:
    """Let several requests of one upload write at once, each behind what is there."""

    @asynccontextmanager
    async def held(self: Uploads, file: str, body: Any) -> AsyncIterator[Any]:
        upload = self._uploads.setdefault(file, _Upload())
        upload.requests += 1
        try:
            yield upload
        finally:
            upload.requests -= 1
            self._leave(file, upload)

    real = Writing._write

    async def write(self: Writing, piece: memoryview) -> None:
        self._offset = self._to.incoming.size(self._file) or 0
        await real(self, piece)

    with patch.object(Uploads, "_held", held), patch.object(Writing, "_write", write):
        yield


MEDIA_CANARIES = {
    "door-cached": door_cached,
    "link-is-capability": link_is_capability,
    "two-patches-append": two_patches_append,
}

"""Deliberate breaks of what chatd promises about files, by name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any
from unittest.mock import patch

from chatd.media.downloads import Downloads
from chatd.media.uploads import Uploads
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
        return await real(self, request) if found.object is None else _shown(found)

    return patch.object(Downloads, "_allowed", allowed)


def _shown(found: Any) -> Any:
    from chatd.media.downloads import Allowed

    return Allowed(found.object)


def two_patches_append() -> AbstractContextManager[Any]:
    """Let several requests of one upload write at once."""
    real = Uploads._held

    @asynccontextmanager
    async def held(self: Uploads, file: str, body: Any) -> AsyncIterator[Any]:
        async with real(self, file, None) as upload:
            upload.lock.release()
            try:
                yield upload
            finally:
                upload.lock = asyncio.Lock()
                await upload.lock.acquire()

    return patch.object(Uploads, "_held", held)


MEDIA_CANARIES = {
    "door-cached": door_cached,
    "link-is-capability": link_is_capability,
    "two-patches-append": two_patches_append,
}

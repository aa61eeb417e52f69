"""Files of a client: pictures, video, voice notes and others, sent and fetched (protocol.md, "Media")."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from .core.errors import NotFound
from .core.files import (
    Attachment,
    FileKind,
    FileLinkReply,
    FileListReply,
    MediaOffer,
    Purpose,
    Size,
    StickerListReply,
    UploadedFile,
    file_of,
    mime_of,
    place_of,
)
from .core.messages import Message
from .engine import Engine
from .uploads import Source


class Media:
    """The part of a client that is about files. All of it raises `NotSupported` where the operator has no media."""

    _engine: Engine

    @property
    def media(self) -> MediaOffer | None:
        """Where files are sent and fetched, and how large they may be, as of the last hello; None without media."""
        return self._engine.account.media

    async def upload(
        self,
        content: str | os.PathLike[str] | bytes | BinaryIO,
        *,
        kind: FileKind = "file",
        name: str = "",
        purpose: Purpose = "message",
        key: str = "",
        on_progress: Callable[[int], None] | None = None,
    ) -> UploadedFile:
        """Upload the file at a path, bytes, or what is left of a stream, and return it once it may be sent.

        It goes on at the byte where it broke: after a cut, another network, and when the same unchanged path is
        uploaded after a restart; for anything else after a restart, give the same `key`, 22 letters of one's own.
        `on_progress` gets the bytes that the server has, or that are on the way to it. `name`: shown to others, and
        says the type; that of the path by default.

        Raises `QuotaReached` (`scope`), `TooLarge`, `Unreadable`, `NotSupported` (try the kind `file`), `Rejected`,
        `Forbidden`; OSError when the content cannot be read; `Closed`.
        """
        uploads = self._engine.uploads
        await self._engine.file_requests.url()
        path = content if isinstance(content, (str, os.PathLike)) else None
        name = name or (os.path.basename(path) if path is not None else "")
        mime = mime_of(name)
        fields = {"kind": kind, "purpose": purpose, "filename": name, "filetype": mime}
        source = await asyncio.to_thread(Source, content)
        try:
            if path is not None and not key:
                key = await uploads.key_for(uploads.record_of(path, fields))
            fields["key"] = key or self._engine.settings.env.key()
            file = await uploads.upload(source, fields, on_progress or _ignore)
        finally:
            await asyncio.to_thread(source.close)
        return UploadedFile(file, kind, name, mime, source.size)

    async def download(
        self,
        message: Message | None,
        attachment: Attachment,
        to_path: str | os.PathLike[str],
        *,
        size: Size = "",
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Path:
        """Save a file of a message, or with None an own one, under a name that nothing has yet; return the path.

        It goes on at the byte where it broke, after a restart too: what came lies beside it, and gets its name when all
        of it is there. Only the user of this process may read it. `size`: a smaller rendition, of `sizes` of the
        attachment. `on_progress` gets the bytes that are there, and of how many.

        Raises `NotFound` for what is not there for this user, any more; `FileExistsError` and other OSErrors of the
        disk; ValueError for an attachment whose bytes are not at this server.
        """
        room, seq = (message.room, message.seq) if message is not None else ("", 0)
        place = place_of(room, seq, _file(attachment), size)
        await self._engine.file_requests.url()
        return await self._engine.downloads.download(place, Path(to_path), on_progress or _ignore)

    async def file_link(self, message: Message, attachment: Attachment, *, size: Size = "") -> str:
        """Return an address that opens a file of a message for some minutes, for a player of the system; ask anew when
        it has ended (protocol.md, "Links"). Raises `NotFound`, ValueError."""
        place = {"room": message.room, "seq": message.seq, "file": _file(attachment)}
        if size:
            place["size"] = size
        reply: FileLinkReply = await self._engine.call({"type": "file.link", "places": [place]})
        if not reply["links"]:
            raise NotFound
        return reply["links"][0]["url"]

    def public_url(self, url: str, size: Size = "") -> str:
        """Return the address of an avatar, a cover or a sticker, given as `media:` and its id: anybody may fetch it
        while it is shown; empty without media."""
        offer, file = self.media, file_of(url)
        return f"{offer['url']}/v1/media/public/{file}{f'/{size}' if size else ''}" if offer and file else ""

    async def own_files(self, *, more: str = "", limit: int = 50) -> FileListReply:
        """Return a page of the own files, the newest first, and what they count (protocol.md, "file.list")."""
        asked: dict[str, Any] = {"type": "file.list", "limit": limit}
        reply: FileListReply = await self._engine.call({**asked, "more": more} if more else asked)
        return reply

    async def stickers(self, *, more: str = "", limit: int = 50) -> StickerListReply:
        """Return a page of the stickers that the host app offers, by name (protocol.md, "sticker.list")."""
        asked: dict[str, Any] = {"type": "sticker.list", "limit": limit}
        reply: StickerListReply = await self._engine.call({**asked, "more": more} if more else asked)
        return reply

    async def set_avatar(self, picture: str | os.PathLike[str] | bytes | BinaryIO) -> str:
        """Upload a picture and show it as the avatar of this user; return its `media:` address. For a cover or a
        room: `upload` with a `purpose`, then `set_profile` or `room.update` with the `url` of what it returns."""
        file = await self.upload(picture, kind="picture", purpose="avatar")
        await self._engine.call({"type": "profile.set", "avatar": file.url})
        return file.url


def _file(attachment: Attachment) -> str:
    if not (file := file_of(attachment.get("url", ""))):
        raise ValueError("the bytes of this attachment are not at this server")
    return file


def _ignore(*_: int) -> None:
    """Nobody watches."""

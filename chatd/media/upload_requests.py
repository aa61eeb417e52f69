"""The route /v1/files: who asks, for which upload, and the answer (protocol.md "Uploading")."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from chatd.config.media import Media
from chatd.core.files import File
from chatd.media import tus
from chatd.media.access import Access, asker_of, token_of
from chatd.media.http.messages import Answer, Request, error
from chatd.media.inspection import Library
from chatd.media.interface import Begin, Begun, Daemon, Drop
from chatd.media.routes import failure
from chatd.media.uploads import Discarded, OffsetConflict, Uploads
from chatd.media.writing import ChecksumMismatch
from chatd.protocol.errors import ChatError, Refused
from chatd.storage.media import UploadReads

CHECKSUM_MISMATCH = 460
# What opens the kinds without which they are not taken.
NEEDS: Mapping[str, Library] = {"picture": "pictures", "sticker": "pictures"}


class UploadRequests:
    """The handler of uploads. `libraries`: returns what can be opened here."""

    def __init__(
        self,
        media: Media,
        access: Access,
        daemon: Daemon,
        reads: UploadReads,
        uploads: Uploads,
        libraries: Callable[[], Awaitable[Sequence[Library]]],
    ) -> None:
        self._media = media
        self._access = access
        self._daemon = daemon
        self._reads = reads
        self._uploads = uploads
        self._libraries = libraries
        self._handlers: Mapping[tus.Action, Callable[[Request, str], Awaitable[Answer]]] = {
            "begin": self._begin,
            "look": self._look,
            "append": self._append,
            "drop": self._drop,
        }

    async def __call__(self, request: Request) -> Answer:
        answer = await self._answer(request)
        answer.headers.setdefault("Tus-Resumable", tus.VERSION)
        return answer

    async def _answer(self, request: Request) -> Answer:
        try:
            target = tus.target_of(request)
            if isinstance(target, Answer):
                return target
            if target.action == "offer":
                return tus.offer(self._media.file_bytes)
            return await self._handlers[target.action](request, target.file)
        except OffsetConflict as conflict:
            answer = failure(conflict)
            answer.headers["Upload-Offset"] = str(conflict.offset)
            return answer
        except ChecksumMismatch as mismatch:
            return error(CHECKSUM_MISMATCH, mismatch.code, field=mismatch.field or "")
        except Discarded:
            return error(500, "internal")
        except ChatError as problem:
            return failure(problem)

    async def _begin(self, request: Request, _: str) -> Answer:
        """Make an upload, and take the bytes that came along."""
        caller = await self._access.caller(request)
        said, length = (
            tus.metadata_of(request.headers.get("upload-metadata", "")),
            tus.length_of(request.headers),
        )
        if said.kind != "file" and NEEDS.get(said.kind) not in (None, *await self._libraries()):
            raise Refused("not_supported", f"this server takes no {said.kind}", field="kind")
        # What is too large for any disk is for the daemon to refuse: nobody is to come back with it later.
        if length is None or length <= self._media.file_bytes:
            await self._uploads.check_space(length or 0)
        begun = await self._daemon.ask(
            Begin(
                id=0,
                token=token_of(request),
                key=said.key,
                kind=said.kind,
                purpose=said.purpose,
                length=length,
                name=said.filename,
                mime=said.filetype,
                digest=bytes.fromhex(said.sha256),
                room=said.live,
                owner=said.owner,
            )
        )
        assert isinstance(begun, Begun)
        found = await self._reads.upload(asker_of(caller), begun.file)
        if found.file is None:
            raise Refused("not_found", "no such upload")
        state = await self._uploads.look(found.file)
        has_more = tus.has_body(request.headers) and request.length != 0
        if state.offset == 0 and (has_more or length == 0):
            part = tus.Part(0, None, tus.digest_of(request.headers))
            state = await self._uploads.append(found.file, part, request.body)
        # Without a configured address clients are at the one they came by.
        return Answer(
            201, {**tus.headers_of(state), "Location": f"{self._media.url}{tus.PREFIX}/{begun.file}"}
        )

    async def _look(self, request: Request, file: str) -> Answer:
        row = await self._row(request, file)
        return tus.looked(await self._uploads.look(row), row)

    async def _append(self, request: Request, file: str) -> Answer:
        part = tus.part_of(request.headers)
        state = await self._uploads.append(await self._row(request, file), part, request.body)
        return Answer(204, tus.headers_of(state))

    async def _drop(self, request: Request, file: str) -> Answer:
        row = await self._row(request, file)
        await self._daemon.ask(Drop(0, file, token_of(request)))
        if row.state == "uploading":
            await self._uploads.end(file)
        return Answer(204)

    async def _row(self, request: Request, file: str) -> File:
        """Return the row of an upload of who asks, or of anybody for the host app. Raises Refused, Unavailable."""
        caller = await self._access.caller(request)
        found = await self._reads.upload(asker_of(caller), file)
        self._access.check(caller, found.standing)
        if not ("send" in caller.allow if caller.user else "media" in caller.scopes):
            raise Refused("forbidden", "the token does not allow it")
        row = found.file
        if row is None or row.state == "dropped" or (caller.user and row.owner != caller.user):
            raise Refused("not_found", "no such upload")
        return row

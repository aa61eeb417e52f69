"""The daemon as the process of media sees it, and the rows that it reads, in memory."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import count
from typing import Any

from chatd.core.files import File
from chatd.core.uploads import UPLOAD_KEPT_MS
from chatd.env import Env
from chatd.media.disk import Disk
from chatd.media.inspection import Descriptors, Found, Library, Refusal, Written
from chatd.media.interface import (
    Answer,
    Authenticate,
    Begin,
    Begun,
    Caller,
    Daemon,
    Done,
    Drop,
    Finish,
    Question,
    Refuse,
)
from chatd.protocol.errors import ChatError, Refused
from chatd.protocol.media import SCHEME, FileKind, Purpose
from chatd.protocol.messages import Attachment
from chatd.storage.media import Asker, FoundUpload, Standing, UploadReads

CHARGED_MAX = 1 << 30
# No id is given twice, so tests may share a directory.
_numbers = count()


class MemoryRows(Daemon, UploadReads):
    """Rows by id. A token is the name of its user, or `key` of the host app.

    `on_ask`: raises what an answer fails with. `told`: what needs no answer. `standings`: of users.
    """

    def __init__(self, env: Env) -> None:
        self.files: dict[str, File] = {}
        self.objects: set[str] = set()
        self.told: list[object] = []
        self.standings: dict[str, Standing] = {}
        self.on_ask: Callable[[Any], None] = lambda request: None
        self.on_finish: Callable[[File], File] = lambda row: row
        self._env = env

    def begin(self, file: str, length: int | None = None, kind: FileKind = "file", **other: Any) -> File:
        now = self._env.now_ms()
        facts = Attachment(SCHEME + file, "application/zip", kind=kind)
        row = File(
            file=file,
            owner=other.get("owner", "bob"),
            key=other.get("key"),
            kind=kind,
            purpose="message",
            state="uploading",
            charged=other.get("charged", CHARGED_MAX) if length is None else length,
            created_at=now,
            due_at=now + UPLOAD_KEPT_MS,
            facts=facts,
            length=length,
            room=other.get("room", 0),
        )
        self.files[file] = row
        return row

    async def ask(self, request: Question) -> Answer:
        self.on_ask(request)
        match request:
            case Authenticate():
                return caller_of(request.token)
            case Begin():
                return self._begun(request)
            case Finish():
                self._finish(request)
            case Refuse():
                row = self._unfinished(request.file)
                self.files[row.file] = replace(row, state="refused", code=request.code)
            case Drop():
                self.files[request.file] = replace(self.files[request.file], state="dropped")
        return Done(0)

    def tell(self, message: object) -> None:
        self.told.append(message)

    async def upload(self, asker: Asker, file: str) -> FoundUpload:
        return FoundUpload(self.standings.get(asker.user, Standing()), self.files.get(file))

    async def live(self, asker: Asker, room: str, file: str) -> FoundUpload:
        return await self.upload(asker, file)

    async def unknown_objects(self, names: Sequence[str]) -> Sequence[str]:
        return [name for name in names if name not in self.objects]

    def _begun(self, request: Begin) -> Begun:
        owner = request.owner or caller_of(request.token).user
        known = [row for row in self.files.values() if (row.owner, row.key) == (owner, request.key)]
        file = f"{next(_numbers):022}"
        row = (
            known[0]
            if known
            else self.begin(
                file, request.length, request.kind, owner=owner, key=request.key, room=int(bool(request.room))
            )
        )
        return Begun(id=0, file=row.file, expires_at=row.due_at, length=row.length)

    def _finish(self, request: Finish) -> None:
        known = self.files.get(request.file)
        if known is not None and (known.state, known.source) == ("ready", request.source):
            return
        row = self._unfinished(request.file)
        ready = replace(row, state="ready", source=request.source, length=request.length, facts=request.facts)
        row = self.files[row.file] = self.on_finish(ready)
        if row.state == "ready":
            self.objects.update(one.object for one in request.stored)

    def _unfinished(self, file: str) -> File:
        row = self.files.get(file)
        if row is None or row.state != "uploading":
            raise Refused("conflict" if row else "not_found")
        return row


def caller_of(token: str) -> Caller:
    if not token.isalnum():
        raise Refused("token_invalid")
    if token == "key":
        return Caller(id=0, user="", scopes=("media",), expires_at=1 << 52)
    allow = ("read",) if token == "reader" else ("read", "send")
    return Caller(id=0, user=token, allow=allow, expires_at=1 << 52)


class CopyingInspector:
    """Takes any bytes for a picture: all of it, and half of it as its smaller rendition.

    `answers`: instead, in turn. `gate`: an event that it waits for.
    """

    libraries: tuple[Library, ...] = ("pictures",)
    is_full = False

    def __init__(self, disk: Disk, read: Callable[[int], bytes]) -> None:
        self.answers: list[Refusal | ChatError] = []
        self.begun = 0
        self.gate: Any = None
        self._disk = disk
        self._read = read

    async def inspect(
        self, kind: FileKind, purpose: Purpose, opened: Callable[[], AbstractContextManager[Descriptors]]
    ) -> Found | Refusal:
        self.begun += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, ChatError):
                raise answer
            return answer
        with opened() as descriptors:
            content = self._read(descriptors.source)
            self._disk.write(descriptors.full, b"full " + content, 0)
            self._disk.write(descriptors.s, b"small " + content[: len(content) // 2], 0)
        facts = Attachment(SCHEME, "image/jpeg", kind=kind, sizes=["s"])
        return Found(facts, (Written("full", "image/jpeg"), Written("s", "image/jpeg")))

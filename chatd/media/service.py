"""The daemon's side of the conversation with the process that owns the bytes: what it says is checked, and stored.

The process reads HTTP of strangers, so it is believed no more than they are. It forwards the tokens of users, which are
verified here; it names files, and the decisions look whose they are and in which state. Only what the owner of a
token may do is done.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from chatd.auth.interface import Claims
from chatd.core.api_keys import KEY_PREFIX, ApiKey
from chatd.core.files import (
    FILE_ID_BYTES,
    BeginFile,
    ContinueFile,
    DropFile,
    FileBegun,
    FinishFile,
    ForgetDeleted,
    RefuseFile,
    file_id,
)
from chatd.env import Env
from chatd.media.interface import (
    Answer,
    Authenticate,
    Begin,
    Begun,
    Caller,
    Condition,
    Continue,
    Delete,
    Deleted,
    Done,
    Drop,
    Failed,
    Finish,
    FromProcess,
    Live,
    Question,
    Refuse,
)
from chatd.media.settings import MediaSettings
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import ChatError, Refused, Unavailable
from chatd.protocol.process_frames import decode
from chatd.telemetry.counters import Counters
from chatd.telemetry.troubles import Troubles

# A token is verified again after this time, when another key may have come into force; that it was revoked is looked
# at with every request. A key of the API is not in the database that the process reads, so it counts for less.
CALLER_MS, KEY_CALLER_MS = 300_000, 10_000
# More than the connections that a process serves; each holds one question.
QUESTIONS_MAX = 10_000
DIGEST_BYTES = 32
# The answers to an upload that is not wanted (media/interface.py).
REFUSALS = frozenset({"unreadable", "too_large", "not_supported", "rejected", "bad_request"})

log = logging.getLogger(__name__)


class Link(Protocol):
    """The way to the process."""

    def write(self, content: object) -> bool:
        """Write to the process; False when it takes no more."""


@dataclass(slots=True, frozen=True)
class Doors:
    """The parts of the daemon that answers come from.

    `identify`: the claims of a token in force of a user who is not shut out, and the mark that it is younger than
    (core/users.py); it raises Refused. `key_of`: the key of the API with this secret, None for none. `submit`: stores a
    change, and returns when it is durable. `on_live`: follows the state of a live note; None: all are over.
    """

    identify: Callable[[str], Awaitable[tuple[Claims, int]]]
    key_of: Callable[[str], ApiKey | None]
    submit: Callable[[object], Awaitable[Ok]]
    on_live: Callable[[Live | None], Awaitable[None]]


class MediaService:
    """The answers to one process. `link` is set before it speaks. `condition`: as it said last, None without one."""

    link: Link

    def __init__(
        self, settings: MediaSettings, doors: Doors, env: Env, counters: Counters, troubles: Troubles
    ) -> None:
        self.settings = settings
        self.condition: Condition | None = None
        self._doors = doors
        self._env = env
        self._counters = counters
        self._troubles = troubles
        # What the process was told to delete, each answered in turn.
        self._deletions: deque[tuple[Delete, asyncio.Future[Deleted]]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        # How many have ended.
        self._processes = 0

    def reconfigure(self, settings: MediaSettings) -> None:
        """Put other settings in force, which the next process is told."""
        self.settings = settings

    # --- what the process says

    def on_content(self, payload: bytes) -> None:
        """Take what the process says. Raises ValueError for anything that it may not say."""
        message = decode(payload, FromProcess)
        if isinstance(message, Question):
            if len(self._tasks) >= QUESTIONS_MAX:
                raise ValueError("too many questions")
            self._keep(self._answer(message, self._processes))
        elif isinstance(message, Condition):
            self._note(message)
        elif isinstance(message, Continue):
            self._keep(self._store(ContinueFile(message.file)))
        elif isinstance(message, Live):
            self._keep(self._doors.on_live(message))
        elif isinstance(message, Deleted) and self._deletions:
            asked, answer = self._deletions[0]
            if not {*asked.objects, *asked.files}.issuperset((*message.objects, *message.files)):
                raise ValueError("more was deleted than was asked for")
            self._deletions.popleft()
            if not answer.done():
                answer.set_result(message)
        else:
            raise ValueError("what was not asked for")

    def on_end(self) -> None:
        """Note that the process ended: the next one asks again, and is asked again."""
        self.condition = None
        self._processes += 1
        self._keep(self._doors.on_live(None))
        while self._deletions:
            _, answer = self._deletions.popleft()
            if not answer.done():
                answer.set_result(Deleted())

    async def close(self) -> None:
        """Return when everything that the process has said is answered."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- what the daemon says

    async def delete(self, objects: tuple[str, ...], files: tuple[str, ...]) -> bool:
        """Have these objects and unfinished uploads deleted from the disk, then forget them; return whether all are.

        Raises Unavailable when that cannot be stored: the next round finds them gone.
        """
        request = Delete(objects, files)
        if self.condition is None or not self.link.write(request):
            return False
        answer: asyncio.Future[Deleted] = asyncio.get_running_loop().create_future()
        self._deletions.append((request, answer))
        deleted = await answer
        if deleted.objects or deleted.files:
            await self._doors.submit(ForgetDeleted(deleted.objects, deleted.files))
        return len(deleted.objects) + len(deleted.files) == len(objects) + len(files)

    def gauges(self) -> Mapping[str, float | Mapping[str, float]]:
        """Return the figures of metrics, by name; none while the process is down."""
        now = self.condition
        if now is None:
            return {}
        return {
            "media_free_bytes": now.free_bytes,
            "media_connections": now.connections,
            "media_inspectors": now.inspectors,
            "media_waiting": now.waiting,
            "media_events": now.counters,
        }

    def _note(self, condition: Condition) -> None:
        if self.condition is None and condition.fences:
            log.warning(
                "the kernel has no %s: what opens uploads is less fenced in", ", ".join(condition.fences)
            )
        self.condition = condition
        if condition.problem:
            self._troubles.report("media", condition.problem)
        else:
            self._troubles.report_ok("media")

    # --- answers

    def _keep(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, asked: Question, process: int) -> None:
        """Answer a question. The next process counts its own anew: what this one was to hear it must not hear."""
        answer: Answer | Failed
        try:
            answer = await self._answered(asked)
        except ChatError as error:
            answer = Failed(
                asked.id, error.code, error.retry_after or 0, error.scope or "", error.field or ""
            )
        except Exception:
            self._counters.defects += 1
            log.exception("%r failed", asked)
            answer = Failed(asked.id, "internal")
        if process == self._processes:
            self.link.write(answer)

    async def _answered(self, asked: Question) -> Answer:
        match asked:
            case Authenticate(id, token):
                return await self._caller(id, token)
            case Begin():
                return await self._begin(asked)
            case Finish():
                await self._doors.submit(finish_of(asked))
            case Refuse(id, file, code):
                await self._doors.submit(RefuseFile(file, code if code in REFUSALS else "bad_request"))
            case Drop(id, file, token):
                await self._doors.submit(DropFile(file, await self._owner(token)))
        return Done(asked.id)

    async def _caller(self, id: int, token: str) -> Caller:
        """Return the owner of a token. Raises Refused."""
        key, now_ms = self._key(token), self._env.now_ms()
        if key is not None:
            until = now_ms + KEY_CALLER_MS
            if key.expires_at:
                until = min(until, key.expires_at)
            return Caller(id=id, user="", scopes=key.scopes, expires_at=until)
        claims, mark = await self._doors.identify(token)
        return Caller(
            id=id,
            user=claims.user,
            device=claims.device or "",
            allow=tuple(sorted(claims.allow)),
            generation=mark,
            expires_at=min(int(claims.expires_at_s * 1000), now_ms + CALLER_MS),
        )

    async def _begin(self, asked: Begin) -> Begun:
        """Make the row of an upload. Raises Refused."""
        user = await self._owner(asked.token)
        if user is not None and asked.owner:
            raise Refused("forbidden", "a key of the API alone uploads for others", field="owner")
        request = BeginFile(
            file=file_id(self._env.random_bytes(FILE_ID_BYTES)),
            owner=asked.owner if user is None else user,
            key=asked.key,
            kind=asked.kind,
            purpose=asked.purpose,
            length=asked.length,
            name=asked.name,
            mime=asked.mime,
            digest=asked.digest,
            room=asked.room,
        )
        begun = await self._doors.submit(request)
        assert isinstance(begun, FileBegun)
        return Begun(id=asked.id, file=begun.file, expires_at=begun.expires_at, length=begun.length)

    async def _owner(self, token: str) -> str | None:
        """Return the user of a token that may change files; None for a key of the host app. Raises Refused."""
        key = self._key(token)
        if key is not None:
            if not key.may("media"):
                raise Refused("forbidden", "this needs a key with the scope media")
            return None
        claims, _ = await self._doors.identify(token)
        if "send" not in claims.allow:
            raise Refused("forbidden", "the token does not allow to send")
        return claims.user

    def _key(self, token: str) -> ApiKey | None:
        """Return the key of the API that a token is; None for the token of a user. Raises Refused."""
        if not token.startswith(KEY_PREFIX):
            return None
        key = self._doors.key_of(token)
        if key is None:
            raise Refused("key_invalid", "there is no such key")
        return key

    async def _store(self, request: object) -> None:
        """Store what needs no answer; what cannot be stored now is said again later."""
        try:
            await self._doors.submit(request)
        except Unavailable as error:
            log.warning("what became of files was not stored: %s", error)
        except Refused:
            # Its row went meanwhile.
            return


def finish_of(asked: Finish) -> FinishFile:
    """Return the decision that a finished file asks for. Raises Refused for figures that cannot be."""
    digests = [asked.source, *(one.digest for one in asked.stored)]
    sizes = [asked.length, *(one.size for one in asked.stored)]
    if min(sizes) < 0 or any(len(digest) != DIGEST_BYTES for digest in digests):
        raise Refused("bad_request", "a file that is not whole", field="stored")
    return FinishFile(asked.file, asked.facts, asked.stored, asked.source, asked.length)

"""Reads that pass more events than a batch may look at: counted here, outside the batch, and then decided by it.

A span of the log never changes, so it may be counted while others write; and a read position only rises, so all reads
of one member look at each event once. One read is counted at a time, in pieces of `COUNTED_EVENTS_MAX` events.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from chatd.core.read_set import Counted, UnreadSpan
from chatd.core.unread_counts import COUNTED_EVENTS_MAX, added
from chatd.protocol.errors import ChatError, Unavailable
from chatd.storage.interface import DecisionStore
from chatd.writer.room_loader import RoomLoader
from chatd.writer.sources import Submitted

log = logging.getLogger(__name__)


class LongRead(Submitted, Protocol):
    """A submission of `read`."""

    def refuse(self, error: ChatError) -> None: ...


class LongReads:
    """The reads that wait to be counted; `give_back` gets each with its `counted` set."""

    def __init__(self, store: DecisionStore, rooms: RoomLoader, give_back: Callable[[Any], None]) -> None:
        self._store = store
        self._rooms = rooms
        self._give_back = give_back
        self._waiting: deque[LongRead] = deque()
        self._task: asyncio.Task[None] | None = None

    def take(self, submission: LongRead) -> None:
        """Count for `submission`, after those that came before."""
        self._waiting.append(submission)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="long reads")

    async def stop(self) -> None:
        """Count no more, and refuse the reads that wait."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        for submission in self._waiting:
            submission.refuse(Unavailable("overloaded", "the server is stopping"))
        self._waiting.clear()

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._serve(self._waiting[0])
                self._waiting.popleft()
        finally:
            self._task = None

    async def _serve(self, submission: LongRead) -> None:
        try:
            submission.counted = await self._count(submission)
        except ChatError as error:
            submission.refuse(error)
        except Exception:
            log.exception("a read could not be counted")
            submission.refuse(Unavailable("internal", "the read could not be counted"))
        else:
            self._give_back(submission)

    async def _count(self, submission: LongRead) -> tuple[UnreadSpan, Counted] | None:
        """Count the events that the read passes; None when nobody needs it any more."""
        room = await self._rooms.of(submission.user, submission.request.room)
        member = None if room is None else room.member(submission.user)
        if room is None or member is None or member.read >= submission.request.seq:
            return None
        span = UnreadSpan(room.number, submission.user, member.read, submission.request.seq)
        total = Counted()
        for low in range(span.low, span.high, COUNTED_EVENTS_MAX):
            piece = span._replace(low=low, high=min(low + COUNTED_EVENTS_MAX, span.high))
            total = added(total, (await self._store.counted([piece]))[piece])
        return span, total

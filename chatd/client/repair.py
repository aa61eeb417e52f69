"""The fetching of what is missing: the rest of a sync, holes in the log of a room, stale stretches of its cache.

One task at most works through everything, one request at a time, so that a client that returns after a week does not
flood the server; rooms on the screen go first. The rules of what to ask are in timeline.py.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from .core.account import Account
from .core.errors import ChatError, Unreachable
from .core.packets import ChangesReply, Decoded, HistoryReply, LogReply, Packet, SummaryReply, SyncPage
from .core.replica import Replica
from .core.timeline import Fetch
from .env import Timer, wait
from .settings import Settings

JUMP_PAGE = 50
"""Messages of the newest page: two screens (protocol.md, "Positions, gaps and repair")."""

STALE_ROUNDS = 8
"""Rounds of `changes` before a stretch is shown as it is: each covers a page, and the next display continues."""

log = logging.getLogger(__name__)

Call = Callable[[Packet], Awaitable[Decoded]]


class Repairer:
    """The job that brings one account up to date. `call` sends a request and returns its `ok`."""

    def __init__(self, call: Call, account: Account, settings: Settings) -> None:
        self.page = 200
        self._call = call
        self._account = account
        self._settings = settings
        self._timers: dict[str, Timer] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._rooms: deque[str] = deque()
        # The next request of the sync that is under way; empty: a full one.
        self._round: Packet | None = None
        # Whether a sync is to begin when the one under way has ended.
        self._again = False
        self._task: asyncio.Task[None] | None = None

    def soon(self, replica: Replica) -> None:
        """Repair a hole: at once if the server announced it, else after a moment, unless it closes by itself
        (protocol.md, "Positions, gaps and repair")."""
        if replica.timeline.known_hole:
            self._queue(replica.room)
        elif replica.room not in self._timers:
            self._timers[replica.room] = self._settings.env.call_later(
                self._settings.timing.gap_s, lambda: self._waited(replica.room)
            )

    def perhaps(self, replica: Replica) -> None:
        """Repair a room that moved on: at once if it is on the screen or wanted anyway, else when it is opened."""
        if self._settings.prefetch or replica.room in self._account.focused:
            self._queue(replica.room)

    def pages(self, more: str) -> None:
        """Fetch the further pages of a sync."""
        self._take_page(more)
        self._run()

    @property
    def in_round(self) -> bool:
        """Whether pages of a sync are still to come."""
        return self._round is not None

    def sync_again(self) -> None:
        """Begin a sync behind the one under way: only a round from here on has all that changed (protocol.md,
        "account")."""
        self._again = True
        if self._round is None:
            self._take_page("")
        self._run()

    def resume(self) -> None:
        """Repair every hole that was left, on a new connection."""
        for replica in self._account.replicas.values():
            if replica.timeline.buffer:
                self._queue(replica.room)
            elif replica.timeline.behind:
                self.perhaps(replica)

    def stop(self) -> None:
        """Stop, as the connection is gone; `resume` and the next sync begin anew."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._rooms.clear()
        self._round, self._again = None, False
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def repair(self, replica: Replica) -> None:
        """Fetch until the room is at its head, one request at a time. Raises what `call` raises."""
        # The app opens a room that is being repaired anyway: whoever comes second finds nothing left to ask.
        async with self._locks.setdefault(replica.room, asyncio.Lock()):
            while (plan := replica.timeline.plan()) is not None:
                if not (isinstance(plan, Fetch) and await self._log(replica, plan)):
                    await self._jump(replica)

    async def refresh(self, replica: Replica, low: int, high: int) -> None:
        """Bring the cached messages from `low` to `high` up to date (protocol.md, "Positions, gaps and repair").
        Raises what `call` raises."""
        timeline = replica.timeline
        for _ in range(STALE_ROUNDS):
            part = timeline.cached.stale(low, high, timeline.applied)
            if part is None:
                return
            reply: ChangesReply = await self._ask(
                replica, "changes", low=part.low, high=part.high, since=part.valid
            )
            self._account.publish(replica, timeline.take_changes(reply, part))

    async def _log(self, replica: Replica, plan: Fetch) -> bool:
        reply: LogReply = await self._ask(replica, "log", **{"from": plan.first, "to": plan.last})
        self._account.match_own(reply.get("events", ()))
        helped, changes = replica.timeline.take_log(reply)
        self._account.publish(replica, replica.counted_in(changes))
        return helped

    async def _jump(self, replica: Replica) -> None:
        reply: HistoryReply = await self._ask(replica, "history", limit=JUMP_PAGE)
        self._account.match_own(reply.get("events", ()))
        self._account.publish(replica, replica.timeline.take_newest(reply))
        # A jump skips messages, so the unread number cannot be derived from them: fetch it.
        answer: SummaryReply = await self._ask(replica, "room.get")
        self._account.take_summary(answer["summary"])

    async def _ask(self, replica: Replica, kind: str, **fields: object) -> Decoded:
        return await self._call({"type": kind, "room": replica.room, **fields})

    # The one task.

    def _waited(self, room: str) -> None:
        self._timers.pop(room, None)
        replica = self._account.replicas.get(room)
        if replica is not None and replica.timeline.behind:
            self._queue(room)

    def _queue(self, room: str) -> None:
        if room in self._rooms:
            return
        if room in self._account.focused:
            self._rooms.appendleft(room)
        else:
            self._rooms.append(room)
        self._run()

    def _run(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._work())
            self._task.add_done_callback(self._worked)

    def _worked(self, task: asyncio.Task[None]) -> None:
        if self._task is task:
            self._task = None
        if not task.cancelled() and (error := task.exception()):
            log.error("repair failed", exc_info=error)

    async def _work(self) -> None:
        while self._round is not None or self._rooms:
            try:
                if self._rooms and (self._round is None or self._rooms[0] in self._account.focused):
                    await self._next_room()
                else:
                    await self._next_page()
            except Unreachable as error:
                # A lost connection ends this task; here it only does not answer.
                log.warning("repair takes long: %s", error)
            except ChatError as error:
                log.warning("repair takes long: %s", error)
                await wait(self._settings.env, self._settings.timing.pause_s(error.retry_after))

    async def _next_room(self) -> None:
        """Repair the first room that waits; it is queued again when that has to be done later."""
        replica = self._account.replicas.get(self._rooms.popleft())
        if replica is None:
            return
        try:
            await self.repair(replica)
        except (Unreachable, ChatError) as error:
            if isinstance(error, ChatError) and error.retry != "later":
                log.warning("room %s cannot be repaired: %s", replica.room, error)
                return
            self._queue(replica.room)
            raise

    async def _next_page(self) -> None:
        asked = self._round
        assert asked is not None
        try:
            reply: SyncPage = await self._call({"type": "sync", **asked, "rooms": self.page})
        except ChatError as error:
            if error.retry == "later":
                raise
            if error.retry == "after_sync" and asked:
                self._account.begin_round()
                self._round = {}
            else:
                log.warning("the sync is left unfinished: %s", error)
                self._round = None
        else:
            self._take_page(self._account.take_sync(reply))

    def _take_page(self, more: str) -> None:
        self._round = {"more": more} if more else None
        if self._again and not more:
            self._again = False
            self._account.begin_round()
            self._round = {"cursor": self._account.cursor} if self._account.cursor else {}

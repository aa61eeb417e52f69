"""Regular maintenance: forget idle rooms, drop old operations and devices, summarise reactions of large rooms."""

import asyncio
import logging
from functools import partial

from chatd.config.model import Config
from chatd.core.accounts import ForgetDevices
from chatd.core.audit import ForgetAudit
from chatd.core.discovery import ListDue
from chatd.core.maintenance import CompactLog, ForgetKeys, NoteDay, SummariseReactions
from chatd.core.moderation import ForgetReports
from chatd.core.write_set import WriteSet
from chatd.env import Env
from chatd.jobs.deletion_clock import DeletionClock
from chatd.protocol.errors import ChatError
from chatd.storage.interface import JobStore
from chatd.telemetry.counters import Counters
from chatd.writer.room_loader import RoomLoader
from chatd.writer.submission import Submission
from chatd.writer.writer import Writer

log = logging.getLogger(__name__)

# Idle rooms are looked for this often.
ROUND_S = 60.0
# Finds every stall of 150 ms, whenever it begins; 20 looks take half a thousandth of a core.
LAG_LOOK_S = 0.05
# No step of the daemon takes half of it, and a person begins to notice it.
STALL_S = 0.1
# Busy machines and debuggers cause shorter ones: those are logged as info.
STALL_SERIOUS_S = 1.0
# Rounds: once an hour.
COMPACT_EVERY = 60
# Devices in a commit: a few milliseconds.
FORGOTTEN_AT_ONCE = 500
# Rooms per round that are put into the directory, after the update that brought it: a second of a busy disk.
LISTED_AT_ONCE = 100
# Logs per round of compaction, so that it ends.
COMPACTED_AT_ONCE = 100
# Keys of requests that logged no event (protocol.md "Writing"); other keys live as long as their event.
KEYS_KEPT_DAYS = 30
DAY_MS = 86_400_000


class Maintenance:
    """The rounds of maintenance."""

    def __init__(self, store: JobStore, env: Env, rooms: RoomLoader, writer: Writer, config: Config) -> None:
        self._store = store
        self._env = env
        self._rooms = rooms
        self._writer = writer
        self.reconfigure(config)
        self._summaries_due: set[tuple[str, int]] = set()

    def reconfigure(self, config: Config) -> None:
        """Put other settings in force from the next round on."""
        self._storage, self._auth = config.storage, config.auth
        self._audit_kept_days = config.api.audit_kept_days
        self._reports_kept_days = config.moderation.reports_kept_days
        self._reactions_interval_s = config.delivery.reactions_interval_s

    async def run(self, clock: DeletionClock) -> None:
        """Run rounds until cancelled. A failed round is logged, and the next one tries again.

        While `clock` is not trusted nothing is dropped from the store.
        """
        count = 0
        while True:
            await asyncio.sleep(ROUND_S)
            count += 1
            self.forget_rooms()
            try:
                await self.list_rooms()
            except ChatError as error:
                log.warning("rooms were not put into the directory: %s", error)
            if count % COMPACT_EVERY == 0 and clock.is_trusted():
                try:
                    await self.compact()
                    await self.forget_audit()
                    await self.forget_reports()
                    await self.forget_devices()
                    await self._writer.submit_and_wait("", NoteDay(self._env.now_ms() // DAY_MS))
                except ChatError as error:
                    log.warning("old operations, keys and devices were not dropped: %s", error)

    async def list_rooms(self) -> None:
        """Put rooms into the directory that were listed before there was one."""
        for room in await self._store.rooms_listing_due(LISTED_AT_ONCE):
            await self._writer.submit_and_wait("", ListDue(room))

    def forget_rooms(self) -> None:
        """Drop rooms from memory that nobody used for long, or that are beyond its limit."""
        cache, busy = self._rooms.cache, self._writer.busy_rooms
        cache.forget_idle(self._env.monotonic() - self._storage.room_idle_s, busy)
        cache.forget_beyond(self._storage.members_in_memory, busy)

    async def watch_lag(self, counters: Counters) -> None:
        """Measure how late the event loop is, and log when it stood still; until cancelled."""
        while True:
            due = self._env.monotonic() + LAG_LOOK_S
            await asyncio.sleep(LAG_LOOK_S)
            late = max(0.0, self._env.monotonic() - due)
            counters.loop_lag_seconds.observe(late)
            if late > STALL_S:
                counters.loop_stalls += 1
                level = logging.WARNING if late >= STALL_SERIOUS_S else logging.INFO
                log.log(level, "the event loop stood still for %.0f ms", late * 1000)

    async def compact(self) -> int:
        """Drop operations that are old and not among the last ones of their room; return the number of logs."""
        before = self._env.now_ms() - self._storage.operations_kept_days * DAY_MS
        rooms = await self._store.compactable(before, self._storage.operations_kept, COMPACTED_AT_ONCE)
        for name, floor in rooms:
            await self._writer.submit_and_wait("", CompactLog(name, floor))
        now = self._env.now_ms()
        await self._writer.submit_and_wait("", ForgetKeys(now - KEYS_KEPT_DAYS * DAY_MS))
        return len(rooms)

    async def forget_audit(self) -> None:
        """Drop entries of the audit that are old: a host that writes all its users a night makes millions a day."""
        before = self._env.now_ms() - self._audit_kept_days * DAY_MS
        while 0 < await self._store.oldest_audit() < before:
            await self._writer.submit_and_wait("", ForgetAudit(before))

    async def forget_reports(self) -> None:
        """Drop reports that nobody has changed for long, with their evidence."""
        before = self._env.now_ms() - self._reports_kept_days * DAY_MS
        while 0 < await self._store.moderation.oldest() < before:
            await self._writer.submit_and_wait("", ForgetReports(before))

    async def forget_devices(self) -> None:
        """Drop devices that are not listed, once no token that their revocation refuses can be valid any more."""
        lives_s = self._auth.token_lifetime_max_s + self._auth.leeway_s
        before = self._env.now_ms() - lives_s * 1000
        while devices := await self._store.unlisted(before, FORGOTTEN_AT_ONCE):
            await self._writer.submit_and_wait("", ForgetDevices(devices, before))

    def on_commit(self, writes: WriteSet) -> None:
        """Schedule summaries of reactions in large rooms, once per interval and message. A commit hook."""
        for message in writes.summarised.values():
            due = (message.room.name, message.event.seq)
            if due not in self._summaries_due:
                self._summaries_due.add(due)
                self._env.call_later(self._reactions_interval_s, partial(self._summarise, due))

    def _summarise(self, due: tuple[str, int]) -> None:
        self._summaries_due.discard(due)
        self._writer.submit(Submission("", SummariseReactions(*due)))

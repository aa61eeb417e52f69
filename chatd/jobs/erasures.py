"""The job that erases persons, in steps that phones do not notice.

Each step is one submission to the writer. It takes away what is there of at most some hundred rows, and the job asks
what is left before the next. So it goes on after a crash without a note of where it was: the erasure is in the list of
those under way, and what is gone is not found again. A step takes about as long as the commit of a message, and the job
rests behind each, so that it takes a share of the writer only: who writes meanwhile waits for a step at most.

When nothing is left, the write-ahead log is emptied, since it holds pages from before, and so is the space in the
database that no row uses (storage/sqlite/unallocated.py). The receipt says for each place
what was taken away. After a day and after 30 the places are counted again; what is found is erased, and logged as an
error: something wrote it that should not.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from msgspec import UNSET

from chatd.config.moderation import Moderation
from chatd.core.erasure_steps import (
    Erase,
    EraseContacts,
    EraseEvents,
    EraseFiles,
    EraseMembership,
    EraseProfile,
    EraseReactions,
    EraseRows,
)
from chatd.core.erasures import Erasure, NoteErasure, Place, check_after
from chatd.core.exports import DropExport
from chatd.core.joins import EraseJoins
from chatd.core.read_set import DAY_MS
from chatd.core.removal import Stretch
from chatd.env import Env
from chatd.protocol.errors import ChatError, Unavailable
from chatd.storage.erasing import ErasureStore, ListedErasure, PersonFiles
from chatd.telemetry.counters import Counters
from chatd.telemetry.loop_share import LoopShare
from chatd.writer.writer import Writer

T = TypeVar("T")

log = logging.getLogger(__name__)

# Each of the events is read, and written with an edit of it: a millisecond of the one writer, with its flush.
EVENTS_AT_ONCE = 64
# Each writes a message, an event and a reaction.
REACTIONS_AT_ONCE = 40
# Each writes two contacts, and two rows for devices.
CONTACTS_AT_ONCE = 25
# Each writes a row of the room and one for devices.
JOINS_AT_ONCE = 100
# Each writes some rows.
FILES_AT_ONCE = 50
ROOMS_AT_ONCE = 200
# Due checks and lists are looked for this often.
ROUND_S = 60.0
ERASURES_AT_ONCE = 100
LISTED_AT_ONCE = 500
# A read that needs the log ends within seconds; a backup within minutes.
LOG_RETRY_S = 1.0
LOG_TRIES = 600
# An operator has this long to go back to the database that a restore replaced.
REPLACED_KEPT_MS = DAY_MS
NONE = Place("")
REPLACED, EXPORTS, LOG = "chatd.sqlite.replaced", "exports", "chatd.sqlite-wal"


class Erasures:
    """The erasures of a daemon: `run` carries them out, `wake` makes it look now. `share`: of the writer's time."""

    def __init__(
        self,
        store: ErasureStore,
        files: PersonFiles,
        env: Env,
        writer: Writer,
        counters: Counters,
        share: LoopShare,
    ) -> None:
        self._store = store
        self._files = files
        self._env = env
        self._writer = writer
        self._counters = counters
        self._share = share
        self._reports_ms = 0
        # Whether something was taken away since the remains were overwritten.
        self._removed = False
        self._wake = asyncio.Event()

    def reconfigure(self, moderation: Moderation) -> None:
        """Know how long reports are kept, which a receipt says."""
        self._reports_ms = moderation.reports_kept_days * DAY_MS

    def wake(self) -> None:
        """Look for something to do now."""
        self._wake.set()

    async def begin_listed(self) -> int:
        """Begin those of erasures.jsonl that the database does not know, as after a restore; return how many.

        From then on nobody comes in as one of them.
        """
        begun = 0
        if await self._store.due(self._env.now_ms(), 1):
            self.wake()
        for part in slices(await asyncio.to_thread(self._files.listed), LISTED_AT_ONCE):
            known = {
                erasure.user: erasure.asked for erasure in await self._store.of([one.user for one in part])
            }
            for one in part:
                if known.get(one.user, -1) < one.asked:
                    await self._submit(Erase(one.user, one.messages, one.reports, one.asked))
                    known[one.user] = one.asked
                    begun += 1
                    self.wake()
        return begun

    async def run(self) -> None:
        """Carry out what is due until cancelled. What fails is logged, and the next round tries again."""
        while True:
            await woken(self._wake)
            try:
                await self.carry_out_due()
            except (ChatError, OSError) as error:
                log.warning("erasures go on in a minute: %s", error)

    async def carry_out_due(self) -> None:
        """Carry out what is under way, and due checks."""
        while due := await self._store.due(self._env.now_ms(), ERASURES_AT_ONCE):
            if len(await self._carry_out(due)) < len(due):
                return

    async def check(self, erasure: Erasure) -> Erasure:
        """Count what is left of a person who was erased, and erase it; return the erasure as it is then."""
        checked = await self._carry_out([erasure])
        if not checked:
            raise Unavailable("internal", "the check failed; the log of the daemon says why")
        return checked[0]

    async def _carry_out(self, due: Sequence[Erasure]) -> list[Erasure]:
        """Carry out erasures or checks; return those that went well. One that fails does not hold up others."""
        taken = []
        for erasure in due:
            try:
                taken.append(await self._take_away(erasure))
            except (ChatError, OSError) as error:
                log.warning("an erasure goes on in a minute: %s", error)
            except Exception:
                log.exception("an erasure failed; it is tried again in a minute")
        if self._removed:
            # Once for all, because it walks over the whole database.
            await self._overwrite_remains()
            self._removed = False
        return [await self._finish(erasure) for erasure in taken]

    async def _take_away(self, erasure: Erasure) -> Erasure:
        """Take away what there is of a person; return the erasure, with what was found as its receipt."""
        if erasure.done:
            erasure = await self._count_again(erasure)
        elif not erasure.receipt:
            listed = ListedErasure(erasure.user, erasure.asked, erasure.messages, erasure.reports)
            await asyncio.to_thread(self._files.list_erasure, listed)
            # Before the first step, so that a receipt after a crash tells all.
            left = await self._store.left(erasure)
            erasure = replace(erasure, receipt=tuple(Place(place, count) for place, count in left.items()))
            await self._submit(NoteErasure(erasure))
        if not erasure.done or erasure.found:
            # Before the rooms, in whose members the end of a friendship leaves a mark.
            await self._erase_account(erasure.user)
            for room in [room async for room in self._rooms(erasure.user)]:
                await self._erase_in(room, erasure)
            for eraser in self._store.erasers:
                if eraser.by_rows:
                    await self._erase_rows(eraser.place, erasure)
            await self._erase_files(erasure)
        return await self._drop_files(erasure)

    async def _count_again(self, erasure: Erasure) -> Erasure:
        """Count what is there of a person who was erased, and add it to the receipt."""
        left = await self._store.left(erasure)
        found = sum(left.values())
        if found:
            self._counters.erasures_found += found
            places = ", ".join(f"{count} in {place}" for place, count in left.items() if count)
            log.error("an erased person was not gone: %s; erasing it again", places)
        receipt = tuple(with_more(place, left.get(place.place, 0)) for place in erasure.receipt)
        return replace(erasure, checked=self._env.now_ms(), found=found, receipt=receipt)

    async def _finish(self, erasure: Erasure) -> Erasure:
        """Store an erasure that is done, with its receipt: what was found, without what is left."""
        left = await self._store.left(erasure)
        if still := {place: count for place, count in left.items() if count}:
            log.warning("of an erased person something came back meanwhile: %s", still)
        found = {place.place: place for place in erasure.receipt}
        places = [
            Place(one.place, max(0, found.get(one.place, NONE).erased - left[one.place]), one.how)
            for one in self._store.erasers
        ]
        files = [found.get(name, NONE) for name in (EXPORTS, REPLACED)]
        kept = await self._store.kept(erasure, self._reports_ms)
        held = [Place(place, kept=rows, until=until) for place, rows, until in kept]
        done = replace(
            erasure,
            done=erasure.done or self._env.now_ms(),
            receipt=(*places, *files, Place(LOG, how="emptied"), *held),
        )
        done = replace(done, due=check_after(done))
        await self._submit(NoteErasure(done))
        return done

    async def _rooms(self, user: str) -> AsyncIterator[tuple[int, str]]:
        after = 0
        while rooms := await self._store.rooms(user, after, ROOMS_AT_ONCE):
            for room in rooms:
                yield room
            after = rooms[-1][0]

    async def _erase_in(self, room: tuple[int, str], erasure: Erasure) -> None:
        """Take away what a person said in a room, and let them leave it."""
        (number, name), person = room, erasure.user
        seqs = await self._store.events(number, person)
        parts = slices(seqs, EVENTS_AT_ONCE)
        for part in parts:
            low, high = (
                part[-1] if part is not parts[-1] else UNSET,
                part[0] if part is not parts[0] else UNSET,
            )
            recall = erasure.messages == "recall"
            await self._step(EraseEvents(name, person, part, recall, Stretch(low, high)))
        while given := await self._store.reactions(number, person, REACTIONS_AT_ONCE):
            await self._step(EraseReactions(name, person, given))
        await self._step(EraseMembership(name, person))

    async def _erase_account(self, person: str) -> None:
        while others := await self._store.contacts(person, CONTACTS_AT_ONCE):
            await self._step(EraseContacts(person, others))
        while places := await self._store.joins(person, JOINS_AT_ONCE):
            await self._step(EraseJoins(person, places))
        await self._step(EraseProfile(person, await self._store.account_rows(person)))

    async def _erase_rows(self, place: str, erasure: Erasure) -> None:
        left = (await self._store.left(erasure, place))[place]
        while left:
            await self._step(EraseRows(erasure.user, place, erasure.reports))
            before, left = left, (await self._store.left(erasure, place))[place]
            if left >= before:
                raise RuntimeError(f"the statements of {place} take nothing away")

    async def _erase_files(self, erasure: Erasure) -> None:
        """Take away what a person uploaded, and the evidence that goes with reports that were dropped."""
        while found := await self._store.person_files(erasure, FILES_AT_ONCE):
            await self._step(EraseFiles(erasure.user, *found))

    async def _drop_files(self, erasure: Erasure) -> Erasure:
        """Remove exports of a person, and the database that a restore replaced, unless that was today."""
        found = {place.place: place for place in erasure.receipt}
        exports = found.get(EXPORTS, NONE).erased
        for export in await self._store.exports_of([erasure.user]):
            exports += await asyncio.to_thread(self._files.drop_export, export.file)
            await self._submit(DropExport(erasure.user))
        now = self._env.now_ms()
        dropped, kept = await asyncio.to_thread(self._files.drop_replaced, now - REPLACED_KEPT_MS)
        dropped, until = dropped + found.get(REPLACED, NONE).erased, now + REPLACED_KEPT_MS if kept else 0
        found[EXPORTS] = Place(EXPORTS, exports, "unlinked")
        found[REPLACED] = Place(REPLACED, dropped, "unlinked", kept=kept, until=until)
        return replace(erasure, receipt=tuple(found.values()))

    async def _overwrite_remains(self) -> None:
        """Empty the write-ahead log, whose pages are from before, and overwrite what the database does not use.

        Raises OSError when a read holds the log for long.
        """
        page, tries = 1, 0
        while page and tries < LOG_TRIES:
            began, before = self._env.monotonic(), page
            page = await self._store.overwrite_unallocated(page)
            tries = tries + 1 if page == before else 0
            if tries:
                await asyncio.sleep(LOG_RETRY_S)
            else:
                await self._share.rest(self._env.monotonic() - began)
        if page:
            raise OSError("a read keeps the write-ahead log, so it was not emptied")

    async def _step(self, request: Any) -> None:
        began, self._removed = self._env.monotonic(), True
        await self._submit(request)
        # All of this time the writer was its own, also while the disk had to answer.
        await self._share.rest(self._env.monotonic() - began)

    async def _submit(self, request: Any) -> None:
        await self._writer.submit_and_wait("", request)


async def woken(wake: asyncio.Event) -> None:
    """Wait for the next round, or until somebody wakes the job."""
    with suppress(TimeoutError):
        async with asyncio.timeout(ROUND_S):
            await wake.wait()
    wake.clear()


def with_more(place: Place, count: int) -> Place:
    """Return a place of a receipt at which so much more was found."""
    return Place(place.place, place.erased + count, place.how, place.kept, place.until)


def slices(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Return `items` in parts of at most `size`.

    >>> slices([1, 2, 3], 2)
    [[1, 2], [3]]
    """
    return [items[first : first + size] for first in range(0, len(items), size)]

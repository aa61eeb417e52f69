"""The job that erases persons, in steps that phones do not notice.

Each step is one submission to the writer. It takes away what is there of at most some hundred rows, and the job asks
what is left before the next. So it goes on after a crash without a note of where it was: the erasure is in the list of
those under way, and what is gone is not found again. After each step the job rests, so that it takes a share of the
writer only.

When nothing is left, the write-ahead log is emptied, since it holds pages from before. The receipt says for each place
what was taken away. After a day and after 30 the places are counted again; what is found is erased, and logged as an
error: something wrote it that should not.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from chatd.config.moderation import Moderation
from chatd.core.erasure_steps import (
    Erase,
    EraseContacts,
    EraseEvents,
    EraseMembership,
    EraseProfile,
    EraseReactions,
    EraseRows,
)
from chatd.core.erasures import Erasure, NoteErasure, Place, check_after
from chatd.core.exports import DropExport
from chatd.core.read_set import DAY_MS
from chatd.env import Env
from chatd.protocol.errors import ChatError
from chatd.storage.erasing import ErasureStore, ListedErasure, PersonFiles
from chatd.telemetry.counters import Counters
from chatd.writer.writer import Writer

T = TypeVar("T")

log = logging.getLogger(__name__)

# Each of the events is read, and written with an edit of it: a few milliseconds of the one writer.
EVENTS_AT_ONCE = 250
# Each writes a message, an event and a reaction.
REACTIONS_AT_ONCE = 150
# Each writes two contacts, and two rows for devices.
CONTACTS_AT_ONCE = 100
ROOMS_AT_ONCE = 200
# The job rests so many times as long as its last step took, so that it has a quarter of the writer.
REST = 3.0
# Due checks and lists are looked for this often.
ROUND_S = 60.0
ERASURES_AT_ONCE = 100
# A read that needs the log ends within seconds; a backup within minutes.
LOG_RETRY_S = 1.0
LOG_TRIES = 600
# An operator has this long to go back to the database that a restore replaced.
REPLACED_KEPT_MS = DAY_MS
REPLACED, EXPORTS, LOG = "chatd.sqlite.replaced", "exports", "chatd.sqlite-wal"


class Erasures:
    """The erasures of a daemon: `run` carries them out, `wake` makes it look now."""

    def __init__(
        self, store: ErasureStore, files: PersonFiles, env: Env, writer: Writer, counters: Counters
    ) -> None:
        self._store = store
        self._files = files
        self._env = env
        self._writer = writer
        self._counters = counters
        self._reports_ms = 0
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
        for listed in await asyncio.to_thread(self._files.listed):
            known = await self._store.of([listed.user])
            if not known or known[0].asked < listed.asked:
                await self._submit(Erase(listed.user, listed.messages, listed.reports, listed.asked))
                begun += 1
        return begun

    async def run(self) -> None:
        """Carry out what is due until cancelled. What fails is logged, and the next round tries again."""
        while True:
            self._wake.clear()
            try:
                await self.carry_out_due()
            except ChatError as error:
                log.warning("erasures go on in a minute: %s", error)
            try:
                async with asyncio.timeout(ROUND_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def carry_out_due(self) -> None:
        """Carry out what is under way, and due checks."""
        while due := await self._store.due(self._env.now_ms(), ERASURES_AT_ONCE):
            failed = [one for one in due if not await self._carried_out(one)]
            if failed:
                return

    async def _carried_out(self, erasure: Erasure) -> bool:
        """Carry out an erasure or its check; return whether that went well. One that fails does not hold up others."""
        try:
            await (self.check(erasure) if erasure.done else self.erase(erasure))
        except (ChatError, OSError) as error:
            log.warning("an erasure goes on in a minute: %s", error)
            return False
        except Exception:
            log.exception("an erasure failed; it is tried again in a minute")
            return False
        return True

    async def check(self, erasure: Erasure) -> Erasure:
        """Count what is left of a person who was erased, and erase it; return the erasure as it is then."""
        left = await self._store.left(erasure)
        found = sum(left.values())
        if found:
            self._counters.erasures_found += found
            places = ", ".join(f"{count} in {place}" for place, count in left.items() if count)
            log.error("an erased person was not gone: %s; erasing it again", places)
        checked = replace(erasure, checked=self._env.now_ms(), found=found)
        checked = replace(checked, due=check_after(checked))
        if found or any(place.kept and place.place == REPLACED for place in erasure.receipt):
            again = (place_with(place, left.get(place.place, 0)) for place in erasure.receipt)
            checked = await self._take_away(replace(checked, receipt=tuple(again)))
        await self._submit(NoteErasure(checked))
        return checked

    async def erase(self, erasure: Erasure) -> None:
        """Carry out an erasure to its end."""
        listed = ListedErasure(erasure.user, erasure.asked, erasure.messages, erasure.reports)
        await asyncio.to_thread(self._files.list_erasure, listed)
        if not erasure.receipt:
            # Before the first step, so that a receipt after a crash tells all.
            left = await self._store.left(erasure)
            erasure = replace(erasure, receipt=tuple(Place(place, count) for place, count in left.items()))
            await self._submit(NoteErasure(erasure))
        erasure = await self._take_away(erasure)
        done = replace(erasure, done=self._env.now_ms())
        await self._submit(NoteErasure(replace(done, due=check_after(done))))

    async def _take_away(self, erasure: Erasure) -> Erasure:
        """Take away all there is of a person; return the erasure with its receipt."""
        found = {place.place: place.erased for place in erasure.receipt}
        for room in [room async for room in self._rooms(erasure.user)]:
            await self._erase_in(room, erasure)
        await self._erase_account(erasure.user)
        for eraser in self._store.erasers:
            if eraser.by_rows:
                await self._erase_rows(eraser.place, erasure)
        files = await self._drop_files(erasure.user, found)
        await self._empty_log()
        left = await self._store.left(erasure)
        if still := {place: count for place, count in left.items() if count}:
            log.warning("of an erased person something came back meanwhile: %s", still)
        return replace(erasure, receipt=(*self._receipt(found, left), *files, *await self._kept(erasure)))

    def _receipt(self, found: Mapping[str, int], left: Mapping[str, int]) -> list[Place]:
        return [
            Place(one.place, max(0, found.get(one.place, 0) - left[one.place]), one.how)
            for one in self._store.erasers
        ]

    async def _kept(self, erasure: Erasure) -> list[Place]:
        return [
            Place(place, kept=rows, until=until)
            for place, rows, until in await self._store.kept(erasure, self._reports_ms)
        ]

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
            is_last, recall = part is parts[-1], erasure.messages == "recall"
            await self._step(EraseEvents(name, person, part, recall, is_last))
        while given := await self._store.reactions(number, person, REACTIONS_AT_ONCE):
            await self._step(EraseReactions(name, person, given))
        await self._step(EraseMembership(name, person))

    async def _erase_account(self, person: str) -> None:
        while others := await self._store.contacts(person, CONTACTS_AT_ONCE):
            await self._step(EraseContacts(person, others))
        await self._step(EraseProfile(person, await self._store.account_rows(person)))

    async def _erase_rows(self, place: str, erasure: Erasure) -> None:
        left = (await self._store.left(erasure, place))[place]
        while left:
            await self._step(EraseRows(erasure.user, place, erasure.reports))
            before, left = left, (await self._store.left(erasure, place))[place]
            if left >= before:
                raise RuntimeError(f"the statements of {place} take nothing away")

    async def _drop_files(self, person: str, found: Mapping[str, int]) -> list[Place]:
        """Remove exports of a person, and the database that a restore replaced, unless that was today."""
        exports = found.get(EXPORTS, 0)
        for export in await self._store.exports_of([person]):
            exports += await asyncio.to_thread(self._files.drop_export, export.file)
            await self._submit(DropExport(person))
        now = self._env.now_ms()
        dropped, kept = await asyncio.to_thread(self._files.drop_replaced, now - REPLACED_KEPT_MS)
        dropped, until = dropped + found.get(REPLACED, 0), now + REPLACED_KEPT_MS if kept else 0
        return [
            Place(EXPORTS, exports, "unlinked"),
            Place(REPLACED, dropped, "unlinked", kept=kept, until=until),
            Place(LOG, how="emptied"),
        ]

    async def _empty_log(self) -> None:
        """Empty the write-ahead log, whose pages are from before. Raises OSError when a read holds it for long."""
        for _ in range(LOG_TRIES):
            if await self._store.truncate_log():
                return
            await asyncio.sleep(LOG_RETRY_S)
        raise OSError("a read keeps the write-ahead log, so it was not emptied")

    async def _step(self, request: Any) -> None:
        began = self._env.monotonic()
        await self._submit(request)
        await asyncio.sleep(REST * (self._env.monotonic() - began))

    async def _submit(self, request: Any) -> None:
        await self._writer.submit_and_wait("", request)


def place_with(place: Place, left: int) -> Place:
    """Return a place of a receipt to which so much is added."""
    return Place(place.place, place.erased + left)


def slices(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Return `items` in parts of at most `size`.

    >>> slices([1, 2, 3], 2)
    [[1, 2], [3]]
    """
    return [items[first : first + size] for first in range(0, len(items), size)]

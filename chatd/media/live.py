"""Voice notes that are heard while they are spoken (protocol.md "Live notes").

A live note is an upload like any other; here is what listeners have of it. They get whole pages, checked, and only
such as are on the disk for good: whatever happens to the phone, to this process and to its power, what was heard is the
beginning of what is stored. Its comments are left out, as they are later. So a note keeps the few bytes of its head;
all else lies in the file of the upload, at a distance that stays the same.

That somebody speaks is no state that must not be lost. A note that this process does not know is read again from the
disk when its phone or a listener asks for it, within the time that it may last; one that was cut stays so.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

from chatd.core.files import File
from chatd.env import Env
from chatd.media.disk import Disk
from chatd.media.engines.local import in_pool
from chatd.media.incoming import Incoming
from chatd.media.interface import Daemon, Live
from chatd.media.ogg import Note, PageReader
from chatd.protocol.media import LiveState

# Without a byte.
CUT_S = 30.0
# Pushes may be lost, so it is said again; clients wait for two of them.
REPEAT_S = 5.0
# A listener who was put out of the room hears so much more.
LOOK_S = 1.0
ROOM_MAX = 3
NOTES_MAX = 1000
# Those that are over, as long as their phones may come back: some 100 B each.
ENDED_MAX = 10_000
# Its first page says how the sound is coded, in 19 bytes for a voice.
FIRST_PAGE_MAX = 512
PIECE = 64 * 1024


class BadPage(Exception):
    """The upload is no live note."""


class _Tip(NamedTuple):
    """The newest pages, which most listeners wait for."""

    offset: int
    pages: bytes


class LiveNote:
    """A note that is spoken. `size`: bytes that listeners may have. `state`: "" before the first page came.

    `listeners`: of whom each may read on to the end, so the file stays open for them.
    """

    def __init__(self, row: File, path: Path, disk: Disk, now: float) -> None:
        self.file, self.owner, self.room, self.created_at = row.file, row.owner, row.room, row.created_at
        self.state: LiveState | Literal[""] = ""
        self.listeners = 0
        self.touched_at = self.told_at = now
        self._path, self._disk = path, disk
        self._descriptor: int | None = None
        self._lock = asyncio.Lock()
        self._reader, self._note = PageReader(), Note()
        self._head = b""
        # In the file: where its sound begins, where its last whole page ends, and how much of it was read.
        self._sound_at = self._end = self._read = 0
        self._tip = _Tip(0, b"")
        self._changed = asyncio.Event()

    @property
    def is_over(self) -> bool:
        return self.state not in ("", "live")

    @property
    def size(self) -> int:
        return len(self._head) + self._end - self._sound_at

    async def read_on(self, upto: int, pool: Executor) -> bool:
        """Read what is on the disk for good, `upto` there; return whether pages came. Raises BadPage, OSError."""
        async with self._lock:
            before, tip = self.size, b""
            while self._read < upto and not self.is_over:
                tip += await in_pool(pool, self._piece, min(PIECE, upto - self._read))
            if self.size == before or self.is_over:
                return False
            self._tip = _Tip(self.size - len(tip), tip) if len(tip) <= PIECE else _Tip(self.size, b"")
            self.wake()
            return True

    def _piece(self, count: int) -> bytes:
        """Read so many bytes more; return the pages that became whole."""
        data = self._disk.read_at(self._opened(), count, self._read)
        if len(data) < count:
            raise OSError("an upload is shorter than it was")
        self._read += count
        try:
            return b"".join(self._pages(data))
        except ValueError as problem:
            raise BadPage(str(problem)) from problem

    def _pages(self, data: bytes) -> list[bytes]:
        pages = []
        for page in self._reader.feed(data):
            given = [one.encoded() for one in self._note.add(page)]
            if page.number == 0 and page.size > FIRST_PAGE_MAX:
                raise ValueError("its first page is too long")
            if not given:
                raise ValueError("its comments are longer than a page")
            self._end += page.size
            if page.number < 2:
                self._head += given[0]
                self._sound_at = self._end
            pages += given
        return pages

    async def read(self, offset: int, pool: Executor) -> bytes:
        """Return bytes that listeners may have, from an offset below `size`. Raises OSError."""
        at = offset - self._tip.offset
        if 0 <= at < len(self._tip.pages):
            return self._tip.pages[at:]
        if offset < len(self._head):
            return self._head[offset:]
        count = min(PIECE, self.size - offset)
        offset += self._sound_at - len(self._head)
        return await in_pool(pool, self._disk.read_at, self._opened(), count, offset)

    async def changed(self, timeout_s: float) -> None:
        """Return when there is more, or it is over; after this time at the latest."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()

    def end(self, state: LiveState) -> None:
        self.state = state
        self.wake()

    def close_if_unused(self) -> None:
        """Close the file when nobody reads it."""
        if self.is_over and not self.listeners and not self._lock.locked() and self._descriptor is not None:
            self._disk.close(self._descriptor)
            self._descriptor = None

    def _opened(self) -> int:
        if self._descriptor is None:
            self._descriptor = self._disk.open(self._path)
        return self._descriptor

    def wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class LiveNotes:
    """The live notes of this process. `voice_ms`: how long one may be. `listeners`: of all of them.

    At most ROOM_MAX in a room and one of a user, whose newest counts: others are uploads that nobody hears yet.
    """

    def __init__(
        self, incoming: Incoming, disk: Disk, pool: Executor, daemon: Daemon, env: Env, voice_ms: int
    ) -> None:
        self.is_closing = False
        self.listeners = 0
        self._incoming, self._disk, self._pool = incoming, disk, pool
        self._daemon, self._env = daemon, env
        self._lasts_ms = voice_ms + int(CUT_S * 1000)
        self._notes: dict[str, LiveNote] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._notes)

    def of(self, row: File) -> LiveNote | None:
        """Return the live note that an upload is, None for one that is none, not any more, or not yet."""
        if (
            not row.room
            or row.state != "uploading"
            or row.file in self._ended
            or self._is_late(row.created_at)
        ):
            return None
        known = self._notes.get(row.file)
        if known is not None:
            return known
        others = [note for note in self._notes.values() if note.owner == row.owner]
        if any(note.created_at > row.created_at for note in others):
            return None
        for note in others:
            self.end(note.file, "cut")
        in_room = sum(note.room == row.room for note in self._notes.values())
        if in_room >= ROOM_MAX or len(self._notes) >= NOTES_MAX or self.is_closing:
            return None
        path, now = self._incoming.path(row.file), self._env.monotonic()
        self._notes[row.file] = note = LiveNote(row, path, self._disk, now)
        return note

    async def read_on(self, note: LiveNote, upto: int) -> None:
        """Pass on what came of a note, `upto` of its upload being on the disk for good. Raises BadPage, OSError."""
        note.touched_at = self._env.monotonic()
        await self._pass_on(note, upto)

    async def restore(self, note: LiveNote) -> None:
        """Read what a process before this one took of a note. Raises BadPage, OSError."""
        if not note.size:
            await self._pass_on(note, (await in_pool(self._pool, self._incoming.progress, note.file)).offset)

    async def _pass_on(self, note: LiveNote, upto: int) -> None:
        try:
            has_more = await note.read_on(upto, self._pool)
        except BadPage:
            self.end(note.file, "cancelled")
            raise
        except OSError:
            self.end(note.file, "cut")
            raise
        finally:
            note.close_if_unused()
        if has_more and not note.state:
            note.state = "live"
            self._tell(note)

    def end(self, file: str, state: LiveState) -> None:
        """End a note; what is none is left alone."""
        note = self._notes.pop(file, None)
        if note is None:
            return
        has_begun = bool(note.state)
        note.end(state)
        self._ended[file] = None
        if len(self._ended) > ENDED_MAX:
            self._ended.popitem(last=False)
        if has_begun:
            self._tell(note)
        note.close_if_unused()

    async def listen(
        self, note: LiveNote, offset: int, is_allowed: Callable[[], Awaitable[bool]]
    ) -> AsyncGenerator[bytes, None]:
        """Yield the pages of a note from an offset until it is over, or the listener may not hear it any more."""
        note.listeners += 1
        self.listeners += 1
        looked_at = self._env.monotonic()
        try:
            while True:
                if self._env.monotonic() - looked_at >= LOOK_S:
                    if not await is_allowed():
                        return
                    looked_at = self._env.monotonic()
                if offset < note.size:
                    data = await note.read(offset, self._pool)
                    offset += len(data)
                    yield data
                elif note.is_over or self.is_closing:
                    return
                else:
                    await note.changed(LOOK_S)
        finally:
            note.listeners -= 1
            self.listeners -= 1
            note.close_if_unused()

    async def run(self) -> None:
        """Look after the notes until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """Cut notes of which nothing comes, or that last longer than a note may; say of the others that they go on."""
        now = self._env.monotonic()
        for note in list(self._notes.values()):
            if now - note.touched_at >= CUT_S or self._is_late(note.created_at):
                self.end(note.file, "cut")
            elif note.state and now - note.told_at >= REPEAT_S:
                self._tell(note)

    def close(self) -> None:
        """Let the listeners go, who find their notes again with the next process."""
        self.is_closing = True
        for note in self._notes.values():
            note.wake()

    def _is_late(self, created_at: int) -> bool:
        return self._env.now_ms() - created_at > self._lasts_ms

    def _tell(self, note: LiveNote) -> None:
        note.told_at = self._env.monotonic()
        if note.state:
            self._daemon.tell(Live(note.file, note.state))

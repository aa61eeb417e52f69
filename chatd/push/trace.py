"""The trace: what was decided in the last day, for those who ask why a notification did not come.

A file an hour, of records of 40 bytes that are appended once a second and never changed. They hold hashes of users and
devices with a key of the daemon, numbers, and words of push services, so an erasure has nothing to take from them but
a day. They are not synced: after a power cut the last seconds are missing. Of a question whole files are searched for
the hash of one user, in a thread.

What was decided for everybody in a room, as in a large one, is one record of nobody.
"""

import asyncio
import hmac
import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from struct import Struct
from typing import BinaryIO, NamedTuple, get_args

from chatd.config.file_permissions import new_private_file
from chatd.core.push import Kind, Outcome

# Time, user, room, device, first, seq, kind, outcome, detail; and 4 bytes to spare.
RECORD = Struct("<q8sI4sIIBBHI")
USER_AT = 8
HOUR_MS = 3_600_000
KEPT_HOURS = 24
BYTES_MAX = 1 << 30
# Of one hour; beyond it its records are not kept.
HOUR_BYTES_MAX = BYTES_MAX // 2
# Of records that wait for the disk: more than a second makes, unless it hangs.
BUFFER_MAX = 4 << 20
# Different words of one hour: beyond it they are not kept, because a service may answer anything.
WORDS_MAX = 1_000
KEY_BYTES = 32

KINDS: tuple[Kind, ...] = get_args(Kind)
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
KIND_NUMBERS = {kind: number for number, kind in enumerate(KINDS)}
OUTCOME_NUMBERS = {outcome: number for number, outcome in enumerate(OUTCOMES)}


class Record(NamedTuple):
    """One decision. `time`: Unix ms. `user`: "" for everybody in the room. `room`: its number. `first` to `seq`: the
    events it was about.
    """

    time: int
    user: str
    device: str
    room: int
    first: int
    seq: int
    kind: Kind
    outcome: Outcome
    detail: str = ""


class Found(NamedTuple):
    """A record that was found. `device`: its hash (`Trace.hash_of_device`)."""

    time: int
    device: bytes
    room: int
    seq: int
    kind: Kind
    outcome: Outcome
    detail: str


class Trace:
    """The trace in one directory, which is made. `epoch`: of the database; what is of another one is deleted.

    Where the directory cannot be written nothing is kept, and each `flush` tries again.
    """

    def __init__(self, directory: Path, epoch: str, random_bytes: Callable[[int], bytes]) -> None:
        self._directory, self._epoch = directory, epoch
        self.key = random_bytes(KEY_BYTES).hex()
        self._hour = 0
        self._buffer = bytearray()
        self._words: dict[str, int] = {}
        self._new_words: list[str] = []
        # Of all files, once one was begun or found to be too much.
        self._size = 0
        # Records that were not kept: the disk was too slow or could not be written, or an hour had too many.
        self.dropped = 0
        self._hash = lru_cache(4096)(self._hashed)
        self._writing = asyncio.Lock()
        self._is_open = False
        with suppress(OSError):
            self._open()

    def _open(self) -> None:
        """Make the directory, and take up its key; raise OSError when it cannot be written."""
        directory, epoch = self._directory, self._epoch
        directory.mkdir(mode=0o700, exist_ok=True)
        self.key = kept(directory / "key", self.key)
        self._hash.cache_clear()
        if kept(directory / "epoch", epoch) != epoch:
            for path in [*self._files(".bin"), *self._files(".words"), directory / "epoch"]:
                path.unlink(missing_ok=True)
            kept(directory / "epoch", epoch)
        self._is_open = True

    def _hashed(self, kind: str, name: str, size: int) -> bytes:
        return hmac.digest(self.key.encode(), f"{kind}/{name}".encode(), "sha256")[:size]

    def hash_of_device(self, user: str, device: str) -> bytes:
        return self._hash("device", f"{user}/{device}", 4)

    def add(self, record: Record) -> None:
        """Keep a record. It is on the disk after the next `flush`."""
        hour = record.time // HOUR_MS
        if self._is_open and hour != self._hour and not self._buffer:
            self._begin(hour)
        if not self._is_open or len(self._buffer) >= BUFFER_MAX:
            self.dropped += 1
            return
        self._buffer += RECORD.pack(
            record.time,
            self._hash("user", record.user, 8),
            record.room & 0xFFFFFFFF,
            self.hash_of_device(record.user, record.device) if record.device else bytes(4),
            record.first,
            record.seq,
            KIND_NUMBERS[record.kind],
            OUTCOME_NUMBERS[record.outcome],
            self._word(record.detail),
            0,
        )

    def _begin(self, hour: int) -> None:
        path = self._path(hour, ".words")
        try:
            known = path.read_text().splitlines() if path.exists() else []
        except OSError:
            # The next flush says why.
            self._is_open = False
            return
        self._hour = hour
        self._words = {word: number for number, word in enumerate(known, 1)}
        self._new_words = []

    def _word(self, detail: str) -> int:
        """Return the number of a word, 0 for none."""
        word = " ".join(detail.split())[:64]
        if not word or (word not in self._words and len(self._words) >= WORDS_MAX):
            return 0
        if word not in self._words:
            self._words[word] = len(self._words) + 1
            self._new_words.append(word)
        return self._words[word]

    async def flush(self) -> None:
        """Write what was added, and delete what is too old or too much; raise OSError when that cannot be."""
        async with self._writing:
            if not self._is_open:
                await asyncio.to_thread(self._open)
            if not self._buffer:
                return
            hour, records, words = self._hour, bytes(self._buffer), self._new_words
            self._buffer.clear()
            self._new_words = []
            try:
                await asyncio.to_thread(self._write, hour, records, words)
            except OSError:
                if hour == self._hour:
                    # Later ones have numbers behind them.
                    self._new_words = words + self._new_words
                raise

    def _write(self, hour: int, records: bytes, words: list[str]) -> None:
        path = self._path(hour, ".bin")
        if words:
            with private(self._path(hour, ".words")) as file:
                file.write("".join(f"{word}\n" for word in words).encode())
        is_new = not self._size or not path.exists()
        with private(path) as file:
            # A daemon that was killed may have left a part of a record.
            file.truncate(file.tell() - file.tell() % RECORD.size)
            room = HOUR_BYTES_MAX - file.tell()
            kept = records[: max(0, room - room % RECORD.size)]
            file.write(kept)
        self.dropped += (len(records) - len(kept)) // RECORD.size
        self._size += len(kept)
        if is_new or self._size > BYTES_MAX:
            self._prune(hour)

    def _prune(self, hour: int) -> None:
        """Delete what is too old, what is too much, and what a clock that was wrong has dated ahead."""
        files = [(path, path.stat().st_size) for path in self._files(".bin") if path.stem != str(hour)]
        own = self._path(hour, ".bin").stat().st_size
        self._size = own + sum(size for _, size in files)
        for path, size in files:
            if abs(hour - int(path.stem)) < KEPT_HOURS and self._size <= BYTES_MAX - BYTES_MAX // KEPT_HOURS:
                continue
            self._size -= size
            path.unlink(missing_ok=True)
            path.with_suffix(".words").unlink(missing_ok=True)

    def _files(self, suffix: str) -> list[Path]:
        """Return the files with a suffix, the oldest first."""
        return sorted(
            (path for path in self._directory.glob(f"*{suffix}") if path.stem.isdigit()),
            key=lambda path: int(path.stem),
        )

    def _path(self, hour: int, suffix: str) -> Path:
        return self._directory / f"{hour}{suffix}"

    async def find(
        self, user: str, room: int, seq: int, limit: int, *, everybody: bool = True
    ) -> list[Found]:
        """Return up to `limit` records of `user`, the newest first; about one room or message unless these are 0.

        `everybody`: about a room, also those that are of everybody in it.
        """
        if not self._is_open:
            return []
        await self.flush()
        wanted = [self._hash("user", user, 8)]
        if room:
            at = (room & 0xFFFFFFFF).to_bytes(4, "little")
            wanted = [wanted[0] + at, *([self._hash("user", "", 8) + at] if everybody else [])]
        return await asyncio.to_thread(self._find, wanted, seq, limit)

    def _find(self, wanted: list[bytes], seq: int, limit: int) -> list[Found]:
        found: list[Found] = []
        for path in reversed(self._files(".bin")):
            words_path = path.with_suffix(".words")
            words = ["", *(words_path.read_text().splitlines() if words_path.exists() else [])]
            here = [one for pattern in wanted for one in found_in(path, pattern, seq, limit, words)]
            found += sorted(here, key=lambda one: -one.time)
            if len(found) >= limit:
                break
        return found[:limit]


def found_in(path: Path, pattern: bytes, seq: int, limit: int, words: list[str]) -> Iterator[Found]:
    """Yield the newest records of one file that begin with `pattern` behind their time."""
    if not path.stat().st_size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as records:
        end = len(records) - len(records) % RECORD.size
        count = 0
        while count < limit and (at := records.rfind(pattern, 0, end)) >= 0:
            end = at + len(pattern) - 1
            start = at - USER_AT
            if start % RECORD.size:
                continue
            time, _, room, device, first, last, kind, outcome, detail, _ = RECORD.unpack_from(records, start)
            if seq and not first <= seq <= last:
                continue
            count += 1
            word = words[detail] if detail < len(words) else ""
            yield Found(time, device, room, last, KINDS[kind], OUTCOMES[outcome], word)


def private(path: Path) -> BinaryIO:
    """Open a file to append to, which only its owner may open."""
    if not path.exists():
        new_private_file(path).close()
    return path.open("ab")


def kept(path: Path, text: str) -> str:
    """Return the text of a private file, which is made with `text`, and synced, when there is none."""
    if not path.exists() or not path.stat().st_size:
        path.unlink(missing_ok=True)
        with new_private_file(path) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    return path.read_text()

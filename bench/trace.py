"""Chat traces: JSON lines with ts, room, user and text, plain or gzip, checked line by line and bounded.

What real traces have is mended or left out, and told once; what nobody could mean is refused with its line.
"""

import gzip
import hashlib
import io
import json
import math
import re
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from pathlib import Path, PurePath
from typing import Any, BinaryIO, NamedTuple, cast

STANDARD_INPUT = Path("-")
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
FILE_BYTES_MAX = 1 << 30  # of one file of an export, which is read as a whole
BROKEN = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError)  # the last: a zip with a password


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, a pipe, or standard input for `-`; gzip is recognised by its first bytes and unpacked."""
    with ExitStack() as stack:
        given = sys.stdin.buffer if path == STANDARD_INPUT else stack.enter_context(path.open("rb"))
        raw = given if isinstance(given, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, given))
        packed = raw.peek(len(GZIP)).startswith(GZIP)  # a pipe cannot go back
        yield cast(BinaryIO, stack.enter_context(gzip.open(raw)) if packed else raw)


def files(path: Path, *suffixes: str) -> Iterator[tuple[PurePath, bytes]]:
    """The files of a directory or a zip that end like this, each with its name inside; or the one file there is.

    Raises one of BROKEN, or ValueError for one of more than FILE_BYTES_MAX.
    """
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.suffix in suffixes and file.is_file():
                yield file.relative_to(path), _small_enough(file.name, file.stat().st_size, file.read_bytes)
        return
    with opened(path) as whole:
        content = _small_enough(path.name, 0, lambda: whole.read(FILE_BYTES_MAX + 1))
    if not content.startswith(ZIP):
        yield PurePath(path.name), content
        return
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for info in sorted(archive.infolist(), key=lambda info: info.filename):
            name = PurePath(info.filename)
            if name.suffix in suffixes and name.parts[0] != "__MACOSX":
                yield name, _small_enough(info.filename, info.file_size, partial(archive.read, info))


def _small_enough(name: str, size: int, read: Callable[[], bytes]) -> bytes:
    content = read() if size <= FILE_BYTES_MAX else b""
    if max(size, len(content)) > FILE_BYTES_MAX:
        raise ValueError(f"{name} has more than {FILE_BYTES_MAX:,} bytes")
    return content


LINE_BYTES_MAX = 131_072  # room for a body of 16 KiB with every character escaped
# A body holds 16,384 encoded bytes (protocol.md "Size limits"), some for the map around it.
TEXT_BYTES_MAX = 16_000
ROOM_CHARS_MAX = 256  # of a title (protocol.md "Rooms and members")
TS_MAX = 253_402_300_799  # the last second of the year 9999; what is more is milliseconds, as a rule
MESSAGES_MAX = 2_000_000  # about 1 GiB of memory with texts of 120 characters
MEMBERS_MAX = 10_000  # members of a group (`limits.group_members`)
USERS_MAX = 20_000  # one socket each: below the ports of one address, and a usual limit of open files

_FOREIGN = re.compile(r"[^A-Za-z0-9_.:@|+-]")
_USER_CHARS_MAX = 64  # protocol.md "Identifiers and counters"
_QUOTED_CHARS_MAX = 60  # of what somebody wrote, in a sentence that refuses it


SHOWN_MAX = 12  # kinds of a verdict: more say nothing more


class Mending:
    """Counts by what was done, in words, with the place of the first. A place is `line 7` or a file."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {"mended": Counter(), "left out": Counter()}
        self._first: dict[tuple[str, str], object] = {}

    def mend(self, what: str, place: object) -> None:
        self._count("mended", what, place)

    def leave_out(self, what: str, place: object) -> None:
        self._count("left out", what, place)

    def lines(self) -> list[str]:
        return [
            f"{verb} {count:,}: {what} (the first: {self._first[verb, what]})"
            for verb, counts in self._counts.items()
            for what, count in counts.most_common(SHOWN_MAX)
        ]

    def tell(self, name: str) -> None:
        for line in self.lines():
            print(f"bench: {name}: {line}", file=sys.stderr)

    def _count(self, verb: str, what: str, place: object) -> None:
        self._counts[verb][what] += 1
        self._first.setdefault((verb, what), place)


class TraceError(ValueError):
    """The trace cannot be replayed; the text names the line and says why."""


class Message(NamedTuple):
    """One message: its place in what was read, seconds, room, user, text; a trace counts both from its first line."""

    place: Any
    at_s: float
    room: str
    user: str
    text: str


@dataclass(frozen=True, slots=True)
class Trace:
    """A whole trace: the messages in order, and who wrote in which room, in order of the first word.

    `mending`: what was mended or left out, in sentences.
    """

    name: str
    messages: tuple[Message, ...]
    members: dict[str, tuple[str, ...]]
    mending: tuple[str, ...] = ()

    @property
    def users(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(user for room in self.members.values() for user in room))

    @property
    def rooms_of(self) -> dict[str, list[str]]:
        rooms: dict[str, list[str]] = {user: [] for user in self.users}
        for room, members in self.members.items():
            for user in members:
                rooms[user].append(room)
        return rooms

    @property
    def deliveries(self) -> int:
        return sum(len(self.members[message.room]) - 1 for message in self.messages)


def load(path: Path) -> Trace:
    """Reads a trace, `-` from standard input, and says on standard error what was mended and what was left out.

    Gzip is recognised by its first bytes. Raises TraceError, naming the line.
    """
    mending = Mending()
    try:
        with opened(path) as lines:
            return read(lines, path.name, mending)
    except BROKEN as error:
        raise TraceError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    finally:
        mending.tell(path.name)


def read(lines: BinaryIO, name: str, mending: Mending | None = None) -> Trace:
    """A trace from an open binary file. Empty lines are skipped, unknown keys ignored."""
    mending = Mending() if mending is None else mending
    said = in_order(list(_said(lines, name, mending)), mending)
    if not said:
        raise TraceError(f"{name}: there is no message in it")
    first_s = said[0].at_s
    messages = tuple(one._replace(place=place, at_s=one.at_s - first_s) for place, one in enumerate(said))
    members: dict[str, dict[str, None]] = {}
    for message in messages:
        members.setdefault(message.room, {})[message.user] = None
    for room, users in members.items():
        if len(users) > MEMBERS_MAX:
            raise TraceError(f"{name}: {room} has {len(users):,} members; a group holds {MEMBERS_MAX:,}")
    if (people := len(set().union(*members.values()))) > USERS_MAX:
        raise TraceError(f"{name}: {people:,} people; one machine plays at most {USERS_MAX:,}")
    by_room = {room: tuple(users) for room, users in members.items()}
    return Trace(name, messages, by_room, tuple(mending.lines()))


def seconds(ts: object, place: object = "") -> float:
    """A time as traces have it: a number, or the text of one. Raises TraceError, with the place when there is one."""
    where = f"{place}: " if place else ""
    try:
        number = float(ts) if isinstance(ts, int | float | str) and not isinstance(ts, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise TraceError(f"{where}ts must be a number of seconds, not {_quoted(ts)}")
    if abs(number) > TS_MAX:
        late = f"ts is {_quoted(ts)}, which is after the year 9999; it counts seconds, not less"
        raise TraceError(f"{where}{late}")
    return number


def whole_text(text: str) -> str:
    """The text, with a replacement character for every half of a surrogate pair."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def sanitised(user: str) -> str:
    """The user as the protocol allows it: foreign characters become `-`, a short hash keeps two such apart.

    >>> sanitised("anna"), sanitised("zoë")
    ('anna', 'zo--c6493b13')
    """
    clean = _FOREIGN.sub("-", user)
    if clean == user and len(user) <= _USER_CHARS_MAX:
        return user
    mark = hashlib.blake2b(user.encode(), digest_size=4).hexdigest()
    return f"{clean[: _USER_CHARS_MAX - len(mark) - 1]}-{mark}"


def _said(lines: BinaryIO, name: str, mending: Mending) -> Iterator[Message]:
    """Each line that can be replayed: `place` is its number, `at_s` its own time."""
    number = count = 0
    while line := lines.readline(LINE_BYTES_MAX + 1):
        number += 1
        if not line.strip():
            continue
        try:
            message = _message(line, f"line {number}", mending)
            count += message is not None
            if count > MESSAGES_MAX:
                raise TraceError(f"more than {MESSAGES_MAX:,} messages")
        except TraceError as error:
            raise TraceError(f"{name}, line {number}: {error}") from None
        if message is not None:
            yield message


def in_order(said: list[Message], mending: Mending) -> list[Message]:
    """Return everything by time."""
    latest_s = -math.inf
    for one in said:
        if one.at_s < latest_s:
            mending.mend("not in the order of time, sorted", one.place)
        latest_s = max(latest_s, one.at_s)
    return sorted(said, key=attrgetter("at_s"))


def _message(line: bytes, place: str, mending: Mending) -> Message | None:
    record = _record(line)
    ts, room = record.get("ts"), _word(record, "room", place, mending)
    user, text = _word(record, "user", place, mending), _word(record, "text", place, mending)
    at_s = seconds(ts)
    if isinstance(ts, str):
        mending.mend("ts as text", place)
    if not room:
        raise TraceError(f"room must be a text that is not empty, not {_quoted(record.get('room'))}")
    if len(room) > ROOM_CHARS_MAX:
        raise TraceError(f"room of {len(room):,} characters; a title holds {ROOM_CHARS_MAX}")
    if (size := len(text.encode())) > TEXT_BYTES_MAX:
        raise TraceError(f"text of {size:,} bytes; a body holds {TEXT_BYTES_MAX:,}")
    if not user or not text.strip():
        mending.leave_out("without text" if user else "without a user", place)
        return None
    return Message(place, at_s, room, sanitised(user), text)


def _record(line: bytes) -> dict[str, Any]:
    if len(line) > LINE_BYTES_MAX:
        raise TraceError(f"longer than {LINE_BYTES_MAX:,} bytes")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise TraceError(f"not JSON: {error}; `convert` makes a trace of a chat export") from None
    if not isinstance(record, dict):
        raise TraceError(f"a {type(record).__name__}, not an object with ts, room, user and text")
    return record


def _word(record: dict[str, Any], key: str, place: str, mending: Mending) -> str:
    word = record.get(key)
    if isinstance(word, int) and not isinstance(word, bool):
        mending.mend(f"{key} as a number", place)
        word = str(word)
    if word is not None and not isinstance(word, str):
        raise TraceError(f"{key} must be a text, not {_quoted(word)}")
    whole = whole_text(word or "")
    if whole != (word or ""):
        mending.mend(f"half a surrogate pair in {key}, replaced", place)
    return whole


def _quoted(value: object) -> str:
    said = repr(value)
    return said if len(said) <= _QUOTED_CHARS_MAX else f"{said[:_QUOTED_CHARS_MAX]}…"

"""Chat traces: JSON lines with ts, room, user and text, plain or gzip, checked line by line and bounded."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

LINE_BYTES_MAX = 131_072  # room for a body of 16 KiB with every character escaped
TEXT_BYTES_MAX = (
    16_000  # a body holds 16,384 encoded bytes (protocol.md, Size limits), some for the map around it
)
MESSAGES_MAX = 2_000_000  # about 1 GiB of memory with texts of 120 characters
MEMBERS_MAX = 10_000  # members of a group (`limits.group_members`)
USERS_MAX = 20_000  # one socket each: below the ports of one address, and a usual limit of open files

_GZIP = b"\x1f\x8b"
_FOREIGN = re.compile(r"[^A-Za-z0-9_.:@|+-]")
_USER_CHARS_MAX = 64  # protocol.md, Identifiers and counters


class TraceError(ValueError):
    """The trace cannot be replayed; the text names the line and says why."""


class Message(NamedTuple):
    """One line: its place in the trace, seconds since the first line, room, sanitised user, text."""

    place: int
    at_s: float
    room: str
    user: str
    text: str


@dataclass(frozen=True, slots=True)
class Trace:
    """A whole trace: the messages in order, and who wrote in which room, in order of the first word."""

    name: str
    messages: tuple[Message, ...]
    members: dict[str, tuple[str, ...]]

    @property
    def users(self) -> tuple[str, ...]:
        """Everybody who wrote anything, once each."""
        return tuple(dict.fromkeys(user for room in self.members.values() for user in room))

    @property
    def rooms_of(self) -> dict[str, list[str]]:
        """The rooms of each user."""
        rooms: dict[str, list[str]] = {user: [] for user in self.users}
        for room, members in self.members.items():
            for user in members:
                rooms[user].append(room)
        return rooms

    @property
    def deliveries(self) -> int:
        """How many times a message must reach somebody who did not write it."""
        return sum(len(self.members[message.room]) - 1 for message in self.messages)


def load(path: Path) -> Trace:
    """Reads a trace; gzip is recognised by its first bytes. Raises TraceError, naming the line."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP
        with gzip.open(path) if packed else path.open("rb") as lines:
            return read(cast(BinaryIO, lines), path.name)
    except (OSError, EOFError, zlib.error) as error:
        raise TraceError(f"{path}: {getattr(error, 'strerror', None) or error}") from error


def read(lines: BinaryIO, name: str) -> Trace:
    """A trace from an open binary file. Empty lines are skipped, unknown keys ignored."""
    messages = tuple(_messages(lines, name))
    if not messages:
        raise TraceError(f"{name}: there is no message in it")
    members: dict[str, dict[str, None]] = {}
    for message in messages:
        members.setdefault(message.room, {})[message.user] = None
    _bound(name, members)
    return Trace(name, messages, {room: tuple(users) for room, users in members.items()})


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


def _messages(lines: BinaryIO, name: str) -> Iterator[Message]:
    first_ts = last_ts = None
    place = number = 0
    while line := lines.readline(LINE_BYTES_MAX + 1):
        number += 1
        if not line.strip():
            continue
        try:
            ts, room, user, text = _fields(line)
            if last_ts is not None and ts < last_ts:
                raise TraceError(f"ts goes back by {last_ts - ts:.3f} s; a trace is ordered by time")
            if place == MESSAGES_MAX:
                raise TraceError(f"more than {MESSAGES_MAX:,} messages")
        except TraceError as error:
            raise TraceError(f"{name}, line {number}: {error}") from None
        first_ts = ts if first_ts is None else first_ts
        last_ts = ts
        yield Message(place, ts - first_ts, room, sanitised(user), text)
        place += 1


def _fields(line: bytes) -> tuple[float, str, str, str]:
    if len(line) > LINE_BYTES_MAX:
        raise TraceError(f"longer than {LINE_BYTES_MAX:,} bytes")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise TraceError(f"not JSON: {error}") from None
    if not isinstance(record, dict):
        raise TraceError(f"a {type(record).__name__}, not an object with ts, room, user and text")
    ts, room, user, text = (
        _number(record),
        _word(record, "room"),
        _word(record, "user"),
        _word(record, "text"),
    )
    if (size := len(text.encode())) > TEXT_BYTES_MAX:
        raise TraceError(f"text of {size:,} bytes; a body holds {TEXT_BYTES_MAX:,}")
    return ts, room, user, text


def _number(record: dict[str, Any]) -> float:
    ts = record.get("ts")
    if isinstance(ts, bool) or not isinstance(ts, int | float) or not math.isfinite(ts):
        raise TraceError(f"ts must be a number of seconds, not {ts!r}")
    return float(ts)


def _word(record: dict[str, Any], key: str) -> str:
    word = record.get(key)
    if not isinstance(word, str) or not word:
        raise TraceError(f"{key} must be a text that is not empty, not {word!r}")
    try:
        word.encode()
    except UnicodeEncodeError:
        raise TraceError(f"{key} holds half a surrogate pair, which is not text") from None
    return word


def _bound(name: str, members: dict[str, dict[str, None]]) -> None:
    for room, users in members.items():
        if len(users) > MEMBERS_MAX:
            raise TraceError(f"{name}: {room} has {len(users):,} members; a group holds {MEMBERS_MAX:,}")
    if (people := len(set().union(*members.values()))) > USERS_MAX:
        raise TraceError(f"{name}: {people:,} people; one machine plays at most {USERS_MAX:,}")

"""The text that WhatsApp exports of one chat: a file, or the zip it comes in.

Source: what phones of both kinds write in their languages when asked to export a chat: dates in their order, times
with or without seconds, AM and PM, marks of writing direction.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import NamedTuple

from bench.exports.said import NOTICE, Said, spread
from bench.opening import files
from bench.trace import Mending, TraceError

DIRECTIONS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\ufeff"
HEAD = re.compile(
    rf"[{DIRECTIONS}]*\[?(\d{{1,4}})[./-](\d{{1,2}})[./-](\d{{1,4}}),?\s+(\d{{1,2}})[:.](\d\d)(?:[:.](\d\d))?"
    r"(?:\s*([apAP])\.?\s?[mM]\.?)?(?:\]\s|\s+-\s)(.*)"
)
MEDIA = re.compile(r"<[^<>\n]+>")  # <Media omitted>, in whatever language
TITLES = re.compile(r"^(WhatsApp Chat (with|-) |WhatsApp[- ]Chat[- ])")
PIVOT = 100  # years below have two digits


class Head(NamedTuple):
    """The beginning of a message: the date in the order of the file, the time, and what follows."""

    date: tuple[int, int, int]
    time: tuple[int, int, int]
    seconds: bool
    rest: str
    place: str


def read(path: Path, mending: Mending) -> Iterator[Said]:
    """Everything said, in the order of the file. Raises TraceError for what is no such export."""
    for name, content in files(path, ".txt"):
        room = _room(name, path)
        heads = list(_heads(content.decode("utf-8-sig", "replace"), str(name), mending))
        if not heads:
            raise TraceError(f"{name}: no export of WhatsApp: no line begins with a date and a time")
        order = _order([head.date for head in heads], name, mending)
        said = [one for head in heads for one in _said(head, order, room, mending)]
        yield from said if any(head.seconds for head in heads) else spread(said, mending)


def _room(name: PurePath, path: Path) -> str:
    """The chat, by the name of the file; a phone of one kind calls every file `_chat.txt` and names the zip."""
    stem = path.stem if name.stem == "_chat" and path.suffix == ".zip" else name.stem
    return TITLES.sub("", stem) or stem


def _heads(text: str, name: str, mending: Mending) -> Iterator[Head]:
    head: Head | None = None
    for number, line in enumerate(text.splitlines(), 1):
        place = f"{name}, line {number}"
        if found := HEAD.match(line):
            if head is not None:
                yield head
            head = _head(found, place)
        elif head is not None:
            head = head._replace(rest=f"{head.rest}\n{line}")
        elif line.strip():
            mending.leave_out("before the first message", place)
    if head is not None:
        yield head


def _head(found: re.Match[str], place: str) -> Head:
    first, second, third, hour, minute, second_s, half, rest = found.groups()
    hours = int(hour) % 12 + 12 * (half in "pP") if half else int(hour)
    date = (int(first), int(second), int(third))
    return Head(date, (hours, int(minute), int(second_s or 0)), second_s is not None, rest, place)


def _order(dates: list[tuple[int, int, int]], name: PurePath, mending: Mending) -> tuple[int, int, int]:
    """Where year, month and day stand: as no date contradicts, and the dates rise; day first when both may be."""
    if any(first > 31 for first, _, _ in dates):
        return 0, 1, 2
    day_first, month_first = (2, 1, 0), (2, 0, 1)
    orders = (day_first, month_first)
    possible = [order for order in orders if all(date[order[1]] <= 12 for date in dates)] or [day_first]
    rising = [order for order in possible if (days := [_ymd(date, order) for date in dates]) == sorted(days)]
    if len(rising) == 2 and len({date[:2] for date in dates}) > 1:
        mending.mend("day or month first cannot be told, day taken", name)
    return (rising or possible)[0]


def _ymd(date: tuple[int, int, int], order: tuple[int, int, int]) -> tuple[int, int, int]:
    year, month, day = (date[place] for place in order)
    return year + 2000 if year < PIVOT else year, month, day


def _said(head: Head, order: tuple[int, int, int], room: str, mending: Mending) -> Iterator[Said]:
    user, colon, text = head.rest.partition(": ")
    bare = text.translate(dict.fromkeys(map(ord, DIRECTIONS))).strip()
    if not colon or "\n" in user:
        mending.leave_out(NOTICE, head.place)
    elif text.startswith(tuple(DIRECTIONS)) or MEDIA.fullmatch(bare):
        mending.leave_out("media, and notices in the name of somebody", head.place)
    else:
        try:
            when = datetime(*_ymd(head.date, order), *head.time, tzinfo=UTC)
        except ValueError as error:
            raise TraceError(f"{head.place}: {error}") from None
        yield Said(when.timestamp(), room, user.strip(f"{DIRECTIONS}\u00a0\u202f ~"), bare, head.place)

"""Exports in lines of text: one chat of WhatsApp, and logs of IRC clients, a file for each channel or day.

Sources: what phones of both kinds write in their languages when asked to export a chat (dates in their order, with or
without seconds, AM and PM, marks of writing direction), and the manuals of irssi (log formats), WeeChat (plugin
logger), ZNC (module log) and HexChat (settings).
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path, PurePath
from typing import NamedTuple

from bench.exports.documents import NOTICE, spread
from bench.trace import Mending, Message, TraceError, files

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


def whatsapp(path: Path, mending: Mending) -> Iterator[Message]:
    """Everything said, in the order of the file. Raises TraceError for what is no such export."""
    for name, content in files(path, ".txt"):
        room = _chat(name, path)
        heads = list(_heads(content.decode("utf-8-sig", "replace"), str(name), mending))
        if not heads:
            raise TraceError(f"{name}: no export of WhatsApp: no line begins with a date and a time")
        order = _order([head.date for head in heads], name, mending)
        said = [one for head in heads for one in _said(head, order, room, mending)]
        yield from said if any(head.seconds for head in heads) else spread(said, mending)


def _chat(name: PurePath, path: Path) -> str:
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


def _said(head: Head, order: tuple[int, int, int], room: str, mending: Mending) -> Iterator[Message]:
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
        yield Message(head.place, when.timestamp(), room, user.strip(f"{DIRECTIONS}\u00a0\u202f ~"), bare)


NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # in any locale
MONTHS = {name: place for place, name in enumerate(NAMES, 1)}
CLOCK = re.compile(
    r"\[?(?:(?P<date>\d{4}-\d\d-\d\d)[T ]|(?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2}) +)?"
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?[ \t]+"
)
DAY = re.compile(r"(?:---|\*{4}|Session Start).*?([A-Z][a-z]{2}) +(\d{1,2})(?: [\d:]+)? (\d{4})")
NAMED = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)")  # the day, in the name of a file
SPOKEN = re.compile(r"<[@+%&~! ]*([^>\s]+) ?>[ \t]?(.*)")
ACTED = re.compile(r"\*[ \t]+([^\s*]+) (.+)")
HAPPENED = re.compile(r"(has|sets|is now known|was kicked|changed|changes) |\(\S+@\S+\)|\[\S+@\S+\]")
# A client of itself.
ABOUT = "Now talking", "Topic ", "Channel ", "You ", "Disconnected", "Connect", "Looking"
FORMATTING = re.compile(r"\x03(?:\d{1,2}(?:,\d{1,2})?)?|[\x00-\x08\x0e-\x1f\x7f]")  # colours, bold, reverse
BACK_S = 6 * 3600.0  # a clock that goes back further has passed midnight


def irc(path: Path, mending: Mending) -> Iterator[Message]:
    """Everything said, file by file. Raises TraceError when no line of a file has a time."""
    for name, content in files(path, ".log", ".txt", ".weechatlog"):
        log = Log(name, path)
        said = list(log.read(content, mending))
        if not log.clocks:
            raise TraceError(f"{name}: no log of IRC: no line begins with a time")
        yield from said if log.to_the_second else spread(said, mending)


class Log:
    """One file, read from top to bottom: what day it is stands in lines of its own, or in the file's name."""

    def __init__(self, name: PurePath, path: Path) -> None:
        self.clocks = 0  # lines with a time
        self.to_the_second = False
        self._name = name
        self._room = _channel(name, path)
        self._day = _named_day(name)
        self._guessed = self._day is None
        self._last_s = 0.0

    def read(self, content: bytes, mending: Mending) -> Iterator[Message]:
        for number, raw in enumerate(content.splitlines(), 1):
            place = f"{self._name}, line {number}"
            line = _decoded(raw, place, mending)
            if found := DAY.match(line):
                if found[1] in MONTHS:
                    self._day, self._guessed = date(int(found[3]), MONTHS[found[1]], int(found[2])), False
                    self._last_s = 0.0
            elif clock := CLOCK.match(line):
                when = self._when(clock, place, mending)
                if spoken := _spoken(line[clock.end() :]):
                    yield Message(place, when, self._room, *spoken)
                else:
                    mending.leave_out(NOTICE, place)
            elif line.strip():
                mending.leave_out("lines without a time", place)

    def _when(self, clock: re.Match[str], place: str, mending: Mending) -> float:
        self.clocks += 1
        self.to_the_second |= clock["second"] is not None
        at_s = int(clock["hour"]) * 3600.0 + int(clock["minute"]) * 60 + int(clock["second"] or 0)
        try:
            if clock["date"]:
                self._day, self._guessed = date.fromisoformat(clock["date"]), False
            elif clock["month"] in MONTHS:
                year = 1970 if self._day is None else self._day.year
                self._day = date(year, MONTHS[clock["month"]], int(clock["day"]))
            elif self._day is None or at_s < self._last_s - BACK_S:
                self._day = date(1970, 1, 1) if self._day is None else self._day + timedelta(days=1)
        except (ValueError, OverflowError) as error:
            raise TraceError(f"{place}: {error}") from None
        if self._guessed:
            mending.mend("no date, days counted from 1970", place)
        self._last_s = at_s
        midnight = datetime(self._day.year, self._day.month, self._day.day, tzinfo=UTC)
        return midnight.timestamp() + at_s


def _spoken(rest: str) -> tuple[str, str] | None:
    if found := SPOKEN.match(rest):
        return found[1], FORMATTING.sub("", found[2])
    nick, tab, text = rest.partition("\t")
    if tab and nick.strip() == "*":  # WeeChat and HexChat: the one who acts stands in the text
        rest = f"* {text}"
    elif tab:
        return None if re.fullmatch(r"\W*", nick) else (nick.lstrip("@+%&~! "), FORMATTING.sub("", text))
    found = None if rest.lstrip("* \t").startswith(ABOUT) else ACTED.match(rest)
    return None if found is None or HAPPENED.match(found[2]) else (found[1], FORMATTING.sub("", found[2]))


def _decoded(raw: bytes, place: str, mending: Mending) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        mending.mend("not UTF-8, read as Latin-1", place)
        return raw.decode("latin-1")


def _named_day(name: PurePath) -> date | None:
    found = NAMED.search(name.name)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def _channel(name: PurePath, path: Path) -> str:
    """The channel, by the name of the file; files that are called after days lie in a folder of the channel."""
    stem = NAMED.sub("", name.name).removesuffix(name.suffix).strip("._- ")
    whole = stem or name.parent.name or path.absolute().parent.name
    return whole[whole.index("#") :] if "#" in whole else whole

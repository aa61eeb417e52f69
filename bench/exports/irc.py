"""Logs of IRC clients, a file for each channel or day: irssi, WeeChat, ZNC, HexChat, mIRC and what writes like them.

Sources: the manuals of irssi (log formats), WeeChat (logger plugin), ZNC (module log) and HexChat (settings).
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path, PurePath

from bench.exports.said import NOTICE, Said, spread
from bench.opening import files
from bench.trace import Mending, TraceError

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


def read(path: Path, mending: Mending) -> Iterator[Said]:
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
        self._room = _room(name, path)
        self._day = _named_day(name)
        self._guessed = self._day is None
        self._last_s = 0.0

    def read(self, content: bytes, mending: Mending) -> Iterator[Said]:
        for number, raw in enumerate(content.splitlines(), 1):
            place = f"{self._name}, line {number}"
            line = _decoded(raw, place, mending)
            if found := DAY.match(line):
                self._turn_to(found)
            elif clock := CLOCK.match(line):
                when = self._when(clock, place, mending)
                yield from self._line(line[clock.end() :], when, place, mending)
            elif line.strip():
                mending.leave_out("lines without a time", place)

    def _turn_to(self, found: re.Match[str]) -> None:
        month, day, year = found.groups()
        if month in MONTHS:
            self._day, self._guessed, self._last_s = date(int(year), MONTHS[month], int(day)), False, 0.0

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

    def _line(self, rest: str, when: float, place: str, mending: Mending) -> Iterator[Said]:
        spoken = _spoken(rest)
        if spoken is None:
            mending.leave_out(NOTICE, place)
        else:
            yield Said(when, self._room, *spoken, place)


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


def _room(name: PurePath, path: Path) -> str:
    """The channel, by the name of the file; files that are called after days lie in a folder of the channel."""
    stem = NAMED.sub("", name.name).removesuffix(name.suffix).strip("._- ")
    whole = stem or name.parent.name or path.absolute().parent.name
    return whole[whole.index("#") :] if "#" in whole else whole

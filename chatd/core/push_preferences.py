"""What users want to be told on their devices, and when (protocol.md "PushPreferences"). Synchronous and pure.

A quiet time is one of the clock on the wall. The caller reckons that clock from the time zone (push/zones.py), at the
moment it asks for: so on the night when clocks change, quiet hours begin and end when the wall says so.
"""

from msgspec import UNSET

from chatd.core.read_set import ReadSet
from chatd.core.room import Member, Room
from chatd.core.sections import ACCOUNT, stored
from chatd.core.write_set import WriteSet
from chatd.protocol.errors import Refused
from chatd.protocol.preferences import PreferencesRow, preferences_of
from chatd.protocol.push import PushPreferences, QuietHours
from chatd.protocol.rooms import Preferences

DAY_MINUTES = 24 * 60
MINUTE_MS = 60_000
# 1 January 1970 was a Thursday.
FIRST_WEEKDAY = 4

# The name of the account row.
PREFERENCES = "preferences"
# The keys of a request that stand in that row.
OF_ACCOUNT = ("receipts", "presence", "push", "credit", "folders")


def require_push(request: Preferences, reads: ReadSet) -> None:
    """Refuse what concerns push where it is off, and quiet hours without a time zone that is known here."""
    for name in ("push", "notify"):
        if getattr(request, name) is not UNSET and not reads.rules.push:
            raise Refused("not_supported", "push is switched off here", field=name)
    wanted = request.push
    if wanted is UNSET:
        return
    if wanted.quiet and not wanted.timezone:
        raise Refused("bad_request", "quiet hours need a time zone", field="push.timezone")
    if wanted.timezone and not reads.rules.knows_zone(wanted.timezone):
        raise Refused("bad_request", "no such time zone here", field="push.timezone")


def is_of_account(request: Preferences) -> bool:
    """Whether a request changes preferences of the account, and not of a room alone."""
    return any(getattr(request, name) is not UNSET for name in OF_ACCOUNT)


def set_level(request: Preferences, room: Room, member: Member, writes: WriteSet) -> None:
    """Set which messages of one room its member is told of."""
    if request.notify is UNSET:
        return
    level = "" if request.notify == "default" else request.notify
    if level != member.notify:
        writes.touch_member(room, member.user).notify = level
        writes.refreshed[room.number, member.user] = room


def stored_preferences(user: str, reads: ReadSet) -> PreferencesRow:
    row = stored(user, ACCOUNT, PREFERENCES, reads)
    return PreferencesRow() if row is None else preferences_of(row)


def is_quiet(preferences: PushPreferences, wall_ms: int) -> bool:
    """Whether it is quiet at `wall_ms`: the time on the user's wall, as milliseconds since the wall said 1970.

    >>> is_quiet(PushPreferences(quiet=[QuietHours("22:30", "07:00", [4])]), 23 * 60 * MINUTE_MS)
    True
    """
    if not preferences.quiet:
        return False
    day, minute = divmod(wall_ms // MINUTE_MS, DAY_MINUTES)
    today = (day + FIRST_WEEKDAY - 1) % 7 + 1
    yesterday = (day + FIRST_WEEKDAY - 2) % 7 + 1
    return any(holds(hours, minute, today, yesterday) for hours in preferences.quiet)


def holds(hours: QuietHours, minute: int, today: int, yesterday: int) -> bool:
    """Whether it is quiet at a minute of a day; the night before may reach into it."""
    start, end = minutes_of(hours.start), minutes_of(hours.end)
    if start < end:
        return start <= minute < end and begins_on(hours, today)
    return (minute >= start and begins_on(hours, today)) or (minute < end and begins_on(hours, yesterday))


def begins_on(hours: QuietHours, weekday: int) -> bool:
    return not hours.days or weekday in hours.days


def minutes_of(time: str) -> int:
    """Return a time of the day in minutes.

    >>> minutes_of("22:30")
    1350
    """
    return int(time[:2]) * 60 + int(time[3:])

"""What a room asks of its user: which of its messages alert, and its share of the badge (protocol.md "Which messages
alert"). Synchronous and pure.

One query of the store is the same rule (storage/sqlite/push.py): the badge of a notification and `totals.badge` are it.
tests/contracts/test_store_badge.py holds both equal.
"""

from chatd.core.room import Member, Room
from chatd.protocol.push import Level, PushPreferences


def level_of(
    room: Room, member: Member, preferences: PushPreferences, members_all: int, now_ms: int
) -> Level:
    """Return which messages of a room alert its member. `members_all`: above it, a group alerts who is named."""
    if member.hidden or not room.is_listed(member):
        return "none"
    chosen = member.notify or (preferences.messages if room.direct else preferences.groups)
    if chosen == "none":
        return "none"
    is_large = not room.direct and room.size > members_all and member.notify != "all"
    return "mentions" if chosen == "mentions" or is_large or member.muted(now_ms) else "all"


def badge_of(room: Room, member: Member, preferences: PushPreferences, members_all: int, now_ms: int) -> int:
    """Return the share of a room in the number on the icon of its member's app."""
    level = level_of(room, member, preferences, members_all, now_ms)
    return {"all": member.unread(room.ordinal), "mentions": member.mentions, "none": 0}[level]

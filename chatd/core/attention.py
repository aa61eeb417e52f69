"""What a room asks of its user: which of its messages alert, and its share of the badge (protocol.md "Which messages
alert"). Synchronous and pure.

The table of push decisions looks at the same lines one by one, to say why (core/push_decision.py). One query of the
store is the same rule (storage/sqlite/push.py): the badge of a notification and `totals.badge` are it, and
tests/contracts/test_store_badge.py holds both equal.
"""

from typing import Literal, NamedTuple

from chatd.core.room import ACCEPTED, POLICY
from chatd.core.users import FOR_EVER
from chatd.protocol.push import Level, PushPreferences


class RoomState(NamedTuple):
    """The state of a room and of one of its members, as far as it counts here.

    `members`: their number. `is_written`: somebody wrote in it. `notify`: "" as the account says. `muted_until`: in
    Unix ms, 0 for not muted, or FOR_EVER. `is_marked`: its member marked it as unread.
    """

    is_direct: bool
    members: int
    is_written: bool
    standing: int = ACCEPTED
    is_hidden: bool = False
    notify: Level | Literal[""] = ""
    muted_until: int = 0
    is_archived: bool = False
    is_channel: bool = False
    is_marked: bool = False


class Attention(NamedTuple):
    """The lines of the rule. `level`: of the room, else of the account; none of a hidden room.

    `is_listed`: it is in the list of its member, and neither a message request nor hidden. `is_large`: a large group or
    a channel, which alerts those who are named. `is_muted`: or archived.
    """

    is_listed: bool = True
    level: Level = "all"
    is_large: bool = False
    is_muted: bool = False
    is_marked: bool = False

    @property
    def alerts(self) -> Level:
        """Which messages alert, all lines together."""
        if not self.is_listed or self.level == "none":
            return "none"
        return "mentions" if self.level == "mentions" or self.is_large or self.is_muted else "all"

    def badge(self, unread: int, mentions: int) -> int:
        """Return the share of the room in the number on the icon of its member's app."""
        counted = {"all": unread, "mentions": mentions, "none": 0}[self.alerts]
        return max(counted, 1) if self.is_marked and self.is_listed else counted


def attention_of(room: RoomState, preferences: PushPreferences, members_all: int, now_ms: int) -> Attention:
    """Return what a room asks of its member. `members_all`: above it, a group alerts who is named or asked for all."""
    is_listed = room.standing == ACCEPTED or (room.standing == POLICY and room.is_written)
    large = room.is_channel or is_large(room.members, members_all, is_direct=room.is_direct)
    return Attention(
        is_listed and not room.is_hidden,
        room.notify or (preferences.messages if room.is_direct else preferences.groups),
        large and room.notify != "all",
        room.muted_until == FOR_EVER or room.muted_until > now_ms or room.is_archived,
        room.is_marked,
    )


def is_large(members: int, members_all: int, *, is_direct: bool) -> bool:
    """Whether a room has more members than are all told."""
    return not is_direct and members > members_all

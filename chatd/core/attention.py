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
    Unix ms, 0 for not muted, or FOR_EVER.
    """

    is_direct: bool
    members: int
    is_written: bool
    standing: int = ACCEPTED
    is_hidden: bool = False
    notify: Level | Literal[""] = ""
    muted_until: int = 0


class Attention(NamedTuple):
    """The lines of the rule. `level`: of the room, else of the account; none of a hidden room.

    `is_listed`: it is in the list of its member, and no message request. `is_large`: it alerts those who are named.
    """

    is_listed: bool = True
    level: Level = "all"
    is_large: bool = False
    is_muted: bool = False

    @property
    def alerts(self) -> Level:
        """Which messages alert, all lines together."""
        if not self.is_listed or self.level == "none":
            return "none"
        return "mentions" if self.level == "mentions" or self.is_large or self.is_muted else "all"

    def badge(self, unread: int, mentions: int) -> int:
        """Return the share of the room in the number on the icon of its member's app."""
        return {"all": unread, "mentions": mentions, "none": 0}[self.alerts]


def attention_of(room: RoomState, preferences: PushPreferences, members_all: int, now_ms: int) -> Attention:
    """Return what a room asks of its member. `members_all`: above it, a group alerts who is named or asked for all."""
    is_direct, members, is_written, standing, is_hidden, notify, muted_until = room
    return Attention(
        standing == ACCEPTED or (standing == POLICY and is_written),
        "none" if is_hidden else notify or (preferences.messages if is_direct else preferences.groups),
        is_large(members, members_all, is_direct=is_direct) and notify != "all",
        muted_until == FOR_EVER or muted_until > now_ms,
    )


def is_large(members: int, members_all: int, *, is_direct: bool) -> bool:
    """Whether a room has more members than are all told."""
    return not is_direct and members > members_all

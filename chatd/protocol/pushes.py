"""Everything the server says unasked (protocol.md "All packets").

No push of events carries anything per recipient: one encoding serves all.
"""

from msgspec import UNSET, Raw, Struct, UnsetType

from chatd.protocol.identifiers import U53, Milliseconds
from chatd.protocol.objects import AccountRow, GoneReason, Receipt, RoomPosition, RoomSummary, UserState


class Push(Struct, tag_field="type", omit_defaults=True):
    pass


class EventPush(Push, tag="event"):
    """Events of one room, contiguous and ascending."""

    room: str
    events: list[Raw]


class HeadPush(Push, tag="head"):
    """These rooms moved; content on request."""

    rooms: list[RoomPosition]


class RoomPush(Push, tag="room"):
    summary: RoomSummary


class GonePush(Push, tag="gone"):
    room: str
    reason: GoneReason = "removed"


class PositionPush(Push, tag="position", omit_defaults=False):
    """Own counters; `ordinal`: of the last message they count."""

    room: str
    read: U53
    unread: U53
    unread_mentions: U53
    ordinal: U53 | UnsetType = UNSET


class ReceiptsPush(Push, tag="receipts"):
    room: str
    receipts: list[Receipt]


class TypingPush(Push, tag="typing"):
    room: str
    user: str


class PresencePush(Push, tag="presence"):
    users: list[UserState]


class AccountPush(Push, tag="account"):
    """Account rows that a commit changed, by section; with `more` they are too many: `sync` has them."""

    sections: dict[str, list[AccountRow]] | UnsetType = UNSET
    more: bool = False


class TokenExpiringPush(Push, tag="token_expiring", omit_defaults=False):
    token_ttl: U53  # seconds


class PingPush(Push, tag="ping"):
    cursor: str | UnsetType = UNSET


class ByePush(Push, tag="bye"):
    """Before every deliberate close. `retry_after` in milliseconds."""

    reason: str
    close: int
    retry_after: Milliseconds | UnsetType = UNSET
    to: str | UnsetType = UNSET
    cursor: str | UnsetType = UNSET

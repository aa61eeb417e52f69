"""What decisions of one batch may look at besides the request: state read before deciding, kept current meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from chatd.core.allowances import Allowances
from chatd.core.room import Room
from chatd.core.users import Account, DeviceSeen
from chatd.core.visibility import ShownTo
from chatd.core.write_set import Message
from chatd.protocol.messages import Event

R = TypeVar("R")


@dataclass(slots=True, frozen=True)
class KeyedEvent:
    """What an idempotency key was used for: enough to repeat the first answer. `event` None: nothing was logged."""

    event: Event | None
    time: int
    digest: int | None


@dataclass(slots=True, frozen=True)
class Tail:
    """What lies after a read position: the number of countable messages up to it, own ones and mentions after."""

    ordinal: int
    own: int
    mentions: int


class UnreadSpan(NamedTuple):
    """The events of room number `room` above `low` up to `high`, as they concern `user`. They never change."""

    room: int
    user: str
    low: int
    high: int

    @property
    def events(self) -> int:
        return self.high - self.low


class Counted(NamedTuple):
    """What stands in a span: countable messages, own ones among them, and mentions of the user by others."""

    messages: int = 0
    own: int = 0
    mentions: int = 0


@dataclass(slots=True, frozen=True)
class Rules:
    """The limits decisions follow; the operator sets them."""

    body_bytes: int = 16_384
    group_members: int = 10_000
    full_members: int = 500
    large_members: int = 1_000
    delivered_members: int = 32
    edit_window_ms: int = 86_400_000
    shown_to: ShownTo = "known"
    rooms_per_user: int = 2_000


NO_BOUNDS = Allowances()


@dataclass(slots=True)
class ReadSet:
    """Rooms by name, stored messages and read tails by place, keys already used, fresh room numbers and names."""

    rules: Rules
    rooms: Mapping[str, Room]
    messages: dict[tuple[int, int], Message] = field(default_factory=dict)
    keyed: dict[tuple[int, str, str], KeyedEvent] = field(default_factory=dict)
    tails: dict[tuple[int, str, int], Tail] = field(default_factory=dict)
    postponed: list[Any] = field(default_factory=list)  # submissions that are not to be decided in this batch
    created: dict[tuple[str, str], Room] = field(default_factory=dict)  # by creator and key
    pairs: dict[tuple[str, str], Room] = field(default_factory=dict)
    fresh: list[tuple[int, int]] = field(
        default_factory=list
    )  # unused room numbers, each with 64 random bits
    accounts: dict[str, Account] = field(default_factory=dict)
    devices: dict[tuple[str, str], DeviceSeen] = field(default_factory=dict)
    allowances: Allowances = NO_BOUNDS
    now_s: float = 0.0  # monotonic, of the batch
    # By user: their devices, the one seen last at the end.
    listed: dict[str, list[str]] = field(default_factory=dict)
    # By user: rooms before this batch; left out: none.
    memberships: dict[str, int] = field(default_factory=dict)
    # What other chapters read, by type and key: see `records_of`.
    records: dict[type, dict[Any, Any]] = field(default_factory=dict)

    def records_of(self, kind: type[R]) -> dict[Any, R]:
        """The stored records of one type that were read for this batch, by their keys. Decisions keep them current."""
        return self.records.setdefault(kind, {})


def most_rooms(rooms_per_user: int) -> int:
    """How many rooms a user may be in by their own doing: half as many again as others may bring them into.

    So nobody keeps a user out of rooms of their own by filling their list.
    """
    return rooms_per_user * 3 // 2


def pair(a: str, b: str) -> tuple[str, str]:
    """The key of the direct room of two users: the same in any order."""
    return (a, b) if a < b else (b, a)

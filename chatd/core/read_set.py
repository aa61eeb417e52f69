"""The state that the decisions of one batch may look at: read before the first one, kept current by each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from msgspec import Struct

from chatd.core.allowances import Allowances
from chatd.core.privacy import BOUNDS, HostBounds
from chatd.core.room import Room
from chatd.core.users import Account, DeviceSeen
from chatd.core.visibility import ShownTo
from chatd.core.write_set import Message
from chatd.protocol.messages import Event

DAY_MS = 86_400_000

R = TypeVar("R")


@dataclass(slots=True, frozen=True)
class KeyedEvent:
    """The first use of an idempotency key, to repeat its reply. `event` None: nothing was logged."""

    event: Event | None
    time: int
    digest: int | None


@dataclass(slots=True, frozen=True)
class Tail:
    """The counters of a read position: countable messages up to it, own ones and mentions after it."""

    ordinal: int
    own: int
    mentions: int


@dataclass(slots=True, frozen=True)
class DirectPair:
    """A record: the direct room of two users, `lower` < `higher`."""

    lower: str
    higher: str
    room: int


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
    """The counters of a span: countable messages, own ones among them, and mentions of the user by others."""

    messages: int = 0
    own: int = 0
    mentions: int = 0


@dataclass(slots=True, frozen=True)
class PeopleRules:
    """The limits that the operator sets for people. `host_owns`: kinds that only the back end of the host changes.

    `bounds`: the audiences from which users choose. `request_texts`: those that a stranger may write before an answer.
    """

    enabled: bool = False
    host_owns: frozenset[str] = frozenset()
    refuse_unknown: bool = False
    friends_max: int = 10_000
    requests_max: int = 100
    inbox_max: int = 500
    request_ms: int = 30 * DAY_MS
    quiet_ms: int = 7 * DAY_MS
    small_group_members: int = 200
    bounds: HostBounds = field(default_factory=lambda: BOUNDS)
    request_texts: int = 3
    message_requests_max: int = 200


@dataclass(slots=True, frozen=True)
class MediaRules:
    """The limits that the operator sets for files. `user_bytes`, `room_bytes`: 0 for any number.

    `kept_ms`: by kind, how long files are kept after they were sent; 0 for ever.
    """

    enabled: bool = False
    file_bytes: int = 256 << 20
    voice_ms: int = 300_000
    user_bytes: int = 5 << 30
    room_bytes: int = 50 << 30
    kept_ms: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class GroupRules:
    """The limits that the operator sets for groups. `invite_url`: with `{invite}` in it; empty for none."""

    joins_max: int = 500
    invites_max: int = 20
    invite_ms: int = 7 * DAY_MS
    invite_url: str = ""


@dataclass(slots=True, frozen=True)
class ChannelRules:
    """The limits that the operator sets for channels. `users_create`: whether any user makes one, or only the host."""

    enabled: bool = False
    users_create: bool = False
    staff_max: int = 50
    followed_max: int = 500


def knows_none(zone: str) -> bool:
    return False


@dataclass(slots=True, frozen=True)
class Rules:
    """The limits that the operator sets for decisions. `bots`, `push`: whether they are switched on.

    `image_hosts`: from where pictures of cards may come.

    `knows_zone`: whether there is a time zone of this name.
    """

    body_bytes: int = 16_384
    image_hosts: frozenset[str] = frozenset()
    group_members: int = 10_000
    full_members: int = 500
    large_members: int = 1_000
    delivered_members: int = 32
    edit_window_ms: int = 86_400_000
    recall_window_ms: int = 86_400_000
    shown_to: ShownTo = "known"
    rooms_per_user: int = 2_000
    bans_max: int = 10_000
    people: PeopleRules = field(default_factory=PeopleRules)
    media: MediaRules = field(default_factory=MediaRules)
    groups: GroupRules = field(default_factory=GroupRules)
    channels: ChannelRules = field(default_factory=ChannelRules)
    # The age below which an account may do less; 0 for none.
    new_account_ms: int = 0
    bots: bool = False
    push: bool = False
    knows_zone: Callable[[str], bool] = knows_none


NO_BOUNDS = Allowances()


class ReadSet(Struct):
    """Everything that was read for one batch. Rooms are numbered in keys, users and devices are ids."""

    rules: Rules
    # By name.
    rooms: Mapping[str, Room]
    # By (room, seq).
    messages: dict[tuple[int, int], Message] = {}
    # By (room, user, key).
    keyed: dict[tuple[int, str, str], KeyedEvent] = {}
    # By (room, user, seq that is read).
    tails: dict[tuple[int, str, int], Tail] = {}
    # Submissions that are not decided in this batch.
    postponed: list[Any] = []
    # By (creator, key).
    created: dict[tuple[str, str], Room] = {}
    # Direct rooms, by `pair` of their users.
    pairs: dict[tuple[str, str], Room] = {}
    # Unused room numbers, each with 64 random bits.
    fresh: list[tuple[int, int]] = []
    accounts: dict[str, Account] = {}
    # By (user, device).
    devices: dict[tuple[str, str], DeviceSeen] = {}
    allowances: Allowances = NO_BOUNDS
    # Monotonic seconds, of the batch.
    now_s: float = 0.0
    # By user: their listed devices, the one seen last at the end.
    listed: dict[str, list[str]] = {}
    # By user: the number of their rooms before this batch; users without rooms are left out.
    memberships: dict[str, int] = {}
    # Records that other chapters read, by type and key: see `records_of`.
    records: dict[type, dict[Any, Any]] = {}

    def records_of(self, kind: type[R]) -> dict[Any, R]:
        """Return the records of one type that were read for this batch, by key. Decisions keep them current."""
        return self.records.setdefault(kind, {})


def most_rooms(rooms_per_user: int) -> int:
    """Return the number of rooms up to which a user may create or join one: half more than others may add them to.

    So others cannot keep a user from creating rooms by adding them to many.
    """
    return rooms_per_user * 3 // 2


def pair(a: str, b: str) -> tuple[str, str]:
    """Return the key of the direct room of two users, the same in any order."""
    return (a, b) if a < b else (b, a)

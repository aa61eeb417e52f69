"""The rows and pages that the contract of a store (interface.py) returns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from chatd.core.policy import RoomDetails
from chatd.core.push_registrations import Registration
from chatd.core.room_summary import Membership
from chatd.core.users import Account, DeviceSeen
from chatd.protocol.event_feed import Entry
from chatd.protocol.push import PushPreferences
from chatd.protocol.rooms import RoomSummary
from chatd.protocol.sync import AccountRow, SyncTotals
from chatd.protocol.users import Profile


class UserPush(NamedTuple):
    """What is kept of one user for push notifications. `badge`: at this moment. `epoch`: of the history now."""

    registrations: list[Registration]
    preferences: PushPreferences
    badge: int
    epoch: str


class UserRoom(NamedTuple):
    """One room of one user, as the host lists them. `peer`: the other one of a direct room."""

    room: str
    kind: str
    title: str
    members: int
    role: str
    joined_at: int
    unread: int
    unread_mentions: int
    read: int
    seq: int
    peer: str | None
    number: int


class HostRoom(NamedTuple):
    """One room as the host sees it. `data`: as MessagePack, empty when absent; `users`: the two of a direct room.

    `creator`: "" where the host made it.
    """

    room: str
    kind: str
    title: str
    avatar: str
    public: bool
    data: bytes
    members: int
    seq: int
    ordinal: int
    time: int
    created_at: int
    creator: str
    users: tuple[str, str] | None
    details: RoomDetails


@dataclass(slots=True, frozen=True)
class SyncRows:
    """The rows of one page. `stamp`: the commit number it was read at; the cursor of a round is that of its first page.

    `since` and `full_sections`: those of the query, or None and all sections when everything is listed instead, because
    more rooms are gone than a page names, or tombstones of account rows may be forgotten. `after`: the sort key to
    continue with, None on the last page. `gone` and `totals`: on the first page only. `sections`: account rows by
    section. `users`: in what is listed whole, with people in force, the plates of contacts and direct peers, as far as
    they fit.
    """

    stamp: int
    since: int | None
    rooms: list[RoomSummary]
    gone: list[str]
    totals: SyncTotals | None
    after: tuple[int, int, int] | None
    sections: dict[str, list[AccountRow]]
    full_sections: int
    users: list[Profile] = field(default_factory=list)


@dataclass(slots=True, frozen=True)
class HelloRows:
    """The rows by which a hello is decided and answered, all as of one commit: that of `page`.

    `is_registered`: with push, whether the device is told of messages.
    """

    account: Account | None
    device: DeviceSeen | None
    memberships: Sequence[Membership]
    page: SyncRows
    is_registered: bool = False


@dataclass(slots=True, frozen=True)
class EventPage:
    """Events of one room, ascending, as stored. `next`: the seq to continue with, None when the page is not cut."""

    events: list[bytes]
    next: int | None = None


@dataclass(slots=True, frozen=True)
class MessagePage:
    """Messages of one room in current state, ascending; the page covers `low`..`high` of seq exactly.

    `high` is no higher than the room's last event. `end`: the page reaches down to the `low` asked for.
    """

    events: list[bytes]
    low: int
    high: int
    end: bool


@dataclass(slots=True, frozen=True)
class People:
    """Accounts by user, devices by (user, device), rooms by user; unknown ones are left out."""

    accounts: dict[str, Account]
    devices: dict[tuple[str, str], DeviceSeen]
    memberships: dict[str, int]


@dataclass(slots=True, frozen=True)
class FeedQuery:
    """A page of the event feed: entries behind the cursor `after`, of some types.

    `after`: "" for the oldest entry that is kept, LATEST for an empty page at the end. `types`: empty for all.
    `bytes_max`: of the entries as JSON. `now`: the time of what is told of the feed itself, in Unix milliseconds.
    `clock`: returns the CPU seconds of its thread.
    """

    after: str
    limit: int
    bytes_max: int
    types: frozenset[str]
    now: int
    clock: Callable[[], float] = field(default=float, compare=False)


@dataclass(slots=True, frozen=True)
class FeedPage:
    """The entries of the types that were asked for behind cursor `after`, up to cursor `next`.

    `at_end`: whether there are no more for now. `cpu_s`: CPU seconds that the reading thread took.
    """

    after: str
    next: str
    entries: list[Entry]
    at_end: bool
    cpu_s: float = 0.0


@dataclass(slots=True, frozen=True)
class FeedPlace:
    """One commit with entries. `count` and `bytes`: of all entries up to its end, since the feed began."""

    stamp: int
    time: int
    count: int
    bytes: int


@dataclass(slots=True, frozen=True)
class FeedBounds:
    """The oldest and the newest commit in the feed; None when it has none. `is_on`: whether the feed goes on."""

    is_on: bool
    oldest: FeedPlace | None = None
    newest: FeedPlace | None = None

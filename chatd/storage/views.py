"""The rows and pages that the contract of a store (interface.py) returns."""

from dataclasses import dataclass, field
from typing import NamedTuple

from chatd.core.users import Account, DeviceSeen
from chatd.protocol.rooms import RoomSummary
from chatd.protocol.sync import AccountRow, SyncTotals
from chatd.protocol.users import Profile


class Membership(NamedTuple):
    """One room of one user, as far as subscribing a connection needs it."""

    number: int
    room: str
    members: int
    muted_until: int


class UserRoom(NamedTuple):
    """One room of one user, as the host lists them."""

    room: str
    kind: str
    title: str
    members: int
    role: str
    joined_at: int
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
    """The rows by which a hello is decided and answered, all as of one commit: that of `page`."""

    account: Account | None
    device: DeviceSeen | None
    memberships: list[Membership]
    page: SyncRows


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

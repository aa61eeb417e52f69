"""The contract of a store for push notifications: what decisions about them need. Each read is as of one commit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from chatd.core.push import Address, AlertKind
from chatd.core.push_events import Choice, PushEvent, Topic
from chatd.core.push_registrations import Registration
from chatd.protocol.messages import Body
from chatd.protocol.push import Level


class PushRoom(NamedTuple):
    """A room that is not deleted. `members`: their number. `is_written`: somebody wrote in it. `seq`: of its end."""

    number: int
    name: str
    title: str
    is_direct: bool
    members: int
    is_written: bool
    seq: int = 0
    is_channel: bool = False


class Recipient(NamedTuple):
    """One user with one of their devices, and how they stand to a room. Times: Unix ms.

    `is_member` to `notify`: of the membership. `notify`: "" as the account says. `preferences`: the account row as it
    is stored, empty for none. `device`, `address`: of a registration, else "" and None. `seen_at`: when the device was
    last connected, or registered. `is_restored`: it registered in a history from before a restore.
    """

    user: str
    is_member: bool
    first_visible: int
    read: int
    standing: int
    muted_until: int
    is_hidden: bool
    is_archived: bool
    notify: Level | Literal[""]
    is_disabled: bool
    banned_until: int
    preferences: bytes
    device: str = ""
    address: Address | None = None
    seen_at: int = 0
    is_restored: bool = False


@dataclass(slots=True, frozen=True)
class PlanQuery:
    """What is to be planned of one room: its events from `first` on, up to `last` unless that is 0.

    `members_all`: the most members of a room that are all told; of a larger one those who are named, or asked for all.
    `after`: where the page before ended.
    """

    room: int
    first: int
    members_all: int
    last: int = 0
    after: str = ""


@dataclass(slots=True, frozen=True)
class PlanPage:
    """One page of a plan. `room`: None when it is deleted. `events`: oldest first; the same on each page.

    `blocks`: of those on this page, (user, author) whom they block now. `next`: where the next page begins, "" for the
    last. `later`: from which event on there is more to plan, 0 for none.
    """

    room: PushRoom | None
    events: Sequence[PushEvent] = ()
    recipients: Sequence[Recipient] = ()
    blocks: frozenset[tuple[str, str]] = frozenset()
    next: str = ""
    later: int = 0


class LookQuery(NamedTuple):
    """What is looked at again: the events `low` to `seq` of a room for one device, or an alert of what `by` did there.
    `room`: 0 for none. `topic`: None for the room and the badge alone.
    """

    user: str
    device: str
    room: int
    topic: Topic | AlertKind | None
    low: int
    seq: int
    by: str = ""


class Look(NamedTuple):
    """What there is to tell, at this moment. `choice`: None when nothing of it concerns the user any more.

    `newest`: the last of those events, whatever it is. `body`: of the chosen message. `by`, `name`: its author, or that
    of an alert, as the user calls them. `is_blocked`: the user blocks them now. `is_over`: what an alert told of is not
    so any more. `waiting`: requests to join that the user may decide on.
    """

    room: PushRoom | None
    recipient: Recipient
    choice: Choice | None = None
    newest: PushEvent | None = None
    body: Body | None = None
    by: str = ""
    name: str = ""
    is_blocked: bool = False
    is_over: bool = False
    waiting: int = 0
    badge: int = 0


class StoredAlert(NamedTuple):
    """What a user is to be told of and is of no message. `time`: Unix ms. `room`: its number, 0 for none."""

    number: int
    stamp: int
    user: str
    kind: AlertKind
    author: str
    time: int
    room: int


class Unplanned(NamedTuple):
    """A room with events behind a commit: the first of them, its commit, and its time in Unix ms."""

    room: int
    first: int
    stamp: int
    time: int


class PushStore(Protocol):
    """What the planner of push notifications reads, on a connection that delays nobody else."""

    async def open(self, cpu_s: Callable[[], float], spend: Callable[[float], None]) -> None:
        """Open the connection, before all else. `spend` is told the CPU seconds of each read, by the clock `cpu_s` of
        its thread.
        """

    async def close(self) -> None:
        """Close it; idempotent."""

    async def plan(self, query: PlanQuery) -> PlanPage:
        """Return a page of up to 200 users; a user has a row for each registration, or one without any."""

    async def look(self, queries: Sequence[LookQuery], now_ms: int, members_all: int) -> list[Look]:
        """Return for each query what there is to tell now, and the badge of its user, in the same order."""

    async def unplanned(self, stamp: int, after: int, limit: int) -> tuple[list[Unplanned], int]:
        """Return rooms with events behind `stamp`, of up to `limit` rooms behind the number `after`; and the last
        number it looked at, 0 at the end.
        """

    async def recipients(self, room: int, users: Sequence[str]) -> list[Recipient]:
        """Return these users, each with every device that has a registration, and how they stand to a room."""

    async def alerts(self, after: tuple[int, int], limit: int) -> list[StoredAlert]:
        """Return up to `limit` alerts behind `after`, a commit and a number, in order."""

    async def device_names(self, user: str) -> list[str]:
        """Return the devices of a user, also those without a registration."""

    async def registrations(self, user: str) -> list[Registration]:
        """Return the registrations of a user, by device and purpose."""

    async def badge(self, user: str, now_ms: int, members_all: int) -> int:
        """Return the number on the icon of the apps of a user."""

    async def room_names(self, numbers: Sequence[int]) -> dict[int, str]:
        """Return the names of rooms that are not deleted."""

    async def number_of(self, room: str) -> int:
        """Return the number of a room, 0 when there is none of this name."""

"""The contract of a store, in parts by its user: the writer, decisions, readers, accounts, jobs."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar

from chatd.core.read_set import Counted, KeyedEvent, UnreadSpan
from chatd.core.room import Room
from chatd.core.users import Account, DeviceSeen
from chatd.core.visibility import ShownTo
from chatd.core.write_set import WriteSet
from chatd.protocol.errors import Unavailable
from chatd.protocol.members import MemberRow
from chatd.protocol.messages import Event
from chatd.protocol.read_state import Reader
from chatd.protocol.rooms import RoomSummary
from chatd.protocol.sync import AccountRow, SyncTotals
from chatd.protocol.users import Profile
from chatd.telemetry.troubles import Troubles

P = ParamSpec("P")

T = TypeVar("T")


class Membership(NamedTuple):
    """One room of one user, as much as attaching a connection needs."""

    room: str
    number: int
    members: int
    muted_until: int


@dataclass(slots=True, frozen=True)
class SyncQuery:
    """One page of an account's rooms.

    `since`: commit number; rooms whose row or member row carries a later stamp are wanted; None: all rooms.
    `previews`: None for "in a full round". `after`: sort key of the last row of the page before, None on the first
    page. `first_stamp`: commit number the first page was read at, 0 on the first page; the round ends with the rooms
    that changed since, in pages of their own when they do not fit the last one. `page_bytes` bounds the page,
    `events_bytes` within it the events, which come as the user may see them. `shown_to`: whose marks they see.
    `sections`: bits of those whose account rows end the round (core/sections.py), `full_sections` of those that are
    walked from their beginning; all of them are where `since` is None.
    """

    user: str
    since: int | None
    limit: int
    previews: bool | None = False
    events: int = 0
    events_bytes: int = 0
    page_bytes: int = 262_144
    after: tuple[int, int, int] | None = None
    first_stamp: int = 0
    shown_to: ShownTo = "known"
    sections: int = 0
    full_sections: int = 0


@dataclass(slots=True, frozen=True)
class SyncRows:
    """`stamp`: commit number this was read at; the cursor of a round is that of its first page.

    `since` and `full_sections`: those of the query, or None and all where more rooms are gone since than a page names,
    or tombstones of account rows may be forgotten: everything is listed instead. `after`: sort key to continue with,
    None on the last page. `gone` and `totals` are filled on the first page only. `sections`: account rows by section.
    """

    stamp: int
    since: int | None
    rooms: list[RoomSummary]
    gone: list[str]
    totals: SyncTotals | None
    after: tuple[int, int, int] | None
    sections: dict[str, list[AccountRow]]
    full_sections: int


@dataclass(slots=True, frozen=True)
class HelloRows:
    """What a hello is judged by and answered with, all as of one commit: that of `page`."""

    account: Account | None
    device: DeviceSeen | None
    memberships: list[Membership]
    page: SyncRows


@dataclass(slots=True, frozen=True)
class EventPage:
    """Events of one room, ascending, as stored. `next`: where to go on when the page was cut, else None."""

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


class StoreLost(Unavailable):
    """A commit that the disk may hold or not, whatever it says later: only a new process may read on from there.

    Nothing else may be committed or acknowledged; what was acknowledged before is durable.
    """


class Commits(Protocol):
    """How far a store is."""

    @property
    def epoch(self) -> str:
        """Changes whenever history may have moved backwards. Up to 16 characters."""

    @property
    def stamp(self) -> int:
        """Number of the last commit."""


class CommitStore(Commits, Protocol):
    """The one write. One writer calls it, one batch at a time."""

    async def commit(self, writes: WriteSet) -> None:
        """Make the batch durable, whole or not at all, and advance `stamp` to `writes.stamp`.

        Raises KeyTaken when a (room, user, key), a pair or a creation key exists already: nothing was written, the
        batch is to be decided again knowing it. Raises Unavailable("overloaded") when the disk is full and
        Unavailable("internal") on any other failure: nothing was written.
        """


class DecisionStore(Protocol):
    """What decisions need: the state of the last commit."""

    async def load_rooms(self, names: Collection[str]) -> dict[str, Room]:
        """The rooms of these names with all their members; unknown names are left out.

        `Member.receipts` is the preference of the member's account.
        """

    async def placed(self, asked: Collection[tuple[str, str, bool]]) -> set[tuple[str, str, bool]]:
        """Those of (user, room name, or join) whose user is or was a member, or may join: the room is public.

        It costs the same for a room that is not there as for one of others, however large.
        """

    async def room_of_pair(self, a: str, b: str) -> str | None:
        """Name of the direct room of two users, in any order."""

    async def room_of_key(self, creator: str, key: str) -> str | None:
        """Name of the room that `creator` made with this idempotency key."""

    async def keyed(self, keys: Collection[tuple[int, str, str]]) -> dict[tuple[int, str, str], KeyedEvent]:
        """Events stored under these (room, user, key)."""

    async def messages_at(self, places: Collection[tuple[int, int]]) -> dict[tuple[int, int], Event]:
        """The messages at these (room, seq), in current state; other events and holes are left out."""

    async def reactions_set(
        self, asked: Collection[tuple[int, int, str, str]]
    ) -> set[tuple[int, int, str, str]]:
        """Those of (room, seq, user, emoji) that are set."""

    async def counted(self, spans: Collection[UnreadSpan]) -> dict[UnreadSpan, Counted]:
        """What stands in these spans. Takes as long as they are."""

    async def next_room_number(self) -> int:
        """A room number never used before; each call gives a higher one."""

    async def people(
        self, users: Collection[str], devices: Collection[tuple[str, str]], arriving: Collection[str] = ()
    ) -> People:
        """The accounts of `users`, the `devices` (user, device), as far as they are known, and in how many rooms those
        `arriving` are; read at once.
        """

    async def listed(self, users: Collection[str]) -> list[DeviceSeen]:
        """The listed devices of all these users, those seen longest ago first."""

    async def read(self, read: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`read(connection, ...)` as of one commit, off the loop: for chapters that bring their own statements."""


class RoomViews(Commits, Protocol):
    """What members are shown of their rooms. Nothing that is not committed."""

    async def memberships(self, user: str) -> list[Membership]:
        """All rooms `user` is in."""

    async def hello(self, device: str, query: SyncQuery) -> HelloRows:
        """The account of `query.user`, his `device`, all rooms he is in, and the first page, read at once."""

    async def sync(self, query: SyncQuery) -> SyncRows:
        """One page of room summaries: pinned first, then latest message first."""

    async def log(self, room: int, low: int, high: int, limit: int, page_bytes: int) -> EventPage:
        """All events of low..high."""

    async def history(
        self, room: int, low: int, high: int, limit: int, page_bytes: int, *, newest: bool
    ) -> MessagePage:
        """Up to `limit` messages of low..high, taken from its newest or from its oldest end."""

    async def changes(self, room: int, low: int, high: int, since: int, page_bytes: int) -> EventPage:
        """Messages of low..high that changed after `since`; `next` is the `low` to go on with."""

    async def messages(self, room: int, seqs: Sequence[int], page_bytes: int) -> list[bytes]:
        """The messages among these numbers, ascending."""

    async def mine(self, room: int, user: str, seqs: Collection[int]) -> dict[int, list[str]]:
        """Own reactions on these messages."""

    async def members(
        self, room: int, *, after: str, prefix: str, role: str | None, limit: int
    ) -> tuple[list[MemberRow], int]:
        """Members in order of user id after `after`, and the total number in the room."""

    async def readers(self, room: int, seq: int, *, after: str, limit: int) -> tuple[list[Reader], int]:
        """Members who see `seq`, read up to it or beyond and show receipts, in order of user id, and their number."""


class UserStore(Protocol):
    """Accounts and devices, and who knows whom."""

    async def account(self, user: str) -> Account | None: ...

    async def device(self, user: str, device: str) -> DeviceSeen | None: ...

    async def devices(self, user: str) -> list[DeviceSeen]:
        """The listed devices of `user`, in order of their ids."""

    async def profiles(self, users: Collection[str]) -> list[Profile]: ...

    async def accounts(self, after: str, limit: int) -> list[Account]:
        """Up to `limit` accounts in order of user id, those after `after`: for the command line."""

    async def last_seen(self, users: Collection[str]) -> dict[str, int]:
        """Latest `last_seen` over the devices of each of these users, Unix milliseconds."""

    async def acquaintances(self, user: str, others: Collection[str]) -> set[str]:
        """Those of `others` who share a room with `user`."""

    async def watchable(self, user: str, others: Collection[str], *, answered: bool) -> set[str]:
        """Those of `others` who share a room with `user`, when both show their presence.

        With `answered`, a direct room counts only when both have written in it.
        """


class JobStore(Protocol):
    """What is due by itself."""

    async def unlisted(self, before: int, limit: int) -> list[tuple[str, str]]:
        """Up to `limit` devices (user, device) that are not listed and were revoked before this time (Unix ms)."""

    async def compactable(self, before_ms: int, keep: int, limit: int) -> list[tuple[str, int]]:
        """Up to `limit` rooms (name, floor) whose operations below `floor` are older than `before_ms` and not
        among the last `keep` events."""


class Store(CommitStore, DecisionStore, RoomViews, UserStore, JobStore, Protocol):
    """The truth, whole: for the composition root. Whoever else needs a store needs one of its parts.

    Bounds of ranges are inclusive unless said. A cancelled caller leaves nothing half done: a commit that was
    begun finishes. Room numbers are the store's keys, room names the public ones.
    """

    troubles: Troubles  # of the store and of whoever uses it

    async def probe(self) -> None:
        """Read something; Unavailable when nothing can be read."""

    def watch(self) -> None:
        """Note what is wrong with the disk though no request has met it."""

    async def close(self) -> None:
        """Idempotent."""


class KeyTaken(Exception):
    """A commit met an idempotency key that is already stored; nothing was written."""

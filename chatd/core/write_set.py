"""The write set of one batch of decisions: the rows of one transaction, and the pushes and replies that follow it.

Memory is always the last commit plus the open write set, and nobody is shown the latter. A decision first checks
everything, then changes rooms and members in place, only through a WriteSet, so that the next decision sees them. The
first change of each in a batch saves its image, the fields declared in room.py; when the batch cannot be stored,
`rollback` restores all images. To decide on copies instead would cost the size of each room.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from chatd.core.privacy import AnyTie
from chatd.core.room import (
    ROOM_IMAGE,
    ROOM_IMAGED,
    Member,
    MemberImage,
    Room,
    is_altered,
    member_image,
    restore_member,
    restore_values,
)
from chatd.core.room_steps import ChannelDeleted, MemberJoined, MemberLeft, RoomListed, RoomUnlisted
from chatd.protocol.codec import encode
from chatd.protocol.errors import Refused
from chatd.protocol.joining import UseOk
from chatd.protocol.messages import Event, WriteOk
from chatd.protocol.read_state import ReadOk
from chatd.protocol.rooms import GoneReason, SummaryOk

# Bytes of an event on the disk besides its blob: its columns and index entries.
EVENT_BYTES = 200
R = TypeVar("R")

# What most batches have of something. It is replaced, never written to.
NOTHING: Mapping[Any, Any] = {}


class Origin(Protocol):
    """The request behind a change. On its connection the acknowledgement takes the place of the event."""

    @property
    def id(self) -> int:
        """The id of the request, 0 when no reply is wanted."""

    @property
    def requester(self) -> object | None:
        """The connection of the request, None when it has none."""

    @property
    def marks(self) -> tuple[str, ...]:
        """The notes of screening for the back end of the host app: "unscreened", "flagged", or none."""

    @property
    def is_of_host(self) -> bool:
        """Whether the host app asked, in whosever place."""

    def reject(self, error: Refused) -> None:
        """Put `error` in place of the decided reply. `complete` sends it."""

    def complete(self) -> None:
        """Send the reply, unless it was sent before."""


@dataclass(slots=True)
class NewEvent:
    """An event of this batch. On the connection of `origin` its acknowledgement takes the place of the event.

    `ordinal`: of the room's last message when this event is its last. `ignored`: the members for whom it counts
    nothing, because they block its author. `past`: whether it was imported.
    """

    room: Room
    event: Event
    blob: bytes
    key: str | None = None
    digest: int | None = None
    mentions: tuple[str, ...] = ()
    origin: Origin | None = None
    ordinal: int = 0
    ignored: tuple[str, ...] = ()
    past: bool = False

    @property
    def position(self) -> int:
        """The key of the event in the store: room number and seq in one integer."""
        return self.room.number << 32 | self.event.seq


RoomStep = NewEvent | MemberJoined | MemberLeft | RoomListed | RoomUnlisted | ChannelDeleted


@dataclass(slots=True)
class Message:
    """A stored message that decisions of this batch read or change. `mine`: reactions (user, emoji) they ask about."""

    room: Room
    event: Event
    mine: set[tuple[str, str]] = field(default_factory=set)


@dataclass(slots=True, frozen=True)
class Reaction:
    """A record: `user` set or cleared `emoji` on a message."""

    room: int
    seq: int
    user: str
    emoji: str
    set: bool


@dataclass(slots=True)
class ReadPosition:
    """A read position that `origin` asked to move; `moved`: whether it did."""

    room: Room
    member: Member
    moved: bool
    origin: Origin | None


@dataclass(slots=True)
class RoomReply:
    """A reply that shows a room to a member, filled in with the numbers of the whole batch, which is pushed before it.

    `origin`: the request, if there is one; it is refused when `user` is no member any more by then.
    """

    reply: ReadOk | SummaryOk | WriteOk | UseOk
    room: Room
    user: str
    origin: Origin | None = None


class WriteSet:
    """The changes of one batch. `now` is Unix milliseconds, `stamp` the commit number of all its rows.

    The log and its rooms, which every batch changes, are fields. Everything else a chapter adds as records of its own
    types: immutable values, for each of which the store has a registered function.
    """

    # Of most batches there is none: kept by the class, so that a batch has no more attributes than Python keeps cheap
    # (30). Message requests to tell their receivers of, by room and user; those that are new; and declined ones.
    requests: Mapping[tuple[int, str], Room] = NOTHING
    new_requests: tuple[tuple[Room, str], ...] = ()
    declined: tuple[tuple[Room, str], ...] = ()
    imported: frozenset[str] = frozenset()  # users whose account rows an import changed: told at its end
    rules_changed: Mapping[str, frozenset[str]] = NOTHING  # by user: the capabilities
    # By owner and user: contacts in which privacy sees a difference, before and after.
    ties: dict[tuple[str, str], tuple[AnyTie, AnyTie]] | None = None
    paced: frozenset[tuple[int, str]] = frozenset()  # members who wrote in slow rooms: (room, user)
    # The request that is being decided as it came, when screening changed its texts.
    sent: Any = None
    # Of the event feed: by id of a step or record the API key behind it; and the entries to store (event_feed.py).
    caused: dict[int, str] | None = None
    feed: Sequence[Any] = ()

    def __init__(self, now: int, stamp: int) -> None:
        self.now = now
        self.stamp = stamp
        # The request that is being decided, until its first event takes it.
        self.origin: Origin | None = None
        # By type, without empty lists: see `add`.
        self.records: dict[type, list[Any]] = {}

        # The log: steps by room, changed messages by (room, seq), keys by (room, user, key).
        self.steps: dict[int, list[RoomStep]] = {}
        self.messages: dict[tuple[int, int], Message] = {}
        self.keyed: dict[tuple[int, str, str], NewEvent] = {}
        self.unlogged: dict[tuple[int, str, str], int] = {}  # digests of keys without an event

        # Changed rooms by number, changed members by (room, user).
        self.created: list[Room] = []
        self.rooms: dict[int, Room] = {}
        self.members: dict[tuple[int, str], Member] = {}
        # Members of whom only `own_unread` is stored, and the rooms of which all are (unread_counts.py).
        self.counted: dict[tuple[int, str], Member] = {}
        self.counted_rooms: list[int] = []
        # By user: rooms they joined, less those they left; `moves`: whether anybody did.
        self.memberships: dict[str, int] = {}
        self.moves = False

        # For pushes and replies only; not stored as such.
        self.room_replies: list[RoomReply] = []
        self.read_positions: list[ReadPosition] = []
        self.receipts: dict[tuple[int, str], tuple[Room, Member]] = {}
        # Changed summaries, by room and user; "" for all members, "*" for all when only `members` changed.
        self.refreshed: dict[tuple[int, str], Room] = {}
        self.answered: list[Room] = []  # direct rooms in which now both have written
        self.summarised: dict[tuple[int, int], Message] = {}  # reactions that follow as a summary
        self.ended: list[tuple[str, str]] = []  # (user, device): removed by their user
        self.spent: dict[tuple[str, str], int] = {}  # by (kind, user), see allowances.py
        # Rooms that changed, or whose members did, and images from before.
        self._touched: dict[int, Room] = {}
        self._rooms_before: dict[int, tuple[Any, ...]] = {}
        self._members_before: dict[tuple[int, str], tuple[Room, MemberImage, MemberImage]] = {}

    def add(self, *records: object) -> None:
        """Store these records with this batch. They must not change any more."""
        for record in records:
            self.records.setdefault(type(record), []).append(record)

    def records_of(self, kind: type[R]) -> Sequence[R]:
        """Return the records of one type, in the order they were added."""
        return self.records.get(kind, ())

    def marks(self) -> dict[type, int]:
        """Return the number of records of each type, for `drop_after`."""
        return {kind: len(records) for kind, records in self.records.items()}

    def drop_after(self, marks: Mapping[type, int]) -> None:
        """Remove the records that were added since `marks` by a request that is refused."""
        for kind in [kind for kind, records in self.records.items() if len(records) > marks.get(kind, 0)]:
            del self.records[kind][marks.get(kind, 0) :]
            if not self.records[kind]:
                del self.records[kind]

    def touch(self, room: Room) -> Room:
        """Mark `room` as changed by this batch, and return it."""
        if room.number not in self.rooms:
            self.rooms[room.number] = room
            self.save_image(room)
        return room

    def save_image(self, room: Room) -> None:
        """Keep the present values of the room for a rollback."""
        if room.number not in self._rooms_before:
            self._rooms_before[room.number] = ROOM_IMAGE(room)
            self._mark_dirty(room)

    def alters(self, room: Room) -> bool:
        """Whether more of a room may change than a message changes. The number of its members is in no image."""
        return self.moves or is_altered(room, self._rooms_before[room.number])

    def touch_member(self, room: Room, user: str) -> Member:
        """Mark the member `user` as changed by this batch, and return them."""
        member = self.save_member_image(room, user)
        self.members[room.number, user] = member
        return member

    def save_member_image(self, room: Room, user: str) -> Member:
        """Keep the present values of the member `user` for a rollback, and return the member."""
        key = (room.number, user)
        member = room.members[user]
        if key not in self._members_before:
            self._members_before[key] = (room, member_image(member), member_image(room.former.get(user)))
            self._mark_dirty(room)
        return member

    def touch_known(self, room: Room, user: str) -> Member:
        """Mark the present or former member `user` as changed by this batch, and return them."""
        if user in room.members:
            return self.touch_member(room, user)
        key, member = (room.number, user), room.former[user]
        if key not in self._members_before:
            self._members_before[key] = (room, None, member_image(member))
            self._mark_dirty(room)
        self.members[key] = member
        return member

    def add_member(self, room: Room, member: Member) -> None:
        """Add `member`, whose connections are subscribed to the room from the next event on."""
        key = (room.number, member.user)
        if key not in self._members_before:
            self._members_before[key] = (room, None, member_image(room.former.get(member.user)))
        self.touch(room)
        room.enter(member)
        self.members[key] = member
        self._count_membership(room, member.user, 1)
        self.add_step(room, MemberJoined(room, member.user))

    def remove_member(self, room: Room, user: str, reason: GoneReason, *, is_told: bool = True) -> Member:
        """End a membership; its row stays as `gone`. Banned looks like removed. `is_told`: their connections are."""
        member = self.touch_member(room, user)
        self.touch(room)
        room.take_out(member, reason)
        self._count_membership(room, user, -1)
        if is_told:
            self.add_step(room, MemberLeft(room, user, "removed" if reason == "banned" else reason))
        return member

    def add_former(self, room: Room, member: Member) -> None:
        """Add `member`, who left long ago."""
        self._members_before.setdefault((room.number, member.user), (room, None, None))
        self.touch(room)
        room.former[member.user] = self.members[room.number, member.user] = member

    def list_room(self, room: Room, user: str) -> None:
        """Put a room into the list of a member, whose connections are subscribed to it."""
        self.moves = True
        self.add_step(room, RoomListed(room, user))

    def unlist_room(self, room: Room, user: str) -> None:
        """Take a room out of the list of a member, whose connections are sent nothing of it."""
        self.moves = True
        self.add_step(room, RoomUnlisted(room, user))

    def append(
        self,
        room: Room,
        event: Event,
        *,
        key: str | None = None,
        digest: int | None = None,
        mentions: Iterable[str] = (),
        past: bool = False,
    ) -> Event:
        """Number `event` as the next of its room, set its time to that of the batch and add it to the log.

        The first event of a request carries its idempotency key and its origin. A `past` one is imported: it has its
        own time, and costs nobody anything.
        """
        self.touch(room)
        room.seq += 1
        event.seq = room.seq
        if not past:
            event.time = self.now
        origin, self.origin = self.origin, None
        new = NewEvent(
            room, event, encode(event), key, digest, tuple(mentions), origin, room.ordinal, past=past
        )
        author = event.user if isinstance(event.user, str) else ""
        if author and not past:
            self.spend("bytes", author, len(new.blob) + EVENT_BYTES)
        if key is not None:
            self.keyed[room.number, author, key] = new
        self.add_step(room, new)
        return event

    def ignore(self, room: Room, users: tuple[str, ...]) -> None:
        """Note for whom the last event of `room` counts nothing."""
        last = self.steps[room.number][-1]
        assert isinstance(last, NewEvent)
        last.ignored = users

    @property
    def touched(self) -> Iterable[Room]:
        """The rooms that changed, or whose members did."""
        return self._touched.values()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to store: every decision was a refusal or a duplicate."""
        return not (self.rooms or self.members or self.messages or self.records)

    @property
    def plain(self) -> bool:
        """Whether there are only new events: pushing them needs no state that later decisions may change."""
        return not (
            self.moves
            or self.created
            or self.messages
            or self.records
            or self.receipts
            or self.requests
            or self.refreshed
            or self.read_positions
        )

    def spend(self, kind: str, user: str, count: int) -> None:
        """Note what the batch costs `user` once it is stored; the host, in the place of no user, pays nothing."""
        if user:
            self.spent[kind, user] = self.spent.get((kind, user), 0) + count

    def rewrite(self, message: Message) -> None:
        """Store the changed current state of a message."""
        self.messages[message.room.number, message.event.seq] = message

    def _mark_dirty(self, room: Room) -> None:
        room.dirty = True
        self._touched[room.number] = room

    def _count_membership(self, room: Room, user: str, rooms: int) -> None:
        self.moves = True
        self.memberships[user] = self.memberships.get(user, 0) + rooms
        room.changing_members |= {user}

    def add_step(self, room: Room, step: RoomStep) -> None:
        """Add a step of `room`, to be told in its place."""
        self.steps.setdefault(room.number, []).append(step)

    def mark_durable(self) -> None:
        """Note that the batch is on the disk: the present state of its rooms may be shown."""
        for room in self._touched.values():
            room.mark_durable()

    def rollback(self) -> None:
        """Put every room and member back as it was before this batch."""
        for number, image in self._rooms_before.items():
            restore_values(self._touched[number], ROOM_IMAGED, image)
        for (_, user), (room, member, former) in self._members_before.items():
            restore_member(room.members, user, member)
            restore_member(room.former, user, former)
        for room in self._touched.values():
            room.dirty, room.changing_members = False, frozenset()
            # What a new friendship did to its gates is read again.
            room.people_changes += 1

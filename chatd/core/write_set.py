"""A `WriteSet` is what one batch of decisions changes: the write set of one transaction, and what to tell afterwards.

Decisions check everything first and change state only through a WriteSet, which keeps the image from before: a batch
that cannot be stored is rolled back and nobody has seen it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Protocol, TypeVar

from chatd.core.room import MEMBER_IMAGED, ROOM_IMAGED, Member, Room
from chatd.protocol.codec import encode
from chatd.protocol.errors import Refused
from chatd.protocol.messages import Event, WriteOk
from chatd.protocol.read_state import ReadOk
from chatd.protocol.rooms import GoneReason, SummaryOk

EVENT_BYTES = 200  # what an event takes on the disk besides itself: its columns, its places in indexes

R = TypeVar("R")


class Origin(Protocol):
    """The request that asked for a change. Its acknowledgement is told in the place of the event it made."""

    @property
    def id(self) -> int:
        """The id of the request, 0 when no reply is wanted."""

    @property
    def requester(self) -> object | None:
        """The connection that asked, None when none did."""

    def reject(self, error: Refused) -> None:
        """Let `error` be the answer in place of the reply that was decided. The answer is given by `complete`."""

    def complete(self) -> None:
        """Give the answer, unless it was given before."""


@dataclass(slots=True)
class NewEvent:
    """An event numbered in this batch. The acknowledgement of `origin` stands in its place."""

    room: Room
    event: Event
    blob: bytes
    key: str | None = None
    digest: int | None = None
    mentions: tuple[str, ...] = ()
    origin: Origin | None = None
    ordinal: int = 0  # of the room's last message when this event is its last

    @property
    def position(self) -> int:
        """The key of the event in the store: room number and seq in one integer."""
        return self.room.number << 32 | self.event.seq


@dataclass(slots=True)
class MemberJoined:
    """`user` is a member from here on."""

    room: Room
    user: str


@dataclass(slots=True)
class MemberLeft:
    """`user` is no member from here on and is told nothing that comes later."""

    room: Room
    user: str
    reason: GoneReason


RoomStep = NewEvent | MemberJoined | MemberLeft


@dataclass(slots=True)
class Message:
    """A stored message that decisions of this batch look at or change."""

    room: Room
    event: Event
    mine: set[tuple[str, str]] = field(default_factory=set)  # reactions that were asked about: (user, emoji)


@dataclass(slots=True, frozen=True)
class Reaction:
    """A record: `user` set `emoji` on a message, or took it back."""

    room: int
    seq: int
    user: str
    emoji: str
    set: bool


@dataclass(slots=True, frozen=True)
class SupersededEdits:
    """A record: the edits of the message `target` below `seq` lose their text, as messages.SUPERSEDING says."""

    room: int
    target: int
    seq: int


@dataclass(slots=True, frozen=True)
class DirectPair:
    """A record: the direct room of two users, `lower` < `higher`."""

    lower: str
    higher: str
    room: int


@dataclass(slots=True, frozen=True)
class FoldedLog:
    """A record: the operations of a room from `low` up to below `floor` are dropped."""

    room: int
    low: int
    floor: int


@dataclass(slots=True, frozen=True)
class ForgottenKeys:
    """A record: keys without an event are forgotten that were used before this time (Unix ms)."""

    before: int


@dataclass(slots=True)
class ReadPosition:
    """A read position that `origin` asked to move."""

    room: Room
    member: Member
    moved: bool
    origin: Origin | None


@dataclass(slots=True)
class RoomReply:
    """A reply that shows a room to a member: its numbers are those of the whole batch, which is told before it.

    `origin`: the request that is refused instead when `user` is no member any more by then, if there is one.
    """

    reply: ReadOk | SummaryOk | WriteOk
    room: Room
    user: str
    origin: Origin | None = None


class WriteSet:
    """The changes of one batch. `now` is Unix milliseconds, `stamp` the commit number all its rows carry.

    What every batch has to do with, the log and its rooms, is a field. What few have, a chapter adds as records of a
    type of its own: immutable values, which the store writes with whatever it has registered for the type.
    """

    def __init__(self, now: int, stamp: int) -> None:
        self.now = now
        self.stamp = stamp
        self.origin: Origin | None = None  # of what is being decided, until its first event has it
        self.records: dict[type, list[Any]] = {}  # by type, without empty lists: see `add`

        # The log.
        self.steps: dict[int, list[RoomStep]] = {}  # by room number, in seq order
        self.messages: dict[tuple[int, int], Message] = {}  # changed messages
        self.keyed: dict[tuple[int, str, str], NewEvent] = {}  # by (room, user, key)
        self.unlogged: dict[tuple[int, str, str], int] = {}  # keys without an event: digest

        # Rooms and members.
        self.created: list[Room] = []
        self.rooms: dict[int, Room] = {}  # changed rooms
        self.members: dict[tuple[int, str], Member] = {}  # changed members
        self.counted: dict[tuple[int, str], Member] = {}  # only their own messages, see counting
        self.counted_rooms: list[int] = []  # in which nothing is uncounted any more
        self.memberships: dict[str, int] = {}  # rooms that users came into, less those they left
        self.moves = False  # somebody came or went

        # Told, and not stored as such.
        self.room_replies: list[RoomReply] = []
        self.read_positions: list[ReadPosition] = []
        self.receipts: dict[tuple[int, str], tuple[Room, Member]] = {}  # moved watermarks
        self.refreshed: dict[tuple[int, str], Room] = {}  # (room, user or ""): summary keys changed
        self.answered: list[Room] = []  # direct rooms in which both have written now
        self.summarised: dict[tuple[int, int], Message] = {}  # reactions of large rooms to tell later
        self.ended: list[tuple[str, str]] = []  # (user, device): removed by its user

        self.spent: dict[tuple[str, str], int] = {}  # by (kind, user), see allowances
        self._touched: dict[int, Room] = {}  # rooms that changed, or whose members did
        self._rooms_before: dict[int, tuple[Any, ...]] = {}
        self._members_before: dict[tuple[int, str], tuple[Room, MemberImage, MemberImage]] = {}

    def add(self, *records: object) -> None:
        """Store these with this batch. They must not change any more."""
        for record in records:
            self.records.setdefault(type(record), []).append(record)

    def records_of(self, kind: type[R]) -> Sequence[R]:
        """The records of one type, in the order they were added."""
        return self.records.get(kind, ())

    def marks(self) -> dict[type, int]:
        """The number of records there are of each type, for `drop_after`."""
        return {kind: len(records) for kind, records in self.records.items()}

    def drop_after(self, marks: Mapping[type, int]) -> None:
        """Take the records back that were added since `marks`: their request is refused."""
        for kind in [kind for kind, records in self.records.items() if len(records) > marks.get(kind, 0)]:
            del self.records[kind][marks.get(kind, 0) :]
            if not self.records[kind]:
                del self.records[kind]

    def touch(self, room: Room) -> Room:
        """`room`, marked as changed by this batch."""
        if room.number not in self.rooms:
            self.rooms[room.number] = room
            self.save_image(room)
        return room

    def save_image(self, room: Room) -> None:
        """Keep the room as it is, for a rollback."""
        if room.number not in self._rooms_before:
            self._rooms_before[room.number] = ROOM_IMAGE(room)
            self._mark_dirty(room)

    def touch_member(self, room: Room, user: str) -> Member:
        """The member `user`, marked as changed by this batch."""
        member = self.save_member_image(room, user)
        self.members[room.number, user] = member
        return member

    def save_member_image(self, room: Room, user: str) -> Member:
        """The member `user`, kept as he is, for a rollback."""
        place = (room.number, user)
        member = room.members[user]
        if place not in self._members_before:
            self._members_before[place] = (room, member_image(member), member_image(room.former.get(user)))
            self._mark_dirty(room)
        return member

    def add_member(self, room: Room, member: Member) -> None:
        """Make `member` a member; its live connections hear of the room from here on."""
        place = (room.number, member.user)
        if place not in self._members_before:
            self._members_before[place] = (room, None, member_image(room.former.get(member.user)))
        self.touch(room)
        room.former.pop(member.user, None)
        room.members[member.user] = member
        self.members[place] = member
        self._count_membership(room, member.user, 1)
        self._add_step(room, MemberJoined(room, member.user))

    def remove_member(self, room: Room, user: str, reason: GoneReason) -> Member:
        """End a membership; the row stays as `gone`, so that a sync can tell."""
        member = self.touch_member(room, user)
        self.touch(room)
        del room.members[user]
        member.gone = reason
        room.former[user] = member
        self._count_membership(room, user, -1)
        self._add_step(room, MemberLeft(room, user, reason))
        return member

    def append(
        self,
        room: Room,
        event: Event,
        *,
        key: str | None = None,
        digest: int | None = None,
        mentions: Iterable[str] = (),
    ) -> Event:
        """Number `event` as the next of its room, stamp it with the time of the batch and add it to the log.

        The first event of a request carries its idempotency key, and its acknowledgement takes the event's place
        on the connection that asked.
        """
        self.touch(room)
        room.seq += 1
        event.seq = room.seq
        event.time = self.now
        origin, self.origin = self.origin, None
        new = NewEvent(room, event, encode(event), key, digest, tuple(mentions), origin, room.ordinal)
        if isinstance(event.user, str):
            self.spend("bytes", event.user, len(new.blob) + EVENT_BYTES)
            if key is not None:
                self.keyed[room.number, event.user, key] = new
        self._add_step(room, new)
        return event

    @property
    def touched(self) -> Iterable[Room]:
        """The rooms that changed, or whose members did."""
        return self._touched.values()

    @property
    def empty(self) -> bool:
        """Nothing to store: every decision was a refusal or a repetition."""
        return not (self.rooms or self.members or self.messages or self.records)

    @property
    def plain(self) -> bool:
        """Only new messages: telling it needs nothing of memory that later decisions may change."""
        return not (
            self.moves
            or self.created
            or self.messages
            or self.records
            or self.receipts
            or self.refreshed
            or self.read_positions
        )

    def spend(self, kind: str, user: str, count: int) -> None:
        """Note what the batch costs `user`, when it is stored."""
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

    def _add_step(self, room: Room, step: RoomStep) -> None:
        self.steps.setdefault(room.number, []).append(step)

    def mark_durable(self) -> None:
        """The batch is on disk: what its rooms are may be shown."""
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


# An image is a tuple of values: taken once a batch for everything touched, it has to be cheap.
ROOM_IMAGE = attrgetter(*ROOM_IMAGED)
MEMBER_IMAGE = attrgetter(*MEMBER_IMAGED)

MemberImage = tuple[Member, tuple[Any, ...]] | None
"""A member and its values from before; None when there was none."""


def member_image(member: Member | None) -> MemberImage:
    return None if member is None else (member, MEMBER_IMAGE(member))


def restore_values(thing: Room | Member, names: tuple[str, ...], image: tuple[Any, ...]) -> None:
    for name, value in zip(names, image, strict=True):
        setattr(thing, name, value)


def restore_member(members: dict[str, Member], user: str, before: MemberImage) -> None:
    if before is None:
        members.pop(user, None)
        return
    member, image = before
    restore_values(member, MEMBER_IMAGED, image)
    members[user] = member

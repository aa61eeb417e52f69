"""A `WriteSet` is what one batch of decisions changes: the write set of one transaction, and what to tell afterwards.

Decisions check everything first and change state only through a WriteSet, which keeps the image from before: a batch
that cannot be stored is rolled back and nobody has seen it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from chatd.core.room import Member, Room
from chatd.core.users import AccountChange
from chatd.protocol.codec import encode
from chatd.protocol.objects import Event, GoneReason
from chatd.protocol.replies import ReadOk, SummaryOk, WriteOk

EVENT_BYTES = 200  # what an event takes on the disk besides itself: its columns, its places in indexes


@dataclass(slots=True)
class NewEvent:
    """An event numbered in this batch. `origin` is the submission whose acknowledgement stands in its place."""

    room: Room
    event: Event
    blob: bytes
    key: str | None = None
    digest: int | None = None
    mentions: tuple[str, ...] = ()
    origin: Any = None
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


@dataclass(slots=True)
class Reaction:
    room: int
    seq: int
    user: str
    emoji: str
    set: bool


@dataclass(slots=True)
class ReadPosition:
    """A read position that was asked to move; `origin` is the submission that did."""

    room: Room
    member: Member
    moved: bool
    origin: Any


@dataclass(slots=True)
class RoomReply:
    """A reply that shows a room to a member: its numbers are those of the whole batch, which is told before it.

    `origin`: the submission that is refused instead when `user` is no member any more by then, if there is one.
    """

    reply: ReadOk | SummaryOk | WriteOk
    room: Room
    user: str
    origin: Any = None


def nothing_spent() -> dict[str, dict[str, int]]:
    return {"bytes": {}, "rooms": {}, "added": {}}


@dataclass(slots=True)
class WriteSet:
    """The changes of one batch. `now` is Unix milliseconds, `stamp` the commit number all its rows carry."""

    now: int
    stamp: int
    steps: dict[int, list[RoomStep]] = field(default_factory=dict)  # by room number, in seq order
    created: list[Room] = field(default_factory=list)
    rooms: dict[int, Room] = field(default_factory=dict)  # changed rooms
    members: dict[tuple[int, str], Member] = field(default_factory=dict)  # changed members
    counted: dict[tuple[int, str], Member] = field(
        default_factory=dict
    )  # only their own messages, see counting
    counted_rooms: list[int] = field(default_factory=list)  # in which nothing is uncounted any more
    messages: dict[tuple[int, int], Message] = field(default_factory=dict)  # changed messages
    # (room, target, seq): edits of the target below seq lose their text, as those of posting.SUPERSEDING say
    superseded: list[tuple[int, int, int]] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    # direct rooms: (lower user, higher user, room)
    pairs: list[tuple[str, str, int]] = field(default_factory=list)
    # (room, floor): operations below are dropped
    compactions: list[tuple[int, int]] = field(default_factory=list)
    accounts: list[AccountChange] = field(default_factory=list)
    ended: list[tuple[str, str]] = field(default_factory=list)  # (user, device): removed by himself
    receipts: dict[tuple[int, str], tuple[Room, Member]] = field(default_factory=dict)  # moved watermarks
    # (room, user or ""): summary keys changed
    refreshed: dict[tuple[int, str], Room] = field(default_factory=dict)
    answered: list[Room] = field(default_factory=list)  # direct rooms in which both have written now
    # reactions of large rooms to tell later
    summarised: dict[tuple[int, int], Message] = field(default_factory=dict)
    keyed: dict[tuple[int, str, str], NewEvent] = field(default_factory=dict)  # by (room, user, key)
    unlogged: dict[tuple[int, str, str], int] = field(default_factory=dict)  # keys without an event: digest
    forget_keys: int = 0  # unlogged keys used before this time are forgotten; 0: none
    read_positions: list[ReadPosition] = field(default_factory=list)
    room_replies: list[RoomReply] = field(default_factory=list)
    memberships: dict[str, int] = field(
        default_factory=dict
    )  # rooms that users came into, less those they left
    spent: dict[str, dict[str, int]] = field(
        default_factory=nothing_spent
    )  # by kind and user, see allowances
    moves: bool = False  # somebody came or went
    origin: Any = None  # the submission being decided
    _touched: dict[int, Room] = field(default_factory=dict)  # rooms that changed, or whose members did
    _rooms_before: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    _members_before: dict[tuple[int, str], tuple[Room, "MemberImage", "MemberImage"]] = field(
        default_factory=dict
    )

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
            stored, size = self.spent["bytes"], len(new.blob) + EVENT_BYTES
            stored[event.user] = stored.get(event.user, 0) + size
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
        return not (
            self.rooms
            or self.members
            or self.messages
            or self.reactions
            or self.accounts
            or self.compactions
            or self.forget_keys
        )

    @property
    def plain(self) -> bool:
        """Only new messages: telling it needs nothing of memory that later decisions may change."""
        return not (
            self.moves
            or self.created
            or self.messages
            or self.accounts
            or self.receipts
            or self.refreshed
            or self.read_positions
        )

    def spend(self, kind: str, user: str, count: int) -> None:
        """Note what the batch costs `user`, when it is stored."""
        spent = self.spent[kind]
        spent[user] = spent.get(user, 0) + count

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
            restore_values(self._touched[number], ROOM_SCALARS, image)
        for (_, user), (room, member, former) in self._members_before.items():
            restore_member(room.members, user, member)
            restore_member(room.former, user, former)
        for room in self._touched.values():
            room.dirty, room.changing_members = False, frozenset()


# An image is a tuple of values: taken once a batch for everything touched, it has to be cheap.
ROOM_SCALARS = tuple(
    name
    for name in Room.__slots__
    if name not in ("members", "former", "dirty", "changing_members") and not name.startswith("durable_")
)
ROOM_IMAGE = attrgetter(*ROOM_SCALARS)
MEMBER_SCALARS = tuple(Member.__slots__)
MEMBER_IMAGE = attrgetter(*MEMBER_SCALARS)

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
    restore_values(member, MEMBER_SCALARS, image)
    members[user] = member

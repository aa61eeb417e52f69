"""A room and its members as decisions see them: plain state, changed only through a `WriteSet`.

Rooms are loaded on demand and forgotten when idle. Readers are shown the store or a committed batch, never this state:
during a commit it is one batch ahead of the disk.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import IntEnum
from operator import attrgetter
from typing import Any, Literal

from chatd.core.policy import NO_DETAILS, RoomDetails
from chatd.core.privacy import Gate
from chatd.protocol.members import Role
from chatd.protocol.push import Level
from chatd.protocol.rooms import GoneReason

DIRECT = "direct"
GROUP = "group"
CHANNEL: Literal["channel"] = "channel"

# More members than any threshold.
CROWD = 1 << 53


class Standing(IntEnum):
    """How a member of a direct room takes messages of the other, as it is stored (core/message_requests.py).

    POLICY: as their privacy says. ACCEPTED: always, as in rooms from before people were switched on. REQUEST: they were
    asked and have not answered. DECLINED: they do not want them.
    """

    POLICY = 0
    ACCEPTED = 1
    REQUEST = 2
    DECLINED = 3


# For every room of a list, every message and read: to find a member of an enumeration costs more than all else of a
# comparison.
POLICY, ACCEPTED, REQUEST, DECLINED = (int(standing) for standing in Standing)


@dataclass(slots=True)
class Member:
    """The state of one user in one room. Positions are `seq`, times Unix milliseconds."""

    user: str
    role: Role
    joined_at: int
    first_visible: int
    read: int
    # Countable messages up to `read`.
    read_ordinal: int
    # Own countable messages after `read`, which are not unread for their author.
    own_unread: int = 0
    mentions: int = 0  # unread ones
    delivered: int = 0
    muted_until: int = 0  # 0 not muted, 1 for ever
    pinned: bool = False
    # The ordinal of the room when it was hidden, plus one; 0: it is not.
    hidden: int = 0
    gone: GoneReason | None = None
    # A preference of the account: whether the user shows their receipts and sees those of others.
    receipts: bool = True
    # Rarely used state, a MessagePack map that is read and written whole; empty when absent.
    extras: bytes = b""
    standing: int = ACCEPTED
    notify: Level | Literal[""] = ""  # empty: as the account says
    folder: int = 0  # 1 is the archive
    unread_mark: bool = False

    def unread(self, ordinal: int, purged_ordinal: int = 0) -> int:
        """Return the unread messages when the room's last one is `ordinal`, and those up to `purged_ordinal` are gone
        (core/unread_counts.py).
        """
        return max(0, ordinal - max(self.read_ordinal, purged_ordinal) - self.own_unread)

    def is_hidden(self, ordinal: int) -> bool:
        """Whether nothing countable came since the member hid the room, whose last message is `ordinal`."""
        return self.hidden > ordinal

    @property
    def never_joined(self) -> bool:
        """Whether this is no membership that ended: only a ban from a room that the user knows nothing of."""
        return self.joined_at == 0 and self.gone in ("banned", "removed")

    def muted(self, now_ms: int) -> bool:
        return self.muted_until == 1 or self.muted_until > now_ms


@dataclass(slots=True)
class Room:
    """One room. `number` is the store's key, `name` the public one; `members` holds present members only."""

    number: int
    name: str
    kind: str
    creator: str
    created_at: int
    seq: int = 0
    ordinal: int = 0
    time: int = 0  # of the last message; before the first, of the creation
    log_floor: int = 1
    title: str = ""
    avatar: str = ""
    public: bool = False
    data: bytes = b""  # host data as MessagePack, empty when absent
    # Of the request that created it.
    client_key: str | None = None
    client_digest: int | None = None
    deleted_by: str | None = None
    # The seq from which on `own_unread` of stored members counts nothing; 0: it counts all (core/unread_counts.py).
    uncounted: int = 0
    # The users who wrote in a direct room: 1 its creator, 2 the other, 3 both.
    written: int = 0
    details: RoomDetails = NO_DETAILS
    retain_s: int = 0
    # Messages up to `purged` are gone; the last countable one of them had `purged_ordinal`. In direct rooms some below
    # may be kept (`details.kept`), and `purged_ordinal` stays 0.
    purged: int = 0
    purged_ordinal: int = 0
    # Of a channel: its followers and staff, of whom `members` holds the staff and those who asked for something lately.
    followers: int | None = None
    # The authors of countable messages from `uncounted` on.
    uncounted_by: frozenset[str] = frozenset()
    members: dict[str, Member] = field(default_factory=dict)
    former: dict[str, Member] = field(default_factory=dict)
    # The values of the last commit, which readers may be shown.
    durable_seq: int = 0
    durable_ordinal: int = 0
    durable_written: int = 0
    # Whether a batch that is not on the disk yet changes the room or its members.
    dirty: bool = False
    # The users who join or leave in that batch.
    changing_members: frozenset[str] = frozenset()
    # The members that are bots or official accounts; empty where bots are switched off.
    bots: frozenset[str] = frozenset()
    # In direct rooms, by author; empty where both may write and have accepted each other.
    gates: Mapping[str, Gate] = field(default_factory=dict)
    # By author: the members who block them, for whom their messages count nothing.
    ignored_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # The members whose accounts are closed, where people are switched on: like whoever blocks everybody.
    closed: frozenset[str] = frozenset()
    # In direct rooms: whether privacy keeps read and delivered marks from both.
    marks_kept: bool = False
    # Whether memberships in groups decide a gate, or who sees marks.
    by_groups: bool = False
    # The number of commits that may have changed these, and the number up to which they were read.
    people_changes: int = field(default=0, compare=False)
    people_read: int = field(default=-1, compare=False)

    def __post_init__(self) -> None:
        self.mark_durable()

    def mark_durable(self) -> None:
        """Note that everything decided is on the disk."""
        self.dirty, self.changing_members = False, frozenset()
        self.durable_seq, self.durable_ordinal = self.seq, self.ordinal
        self.durable_written = self.written

    @property
    def direct(self) -> bool:
        return self.kind == DIRECT

    @property
    def is_channel(self) -> bool:
        return self.followers is not None

    @property
    def scale(self) -> int:
        """The number of members by which thresholds of large rooms go: a channel is above all of them."""
        return len(self.members) if self.followers is None else CROWD

    @property
    def governed(self) -> bool:
        """Whether rules may hold here that hold in few rooms."""
        return self.details is not NO_DETAILS or self.kind == CHANNEL

    @property
    def is_outdated(self) -> bool:
        """Whether gates and blocks have to be read before the next decision; in channels there are none."""
        return self.people_read != self.people_changes and not self.is_channel

    @property
    def floor(self) -> int:
        """The seq up to which nothing is left of the log."""
        return 0 if self.kind == DIRECT else self.purged

    @property
    def size(self) -> int:
        return len(self.members) if self.followers is None else self.followers

    def is_listed(self, member: Member) -> bool:
        """Whether `member` has this room in their list, and their connections are sent its events.

        Not before the other has written something in a direct room, nor while they have not accepted a request.
        """
        return member.standing == ACCEPTED or (member.standing == POLICY and self.written > 0)

    def among(self, users: AbstractSet[str]) -> frozenset[str]:
        """Return those of `users` who are present members."""
        return frozenset(users & self.members.keys())

    def standing_at(self, *standings: int) -> list[str]:
        """Return the members with one of these standings."""
        return [user for user, member in self.members.items() if member.standing in standings]

    @property
    def keeps_marks(self) -> bool:
        """Whether neither user of a direct room sees how far the other read: by privacy, or while one only asks."""
        return self.marks_kept or bool(self.standing_at(REQUEST, DECLINED))

    def ignoring(self, author: str) -> tuple[str, ...]:
        """Return the members who block `author`. Who left is in `ignored_by` until it is read again."""
        return tuple([user for user in self.ignored_by.get(author, ()) if user in self.members])

    def kept_from(self, user: str) -> set[str]:
        """Return the members who block `user`, whom `user` blocks, or who are closed: none is shown what the other does
        here.
        """
        blocked = (author for author, blockers in self.ignored_by.items() if user in blockers)
        return {*self.ignored_by.get(user, ()), *blocked, *self.closed}

    @property
    def users(self) -> list[str]:
        """A copy of the present members, in the order in which they joined."""
        return list(self.members)

    def member(self, user: str) -> Member | None:
        return self.members.get(user)

    def enter(self, member: Member) -> None:
        """Make `member` a present one. Only a `WriteSet` calls this, as it does `take_out`."""
        if self.followers is not None:
            self.followers += 1
        self.former.pop(member.user, None)
        self.members[member.user] = member

    def take_out(self, member: Member, reason: GoneReason) -> None:
        """Make `member` a former one."""
        if self.followers is not None:
            self.followers -= 1
        del self.members[member.user]
        self.bots -= {member.user}
        member.gone = reason
        self.former[member.user] = member

    def put(self, member: Member) -> None:
        """Put a stored member into memory, unless they are there."""
        if self.known(member.user) is None:
            (self.members if member.gone is None else self.former)[member.user] = member

    @property
    def in_memory(self) -> int:
        """The number of present and former members in memory."""
        return len(self.members) + len(self.former)

    def forget_followers(self, count: int) -> None:
        """Forget plain members of a channel, those who asked longest ago first, down to `count` in memory."""
        plain = [*self.former, *(user for user, member in self.members.items() if member.role == "member")]
        going = [user for user in plain if user not in self.uncounted_by]
        for user in going[: max(0, self.in_memory - count)]:
            self.members.pop(user, None)
            self.former.pop(user, None)

    @property
    def staff(self) -> list[str]:
        """The admins and owners; of a channel, too, all of them are in memory."""
        return [user for user, member in self.members.items() if member.role != "member"]

    def known(self, user: str) -> Member | None:
        """Return a present or former member."""
        return self.members.get(user) or self.former.get(user)

    def behind(self, seq: int) -> list[Member]:
        """Return the present members in memory who have not read up to `seq`."""
        return [member for member in self.members.values() if member.read < seq]

    def seen_from(self, member: Member) -> int:
        """Return the event from which on there is something to see for `member`."""
        return max(member.first_visible, self.floor + 1)

    def showing_receipts(self, but: str) -> list[Member]:
        """Return the present members who show receipts, except `but`."""
        return [member for member in self.members.values() if member.receipts and member.user != but]

    def peer(self, user: str) -> str:
        """Return the other user of a direct room; of one's notes to oneself, `user`."""
        return next((other for other in self.members if other != user), user)

    def keeps_owner(self, wanted: Mapping[str, Role]) -> bool:
        """Whether there is an owner when some members get other roles."""
        return any(wanted.get(user, member.role) == "owner" for user, member in self.members.items())

    def successor(self) -> Member | None:
        """Return the next owner when no owner is left: the longest-serving admin, else the longest-serving member.

        No follower of a channel becomes its owner by that.
        """
        if self.keeps_owner({}):
            return None
        candidates = [
            member for member in self.members.values() if not self.is_channel or member.role == "admin"
        ]
        return min(
            candidates,
            key=lambda member: (member.role != "admin", member.joined_at, member.first_visible, member.user),
            default=None,
        )


# The fields that a batch may change and a rollback restores. Their values are replaced, never changed in place.
MEMBER_IMAGED = (
    "user",
    "role",
    "joined_at",
    "first_visible",
    "read",
    "read_ordinal",
    "own_unread",
    "mentions",
    "delivered",
    "muted_until",
    "pinned",
    "hidden",
    "gone",
    "receipts",
    "extras",
    "standing",
    "notify",
    "folder",
    "unread_mark",
)
ROOM_ALTERED = (  # what no message changes, but requests about a room and maintenance do
    "log_floor",
    "title",
    "avatar",
    "public",
    "data",
    "deleted_by",
    "details",
    "retain_s",
    "purged",
    "purged_ordinal",
    "followers",
)
ROOM_IMAGED = (
    "number",
    "name",
    "kind",
    "creator",
    "created_at",
    "seq",
    "ordinal",
    "time",
    "client_key",
    "client_digest",
    "uncounted",
    "written",
    "uncounted_by",
    "bots",
    *ROOM_ALTERED,
)


# A tuple of values is the cheapest image: one is taken for everything that a batch touches.
ROOM_IMAGE = attrgetter(*ROOM_IMAGED)
ROOM_ALTERATION = attrgetter(*ROOM_ALTERED)
MEMBER_IMAGE = attrgetter(*MEMBER_IMAGED)

MemberImage = tuple[Member, tuple[Any, ...]] | None
"""A member and its values from before; None when there was none."""


def member_image(member: Member | None) -> MemberImage:
    return None if member is None else (member, MEMBER_IMAGE(member))


def is_altered(room: Room, image: tuple[Any, ...]) -> bool:
    """Whether more of a room changed since its `image` than a message changes."""
    return image[-len(ROOM_ALTERED) :] != ROOM_ALTERATION(room)


def restore_values(target: Room | Member, names: tuple[str, ...], image: tuple[Any, ...]) -> None:
    for name, value in zip(names, image, strict=True):
        setattr(target, name, value)


def restore_member(members: dict[str, Member], user: str, before: MemberImage) -> None:
    if before is None:
        members.pop(user, None)
        return
    member, image = before
    restore_values(member, MEMBER_IMAGED, image)
    members[user] = member

"""A room and its members as decisions see them: plain state, changed only inside a `WriteSet`.

Rooms are loaded on demand and forgotten when idle. What a reader may be shown comes from the store or from a
committed batch, never from here: during a commit this state is ahead of the disk by one batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from chatd.protocol.members import Role
from chatd.protocol.rooms import GoneReason

DIRECT = "direct"
GROUP = "group"


@dataclass(slots=True)
class Member:
    """One user's place in one room. Positions are `seq`, times Unix milliseconds."""

    user: str
    role: Role
    joined_at: int
    first_visible: int
    read: int
    read_ordinal: int  # number of countable messages up to `read`
    own_unread: int = 0  # own countable messages after `read`: not unread for their author
    mentions: int = 0  # unread mentions
    delivered: int = 0
    muted_until: int = 0  # 0 not muted, 1 for ever
    pinned: bool = False
    hidden: bool = False
    gone: GoneReason | None = None
    receipts: bool = True  # account-wide preference: shows own and sees others' receipts
    extras: bytes = (
        b""  # rarely used state, a MessagePack map that is read and written whole; empty when absent
    )

    def unread(self, ordinal: int) -> int:
        """Countable messages of others after the read position, when the room's last message is `ordinal`."""
        return max(0, ordinal - self.read_ordinal - self.own_unread)

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
    time: int = 0  # of the last message
    log_floor: int = 1
    title: str = ""
    avatar: str = ""
    public: bool = False
    data: bytes = b""  # host data as MessagePack, empty when absent
    client_key: str | None = None  # of the request that created it
    client_digest: int | None = None
    deleted_by: str | None = None
    uncounted: int = 0  # seq since which `own_unread` of the stored members counts nothing, 0 never
    written: int = 0  # in a direct room, who said something: 1 its creator, 2 the other
    uncounted_by: frozenset[str] = frozenset()  # who said something countable since
    members: dict[str, Member] = field(default_factory=dict)
    former: dict[str, Member] = field(default_factory=dict)
    durable_seq: int = 0  # `seq` and `ordinal` of the last commit: what anybody may be shown
    durable_ordinal: int = 0
    durable_written: int = 0
    dirty: bool = False  # a batch that is not on disk yet changes it, or its members
    changing_members: frozenset[str] = frozenset()  # who comes or goes in that batch

    def __post_init__(self) -> None:
        self.mark_durable()

    def mark_durable(self) -> None:
        """What was decided is on disk."""
        self.dirty, self.changing_members = False, frozenset()
        self.durable_seq, self.durable_ordinal = self.seq, self.ordinal
        self.durable_written = self.written

    @property
    def direct(self) -> bool:
        return self.kind == DIRECT

    @property
    def size(self) -> int:
        """The number of present members."""
        return len(self.members)

    @property
    def users(self) -> list[str]:
        """The present members, in the order they came: for a decision about each of them."""
        return list(self.members)

    def member(self, user: str) -> Member | None:
        """The place of a present member."""
        return self.members.get(user)

    def known(self, user: str) -> Member | None:
        """The place of a present or former member."""
        return self.members.get(user) or self.former.get(user)

    def first_visible(self, user: str) -> int:
        """The event from which on a listener sees the room; they may have left it later in the same batch."""
        member = self.known(user)
        return 1 if member is None else member.first_visible

    def showing_receipts(self, but: str) -> list[Member]:
        """The present members who show receipts, without `but`."""
        return [member for member in self.members.values() if member.receipts and member.user != but]

    def peer(self, user: str) -> str:
        """The other user of a direct room."""
        return next(other for other in self.members if other != user)

    def keeps_owner(self, wanted: Mapping[str, Role]) -> bool:
        """Whether there is an owner when some members get other roles."""
        return any(wanted.get(user, member.role) == "owner" for user, member in self.members.items())

    def successor(self) -> Member | None:
        """Who becomes owner when no owner is left: the longest-serving admin, else the longest-serving member."""
        if self.keeps_owner({}):
            return None
        return min(
            self.members.values(),
            key=lambda member: (member.role != "admin", member.joined_at, member.first_visible, member.user),
            default=None,
        )


# The fields that a batch may change and a rollback puts back. A value here is replaced, never changed in place.
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
    "log_floor",
    "title",
    "avatar",
    "public",
    "data",
    "client_key",
    "client_digest",
    "deleted_by",
    "uncounted",
    "written",
    "uncounted_by",
)

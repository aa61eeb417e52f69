"""The events of one run, as facts: the checkers read them, and nothing here compares them."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.simulation.media_record import MediaRecord

Packet = dict[str, Any]
FOR_EVER = 1 << 53


class Stuck(AssertionError):
    """The run does not continue: nothing can be said of what comes after."""


class SentPacket(NamedTuple):
    """A packet that a client sent. `again`: it had been sent before."""

    at: float
    packet: Packet
    again: bool


class ReceivedPacket(NamedTuple):
    """A packet that a client received; `written` when the daemon wrote it, the disk standing at `position`."""

    at: float
    packet: Packet
    position: int
    written: float


@dataclass(slots=True, eq=False)
class Conversation:
    """One connection of one client. `carried`: heads by room that the client knew before. `issued_s`: of its token."""

    client: str
    user: str
    device: str
    text: bool
    began: float
    carried: dict[str, int]
    issued_s: float
    boot: int = 0
    epoch: str = ""
    asked: list[SentPacket] = field(default_factory=list)
    received: list[ReceivedPacket] = field(default_factory=list)
    closed: bool = False
    # The time when its client had waited too long for an answer.
    gave_up: float = 0.0
    # A promise of the wire that was broken, as a sentence.
    garbled: str = ""
    had_cursor: str = ""


class Row(NamedTuple):
    """One event as it stands in the database."""

    stamp: int
    key: str | None
    event: Packet
    # The members who block its author, so that it counts nothing for them.
    ignored: frozenset[str] = frozenset()


class RowVersion(NamedTuple):
    """An account row as a commit left it; `value` None: deleted."""

    stamp: int
    user: str
    section: str
    name: str
    value: Any


class Delivery(NamedTuple):
    """A batch of the event feed that reached its receiver, whether or not the answer came back."""

    after: str
    next: str
    entries: list[Packet]
    accepted: bool


class Ruling(NamedTuple):
    """A verdict that a judge sent, whether or not it came in time, by the id of its item."""

    id: str
    do: str


class PushRequest(NamedTuple):
    """A notification that reached a push service. `final`: it is over, taken or not; `accepted`: it was taken."""

    at: float
    token: str
    tag: str
    room: str
    seq: int
    kind: str
    badge: int | None
    accepted: bool
    final: bool


class Registered(NamedTuple):
    """A registration as it stands in the database."""

    token: str
    user: str
    device: str


class FeedEntry(NamedTuple):
    """An entry of the event feed as it stands in the database. `event`: its room and seq, if it is of one."""

    stamp: int
    n: int
    type: str
    event: tuple[str, int] | None
    marks: frozenset[str]


@dataclass(slots=True)
class Truth:
    """The log of one epoch, read when it ended, with what was folded away below the `floors` of rooms.

    `kept`: the last stamp that the next epoch took over. `deleted`: rooms.
    """

    epoch: str
    rooms: dict[str, dict[int, Row]]
    stamp: int
    members: dict[str, dict[str, Packet]] = field(default_factory=dict)
    kept: int | None = None
    floors: dict[str, int] = field(default_factory=dict)
    deleted: frozenset[str] = frozenset()
    rows: list[RowVersion] = field(default_factory=list)
    # Messages that are gone, by room, and the time when this was read (Unix ms).
    gone: dict[str, set[int]] = field(default_factory=dict)
    channels: set[str] = field(default_factory=set)
    # The users and keys of all messages.
    sent: set[tuple[str, str | None]] = field(default_factory=set)
    read_ms: int = 0
    people: bool = False
    # The two users of direct rooms.
    directs: dict[str, tuple[str, str]] = field(default_factory=dict)
    # The event feed: there are no entries of commits up to `feed_floor`, None: it is off.
    feed: list[FeedEntry] = field(default_factory=list)
    feed_floor: int | None = None
    # Stamps and numbers of entries that were set aside for being refused.
    parked: frozenset[tuple[int, int]] = frozenset()
    registered: list[Registered] = field(default_factory=list)


class Commit(NamedTuple):
    """A commit that returned, `durable` the position at which a sync had covered it; None: none did."""

    boot: int
    epoch: str
    stamp: int
    durable: int | None


class Slice(NamedTuple):
    """Events that a client applied one after the other, without a hole as far as it knows."""

    client: str
    user: str
    epoch: str
    room: str
    events: list[Packet]


class Snapshot(NamedTuple):
    """The account rows that a client kept when it stored a cursor: stamp and value of each by section and name; and its
    views of rooms."""

    client: str
    user: str
    epoch: str
    cursor: str
    rows: dict[str, dict[str, tuple[int, Any]]]
    views: dict[str, tuple[int, list[Any]]]


class ViewVersion(NamedTuple):
    """What a user saw of a room from a commit on: its events from `own` on by what they did, from `first` on as older
    ones went, without `deleted`. `listed`: a group or channel of theirs.
    """

    stamp: int
    at: float
    boot: int
    user: str
    room: str
    own: int
    first: int
    deleted: list[Any]
    member: bool
    listed: bool


class Revocation(NamedTuple):
    """Tokens of a user, or of one device, refused from `stamp` on."""

    user: str
    device: str
    epoch: str
    stamp: int
    at: float
    wall_s: float


@dataclass(slots=True)
class Restricted:
    """A restriction that was answered at `at`, in force for what is committed behind `stamp`, until somebody asks for
    another one or for none."""

    user: str
    what: str
    epoch: str
    stamp: int
    at: float
    until: float = float("inf")


class Excess(NamedTuple):
    """The most bytes that ever waited for one connection, and the allowed number."""

    bytes: int
    allowed: int


@dataclass(slots=True)
class History:
    """All of it. `ended`: the run came to its end, well or not; otherwise it got stuck."""

    faults: frozenset[str] = frozenset()
    ended: bool = False
    conversations: list[Conversation] = field(default_factory=list)
    truths: list[Truth] = field(default_factory=list)
    commits: list[Commit] = field(default_factory=list)
    slices: list[Slice] = field(default_factory=list)
    revocations: list[Revocation] = field(default_factory=list)
    # Whether groups govern themselves.
    governed: bool = False
    # Views of members by epoch, in commit order.
    views: dict[str, list[ViewVersion]] = field(default_factory=dict)
    # Rooms that kept something for too long; contradictions in the database.
    kept_too_long: list[str] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    # Whether there are moderators, what they restricted, and whom they erased.
    moderated: bool = False
    restrictions: list[Restricted] = field(default_factory=list)
    # Whom they wanted to ban, whether or not it was answered.
    banned: set[str] = field(default_factory=set)
    # By user: the epoch in which it was first answered.
    erased: dict[str, str] = field(default_factory=dict)
    # The versions of account rows by epoch, in commit order.
    versions: dict[str, list[RowVersion]] = field(default_factory=dict)
    snapshots: list[Snapshot] = field(default_factory=list)
    # Whether people are switched on.
    people: bool = False
    # Pairs of contacts that fit no row of the table of a pair, in one commit.
    uneven: list[str] = field(default_factory=list)
    # The differences at the end between devices and their contacts.
    apart: list[str] = field(default_factory=list)
    # The times when old tombstones of account rows were forgotten.
    aged: list[float] = field(default_factory=list)
    # Errors that the daemon logged and no fault explains.
    complaints: list[str] = field(default_factory=list)
    # Starts and stops that failed.
    upsets: list[str] = field(default_factory=list)
    # Tasks and timers that outlived their connections.
    leftovers: list[str] = field(default_factory=list)
    # Clients that had not converged in time, and how.
    unfinished: list[str] = field(default_factory=list)
    # The differences at the end between daemon and log.
    final_state_findings: list[str] = field(default_factory=list)
    # Whether the judge of the host failed open or closed; "" without one.
    hooks: str = ""
    deliveries: list[Delivery] = field(default_factory=list)
    rulings: list[Ruling] = field(default_factory=list)
    # The time from which on searches were asked for when all was quiet; 0 without search.
    searched_at: float = 0.0
    # Whether push is on, and what came to the push service.
    push: bool = False
    pushes: list[PushRequest] = field(default_factory=list)
    # Devices that registered and never came back, with the last commit before.
    away: dict[str, int] = field(default_factory=dict)
    # Stamp and time of each commit, with the badges of all users.
    badges: list[tuple[int, float, dict[str, int]]] = field(default_factory=list)
    # When time was let pass on the wall: the commit up to which push had decided everything, and the time (Unix ms) of
    # the oldest message that is still worth a notification.
    stale: list[tuple[int, int]] = field(default_factory=list)
    # The time of a restart before which everything was decided.
    push_ended_at: float | None = None
    media: MediaRecord = field(default_factory=MediaRecord)
    excess: Excess = field(default_factory=lambda: Excess(0, 0))
    crashes: list[float] = field(default_factory=list)
    sometimes: dict[str, int] = field(default_factory=dict)
    # The story, for readers.
    notes: list[str] = field(default_factory=list)

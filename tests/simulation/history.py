"""What happened in one run, as facts: the checkers read it, and nothing here judges."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

Packet = dict[str, Any]


class SentPacket(NamedTuple):
    """A packet a phone sent. `again`: it had been sent before."""

    at: float
    packet: Packet
    again: bool


class ReceivedPacket(NamedTuple):
    """A packet a phone received; `written` when the daemon wrote it, the disk standing at `position`."""

    at: float
    packet: Packet
    position: int
    written: float


@dataclass(slots=True, eq=False)
class Conversation:
    """One connection of one phone. `carried`: heads by room that the phone knew before. `issued_s`: of its token."""

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
    heard: list[ReceivedPacket] = field(default_factory=list)
    closed: bool = False
    gave_up: float = 0.0  # when its phone had waited too long for an answer
    garbled: str = ""  # a promise of the wire that was broken, in words
    had_cursor: str = ""


class Row(NamedTuple):
    """One event as it stands in the database."""

    stamp: int
    key: str | None
    event: Packet


class RowVersion(NamedTuple):
    """An account row as a commit left it; `value` None: gone."""

    stamp: int
    user: str
    section: str
    name: str
    value: Any


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


class Commit(NamedTuple):
    """A commit that returned, `durable` the position at which a sync had covered it; None: none did."""

    boot: int
    epoch: str
    stamp: int
    durable: int | None


class Slice(NamedTuple):
    """Events a phone applied one after the other, without a hole as far as it knows."""

    client: str
    user: str
    epoch: str
    room: str
    events: list[Packet]


class Snapshot(NamedTuple):
    """The account rows a phone kept when it stored a cursor: stamp and value of each by section and name."""

    client: str
    user: str
    epoch: str
    cursor: str
    rows: dict[str, dict[str, tuple[int, Any]]]


class Revocation(NamedTuple):
    """Tokens of a user, or of one device, refused from `stamp` on."""

    user: str
    device: str
    epoch: str
    stamp: int
    at: float
    wall_s: float


class Excess(NamedTuple):
    """The most bytes that ever waited for one connection, and how many may."""

    bytes: int
    allowed: int


@dataclass(slots=True)
class History:
    """All of it. `ended`: the run came to its end, well or not; else it got stuck on the way."""

    faults: frozenset[str] = frozenset()
    ended: bool = False
    conversations: list[Conversation] = field(default_factory=list)
    truths: list[Truth] = field(default_factory=list)
    commits: list[Commit] = field(default_factory=list)
    slices: list[Slice] = field(default_factory=list)
    revocations: list[Revocation] = field(default_factory=list)
    versions: dict[str, list[RowVersion]] = field(default_factory=dict)  # by epoch, in commit order
    snapshots: list[Snapshot] = field(default_factory=list)
    aged: list[float] = field(default_factory=list)  # when old tombstones of account rows were forgotten
    complaints: list[str] = field(default_factory=list)  # errors the daemon logged and nothing explains
    upsets: list[str] = field(default_factory=list)  # starts and stops that failed
    leftovers: list[str] = field(default_factory=list)  # tasks and timers that outlived their connections
    unfinished: list[str] = field(default_factory=list)  # who had not converged in time, and how
    final_state_findings: list[str] = field(
        default_factory=list
    )  # what the daemon says at the end, against the log
    excess: Excess = field(default_factory=lambda: Excess(0, 0))
    crashes: list[float] = field(default_factory=list)
    sometimes: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)  # the story for people

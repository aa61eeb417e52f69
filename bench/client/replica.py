"""How far a user is in one room, as numbers: the rules of position of protocol.md, and their violations.

Pure: events go in, a verdict about each comes out. Fetching what is missing is the business of user.py.
"""

from enum import Enum, auto

from bench.client.pushes import Run

BUFFERED_MAX = 64  # protocol.md "Positions, gaps and repair"


class Fate(Enum):
    APPLIED = auto()
    BUFFERED = auto()  # there is a gap before it
    OVERLAP = auto()  # known from the reply to hello, which is allowed
    DUPLICATE = auto()  # pushed twice on one connection
    LATE = auto()  # pushed after a later one on the same connection


class Position:
    """How far one user is in one room, and the sum of the identities of all events up to there."""

    __slots__ = ("_buffer", "_pushed", "applied", "head", "identity", "snapshot", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.applied = start
        self.head = start
        self.identity = 0
        self._buffer: dict[int, int] = {}
        self._pushed = 0
        self.snapshot = 0  # the last place as this connection's hello told it

    @property
    def behind(self) -> bool:
        return self.applied < self.head

    def connected(self) -> None:
        """A new connection: nothing was pushed on it yet."""
        self._buffer.clear()
        self._pushed = 0
        self.snapshot = 0
        self.head = self.applied

    def told(self, seq: int) -> None:
        """A summary says that the room is at `seq`; pushes up to there may repeat what it brought."""
        self.snapshot = max(self.snapshot, seq)
        self.head = max(self.head, seq)

    def run(self, run: Run) -> bool:
        """Applies a pushed run that follows directly; False: nothing was done, look at each event."""
        if run.first != self.applied + 1 or self._pushed > self.applied or self._buffer:
            return False
        self.identity += run.identity
        self.applied = self._pushed = run.last
        if run.last > self.head:
            self.head = run.last
        return True

    def pushed(self, seq: int, identity: int) -> Fate:
        """One live event, or the ack that stands in its place for the author."""
        if seq <= self._pushed:
            known = seq <= self.applied or seq in self._buffer
            self.repaired(seq, identity)
            return Fate.DUPLICATE if known else Fate.LATE
        self._pushed = seq
        if seq <= self.applied:
            return Fate.OVERLAP if seq <= self.snapshot else Fate.DUPLICATE
        self.head = max(self.head, seq)
        return Fate.APPLIED if self.repaired(seq, identity) else Fate.BUFFERED

    def moved(self, seq: int) -> None:
        """A `head` push: the room is at `seq`, the events up to there will not be pushed any more."""
        self._pushed = max(self._pushed, seq)
        self.head = max(self.head, seq)

    def repaired(self, seq: int, identity: int) -> bool:
        """One event from a reply; True when it was new and is applied, with all that waited behind it."""
        if seq != self.applied + 1:
            if seq > self.applied:
                self._keep(seq, identity)
            return False
        while True:
            self.applied = seq
            self.identity += identity
            seq += 1
            if seq not in self._buffer:
                break
            identity = self._buffer.pop(seq)
        self.head = max(self.head, self.applied)
        return True

    def _keep(self, seq: int, identity: int) -> None:
        self._buffer[seq] = identity
        if len(self._buffer) > BUFFERED_MAX:
            self._buffer.clear()

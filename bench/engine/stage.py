"""What all devices of one process share while a load runs, and what is told of it at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from bench.checks import Tally
from bench.codec import ENCODINGS
from bench.engine.device import Access, Gate
from bench.engine.record import SECOND_NS, Record
from bench.engine.script import Script, Texts
from bench.engine.witness import Witness


@dataclass(frozen=True)
class Pacing:
    """How messages are paced: closed with that many in flight, or open at a rate (messages a second in all)."""

    duration_s: float
    warmup_s: float
    rate: float = 0.0  # 0: closed
    in_flight: int = 1
    arrival: str = "poisson"
    seed: int = 1
    quiet_s: float = 5.0  # nothing for this long at the end while something is missing: it will not come

    def paced(self, *, rate: float = 0.0, in_flight: int = 1, arrival: str = "poisson") -> Pacing:
        """The same length and chance at another pace: open at `rate`, or closed."""
        return replace(self, rate=rate, in_flight=in_flight, arrival=arrival)

    @property
    def whole_s(self) -> float:
        """Warm-up and measured time."""
        return self.warmup_s + self.duration_s


@dataclass
class Stage:
    """The shared part of one process."""

    access: Access
    script: Script
    pacing: Pacing
    tally: Tally = field(default_factory=Tally)
    record: Record = field(default_factory=Record)
    gate: Gate = field(default_factory=Gate)
    share: int = 0  # which of the processes this is
    shares: int = 1  # how many there are

    def __post_init__(self) -> None:
        self.texts: Texts = self.script.texts()
        self.encoding = ENCODINGS[self.access.encoding]

    @property
    def stop_ns(self) -> int:
        """Nothing new is said from then on."""
        return self.record.until_ns

    def begin(self, start_ns: int) -> None:
        """Everybody is in; the warm-up starts then."""
        self.record.from_ns = start_ns + int(self.pacing.warmup_s * SECOND_NS)
        self.record.until_ns = start_ns + int(self.pacing.whole_s * SECOND_NS)

    def mine(self, numbers: Sequence[int]) -> Sequence[int]:
        """The part of these that this process plays."""
        return numbers[self.share :: self.shares]

    def witness(self, name: str) -> Witness:
        """Somebody who has seen nothing yet."""
        return Witness(self.script, self.texts, self.tally, name)


@dataclass
class Heard:
    """How many messages of each author some receivers of a room have, each of them the same.

    `gaps`: places of the log below the last one they have, of which they were never told.
    """

    room: str
    counts: Counter[int]
    gaps: int = 0
    receivers: int = 1
    name: str = ""

    def missing(self, said: Iterable[Said], tally: Tally) -> None:
        """Counts as lost what was acknowledged and is not here, and the gaps that this does not explain."""
        known = 0
        for author in said:
            if (missing := author.acked - self.counts[author.author]) > 0:
                known += missing
                what = f"{missing} of author {author.author} did not reach {self.name}"
                tally.add("lost", what, missing * self.receivers)
        if (gaps := self.gaps - known) > 0:
            tally.add(
                "lost", f"{gaps} places of {self.room} were never told to {self.name}", gaps * self.receivers
            )


@dataclass
class Said:
    """What one author has said in a room."""

    room: str
    author: int
    sent: int
    acked: int


@dataclass
class Report:
    """What one process tells at the end."""

    record: Record = field(default_factory=Record)
    tally: Tally = field(default_factory=Tally)
    heard: list[Heard] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    cpu_s: float = 0.0  # of the measured stretch
    seconds: float = 0.0  # its length

    def merge(self, other: Report) -> None:
        """Adds what another process tells."""
        self.record.merge(other.record)
        self.tally.merge(other.tally)
        self.heard += other.heard
        self.said += other.said
        self.failures.update(other.failures)
        self.cpu_s = max(self.cpu_s, other.cpu_s)  # the busiest process is the bottleneck
        self.seconds = max(self.seconds, other.seconds)

    def conclude(self) -> None:
        """Counts what did not reach a receiver, and what was never acknowledged."""
        said: dict[str, list[Said]] = {}
        for author in self.said:
            said.setdefault(author.room, []).append(author)
            if missing := author.sent - author.acked:
                self.tally.add("unacked", f"{missing} of author {author.author} in {author.room}", missing)
        for heard in self.heard:
            heard.missing(said.get(heard.room, ()), self.tally)

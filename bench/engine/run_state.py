"""Everything the devices of one process share while a load runs, and the report of it at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from bench import wire
from bench.checks import Tally
from bench.client.poller import Poller
from bench.engine.record import SECOND_NS, Record, Script
from bench.wire import ENCODINGS, Packet


@dataclass(frozen=True)
class Access:
    """The URL that devices dial, in which encoding, and from which local addresses in turn."""

    url: str
    secret: str
    encoding: str = "msgpack"
    sources: tuple[str, ...] = ()

    def hello(self, user: str, device: str, **more: object) -> Packet:
        token = wire.token(user, self.secret)
        return {"type": "hello", "version": 1, "token": token, "device": device, "previews": False, **more}

    def source(self, number: int) -> str:
        return self.sources[number % len(self.sources)] if self.sources else ""


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
        return self.warmup_s + self.duration_s


@dataclass
class RunState:
    access: Access
    script: Script
    pacing: Pacing
    poller: Poller = field(default_factory=Poller)
    tally: Tally = field(default_factory=Tally)
    record: Record = field(default_factory=Record)
    entered: int = 0  # devices that were let in
    answered: int = 0  # messages acknowledged, or refused for good
    failures: Counter[str] = field(default_factory=Counter)  # of devices not let in or lost, of sends refused
    share: int = 0  # which of the processes this is
    shares: int = 1  # how many there are

    def __post_init__(self) -> None:
        self.encoding = ENCODINGS[self.access.encoding]

    @property
    def stop_ns(self) -> int:
        return self.record.until_ns

    def goes_on(self, now_ns: int) -> bool:
        """Whether an answer asks for the next message: in a closed loop, until the run stops."""
        return not self.pacing.rate and now_ns < self.record.until_ns

    def begin(self, start_ns: int) -> None:
        self.record.from_ns = start_ns + int(self.pacing.warmup_s * SECOND_NS)
        self.record.until_ns = start_ns + int(self.pacing.whole_s * SECOND_NS)

    def mine(self, numbers: Sequence[int]) -> Sequence[int]:
        return numbers[self.share :: self.shares]

    def report(self, heard: Sequence[Heard] = (), said: Sequence[Said] = ()) -> Report:
        return Report(self.record, self.tally, list(heard), list(said), self.failures)


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
        """Count as lost what was acknowledged and is not here, and the gaps that this does not explain."""
        known = 0
        for author in said:
            if (missing := author.acked - self.counts[author.author]) > 0:
                known += missing
                text = f"{missing} of author {author.author} did not reach {self.name}"
                tally.add("lost", text, missing * self.receivers)
        if (gaps := self.gaps - known) > 0:
            text = f"{gaps} places of {self.room} were never told to {self.name}"
            tally.add("lost", text, gaps * self.receivers)


@dataclass
class Said:
    """How much one author has said in a room."""

    room: str
    author: int
    sent: int
    acked: int


@dataclass
class Report:
    record: Record = field(default_factory=Record)
    tally: Tally = field(default_factory=Tally)
    heard: list[Heard] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    cpu_s: float = 0.0  # of the measured stretch
    seconds: float = 0.0  # its length

    def merge(self, other: Report) -> None:
        self.record.merge(other.record)
        self.tally.merge(other.tally)
        self.heard += other.heard
        self.said += other.said
        self.failures.update(other.failures)
        self.cpu_s = max(self.cpu_s, other.cpu_s)  # the busiest process is the bottleneck
        self.seconds = max(self.seconds, other.seconds)

    def conclude(self) -> None:
        said: dict[str, list[Said]] = {}
        for author in self.said:
            said.setdefault(author.room, []).append(author)
            if missing := author.sent - author.acked:
                self.tally.add("unacked", f"{missing} of author {author.author} in {author.room}", missing)
        for heard in self.heard:
            heard.missing(said.get(heard.room, ()), self.tally)

"""The storm from gathering to the last comparison. Everything runs on one pump, in one thread."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable

from bench.codec import Packet
from bench.engine.record import SECOND_NS
from bench.histogram import Histogram
from bench.storm.crowd import Crowd
from bench.storm.gathering import enter, look_now_and_then, wait
from bench.storm.logs import check_author, check_traveller, read
from bench.storm.making import make_direct, make_groups
from bench.storm.probe import Probe
from bench.storm.sender import Sender
from bench.storm.traveller import Traveller
from bench.storm.visit import Stage

AUTHORS = 8  # who make the rooms and say what is missed
PROBES = 4  # polite senders during the storm
ENTERING_MAX = 64  # at a time, while all is well
GATHER_NS = 120 * SECOND_NS  # nobody new for so long: the others will not come either
STORM_S = 180.0  # after that the storm is over, whoever is still missing
LAST_ACKS_NS = 5 * SECOND_NS  # for what was sent when the storm ended, and for probes that are not back yet
KILL_AT = 0.9  # of what is to be missed is acknowledged when the daemon is killed


class Storm:
    """`gather`, `miss`, `endure`, `compare`, in this order; what was seen is in the attributes."""

    def __init__(self, stage: Stage, crowd: Crowd) -> None:
        texts = [stage.script.texts().of(0, number) for number in range(61)]
        first = crowd.clients
        self.stage = stage
        self.crowd = crowd
        self.authors = [Sender(stage, first + place, texts) for place in range(AUTHORS)]
        self.probes = [Probe(stage, first + AUTHORS + 2 * place, texts) for place in range(PROBES)]
        self.travellers: list[Traveller] = []
        self.killed_ns = 0
        self.resumes = Histogram()  # from the kill to having everything
        self.returned: Counter[int] = Counter()  # how many, by the second after the kill
        self.complete_s = 0.0
        self.deliveries = 0
        self._names: dict[int, str] = {}
        self._direct: dict[Sender, str] = {}
        self._rooms_of = {
            author: range(place, crowd.rooms, AUTHORS) for place, author in enumerate(self.authors)
        }

    @property
    def heads(self) -> dict[str, int]:
        """The last place of each room that somebody was told is durable."""
        return {room: seq for author in self.authors for room, seq in author.heads.items()}

    @property
    def back(self) -> int:
        """How many travellers are connected."""
        return sum(traveller.present for traveller in self.travellers)

    @property
    def polite(self) -> Histogram:
        """From due to durable, of what the probes sent in the storm."""
        return Histogram.sum(probe.acks for probe in self.probes)

    @property
    def lags(self) -> Histogram:
        """How late the generator was with what the probes had to send."""
        return Histogram.sum(probe.lags for probe in self.probes)

    def gather(self) -> None:
        """Makes the rooms and lets everybody in. Raises Unreachable, Refused."""
        enter(self.stage, [*self.authors, *self.probes], ENTERING_MAX, GATHER_NS)
        for author, rooms in self._rooms_of.items():
            make_groups(author, self.crowd.clients_of, rooms, self._names)
        self._wait(lambda: len(self._names) == self.crowd.rooms, lambda: len(self._names), "rooms")
        for probe in self.probes:
            make_direct(probe, self._direct)
        self._wait(lambda: len(self._direct) == PROBES, lambda: len(self._direct), "direct rooms")
        for number, theirs in enumerate(self.crowd.rooms_of):
            self.travellers.append(Traveller(self.stage, number, [self._names[room] for room in theirs]))
        enter(self.stage, self.travellers, ENTERING_MAX, GATHER_NS)

    def miss(self, kill: Callable[[], None]) -> None:
        """Everybody loses his connection, the rooms go on, and the daemon is killed in the midst of it."""
        self.stage.resting = True
        for traveller in self.travellers:
            traveller.cut()
        now_ns, turns = time.perf_counter_ns(), list(range(self.crowd.rooms))
        random.Random(self.crowd.seed).shuffle(turns)
        for room in turns:
            for _ in range(self.crowd.said(room)):
                self.authors[room % AUTHORS].say(self._names[room], now_ns)
        wanted = int(KILL_AT * sum(author.said for author in self.authors))
        self.stage.pump.run(lambda: self._acked() >= wanted)
        kill()
        self.killed_ns = time.perf_counter_ns()
        self.stage.failures.clear()
        self.stage.resting, self.stage.attempts = False, 0
        for probe in self.probes:
            probe.cut()
        for traveller in self.travellers:
            traveller.come_back()

    def endure(self) -> None:
        """Until everybody has everything, or for STORM_S."""
        end_ns = self.killed_ns + int(STORM_S * SECOND_NS)
        missing = set(self.travellers)
        for probe in self.probes:
            probe.begin(self._direct[probe])

        def over() -> bool:
            now_ns = time.perf_counter_ns()
            heads = self.heads
            for traveller in [one for one in missing if one.present and one.has(heads)]:
                missing.discard(traveller)
                self.resumes.record(now_ns - self.killed_ns)
                self.returned[(now_ns - self.killed_ns) // SECOND_NS] += 1
            calm = not missing and all(author.done for author in self.authors)
            return now_ns > end_ns or (calm and all(one.has(heads) for one in self.travellers))

        look_now_and_then(self.stage.pump, over)
        self.complete_s = (time.perf_counter_ns() - self.killed_ns) / SECOND_NS
        for probe in self.probes:
            probe.end()

    def compare(self) -> None:
        """Reads every log back, and holds the authors' acks and all positions to it. Raises Unreachable, Refused."""
        tally, senders = self.stage.tally, (*self.authors, *self.probes)
        end_ns = time.perf_counter_ns() + LAST_ACKS_NS
        look_now_and_then(
            self.stage.pump,
            lambda: (
                all(sender.done and sender.present for sender in senders) or time.perf_counter_ns() > end_ns
            ),
        )
        for sender in senders:
            if missing := sender.said - len(sender.acked):
                tally.add("unacked", f"{missing} of {sender.user}", missing)
        for probe in self.probes:
            if not probe.present:
                tally.add("unacked", f"{probe.user} never came back to send")
        self._wait(
            lambda: all(author.present for author in self.authors),
            lambda: sum(author.present for author in self.authors),
            "authors",
        )
        logs: dict[str, list[Packet]] = {}
        for author, rooms in self._rooms_of.items():
            read(author, [self._names[room] for room in rooms], logs)
        self._wait(lambda: len(logs) == self.crowd.rooms, lambda: len(logs), "logs")
        for author, rooms in self._rooms_of.items():
            check_author(author, [logs[self._names[room]] for room in rooms], tally)
        self.deliveries = sum(check_traveller(traveller, logs, tally) for traveller in self.travellers)

    def _wait(self, done: Callable[[], bool], moved: Callable[[], int], what: str) -> None:
        wait(self.stage, done, moved, GATHER_NS, what)

    def _acked(self) -> int:
        return sum(len(author.acked) for author in self.authors)

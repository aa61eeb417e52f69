"""A population from the first connection to the last comparison, on one pump, in one thread."""

from __future__ import annotations

import random
import time
from collections import Counter, deque
from collections.abc import Callable
from itertools import chain

from bench.codec import Packet
from bench.engine.record import SECOND_NS, Record
from bench.engine.schedule import poisson
from bench.engine.stage import Pacing, Report
from bench.population.resident import Resident
from bench.population.settings import KINDS, Population
from bench.server import Unreachable
from bench.storm.gathering import enter, wait
from bench.storm.logs import check_author, check_traveller, read
from bench.storm.making import make_groups, make_pairs
from bench.storm.sender import Sender
from bench.storm.visit import Guest, Stage

ENTERING_MAX = 16  # at a time: below `limits.unauthenticated_per_address`
QUIET_NS = 3 * SECOND_NS  # nothing moves for so long at the end: what is missing will not come
GATHER_NS = 60 * SECOND_NS  # nobody new for so long: the others will not come either

Act = Callable[[str, int], None]


class Town:
    """`gather`, `live`, `compare`, in this order."""

    def __init__(self, stage: Stage, population: Population, pacing: Pacing) -> None:
        self.stage = stage
        self.population = population
        self.pacing = pacing
        self.record = Record()
        self.done: Counter[str] = Counter()  # what people did, besides writing
        self.residents: list[Resident] = []
        self.cpu_s = 0.0
        self._founder = Sender(stage, population.people, [])
        self._names: dict[int, str] = {}
        self._chance = random.Random(population.seed)
        self._due: deque[tuple[int, str]] = deque()  # when, and what

    @property
    def present(self) -> int:
        """How many are connected."""
        return sum(resident.present for resident in self.residents)

    def gather(self) -> None:
        """Makes the rooms and lets everybody in. Raises Unreachable, Refused."""
        population = self.population
        enter(self.stage, [self._founder], ENTERING_MAX, GATHER_NS)
        groups = [room for room, direct in enumerate(population.direct) if not direct]
        make_groups(self._founder, population.members_of, groups, self._names)
        self._wait_for_rooms(len(groups))
        self._pair_up()
        for number, rooms in population.rooms_of.items():
            names = [self._names[room] for room in rooms]
            self.residents.append(Resident(self.stage, number, names, self.record, self.done))
        enter(self.stage, self.residents, ENTERING_MAX, GATHER_NS)

    def _pair_up(self) -> None:
        """The first of each pair comes, makes the room and goes again."""
        partners: dict[int, dict[int, int]] = {}
        for room, (members, direct) in enumerate(
            zip(self.population.members_of, self.population.direct, strict=True)
        ):
            if direct:
                partners.setdefault(members[0], {})[room] = members[1]
        makers = {number: Sender(self.stage, number, []) for number in partners}
        enter(self.stage, list(makers.values()), ENTERING_MAX, GATHER_NS)
        for number, maker in makers.items():
            make_pairs(maker, partners[number], self._names)
        self._wait_for_rooms(len(self.population.members_of))
        self.stage.resting = True  # or they would come back
        for maker in makers.values():
            maker.cut()
        self.stage.resting = False

    def live(self) -> None:
        """Everybody does what is due, then what is under way comes to its end."""
        start_ns, cpu_s = time.perf_counter_ns(), time.thread_time()
        self.record.from_ns = start_ns + int(self.pacing.warmup_s * SECOND_NS)
        self.record.until_ns = start_ns + int(self.pacing.whole_s * SECOND_NS)
        self._due = due = deque(sorted(chain.from_iterable(self._schedule(kind, start_ns) for kind in KINDS)))

        def fire() -> None:
            while due and due[0][0] <= time.perf_counter_ns():
                due_ns, kind = due.popleft()
                self.record.fired(due_ns, time.perf_counter_ns())
                resident = self._chance.choice(self.residents)
                act: Act = getattr(resident, kind)
                act(self._chance.choice(resident.rooms), due_ns)
            if due:
                self.stage.pump.call_at(due[0][0], fire)

        fire()
        self.stage.pump.run(lambda: time.perf_counter_ns() >= self.record.until_ns)
        self.cpu_s = time.thread_time() - cpu_s
        try:
            wait(self.stage, self._settled, self._moves, QUIET_NS, "events")
        except Unreachable:
            return  # what is missing is counted

    def compare(self) -> Report:
        """Reads every log back and holds everybody to it. Raises Unreachable, Refused."""
        tally = self.stage.tally
        logs: dict[str, list[Packet]] = {}
        for reader, rooms in self._readers().items():
            read(reader, rooms, logs)
        wait(self.stage, lambda: len(logs) == len(self._names), lambda: len(logs), GATHER_NS, "logs")
        for resident in self.residents:
            own = (
                [event for event in logs[room] if event.get("user") == resident.user]
                for room in resident.rooms
            )
            check_author(resident, own, tally)
            check_traveller(resident, logs, tally)
            if missing := resident.said - len(resident.acked):
                tally.add("unacked", f"{missing} of {resident.user}", missing)
        return Report(
            self.record, tally, failures=self.stage.failures, cpu_s=self.cpu_s, seconds=self.pacing.whole_s
        )

    def _wait_for_rooms(self, count: int) -> None:
        names = self._names
        wait(self.stage, lambda: len(names) == count, lambda: len(names), GATHER_NS, "rooms")

    def _readers(self) -> dict[Guest, list[str]]:
        """Who reads which logs back: the founder those of groups, one of two that of a direct room."""
        here = {resident.number: resident for resident in self.residents if resident.present}
        readers: dict[Guest, list[str]] = {}
        for room, members in enumerate(self.population.members_of):
            reader: Guest = self._founder
            if self.population.direct[room]:
                reader = next((here[member] for member in members if member in here), self._founder)
            readers.setdefault(reader, []).append(self._names[room])
        return readers

    def _schedule(self, kind: str, start_ns: int) -> list[tuple[int, str]]:
        rate = self.population.rates[kind]
        seed = self.population.seed + KINDS.index(kind)
        times = poisson(rate, self.pacing.whole_s, seed) if rate else []
        return [(start_ns + at_ns, kind) for at_ns in times]

    def _settled(self) -> bool:
        if self._due:  # the machine was late with the last of it
            return False
        heads: dict[str, int] = {}
        for resident in self.residents:
            for room, seq in resident.acked.values():
                heads[room] = max(seq, heads.get(room, 0))
        return all(resident.done and resident.has(heads) for resident in self.residents)

    def _moves(self) -> int:
        return sum(position.applied for one in self.residents for position in one.positions.values())

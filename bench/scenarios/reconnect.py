"""`reconnect`: the daemon is killed under load and everybody comes back: how soon, how complete, and how it felt."""

import argparse
import asyncio
import gc
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from bench import options as common
from bench import outcome, printout
from bench.client.gathering import GATHER_NS, LOOK_NS, compare, enter, present
from bench.client.user import User, UsersState, polite
from bench.engine.record import SECOND_NS, Record
from bench.engine.run_state import Access, Pacing
from bench.engine.workers import Load
from bench.histogram import Histogram
from bench.options import Scenario
from bench.rooms import create_direct, create_groups
from bench.server import DaemonDir, daemon_dir
from bench.wire import Packet

SIZE_MAX = 20  # members of a room, besides its author: the usual group of people who know each other
AUTHORS = 8  # who make the rooms and say what is missed
PROBES = 4  # polite senders during the storm
PER_S = 12.5  # messages of a probe: often enough to see a stall, seldom enough to be none
ENTERING_MAX = 64  # at a time, while all is well
STORM_S = 180.0  # after that the storm is over, whoever is still missing
LAST_ACKS_NS = 5 * SECOND_NS  # for what was sent when the storm ended, and for probes that are not back yet
KILL_AT = 0.9  # of what is to be missed is acknowledged when the daemon is killed
_NEVER = 1 << 62


@dataclass(frozen=True)
class Crowd:
    """`clients` people with `rooms_each` rooms, who will each have missed about `missed` messages."""

    clients: int
    rooms_each: int
    missed: int
    seed: int = 1

    @property
    def size(self) -> int:
        """Clients in each room: the largest number that divides them."""
        return next(size for size in range(min(SIZE_MAX, self.clients), 0, -1) if self.clients % size == 0)

    @property
    def rooms(self) -> int:
        return self.clients * self.rooms_each // self.size

    @cached_property
    def rooms_of(self) -> list[list[int]]:
        chance = random.Random(self.seed)
        found: list[list[int]] = []
        for _ in range(self.size):
            shuffled = list(range(self.rooms))
            chance.shuffle(shuffled)
            found += [shuffled[at : at + self.rooms_each] for at in range(0, self.rooms, self.rooms_each)]
        return found

    @cached_property
    def clients_of(self) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in range(self.rooms)]
        for client, rooms in enumerate(self.rooms_of):
            for room in rooms:
                found[room].append(client)
        return found

    def said(self, room: int) -> int:
        """How many messages a room says while its people are away; `missed` for each client on average."""
        place = room % self.rooms_each
        return self.missed * (place + 1) // self.rooms_each - self.missed * place // self.rooms_each


class Probe(User):
    """Sends PER_S messages a second from when they are back for the first time, by a schedule that waits for nobody.

    Whatever is due while they are cut off again waits for them, and counts from when it was due.
    """

    def __init__(self, state: UsersState, number: int) -> None:
        super().__init__(state, number, record=Record())
        self.record = self.sender._record
        self.from_ns = 0
        self.room = ""  # empty: nothing is due

    def welcome(self, reply: Packet) -> None:
        super().welcome(reply)
        if self.room and not self.from_ns:
            self.from_ns = time.perf_counter_ns()
            self._fire(0)

    def _fire(self, number: int) -> None:
        if self.room:
            due_ns, next_ns = (self.from_ns + int(at / PER_S * SECOND_NS) for at in (number, number + 1))
            self.record.fired(due_ns, time.perf_counter_ns())
            self.say(self.room, due_ns)
            self.state.poller.call_at(next_ns, partial(self._fire, number + 1))


class Storm:
    """`gather`, `miss`, `endure`, `compare`, in this order; what was seen is in the attributes.

    `rooms` are the names of the crowd's rooms, each made by its author; `direct` those of the probes.
    """

    def __init__(self, state: UsersState, crowd: Crowd, rooms: list[str], direct: list[str]) -> None:
        self.state = state
        self.crowd = crowd
        self.rooms = rooms
        self.authors = [User(state, number, record=Record(_NEVER)) for number in author_numbers(crowd)]
        self.probes = [Probe(state, number) for number, _ in probe_numbers(crowd)]
        theirs = ([rooms[room] for room in places] for places in crowd.rooms_of)
        self.clients = [User(state, number, named) for number, named in enumerate(theirs)]
        self.killed_ns = 0
        self.resumes = Histogram()  # from the kill to having everything
        self.returned: Counter[int] = Counter()  # how many, by the second after the kill
        self.complete_s = 0.0
        self.deliveries = 0
        self._direct = direct

    @property
    def heads(self) -> dict[str, int]:
        return {room: seq for author in self.authors for room, seq in author.heads.items()}

    @property
    def back(self) -> int:
        return present(self.clients)

    def gather(self) -> None:
        enter(self.state, [*self.authors, *self.probes, *self.clients], ENTERING_MAX)

    def miss(self, kill: Callable[[], None]) -> None:
        self.state.resting = True
        for client in self.clients:
            client.cut()
        now_ns, turns = time.perf_counter_ns(), list(range(self.crowd.rooms))
        random.Random(self.crowd.seed).shuffle(turns)
        for room in turns:
            for _ in range(self.crowd.said(room)):
                self.authors[room % AUTHORS].say(self.rooms[room], now_ns)
        wanted = int(KILL_AT * sum(author.sender.said for author in self.authors))
        self.state.poller.run(lambda: sum(author.sender.acked for author in self.authors) >= wanted)
        kill()
        self.killed_ns = time.perf_counter_ns()
        self.state.failures.clear()
        self.state.resting, self.state.attempts = False, 0
        for probe in self.probes:
            probe.cut()
        for client in self.clients:
            client.come_back()

    def endure(self) -> None:
        end_ns = self.killed_ns + int(STORM_S * SECOND_NS)
        missing = set(self.clients)
        for probe, room in zip(self.probes, self._direct, strict=True):
            probe.room = room

        def over() -> bool:
            now_ns, heads = time.perf_counter_ns(), self.heads
            for client in [one for one in missing if one.has(heads)]:
                missing.discard(client)
                self.resumes.record(now_ns - self.killed_ns)
                self.returned[(now_ns - self.killed_ns) // SECOND_NS] += 1
            calm = not missing and all(author.sender.done for author in self.authors)
            return now_ns > end_ns or (calm and all(one.has(heads) for one in self.clients))

        self.state.poller.settle(over, lambda: None, GATHER_NS, LOOK_NS)
        self.complete_s = (time.perf_counter_ns() - self.killed_ns) / SECOND_NS
        for probe in self.probes:
            probe.room = ""

    def compare(self) -> None:
        senders = (*self.authors, *self.probes)

        def done() -> bool:
            return all(sender.sender.done and sender.present for sender in senders)

        self.state.poller.settle(done, lambda: 0, LAST_ACKS_NS, LOOK_NS)
        for probe in self.probes:
            if not probe.present:
                self.state.tally.add("unacked", f"{probe.name} never came back to send")
        readers = {author: self.rooms[place::AUTHORS] for place, author in enumerate(self.authors)}
        kept = {author: rooms for author, rooms in readers.items() if rooms}
        self.deliveries = compare(self.state, [*senders, *self.clients], kept)


def author_numbers(crowd: Crowd) -> range:
    return range(crowd.clients, crowd.clients + AUTHORS)


def probe_numbers(crowd: Crowd) -> list[tuple[int, int]]:
    """Each probe, and the other user of their direct room, who is never there."""
    first = crowd.clients + AUTHORS
    return [(first + 2 * place, first + 2 * place + 1) for place in range(PROBES)]


async def run(options: argparse.Namespace) -> int:
    crowd = Crowd(options.clients, options.rooms, options.missed, options.seed)
    with daemon_dir() as here:
        storm, measured = await play(here, crowd, options.encoding)
    result = {**result_of(storm, here, measured), "encoding": options.encoding}
    return outcome.finish(result, options)


async def play(here: DaemonDir, crowd: Crowd, encoding: str = "msgpack") -> tuple[Storm, Load]:
    backoff = polite(random.Random(crowd.seed))
    access = Access(here.url, here.secret, encoding, tuple(common.sources(crowd.clients)))
    state = UsersState(access, common.script(crowd.seed), Pacing(0.0, 0.0), backoff=backoff)
    try:
        return await _play(here, crowd, state)
    finally:
        state.poller.close()
        gc.unfreeze()


async def _play(here: DaemonDir, crowd: Crowd, state: UsersState) -> tuple[Storm, Load]:
    user = state.script.user
    async with here.endpoint(state.access.encoding) as there:
        owners = [user(number) for number in author_numbers(crowd)]
        members = [list(map(user, clients)) for clients in crowd.clients_of]
        wanted = [(owners[room % AUTHORS], clients) for room, clients in enumerate(members)]
        rooms = await create_groups(there, state.script.run, wanted)
        pairs = [(user(probe), user(other)) for probe, other in probe_numbers(crowd)]
        storm = Storm(state, crowd, rooms, await create_direct(there, state.script.run, pairs))
        within = f"in {len(rooms):,} rooms"
        with printout.shown(lambda: f"gather   {printout.bar(storm.back, crowd.clients)} {within}"):
            await asyncio.to_thread(storm.gather)
        gc.collect()
        gc.freeze()  # the people stay until the end; a full collection need not look at them again
        with printout.shown(lambda: "miss     everybody is away, the rooms go on, the daemon is killed"):
            assert there.daemon is not None
            await asyncio.to_thread(storm.miss, there.daemon.kill)
    async with AsyncExitStack() as stack:
        with printout.shown(lambda: f"storm    {printout.bar(storm.back, crowd.clients)} back"):
            enduring = asyncio.create_task(asyncio.to_thread(storm.endure))
            second = await stack.enter_async_context(here.daemon())
            measured = Load(second)
            with measured.during():
                await enduring
                await measured.count_connections()
        with printout.shown(lambda: "compare  everybody with the logs"):
            await asyncio.to_thread(storm.compare)
        second.kill()  # a polite stop would give all these people time to leave
    return storm, measured


def result_of(storm: Storm, here: DaemonDir, measured: Load) -> dict[str, Any]:
    state, crowd = storm.state, storm.crowd
    polite = Histogram.sum(probe.record.acks() for probe in storm.probes)
    lags = Histogram.sum(probe.record.lags for probe in storm.probes).milliseconds()
    polite_ms, share = polite.milliseconds(), measured.generator_cpu_share
    seconds = range(int(storm.complete_s) + 1)
    return {
        "scenario": "reconnect",
        "clients": crowd.clients,
        "rooms_each": crowd.rooms_each,
        "missed_each": crowd.missed,
        "rooms": crowd.rooms,
        "seed": crowd.seed,
        "messages": sum(author.sender.said for author in storm.authors),
        "deliveries": storm.deliveries,
        "deliveries_per_s": round(storm.deliveries / storm.complete_s, 1),
        "complete_s": round(storm.complete_s, 3),
        "ready_s": round(here.ready_s, 3),
        **state.tally.counts(),
        "resume_ms": storm.resumes.milliseconds(),
        "polite_ms": polite_ms,
        "ack_ms": polite_ms,
        "acks_per_s": round(polite.count / storm.complete_s, 1),
        "schedule_lag_ms": lags,
        "generator_bound": printout.generator_bound(share, lags["p99"], polite_ms["p99"]),
        "attempts": state.attempts,
        "refused": dict(state.failures),
        "repaired": state.repaired,
        "sent_again": sum(author.sender.sent_again for author in storm.authors),
        **measured.counted(),
        "timeline": [{"second": second, "resumed": storm.returned[second]} for second in seconds],
        "histograms": {"resume": storm.resumes.sparse(), "polite": polite.sparse()},
        "config": {"daemon": outcome.of_daemon(measured.daemon)},
        "examples": state.tally.examples,
    }


SCENARIO = Scenario(
    "the daemon is killed under load and everybody comes back: how soon, how complete, and how it felt",
    run,
    f"rooms missed seed encoding {common.OUTPUT}",
    {"rooms": 20, "missed": 50},
    {"--clients": {"type": common.count, "default": 1000, "metavar": "N", "help": "who come back (1,000)"}},
)

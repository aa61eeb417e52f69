"""`mixed`: a population from a file: rooms of many sizes, people who write, read, type and lose connections."""

import argparse
import asyncio
import random
import time
import tomllib
from collections import Counter
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import Any

from bench import options as common
from bench import outcome, printout
from bench.client.gathering import compare, enter, heads_of, present, turn
from bench.client.user import Polite, User, UsersState
from bench.engine.record import SECOND_NS, Script
from bench.engine.roles import Schedule, poisson
from bench.engine.run_state import Pacing, Report
from bench.engine.workers import Load
from bench.options import Scenario
from bench.outcome import Played
from bench.rooms import create_direct, create_groups
from bench.server import Endpoint, open_endpoint
from bench.wire import Packet

SIZE_MAX = 100  # people in a room: what one `room.create` takes
KINDS = ("messages", "reads", "typing", "churn")  # what people do, a second, all together


@dataclass(frozen=True)
class Size:
    """So many rooms with so many people each; `direct` ones are of two people, each pair once."""

    people: int
    rooms: int
    direct: bool = False


@dataclass(frozen=True)
class Population:
    """`people` in rooms of these sizes, and how often in a second they do something, all of them together."""

    people: int
    sizes: tuple[Size, ...]
    rates: dict[str, float]
    seed: int = 1

    @cached_property
    def members_of(self) -> list[list[int]]:
        """The people of each room, drawn by chance; everybody who is left is in no room."""
        chance, pairs = random.Random(self.seed), set[frozenset[int]]()
        found: list[list[int]] = []
        for size in self.sizes:
            for _ in range(size.rooms):
                members = chance.sample(range(self.people), size.people)
                while size.direct and frozenset(members) in pairs:
                    members = chance.sample(range(self.people), size.people)
                if size.direct:
                    pairs.add(frozenset(members))
                found.append(members)
        return found

    @cached_property
    def direct(self) -> list[bool]:
        return [size.direct for size in self.sizes for _ in range(size.rooms)]

    @cached_property
    def rooms_of(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for room, members in enumerate(self.members_of):
            for member in members:
                found.setdefault(member, []).append(room)
        return found


def read(path: Path, seed: int) -> Population:
    """The population of a file. Raises ValueError with the name of the key that is wrong."""
    try:
        return _population(tomllib.loads(path.read_text("utf-8")), seed)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None


def _population(tree: dict[str, Any], seed: int) -> Population:
    _known(tree, ("people", "rooms", "rates"), "the file")
    people = _whole(tree, "people", 2, 100_000)
    rows = tree.get("rooms")
    if not isinstance(rows, list) or not rows:
        raise ValueError("there is no [[rooms]] with people and count")
    sizes = tuple(_size(row, people) for row in rows)
    pairs, wanted = people * (people - 1) // 2, sum(size.rooms for size in sizes if size.direct)
    if wanted > pairs // 2:
        most = f"{people} people have room for {pairs // 2:,} direct rooms at most"
        raise ValueError(f"{most}, not {wanted:,}: count")
    rates = tree.get("rates", {})
    _known(rates, KINDS, "[rates]")
    return Population(people, sizes, {kind: _rate(rates, kind) for kind in KINDS}, seed)


def _size(row: Any, people: int) -> Size:
    _known(row, ("kind", "people", "count"), "[[rooms]]")
    if row.get("kind", "group") not in ("group", "direct"):
        raise ValueError(f"kind is group or direct, not {row['kind']!r}")
    direct = row.get("kind") == "direct"
    low, high = (2, 2) if direct else (1, min(SIZE_MAX, people))
    size = _whole({"people": 2, **row} if direct else row, "people", low, high)
    return Size(size, _whole(row, "count", 1, 100_000), direct)


def _known(tree: Any, keys: tuple[str, ...], where: str) -> None:
    if not isinstance(tree, dict):
        raise ValueError(f"{where} is not a table")
    if unknown := sorted(tree.keys() - set(keys)):
        raise ValueError(f"{where} has no {', '.join(unknown)}; it has {', '.join(keys)}")


def _whole(tree: dict[str, Any], key: str, low: int, high: int) -> int:
    value = tree.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{key} is a whole number from {low:,} to {high:,}, not {value!r}")
    return value


def _rate(tree: dict[str, Any], key: str) -> float:
    value = tree.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
        raise ValueError(f"{key} is a number a second, not {value!r}")
    return float(value)


ENTERING_MAX = 16  # at a time: below `limits.unauthenticated_per_address`
QUIET_NS = 3 * SECOND_NS  # nothing moves for so long at the end: what is missing will not come


class PopulationUser(User):
    """Does what is due: writes, reads, types, loses the connection. `done` counts all of it but writing."""

    done: Counter[str]
    _cut_ns = 0

    def messages(self, room: str, due_ns: int) -> None:
        self.say(room, due_ns)

    def reads(self, room: str, due_ns: int) -> None:
        position = self.positions.get(room)
        if self.present and self.connection is not None and position is not None and position.applied:
            self.connection.ask({"type": "read", "room": room, "seq": position.applied}, self._told_read)

    def typing(self, room: str, due_ns: int) -> None:
        if self.present and self.connection is not None:
            self.connection.write({"type": "typing", "room": room})
            self.done["typing"] += 1

    def churn(self, room: str, due_ns: int) -> None:
        if self.present:
            self.done["churn"] += 1
            self._cut_ns = due_ns
            self.cut()

    def welcome(self, reply: Packet) -> None:
        super().welcome(reply)
        if self._cut_ns:
            self.state.record.resumed(self._cut_ns, time.perf_counter_ns())
            self._cut_ns = 0

    def _told_read(self, reply: Packet) -> None:
        self.done["reads" if reply["type"] == "ok" else f"read: {reply['code']}"] += 1


class PopulationRun:
    """`gather`, `live`, `compare`, in this order. `rooms` are the names of the population's rooms.

    The founder, the user behind the last of the population, is in every group.
    """

    def __init__(self, state: UsersState, population: Population, rooms: list[str]) -> None:
        self.state = state
        self.population = population
        self.rooms = rooms
        self.done: Counter[str] = Counter()
        self.founder = User(state, population.people)
        self.users: list[PopulationUser] = []
        for number, theirs in population.rooms_of.items():
            self.users.append(PopulationUser(state, number, [rooms[room] for room in theirs]))
            self.users[-1].done = self.done
        self.cpu_s = 0.0

    @property
    def present(self) -> int:
        return present(self.users)

    def gather(self) -> None:
        """Let everybody in. Raises Unreachable, Refused."""
        enter(self.state, [self.founder, *self.users], ENTERING_MAX)

    def live(self) -> None:
        state, start_ns, cpu_s = self.state, time.perf_counter_ns(), time.thread_time()
        state.begin(start_ns)
        due = sorted(chain.from_iterable(self._due(kind, start_ns) for kind in KINDS))
        chance = random.Random(self.population.seed)

        def act(kind: str, due_ns: int) -> None:
            user = chance.choice(self.users)
            getattr(user, kind)(chance.choice(user.rooms), due_ns)

        schedule = Schedule(state.poller, state.record, [(at_ns, partial(act, kind)) for at_ns, kind in due])
        schedule.begin()
        state.poller.run(lambda: time.perf_counter_ns() >= state.stop_ns and schedule.over)
        self.cpu_s = time.thread_time() - cpu_s
        turn(state, self._settled, self._moves, QUIET_NS)  # what is missing is counted
        state.cache.settle()

    def compare(self) -> Report:
        """Read every log back and hold everybody to it. Raises Unreachable, Refused."""
        here = {user.number: user for user in self.users if user.present}
        readers: dict[User, list[str]] = {}
        for room, members in enumerate(self.population.members_of):
            reader: User = self.founder
            if self.population.direct[room]:
                reader = next((here[member] for member in members if member in here), self.founder)
            readers.setdefault(reader, []).append(self.rooms[room])
        compare(self.state, self.users, readers)
        report = self.state.report()
        report.cpu_s, report.seconds = self.cpu_s, self.state.pacing.whole_s
        return report

    def _due(self, kind: str, start_ns: int) -> list[tuple[int, str]]:
        rate, seed = self.population.rates[kind], self.population.seed + KINDS.index(kind)
        times = poisson(rate, self.state.pacing.whole_s, seed) if rate else []
        return [(start_ns + at_ns, kind) for at_ns in times]

    def _settled(self) -> bool:
        heads = heads_of(user.heads for user in self.users)
        return all(user.sender.done and user.has(heads) for user in self.users)

    def _moves(self) -> int:
        return sum(position.applied for user in self.users for position in user.positions.values())


async def run(options: argparse.Namespace) -> int:
    population = read(options.file, options.seed)
    rate = population.rates["messages"]
    pacing = Pacing(options.duration, options.warmup, rate=rate, seed=options.seed)
    async with open_endpoint(options) as there:
        result, _ = await play(there, common.script(options.seed), pacing, population)
    return outcome.finish(result, options)


async def play(there: Endpoint, script: Script, pacing: Pacing, population: Population) -> Played:
    rooms, measured = await _make_rooms(there, script, population), Load(there.daemon)
    access = common.access(there, population.people)
    state = UsersState(access, script, pacing, backoff=Polite(random.Random(population.seed)))
    life = PopulationRun(state, population, rooms)
    try:
        with printout.shown(lambda: f"enter    {printout.bar(life.present, len(life.users))} people"):
            await asyncio.to_thread(life.gather)
        await measured.count_connections()
        with measured.during(), printout.shown(lambda: f"live     {state.record.messages:,} messages"):
            await asyncio.to_thread(life.live)
        with printout.shown(lambda: "compare  everybody with the logs"):
            seen = await asyncio.to_thread(life.compare)
    finally:
        state.poller.close()
    sizes = list(map(asdict, population.sizes))
    more = {"people": len(population.rooms_of), "rooms": sizes, "done": dict(life.done)}
    return outcome.of("mixed", seen, measured, there, pacing) | more, seen


async def _make_rooms(there: Endpoint, script: Script, population: Population) -> list[str]:
    """The rooms of the population, in order; its founder makes the groups, one of each pair their room."""
    named = [list(map(script.user, members)) for members in population.members_of]
    kinds = list(zip(named, population.direct, strict=True))
    founder = script.user(population.people)
    wanted = [(founder, names) for names, direct in kinds if not direct]
    groups = iter(await create_groups(there, script.run, wanted))
    pairs = [(names[0], names[1]) for names, direct in kinds if direct]
    directs = iter(await create_direct(there, script.run, pairs))
    return [next(directs if direct else groups) for _, direct in kinds]


SCENARIO = Scenario(
    "a population from a file: rooms of many sizes, people who write, read, type and lose connections",
    run,
    f"{common.LENGTH} seed {common.ENDPOINT} {common.OUTPUT}",
    own={"file": {"type": Path, "help": "the population, as bench/examples/town.toml"}},
)

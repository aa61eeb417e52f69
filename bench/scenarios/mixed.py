"""`mixed`: a population from a file: rooms of many sizes, people who write, read, type and lose connections."""

import argparse
import asyncio
import random
import time
from collections import Counter
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from bench import options as common
from bench import outcome, printout
from bench.client.gathering import compare, enter, heads_of, present, settle
from bench.client.user import User, UsersState, polite
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
Count = Annotated[int, Meta(ge=1, le=100_000)]
Rate = Annotated[float, Meta(ge=0, lt=1e6)]  # a second, all people together


class Size(Struct, frozen=True, forbid_unknown_fields=True):
    """So many rooms with so many people each; `direct` ones are of two people, each pair once."""

    count: Count
    people: Annotated[int, Meta(ge=1, le=SIZE_MAX)] = 2
    kind: Literal["group", "direct"] = "group"

    def __post_init__(self) -> None:
        if self.kind == "direct" and self.people != 2:
            raise ValueError("people of a direct room are two")


class Rates(Struct, frozen=True, forbid_unknown_fields=True):
    messages: Rate = 0.0
    reads: Rate = 0.0
    typing: Rate = 0.0
    churn: Rate = 0.0


KINDS = Rates.__struct_fields__


class Population(Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """`people` in rooms of these sizes, as a file has them; everybody who is left is in no room."""

    people: Annotated[int, Meta(ge=2, le=100_000)]
    rooms: Annotated[tuple[Size, ...], Meta(min_length=1)]
    rates: Rates = Rates()
    seed: int = 1

    def __post_init__(self) -> None:
        if (largest := max(size.people for size in self.rooms)) > self.people:
            raise ValueError(f"people of a room are {largest}, of {self.people} in all")
        most, wanted = self.people * (self.people - 1) // 4, self.direct.count(True)
        if wanted > most:
            raise ValueError(
                f"{self.people} people have room for {most:,} direct rooms, not a count of {wanted:,}"
            )

    @cached_property
    def direct(self) -> list[bool]:
        return [size.kind == "direct" for size in self.rooms for _ in range(size.count)]

    @cached_property
    def members_of(self) -> list[list[int]]:
        chance, pairs, found = random.Random(self.seed), set[frozenset[int]](), list[list[int]]()
        sizes = (size.people for size in self.rooms for _ in range(size.count))
        for size, direct in zip(sizes, self.direct, strict=True):
            members = chance.sample(range(self.people), size)
            while direct and frozenset(members) in pairs:
                members = chance.sample(range(self.people), size)
            pairs.add(frozenset(members))
            found.append(members)
        return found

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
        found = msgspec.toml.decode(path.read_bytes(), type=Population)
    except (OSError, msgspec.MsgspecError) as error:
        raise ValueError(f"{path}: {error}") from None
    return msgspec.structs.replace(found, seed=seed)


ENTERING_MAX = 16  # at a time: below `limits.unauthenticated_per_address`
QUIET_NS = 3 * SECOND_NS  # nothing moves for so long at the end: what is missing will not come


class PopulationUser(User):
    """Does what is due: writes, reads, types, loses the connection. `done` counts all of it but writing."""

    done: Counter[str]
    _cut_ns = 0

    def messages(self, room: str, due_ns: int) -> None:
        self.say(room, due_ns)

    def reads(self, room: str, due_ns: int) -> None:
        def told(reply: Packet) -> None:
            self.done["reads" if reply["type"] == "ok" else f"read: {reply['code']}"] += 1

        position = self.positions.get(room)
        if self.present and self.connection is not None and position is not None and position.applied:
            self.connection.ask({"type": "read", "room": room, "seq": position.applied}, told)

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
        enter(self.state, [self.founder, *self.users], ENTERING_MAX)

    def live(self) -> None:
        state, start_ns, cpu_s = self.state, time.perf_counter_ns(), time.thread_time()
        chance = random.Random(self.population.seed)
        state.begin(start_ns)

        def act(kind: str, due_ns: int) -> None:
            user = chance.choice(self.users)
            getattr(user, kind)(chance.choice(user.rooms), due_ns)

        def settled() -> bool:
            heads = heads_of(user.heads for user in self.users)
            return all(user.sender.done and user.has(heads) for user in self.users)

        def moves() -> int:
            return sum(position.applied for user in self.users for position in user.positions.values())

        due: list[tuple[int, str]] = []
        for place, kind in enumerate(KINDS):
            if rate := getattr(self.population.rates, kind):
                times = poisson(rate, state.pacing.whole_s, self.population.seed + place)
                due += [(start_ns + at_ns, kind) for at_ns in times]
        acts = [(at_ns, partial(act, kind)) for at_ns, kind in sorted(due)]
        schedule = Schedule(state, acts)
        schedule.begin()
        state.poller.run(lambda: time.perf_counter_ns() >= state.stop_ns and schedule.over)
        self.cpu_s = time.thread_time() - cpu_s
        settle(state, settled, moves, QUIET_NS)  # what is missing is counted
        state.cache.settle()

    def compare(self) -> Report:
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


async def run(options: argparse.Namespace) -> int:
    population = read(options.file, options.seed)
    rate = population.rates.messages
    pacing = Pacing(options.duration, options.warmup, rate=rate, seed=options.seed)
    async with open_endpoint(options) as there:
        result, _ = await play(there, common.script(options.seed), pacing, population)
    return outcome.finish(result, options)


async def play(there: Endpoint, script: Script, pacing: Pacing, population: Population) -> Played:
    rooms, measured = await _make_rooms(there, script, population), Load(there.daemon)
    access = common.access(there, population.people)
    state = UsersState(access, script, pacing, backoff=polite(random.Random(population.seed)))
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
    rooms_of = msgspec.to_builtins(population.rooms)
    more = {"people": len(population.rooms_of), "rooms": rooms_of, "done": dict(life.done)}
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

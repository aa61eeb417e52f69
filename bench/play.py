"""A replay from the first connection to the last comparison; what it counted is read by replay.py."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bench import checks
from bench.checks import Entry, LogBook, Said, Tally
from bench.codec import Packet
from bench.figures import Figures
from bench.pace import Pace
from bench.person import Person
from bench.reader import Reader
from bench.rooms import create_group
from bench.runs import Runs, identity
from bench.server import Unreachable
from bench.target import Target
from bench.trace import Trace
from bench.writer import Writer

CUT_WITHIN_S = 0.02  # a cut falls somewhere in the commit and fan-out of the message that caused it
_LOOK_S = 0.02  # how often the end of a phase is looked for, and so how exact `seconds` is
_DEVICE_CHARS = 22  # protocol.md "Identifiers and counters"


@dataclass(frozen=True)
class Plan:
    """What may be chosen about a replay besides its trace and pace."""

    flap: float = 0.0  # the probability of a cut for each message sent
    seed: int = 1
    enter_s: float = 60.0  # nobody new is let in for this long: the others will not be either
    stall_s: float = 60.0  # nothing at all for this long while acks are missing: they will not come
    quiet_s: float = 10.0  # nothing for this long while all is acked and replicas differ: it will not come


class Play:
    """One replay. `set_up`, then `perform`, then `compare`, then `leave`."""

    def __init__(self, target: Target, pace: Pace, plan: Plan) -> None:
        self.figures = Figures()
        self.runs = Runs(pace.sent_at)
        self.people: dict[str, Person] = {}
        self.deliveries = 0
        self.seconds = 0.0
        self._target = target
        self.pace = pace
        self.plan = plan
        self._flapping = plan.flap > 0
        self._random = random.Random(plan.seed)
        self._rooms: dict[str, str] = {}
        self._lives: list[asyncio.Task[None]] = []

    @property
    def trace(self) -> Trace:
        """What is played."""
        return self.pace.trace

    @property
    def tally(self) -> Tally:
        """What went wrong."""
        return self.figures.tally

    @property
    def online(self) -> int:
        """How many people are connected."""
        return sum(1 for person in self.people.values() if person.ready.is_set())

    def counted(self) -> dict[str, Any]:
        """The counters as a result file holds them."""
        figures = self.figures
        return {
            "deliveries": self.deliveries,
            "deliveries_wanted": self.trace.deliveries,
            "pushes": figures.pushes,
            "repaired": figures.repaired,
            **self.tally.counts(),
            "cuts": figures.cuts,
            "resumes": figures.resumes,
            "sent_again": figures.retries,
            "ended_otherwise": dict(figures.drops),
            "refused": dict(figures.failures),
        }

    async def set_up(self) -> None:
        """Makes the rooms and connects everybody. Raises Refused or Unreachable when not all are let in."""
        for number, (title, members) in enumerate(self.trace.members.items()):
            self._rooms[title] = await create_group(self._target, f"{self.pace.run}-{number}", title, members)
        for user, titles in self.trace.rooms_of.items():
            person = self.people[user] = self._person(user, titles)
            self._lives.append(asyncio.create_task(person.live()))
        await self._while_moving(lambda: self.online == len(self.people), lambda: True, self.plan.enter_s)
        if missing := len(self.people) - self.online:
            reasons = ", ".join(reason for reason, _ in self.figures.failures.most_common(3))
            raise Unreachable(
                f"{missing} of {len(self.people)} people could not connect: {reasons or 'no answer'}"
            )
        gc.collect()
        gc.freeze()  # the people stay until the end; a full collection need not look at them again

    async def perform(self) -> None:
        """Sends the whole trace, waits for all acks and then for everybody to have everything.

        Gives up after `stall_s` or `quiet_s` without any movement; `compare` counts what is missing then.
        """
        started = time.perf_counter()
        sending = asyncio.create_task(self._send())
        await self._while_moving(sending.done, lambda: self.pace.unanswered > 0, self.plan.stall_s)
        self._flapping = False
        sending.cancel()
        await asyncio.wait({sending})
        if not sending.cancelled():
            sending.result()
        await self._while_moving(self._caught_up, lambda: True, self.plan.quiet_s)
        self.seconds = time.perf_counter() - started
        self.runs.settle()

    async def compare(self) -> None:
        """Reads the logs back and compares them with the trace, and every replica with them.

        Raises Unreachable when nobody answers any more.
        """
        for message in self.pace.open_messages():
            self.tally.add("unacked", f"{self.pace.key(message)} by {message.user}")
        said: dict[str, list[Said]] = {title: [] for title in self._rooms}
        for message in self.trace.messages:
            said[message.room].append(Said(self.pace.key(message), message.user, message.text))
        for title, room in self._rooms.items():
            members = self.trace.members[title]
            book = await self._read_log(room, members)
            checks.check_trace(room, said[title], book.entries, self.tally)
            if checks.check_dense(book, self.tally):
                self._compare_replicas(book, members)

    async def leave(self) -> None:
        """Closes all connections."""
        gc.unfreeze()
        await asyncio.gather(*(person.leave() for person in self.people.values()))
        for life in self._lives:
            life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)

    def _person(self, user: str, titles: list[str]) -> Person:
        largest_first = sorted(titles, key=lambda title: -len(self.trace.members[title]))
        rooms = [self._rooms[title] for title in largest_first]
        reader = Reader(user, rooms, self.runs, self.figures)
        writer = Writer(reader, rooms, self.pace)
        device = hashlib.blake2b(f"{self.pace.run}/{user}".encode(), digest_size=16).hexdigest()[
            :_DEVICE_CHARS
        ]
        return Person(device, rooms, reader, writer, self._target)

    async def _send(self) -> None:
        victims = list(self.people.values())
        async for message in self.pace.messages():
            author = self.people[message.user]
            author.say(self._rooms[message.room], message)
            if self._random.random() < self.plan.flap:
                # Half of the cuts hit somebody who waits for an ack, the harder case of the two.
                victim = author if self._random.random() < 0.5 else self._random.choice(victims)
                self._cut_soon(victim)
        await self.pace.wait_answered()

    def _cut_soon(self, victim: Person) -> None:
        delay_s = self._random.uniform(0, CUT_WITHIN_S)
        asyncio.get_running_loop().call_later(delay_s, lambda: victim.cut() if self._flapping else None)

    async def _while_moving(self, done: Callable[[], bool], due: Callable[[], bool], quiet_s: float) -> None:
        """Waits until `done`, or until nothing has moved for `quiet_s` although something was `due`."""
        moved_at, last = time.monotonic(), -1
        while not done() and time.monotonic() - moved_at < quiet_s:
            figures = self.figures
            now = figures.received + figures.resumes + figures.connects.count + self.pace.acks.count
            if now != last or not due():
                moved_at, last = time.monotonic(), now
            await asyncio.sleep(_LOOK_S)
            self._raise_broken()

    def _raise_broken(self) -> None:
        for life in self._lives:
            if life.done() and not life.cancelled() and (error := life.exception()) is not None:
                raise error

    def _caught_up(self) -> bool:
        heads: dict[str, int] = {}
        for person in self.people.values():
            if not person.caught_up:
                return False
            for room, position in person.reader.positions.items():
                if heads.setdefault(room, position.applied) != position.applied:
                    return False
        return True

    async def _read_log(self, room: str, members: Iterable[str]) -> LogBook:
        """The log of a room after the first event that every replica has."""
        readers = [self.people[user] for user in members]
        start = min(person.reader.positions[room].start for person in readers)
        entries: list[Entry] = []
        request: Packet = {"type": "log", "room": room, "from": start + 1}
        while True:
            page = await readers[0].request(request)
            entries += (_entry(room, event) for event in page["events"])
            if "next" not in page:
                return LogBook(room, start, entries)
            request = {**request, "from": page["next"]}

    def _compare_replicas(self, book: LogBook, members: Iterable[str]) -> None:
        positions = {user: self.people[user].reader.positions[book.room] for user in members}
        for user, position in positions.items():
            checks.check_replica(user, position, book, self.tally)
        self.deliveries += checks.deliveries(positions, book)


def _entry(room: str, event: Packet) -> Entry:
    said = None
    if event["kind"] == "message":
        said = Said(event["key"], event["user"], event.get("body", {}).get("text", ""))
    return Entry(event["seq"], identity(room, event), said)

"""When messages are due, and the roles of loads: rooms in which people write, devices that come, echoes."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bench import wire
from bench.client.device import Device
from bench.client.subscriber import Author, FastSubscriber, RoomStream
from bench.engine.record import SECOND_NS, MessageId
from bench.engine.run_state import Heard, Report, RunState, Said
from bench.engine.workers import Moves, Role
from bench.wire import Packet


class Speaker(Protocol):
    def begin_closed(self, in_flight: int) -> None:
        """Keep that many messages in flight until the run stops."""
        for _ in range(in_flight):
            self.due(time.perf_counter_ns())

    def due(self, due_ns: int) -> None:
        """One message is due."""


def pace(state: RunState, authors: Sequence[Speaker | None], start_ns: int) -> None:
    """Start everybody. `authors` are those of all processes in turn, None those of another process."""
    pacing = state.pacing
    if not pacing.rate:
        for each in filter(None, authors):
            each.begin_closed(pacing.in_flight)
        return
    times = ARRIVALS[pacing.arrival](pacing.rate, pacing.whole_s, pacing.seed)
    due = [
        (start_ns + at_ns, author.due)
        for place, at_ns in enumerate(times)
        if (author := authors[place % len(authors)]) is not None
    ]
    Schedule(state, due).begin()


class Schedule:
    """Fires each thing when it is due, whatever became of those before it."""

    def __init__(self, state: RunState, due: Sequence[tuple[int, Callable[[int], None]]]) -> None:
        self._poller, self._record = state.poller, state.record
        self._due = due
        self._place = 0

    @property
    def over(self) -> bool:
        return self._place == len(self._due)

    def begin(self) -> None:
        if not self.over:
            self._poller.call_at(self._due[self._place][0], self._fire)

    def _fire(self) -> None:
        due_ns, act = self._due[self._place]
        self._place += 1
        self.begin()
        self._record.fired(due_ns, time.perf_counter_ns())
        act(due_ns)


def poisson(rate: float, seconds: float, seed: int) -> list[int]:
    """Arrivals of many independent people: gaps are exponential. Nanoseconds from the start, ascending."""
    chance = random.Random(seed)
    times: list[int] = []
    at_s = chance.expovariate(rate)
    while at_s < seconds:
        times.append(int(at_s * SECOND_NS))
        at_s += chance.expovariate(rate)
    return times


def uniform(rate: float, seconds: float, seed: int) -> list[int]:
    """The same gap each time; `seed` moves nothing.

    >>> uniform(4, 1, seed=1)
    [0, 250000000, 500000000, 750000000]
    """
    return [int(place / rate * SECOND_NS) for place in range(round(rate * seconds))]


ARRIVALS: dict[str, Callable[[float, float, int], list[int]]] = {"poisson": poisson, "uniform": uniform}


class Conversation(Role):
    """One process's share of the authors. `rooms` has the room of each author of all processes."""

    def __init__(self, state: RunState, rooms: Sequence[str], mine: Iterable[int]) -> None:
        super().__init__(state)
        self.authors = {number: Author(state, number, rooms[number]) for number in mine}
        self._count = len(rooms)

    def begin(self, start_ns: int) -> None:
        pace(self.state, list(map(self.authors.get, range(self._count))), start_ns)

    def answered(self) -> bool:
        return all(author.sender.done for author in self.authors.values())

    def said(self) -> list[Said]:
        return [author.said() for author in self.authors.values()]

    def delivered(self) -> int:
        return sum(author.received for author in self.authors.values())

    def moves(self) -> Moves:
        said = self.said()
        return sum(one.sent for one in said), sum(one.acked for one in said), self.delivered()


@dataclass(frozen=True)
class Pairs:
    """The rooms; in room number i talk users 2i and 2i + 1."""

    rooms: tuple[str, ...]


class Direct(Conversation):
    """One process's share of the pairs; both of a pair are in the same process."""

    def __init__(self, state: RunState, pairs: Pairs) -> None:
        mine = state.mine(range(len(pairs.rooms)))
        numbers = (number for place in mine for number in (2 * place, 2 * place + 1))
        super().__init__(state, [room for room in pairs.rooms for _ in range(2)], numbers)
        self._partners = [(self.authors[2 * place], self.authors[2 * place + 1]) for place in mine]

    def devices(self) -> Iterable[Device]:
        return self.authors.values()

    def complete(self, said: Sequence[Said]) -> bool:
        return not any(author.checker.gap for author in self.authors.values()) and all(
            one.checker.applied == other.checker.applied for one, other in self._partners
        )

    def report(self) -> Report:
        return self.state.report([author.heard() for author in self.authors.values()], self.said())


@dataclass(frozen=True)
class Group:
    """One group: the first `authors` of its members write. Raises ValueError when there are not so many."""

    room: str
    members: int
    authors: int

    def __post_init__(self) -> None:
        if not 1 <= self.authors <= self.members:
            raise ValueError(f"{self.authors} senders are not among {self.members} members")


class Fanout(Conversation):
    """One process's share of a group."""

    def __init__(self, state: RunState, group: Group) -> None:
        super().__init__(state, [group.room] * group.authors, state.mine(range(group.authors)))
        self._room = room = RoomStream(state, group.room)
        listening = state.mine(range(group.authors, group.members))
        self._members = [FastSubscriber(state, number, room) for number in listening]

    def devices(self) -> Iterable[Device]:
        """Return the members first: an author's hello is the last thing before the clock."""
        return [*self._members, *self.authors.values()]

    def complete(self, said: Sequence[Said]) -> bool:
        authors = self.authors.values()
        if any(author.checker.gap for author in authors) or not all(one.in_step for one in self._members):
            return False
        receivers = [*self._members[:1], *authors]
        return all(one.heard().counts[author.author] >= author.acked for one in receivers for author in said)

    def delivered(self) -> int:
        return self._room.stream.arrivals

    def report(self) -> Report:
        self._room.stream.settle()
        heard: dict[tuple[object, ...], Heard] = {}
        for receiver in (*self._members, *self.authors.values()):
            one = receiver.heard()
            same = heard.setdefault((one.gaps, *sorted(one.counts.items())), one)
            if same is not one:
                same.receivers += 1
        return self.state.report([*heard.values()], self.said())


@dataclass(frozen=True)
class Sessions:
    """How many users come, and how many rooms each must find in their first sync."""

    users: int
    rooms: int


class Newcomer(Device):
    """Says hello and reads the first sync to its end. Without a visit, to stay: it answers pings and nothing else."""

    def __init__(self, state: RunState, number: int, rooms: int) -> None:
        super().__init__(state, state.access.hello(state.script.user(number), state.script.device(number)))
        self.number = number
        self._wanted = rooms
        self._found = 0

    def welcome(self, reply: Packet) -> None:
        self._page(reply["sync"])

    def synchronised(self) -> None:
        if self._found != self._wanted:
            text = f"{self.number} got {self._found} rooms, not {self._wanted}"
            self.state.tally.add("altered", text)

    def _page(self, page: Packet) -> None:
        self._found += len(page["rooms"])
        if "more" in page:
            self.ask({"type": "sync", "more": page["more"]}, self._page)
        else:
            self.synchronised()


class Idle(Role):
    """Users who are there before the clock starts and do nothing until it stops."""

    def __init__(self, state: RunState, sessions: Sessions) -> None:
        super().__init__(state)
        mine = state.mine(range(sessions.users))
        self._devices = [Newcomer(state, number, sessions.rooms) for number in mine]

    def devices(self) -> Iterable[Device]:
        return self._devices

    def report(self) -> Report:
        if gone := sum(not device.alive for device in self._devices):
            self.state.tally.add("unacked", f"{gone} sessions were lost while idle", gone)
        return self.state.report()


class Visitor(Newcomer):
    """One connection from dialling to the end of its first sync; it is closed then."""

    def __init__(self, role: Connecting, message: MessageId) -> None:
        super().__init__(role.state, message.author, role.rooms)
        self._message = message
        self._role = role

    def welcome(self, reply: Packet) -> None:
        self.state.record.acked(self._message, time.perf_counter_ns())
        super().welcome(reply)

    def synchronised(self) -> None:
        super().synchronised()
        self.state.record.resumed(self._message.due_ns, time.perf_counter_ns())
        self.drop()
        self._role.left(self, synced=True)

    def gone(self, reason: str) -> None:
        self._role.left(self, synced=False)


class Connecting(Role, Speaker):
    """One process's share of the visits: one after the other, or at a rate. It is its own speaker for the pace."""

    def __init__(self, state: RunState, sessions: Sessions) -> None:
        super().__init__(state)
        self.rooms = sessions.rooms
        self._users = deque(state.mine(range(sessions.users)))
        self._inside: set[Visitor] = set()
        self._sent = 0
        self._synced = 0

    def begin(self, start_ns: int) -> None:
        """With a rate, each process has its part of the schedule."""
        turn: list[Connecting | None] = [None] * self.state.shares
        turn[self.state.share] = self
        pace(self.state, turn, start_ns)

    def due(self, due_ns: int) -> None:
        user = self._users[0]
        self._users.rotate(-1)
        message = MessageId(user, self._sent, due_ns, time.perf_counter_ns())
        self._sent += 1
        self.state.record.sent(message)
        visitor = Visitor(self, message)
        self._inside.add(visitor)
        visitor.enter(self._sent)

    def left(self, visitor: Visitor, *, synced: bool) -> None:
        self._inside.discard(visitor)
        self._synced += synced
        now_ns = time.perf_counter_ns()
        if self.state.goes_on(now_ns):
            self.due(now_ns)

    def answered(self) -> bool:
        return not self._inside

    def moves(self) -> Moves:
        return self._sent, self._synced, 0

    def report(self) -> Report:
        if missing := self._sent - self._synced:
            self.state.tally.add("unacked", f"{missing} visitors were not let in", missing)
        return self.state.report()


class EchoClient(Device, Speaker):
    """One client; everything comes back in order."""

    def __init__(self, state: RunState, number: int) -> None:
        super().__init__(state)
        self.sent = 0
        self.acked = 0
        self._number = number
        self._flying: deque[tuple[MessageId, bytes]] = deque()

    @property
    def done(self) -> bool:
        return not self._flying

    def due(self, due_ns: int) -> None:
        state = self.state
        message = MessageId(self._number, self.sent, due_ns, time.perf_counter_ns())
        self.sent += 1
        send = {"type": "send", "id": self.sent, "room": "d00000000000", "key": state.script.key(message)}
        payload = self.encoding.pack(
            {**send, "body": {"text": state.script.text(self._number, message.number)}}
        )
        self._flying.append((message, payload))
        state.record.sent(message)
        self.send(wire.client_frame(self.encoding.opcode, payload))

    def take(self, payload: bytes) -> None:
        now_ns = time.perf_counter_ns()
        if not self._flying:
            self.state.tally.add("duplicated", f"{self._number} got back what they did not send")
            return
        message, sent = self._flying.popleft()
        if payload != sent:
            text = f"message {message.number} of {message.author} came back otherwise"
            self.state.tally.add("altered", text)
        self.acked += 1
        self.state.record.acked(message, now_ns)
        if self.state.goes_on(now_ns):
            self.due(now_ns)


class Echoing(Role):
    def __init__(self, state: RunState, clients: int) -> None:
        super().__init__(state)
        self._clients = {number: EchoClient(state, number) for number in state.mine(range(clients))}
        self._count = clients

    def devices(self) -> Iterable[Device]:
        return self._clients.values()

    def begin(self, start_ns: int) -> None:
        pace(self.state, [self._clients.get(number) for number in range(self._count)], start_ns)

    def answered(self) -> bool:
        return all(client.done for client in self._clients.values())

    def moves(self) -> Moves:
        clients = self._clients.values()
        return sum(client.sent for client in clients), sum(client.acked for client in clients), 0

    def report(self) -> Report:
        for number, client in self._clients.items():
            if missing := client.sent - client.acked:
                text = f"{missing} of client {number} did not come back"
                self.state.tally.add("unacked", text, missing)
        return self.state.report()

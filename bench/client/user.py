"""A user with one device, on one connection after the other: reads their rooms, writes, and comes back when cut off."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from bench.client.device import Device, Refused
from bench.client.replica import Fate, Position, Pushes, Run
from bench.client.sender import Message, Sender
from bench.engine.record import SECOND_NS, Record
from bench.engine.run_state import RunState
from bench.histogram import Histogram
from bench.wire import Packet, packets

BASE_S, CAP_S = 1.0, 60.0  # protocol.md "Client side": backoff in the foreground


# The attempt, from 0 since it last went well, and the seconds that the server asks for -> seconds until the next one.
Backoff = Callable[[int, float], float]


def polite(chance: random.Random, hurry: float = 1.0) -> Backoff:
    """Full jitter over a doubling span, `hurry` times as fast; what the server asks for is a lower bound."""

    def delay_s(attempt: int, retry_after_s: float) -> float:
        span_s = min(CAP_S, BASE_S * 2.0 ** min(attempt, 30)) / hurry
        return max(retry_after_s, chance.uniform(0, span_s))

    return delay_s


ANSWER_NS = 10 * SECOND_NS  # protocol.md "Client side": no answer for so long, and the connection is given up
RETRY_NS = SECOND_NS // 4  # a `log` that was refused for now and named no time
INLINE_MAX = 50  # events a room in the reply to hello (protocol.md "hello"): all of a short absence
CUT = "cut"


@dataclass
class UsersState(RunState):
    """Everything that users of one run share and count together; they live on one poller, in one thread."""

    backoff: Backoff = field(default_factory=lambda: polite(random.Random()))
    strict: bool = True  # nobody is in rooms of other runs
    resting: bool = False  # nobody dials by themself now
    attempts: int = 0  # to come back
    pushes: int = 0  # event pushes received
    pushed: int = 0  # messages in them
    repaired: int = 0  # messages received by hello or log
    resumes: int = 0  # hellos with a cursor that were answered
    ended: Counter[str] = field(default_factory=Counter)  # connections that we did not end, by close code
    connects: Histogram = field(default_factory=Histogram)  # from dialling to the last page of the sync
    repairs: Histogram = field(default_factory=Histogram)  # from due to received by hello or log

    def __post_init__(self) -> None:
        super().__post_init__()
        self.cache = Pushes(self.script, self.record)


class User:
    """User `number`. A replica of a room is a place and a sum of identities, which the log is compared with at the end.

    Without rooms they only write. `hello` are further keys of it.
    """

    def __init__(
        self,
        state: UsersState,
        number: int,
        rooms: Sequence[str] = (),
        record: Record | None = None,
        **hello: object,
    ) -> None:
        self.state = state
        self.number = number
        self.name = state.script.user(number)
        self.rooms = rooms
        self.positions: dict[str, Position] = {}
        self.acked: dict[str, tuple[str, int]] = {}  # room and place by key
        self.heads: dict[str, int] = {}  # the last place of each room that an ack told
        self.sender = Sender(state, number, state.record if record is None else record, self._acked)
        self.connection: Attempt | None = None
        self.present = False  # the hello was answered
        self.synchronised = False  # and all of its pages
        self._known = frozenset(rooms)
        self._hello = {"rooms": min(200, max(30, len(rooms))) if rooms else 1, **hello}  # `limits.page`
        self._since: Packet = {}  # epoch and cursor
        self._asking: set[str] = set()
        self._tries = 0

    @property
    def complete(self) -> bool:
        return self.synchronised and all(at.applied >= at.snapshot for at in self.positions.values())

    def has(self, heads: dict[str, int]) -> bool:
        """Whether they have everything up to these places, and nothing they know of is missing."""
        return self.synchronised and all(
            at.applied >= heads.get(room, 0) and not at.behind for room, at in self.positions.items()
        )

    @property
    def senders(self) -> Iterable[Sender]:
        return (self.sender,)

    def say(self, room: str, due_ns: int, number: int | None = None) -> None:
        self.sender.put(room, due_ns, number)
        self.sender.flush()

    def dial(self) -> None:
        self.connection = connection = Attempt(self)
        try:
            connection.enter(self.number)
        except OSError as error:
            self.lost(connection, str(error), 0.0)

    def cut(self) -> None:
        if self.connection is not None:
            self.connection.drop()
            self.lost(self.connection, CUT, 0.0)

    def come_back(self) -> None:
        self._dial_later(0.0)

    def hello(self) -> Packet:
        more = {**self._hello, "events": INLINE_MAX, **self._since} if self._since else self._hello
        return self.state.access.hello(self.name, self.state.script.device(self.number), **more)

    def welcome(self, reply: Packet) -> None:
        self.present, self._tries = True, 0
        for position in self.positions.values():
            position.connected()
        self.state.resumes += "cursor" in self._since
        self._since["epoch"] = reply["epoch"]
        self._page(reply["sync"])
        if (connection := self.connection) is not None:
            for sender in self.senders:
                sender.connected(connection)

    def lost(self, connection: Attempt, reason: str, retry_after_s: float) -> None:
        """A connection ended, or did not come about; they dial again when their backoff allows it."""
        if connection is not self.connection:
            return
        if not self.present:
            self.state.failures[reason] += 1
        elif reason != CUT:
            self.state.ended[reason.removeprefix("close ")] += 1
        self.connection, self.present, self.synchronised = None, False, False
        self._asking.clear()
        for sender in self.senders:
            sender.lost()
        if not self.state.resting:
            self._dial_later(retry_after_s)

    def applied(self) -> None:
        """Something missed was made good; for subclasses that wait for `complete`."""

    def push(self, packet: Packet) -> None:
        if not self.rooms:
            return
        if packet["type"] == "event" and packet["events"]:
            run = self.state.cache.run(packet)
            self.take(run, time.perf_counter_ns())
            run.settle(self.state.record)
        elif packet["type"] == "head":
            for moved in packet["rooms"]:
                if position := self.positions.get(moved["room"]):
                    position.moved(moved["seq"])
                    self._repair(moved["room"])
        elif packet["type"] in ("ok", "error"):
            self.state.tally.add("misrouted", f"{self.name} got a reply to nothing: {packet}")

    def take(self, run: Run, now_ns: int) -> None:
        state, position = self.state, self.positions.get(run.room)
        if position is None:
            state.tally.add("misrouted", f"{self.name} got {run.room} {run.last}", len(run.events))
            return
        state.pushes += 1
        if position.run(run):
            run.arrived(now_ns)
            state.pushed += len(run.messages)
            return
        for seq, identity, message in run.events:
            fate = position.pushed(seq, identity)
            if fate in (Fate.APPLIED, Fate.BUFFERED):
                if message is not None:
                    state.record.delivered(message, now_ns)
                    state.pushed += 1
                self._repair(run.room)
            else:
                state.tally.live(fate, f"{run.room} {seq} to {self.name}")

    def _page(self, page: Packet) -> None:
        for summary in page.get("rooms", ()) if self.rooms else ():
            self._told(summary)
        if self.connection is None:
            return
        if page.get("type") == "error":
            self.state.failures[f"sync: {page['code']}"] += 1
            self.cut()
            return
        if "more" in page:
            self.connection.ask({"type": "sync", "more": page["more"]}, self._page)
            return
        self._since["cursor"] = page["cursor"]
        self.synchronised = True
        self.state.connects.record(time.perf_counter_ns() - self.connection.dialled_ns)
        self.applied()

    def _told(self, summary: Packet) -> None:
        room, seq = summary["room"], summary.get("seq", 0)
        if room not in self._known:
            if self.state.strict:
                self.state.tally.add("misrouted", f"{self.name} is told of {room}")
        elif (position := self.positions.get(room)) is None:
            self.positions[room] = Position(seq)
        else:
            position.told(seq)
            self._apply(room, position, summary.get("events", ()))
            self._repair(room)

    def _apply(self, room: str, position: Position, events: Sequence[Packet]) -> None:
        now_ns = time.perf_counter_ns()
        for event in events:
            seq, identity, message = self.state.cache.event(room, event)
            if position.repaired(seq, identity) and message is not None:
                self.state.repaired += 1
                self.state.repairs.record(now_ns - message.due_ns)

    def _repair(self, room: str) -> None:
        position = self.positions[room]
        if self.connection is None or room in self._asking or not position.behind:
            return
        self._asking.add(room)
        request: Packet = {"type": "log", "room": room, "from": position.applied + 1, "to": position.head}
        self.connection.ask(request, partial(self._logged, room))

    def _logged(self, room: str, reply: Packet) -> None:
        self._asking.discard(room)
        position = self.positions[room]
        before = position.applied
        self._apply(room, position, reply.get("events", ()))
        if position.applied > before:
            self._repair(room)
        else:
            wait_ns = reply.get("retry_after", 0) * 1_000_000 or RETRY_NS
            self.state.poller.call_at(time.perf_counter_ns() + wait_ns, partial(self._repair, room))
        self.applied()

    def _acked(self, message: Message, reply: Packet, now_ns: int) -> None:
        """An own message: its ack stands where the push would have been."""
        room, written = message
        key = self.state.script.key(written)
        self.acked[key] = (room, reply["seq"])
        self.heads[room] = max(reply["seq"], self.heads.get(room, 0))
        position = self.positions.get(room)
        if position is None or reply.get("duplicate"):
            return  # its event came, or will come, as a push or with the log
        event = {
            "seq": reply["seq"],
            "kind": "message",
            "user": self.name,
            "time": reply["time"],
            "ordinal": reply["ordinal"],
            "key": key,
            "body": {"text": self.state.script.text(written.author, written.number)},
        }
        position.pushed(event["seq"], self.state.cache.event(room, event).identity)
        self._repair(room)

    def _dial_later(self, retry_after_s: float) -> None:
        delay_s = self.state.backoff(self._tries, retry_after_s)
        self._tries += 1
        self.state.attempts += 1
        due_ns = time.perf_counter_ns() + int(delay_s * SECOND_NS)

        def dial() -> None:
            if self.connection is None and not self.state.resting:
                self.dial()

        self.state.poller.call_at(due_ns, dial)


class Attempt(Device):
    def __init__(self, user: User) -> None:
        super().__init__(user.state, user.hello(), user.name)
        self.dialled_ns = time.perf_counter_ns()
        self._user = user
        self._users = user.state
        self._retry_after_s = 0.0

    def enter(self, number: int) -> None:
        def expire() -> None:
            if self._user.connection is self and not self._user.present:
                self.end(f"no answer in {ANSWER_NS // SECOND_NS} s")

        super().enter(number)
        self.poller.call_at(self.dialled_ns + ANSWER_NS, expire)

    def welcome(self, reply: Packet) -> None:
        self._user.welcome(reply)

    def refused(self, reply: Packet) -> None:
        if reply.get("retry") == "never":
            raise Refused(reply)
        self._retry_after_s = reply.get("retry_after", 0) / 1000
        super().refused(reply)

    def take(self, payload: bytes) -> None:
        runs = self._users.cache.get(payload) if self._user.rooms else None
        if runs is None:
            contents = packets(self.encoding.unpack(payload))
            if not self._user.rooms or any(packet["type"] != "event" for packet in contents):
                for packet in contents:
                    self.route(packet)
                return
            runs = self._users.cache.put(payload, contents)
        now_ns = time.perf_counter_ns()
        for run in runs:
            self._user.take(run, now_ns)

    def push(self, packet: Packet) -> None:
        if packet["type"] == "bye":
            self._retry_after_s = packet.get("retry_after", 0) / 1000
        self._user.push(packet)

    def lost(self, reason: str) -> None:
        self._user.lost(self, reason, self._retry_after_s)

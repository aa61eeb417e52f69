"""`replay`: plays a chat trace, one connection a person, cuts some, and compares all replicas at the end."""

import argparse
import asyncio
import random
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from bench import options as common
from bench import outcome, printout
from bench.client.gathering import LOOK_NS, compare, enter, heads_of, present
from bench.client.sender import Message as Sent
from bench.client.sender import Sender
from bench.client.user import Attempt, User, UsersState, polite
from bench.engine.record import SECOND_NS, Script
from bench.engine.roles import Schedule
from bench.engine.run_state import Pacing
from bench.engine.workers import Load
from bench.options import Scenario
from bench.rooms import create_groups
from bench.server import Endpoint, open_endpoint
from bench.trace import Message, Trace, load
from bench.wire import Packet

WINDOW = 256  # unanswered messages at full speed: keeps the writer's batches filled without building a queue
# A cut falls somewhere in the commit and fan-out of the message that caused it.
CUT_WITHIN_NS = SECOND_NS // 50
ENTERING_MAX = 16  # at a time: below `limits.unauthenticated_per_address`
FOCUS_MAX = 8  # `limits.focus`


@dataclass(frozen=True)
class TraceScript(Script):
    """The users and texts of a trace; the number of a message is its place in it."""

    trace: Trace = field(kw_only=True)

    @cached_property
    def users(self) -> tuple[str, ...]:
        return self.trace.users

    def user(self, number: int) -> str:
        return self.users[number] if number < len(self.users) else ""

    def text(self, author: int, number: int) -> str:
        return self.trace.messages[number].text if number < len(self.trace.messages) else ""


@dataclass(frozen=True)
class Plan:
    """Everything that may be chosen about a replay besides its trace. `speed` None: as fast as it goes."""

    speed: float | None = None
    flap: float = 0.0  # the probability of a cut for each message sent
    seed: int = 1
    stall_s: float = 60.0  # nothing at all for this long while acks are missing: they will not come
    quiet_s: float = 10.0  # nothing for this long while all is acked and replicas differ: it will not come


class Person(User):
    """Somebody of the trace, who writes in each room by itself.

    An absence lasts from the loss of a connection until everything missed is there.
    """

    answered: Callable[[], None]
    by_room: dict[str, Sender]
    _lost_ns = 0

    @property
    def senders(self) -> Iterable[Sender]:
        return self.by_room.values()

    def say(self, room: str, due_ns: int, number: int | None = None) -> None:
        self.by_room[room].put(room, due_ns, number)
        self.by_room[room].flush()

    def lost(self, connection: Attempt, reason: str, retry_after_s: float) -> None:
        if connection is self.connection and self.present and not self.state.resting:
            self._lost_ns = self._lost_ns or time.perf_counter_ns()
        super().lost(connection, reason, retry_after_s)

    def applied(self) -> None:
        if self._lost_ns and self.complete:
            self.state.record.resumed(self._lost_ns, time.perf_counter_ns())
            self._lost_ns = 0

    def _acked(self, message: Sent, reply: Packet, now_ns: int) -> None:
        super()._acked(message, reply, now_ns)
        self.answered()


class Replay:
    """`gather`, `perform`, `compare`, in this order. `rooms` are the names of the trace's rooms, by title."""

    def __init__(self, state: UsersState, trace: Trace, plan: Plan, rooms: dict[str, str]) -> None:
        self.state = state
        self.trace = trace
        self.plan = plan
        self.people: dict[str, Person] = {}
        self.cuts = 0
        self.deliveries = 0
        self.seconds = 0.0
        self._rooms = rooms
        self._said = 0
        self._feeding = False
        self._flapping = plan.flap > 0
        self._chance = random.Random(plan.seed)
        for number, user in enumerate(trace.users):
            titles = sorted(trace.rooms_of[user], key=lambda title: -len(trace.members[title]))
            theirs = [rooms[title] for title in titles]
            person = self.people[user] = Person(state, number, theirs, focus=theirs[:FOCUS_MAX])
            person.by_room = {room: Sender(state, number, state.record, person._acked) for room in theirs}
            person.answered = self._feed_soon

    @property
    def online(self) -> int:
        return present([*self.people.values()])

    @property
    def received(self) -> int:
        return self.state.pushed + self.state.repaired

    def gather(self) -> None:
        enter(self.state, [*self.people.values()], ENTERING_MAX)

    def perform(self) -> None:
        """Send the whole trace, wait for all acks and then for everybody to have everything.

        Gives up after `stall_s` or `quiet_s` without any movement; `compare` counts what is missing then.
        """
        state, plan, messages = self.state, self.plan, self.trace.messages
        state.record.from_ns = start_ns = time.perf_counter_ns()
        if plan.speed is not None:
            due = [(start_ns + int(one.at_s / plan.speed * 1e9), partial(self._say, one)) for one in messages]
            Schedule(state, due).begin()

        def done() -> bool:
            self._feed()
            return state.answered == len(messages)

        def moved() -> int:
            return self.received + state.answered + state.resumes + state.connects.count

        def unanswered() -> int | None:
            return moved() if state.answered < self._said else None

        def caught_up() -> bool:
            people = self.people.values()
            heads = heads_of({room: at.applied for room, at in one.positions.items()} for one in people)
            return all(person.has(heads) for person in people)

        state.poller.settle(done, unanswered, int(plan.stall_s * SECOND_NS), LOOK_NS)
        self._flapping = False
        state.poller.settle(caught_up, moved, int(plan.quiet_s * SECOND_NS), LOOK_NS)
        self.seconds = (time.perf_counter_ns() - start_ns) / SECOND_NS
        state.cache.settle()

    def compare(self) -> None:
        readers: dict[User, list[str]] = {}
        for title, members in self.trace.members.items():
            readers.setdefault(self.people[members[0]], []).append(self._rooms[title])
        self.deliveries = compare(self.state, [*self.people.values()], readers)

    def _feed_soon(self) -> None:
        """Once for all answers that are read together: what is sent together is committed together."""
        if not self._feeding:
            self._feeding = True
            self.state.poller.call_at(time.perf_counter_ns(), self._feed)

    def _feed(self) -> None:
        messages, self._feeding = self.trace.messages, False
        while self.plan.speed is None and self._said < min(len(messages), self.state.answered + WINDOW):
            self._say(messages[self._said], time.perf_counter_ns())

    def _say(self, message: Message, due_ns: int) -> None:
        author = self.people[message.user]
        self._said += 1
        author.say(self._rooms[message.room], due_ns, message.place)
        if self._flapping and self._chance.random() < self.plan.flap:
            # Half of the cuts hit somebody who waits for an ack, the harder case of the two.
            victim = author if self._chance.random() < 0.5 else self._chance.choice([*self.people.values()])
            at_ns = time.perf_counter_ns() + self._chance.randrange(CUT_WITHIN_NS)

            def cut() -> None:
                if self._flapping and victim.synchronised:
                    self.cuts += 1
                    victim.cut()

            self.state.poller.call_at(at_ns, cut)


HURRY = 10.0  # times as fast as a phone comes back, so that more of the traffic meets one that returns


async def run(options: argparse.Namespace) -> int:
    trace = load(options.trace)
    async with open_endpoint(options) as there:
        result, _ = await play(there, trace, Plan(options.speed, options.flap, options.seed))
    return outcome.finish(result, options)


async def play(there: Endpoint, trace: Trace, plan: Plan) -> tuple[dict[str, Any], Replay]:
    run = secrets.token_hex(4)  # never the same twice: a daemon at a URL may still have the last run
    wanted = [(members[0], members[1:]) for members in trace.members.values()]
    rooms = dict(zip(trace.members, await create_groups(there, run, wanted), strict=True))
    state = UsersState(
        common.access(there),
        TraceScript(run[: common.RUN_CHARS], plan.seed, trace=trace),
        Pacing(0.0, 0.0),
        backoff=polite(random.Random(plan.seed), HURRY),
        strict=False,
    )
    replay, measured = Replay(state, trace, plan, rooms), Load(there.daemon)

    def replayed() -> str:
        done = printout.bar(state.answered, len(trace.messages))
        return f"replay   {done} acknowledged · {replay.received:,} received · {state.resumes:,} resumes"

    try:
        with printout.shown(lambda: f"connect  {printout.bar(replay.online, len(replay.people))}"):
            await asyncio.to_thread(replay.gather)
        await measured.count_connections()
        with measured.during(), printout.shown(replayed):
            await asyncio.to_thread(replay.perform)
        with printout.shown(lambda: "compare  every replica with the log, the log with the trace"):
            await asyncio.to_thread(replay.compare)
    finally:
        state.poller.close()
    return _result(replay, there, measured), replay


def _result(replay: Replay, there: Endpoint, measured: Load) -> dict[str, Any]:
    state, trace, plan, seconds = replay.state, replay.trace, replay.plan, replay.seconds
    report = state.report()
    report.cpu_s, report.seconds = measured.generator_cpu_share, 1.0
    result = outcome.of("replay", report, measured, there, Pacing(seconds, 0.0, seed=plan.seed))
    for name in ("loop", "rate", "in_flight", "arrival", "duration_s", "warmup_s", "from_actual_send"):
        del result[name]
    timed = {"repair": state.repairs, "connect": state.connects}
    result["histograms"] |= {name: histogram.sparse() for name, histogram in timed.items()}
    return result | {
        "trace": trace.name,
        "mending": list(trace.mending),
        "speed": plan.speed or "max",
        "window": None if plan.speed else WINDOW,
        "flap": plan.flap,
        "url": None if there.daemon is not None else there.url,
        "messages": len(trace.messages),
        "users": len(trace.users),
        "rooms": {room: len(members) for room, members in trace.members.items()},
        "seconds": round(seconds, 3),
        "deliveries": replay.deliveries,
        "deliveries_wanted": trace.deliveries,
        "deliveries_per_s": round(replay.deliveries / seconds, 1),
        "pushes": state.pushes,
        "repaired": state.repaired,
        "cuts": replay.cuts,
        "resumes": state.resumes,
        "sent_again": sum(one.sent_again for person in replay.people.values() for one in person.senders),
        "ended_otherwise": dict(state.ended),
        "refused": dict(state.failures),
        **{f"{name}_ms": histogram.milliseconds() for name, histogram in timed.items()},
    }


SCENARIO = Scenario(
    "plays a chat trace, one connection a person, cuts some, and compares all replicas at the end",
    run,
    f"speed flap seed {common.ENDPOINT} {common.OUTPUT}",
    own={
        "trace": {
            "type": Path,
            "help": "JSON lines with ts, room, user, text; gzip accepted; - is standard input",
        }
    },
)

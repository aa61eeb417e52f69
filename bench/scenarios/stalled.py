"""`stalled`: members of a group stop reading: what the others notice, and what it costs the daemon.

The kernel takes in megabytes for a connection, minutes of such a room. So whoever is stuck asks for long pages, evenly
over the first half of the run and for more than the kernel can hold; the second half meets a daemon that had to act.
Beside it the same group with the same requests from somebody who does read.
"""

import argparse
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench import options as common
from bench import outcome
from bench.checks import Tally
from bench.client.device import Device
from bench.client.subscriber import Subscriber
from bench.engine.record import SECOND_NS, Script
from bench.engine.roles import Fanout, Group
from bench.engine.run_state import Pacing, RunState
from bench.engine.workers import Plan
from bench.options import Scenario
from bench.outcome import Played
from bench.rooms import create_group
from bench.server import Endpoint, open_endpoint
from bench.wire import Packet

ASKED_FOR = 1.5  # times what the kernel holds at most; a fifth of that is for the kernel itself
SEND_BUFFER_BYTES = 4_194_304  # what Linux lets it grow to by default; the system is asked
PAGE_MESSAGES, MESSAGE_BYTES = 18, 12_000  # such a page: 216 kB, below `limits.server_frame_bytes`
# The kernel still takes in so much; a real phone out of reach acknowledges nothing at all.
RECEIVE_BYTES = 4_096


@dataclass(frozen=True)
class Stalling(Group):
    """A group with so many further members who ask for the page at `page_from`, and read it or never read again.

    `pages`: how often each asks for it.
    """

    page_from: int = 1
    pages: int = 1
    stalled: int = 1
    reads: bool = False


class Asker(Subscriber):
    """A further member, who asks for more and more. What they hear is not counted: the others are measured."""

    def __init__(self, state: RunState, number: int, group: Stalling) -> None:
        super().__init__(state, number, group.room)
        self._group = group

    def push(self, packet: Packet) -> None:
        """The others hear it, too: one who has long pages to read would be the slowest of them."""

    def connected(self) -> None:
        """Let the kernel keep little for one who will not read."""
        if self._socket is not None and not self._group.reads:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        super().connected()

    def begin(self, start_ns: int) -> None:
        """Ask in the first half of the run; whoever does not read leaves from now on everything where it is."""
        if self._socket is not None and not self._group.reads:
            self.poller.watch(self._socket.fileno(), 0)
        pause_ns = int(self.state.pacing.whole_s * SECOND_NS / 2 / self._group.pages)
        for place in range(self._group.pages):
            self.poller.call_at(start_ns + place * pause_ns, self._ask_much)

    def _ask_much(self) -> None:
        if self.alive:
            first = self._group.page_from
            page = {"type": "log", "room": self.room, "from": first, "to": first + PAGE_MESSAGES - 1}
            self.ask(page, lambda reply: None)


def pages_to_stall() -> int:
    """How many pages are more than the kernel keeps for a connection at most (tcp(7), tcp_wmem)."""
    try:
        held_bytes = int(Path("/proc/sys/net/ipv4/tcp_wmem").read_text().split()[2])
    except (OSError, IndexError, ValueError):
        held_bytes = SEND_BUFFER_BYTES
    return max(1, round(ASKED_FOR * held_bytes / (PAGE_MESSAGES * MESSAGE_BYTES)))


class StalledFanout(Fanout):
    """A fan-out beside which somebody may be stuck; what they have is not asked for, what the others have is."""

    def __init__(self, state: RunState, group: Stalling) -> None:
        super().__init__(state, group)
        stuck = range(group.members, group.members + group.stalled)
        self._askers = [Asker(state, number, group) for number in state.mine(stuck)]

    def devices(self) -> Iterable[Device]:
        yield from self._askers
        yield from super().devices()

    def begin(self, start_ns: int) -> None:
        for asker in self._askers:
            asker.begin(start_ns)
        super().begin(start_ns)


NEVER = "the daemon never had to act: the kernel took everything for the reader, or the daemon did"


@dataclass(frozen=True)
class StalledGroup:
    """How many are measured, how many are beside them, and whether these read what they ask for."""

    members: int
    stalled: int = 1
    reads: bool = False


class Round(NamedTuple):
    """The same group twice: with somebody who reads, and with somebody who does not."""

    without: Played
    stalled: Played

    @property
    def acted(self) -> bool | None:
        """Whether the daemon did something about the reader; None where it cannot be asked."""
        (without, _), (stalled, _) = self
        if stalled["slow_consumers"] is None:
            return None
        return bool(stalled["slow_consumers"] > without["slow_consumers"])

    @property
    def p99_moved(self) -> float | None:
        """How much the p99 of the others was larger, as a part of it; None where nobody was stalled or heard."""
        (without, _), (stalled, _) = self
        p99_ms = without["delivery_ms"]["p99"]
        if self.acted is False or not (p99_ms and stalled["delivery_ms"]["count"]):
            return None
        return float(stalled["delivery_ms"]["p99"] / p99_ms - 1)

    @property
    def memory_growth_bytes(self) -> float | None:
        """How much more the daemon came to hold; None where it is not ours."""
        (without, _), (stalled, _) = self
        if not stalled["server"]:
            return None
        return float(stalled["server"]["rss_growth_bytes_max"] - without["server"]["rss_growth_bytes_max"])

    def counted(self) -> dict[str, Any]:
        told = {"slow_consumers": self.stalled[0]["slow_consumers"], "p99_moved": _rounded(self.p99_moved)}
        return told | {"memory_growth_bytes": self.memory_growth_bytes}


async def run(options: argparse.Namespace) -> int:
    pacing = common.pacing(options)

    async def one(reads: bool) -> Played:
        async with open_endpoint(options) as there:
            crowd = StalledGroup(options.members, options.stalled, reads)
            return await play(there, common.script(options.seed), pacing, crowd, procs=options.procs)

    rounds = await in_turn(one, options.rounds)
    return outcome.finish(beside(rounds), options)


async def in_turn(one: Callable[[bool], Awaitable[Played]], rounds: int) -> list[Round]:
    """Both sides in each round; who came first is second in the next, so that what drifts hits both alike."""
    orders = [(True, False) if number % 2 == 0 else (False, True) for number in range(rounds)]
    found = [{reads: await one(reads) for reads in order} for order in orders]
    return [Round(sides[True], sides[False]) for sides in found]


async def play(
    there: Endpoint, script: Script, pacing: Pacing, crowd: StalledGroup, *, procs: int = 1
) -> Played:
    """A fan-out beside which somebody asks for long pages, and reads them or not."""
    users = [script.user(number) for number in range(crowd.members + crowd.stalled)]
    room = await create_group(there, script.run, "stalled", users)
    page_from = await _fill(there, script, room)
    group = Stalling(room, crowd.members, 1, page_from, pages_to_stall(), crowd.stalled, crowd.reads)
    plan = Plan(StalledFanout, common.access(there, len(users)), script, pacing, group)
    result, seen = await outcome.play("stalled", plan, there, procs)
    if not crowd.reads:
        seen.failures.clear()  # the stalled one is thrown out, which is as it should be
    return {**result, "reads": crowd.reads, "slow_consumers": await _steps_taken(there)}, seen


async def _fill(there: Endpoint, script: Script, room: str) -> int:
    """Writes the long page that the stalled one will ask for; where it begins."""
    phone = await there.enter(script.user(0), script.device(0))
    for number in range(PAGE_MESSAGES):
        body = {"text": "x" * MESSAGE_BYTES}
        ack = await phone.request({"type": "send", "room": room, "key": f"long-page-{number}", "body": body})
    await phone.close()
    return int(ack["seq"]) - PAGE_MESSAGES + 1


async def _steps_taken(there: Endpoint) -> int | None:
    """How often the daemon held back, or gave up, for somebody who reads too slowly; None of one at a URL."""
    return int(await there.daemon.metric("chatd_slow_consumers_total")) if there.daemon else None


def tally_of(rounds: Sequence[Round]) -> Tally:
    tally = Tally()
    for _, seen in chain.from_iterable(rounds):
        tally.merge(seen.tally)
    return tally


def middle(rounds: Sequence[Round]) -> Round:
    """The round whose p99 moved neither most nor least."""
    return sorted(rounds, key=lambda one: one.p99_moved or 0.0)[len(rounds) // 2]


def beside(rounds: Sequence[Round]) -> dict[str, Any]:
    """The result with the stalled reader of the middle round, and what they changed, by the median of all rounds.

    A p99 moves by itself: `p99_spread` is how far those without them are apart, as a part of their median, None of one.
    """
    tally, without = tally_of(rounds), middle(rounds).without[0]
    never = False in (one.acted for one in rounds)
    p99s_ms = [one.without[0]["delivery_ms"]["p99"] for one in rounds]
    alone = len(rounds) == 1 or not median(p99s_ms)
    return {
        **middle(rounds).stalled[0],
        **tally.counts(),
        "examples": tally.examples,
        "generator_bound": any(side["generator_bound"] for one in rounds for side, _ in one),
        "without": {key: without[key] for key in ("delivery_ms", "server", "slow_consumers")},
        "rounds": [one.counted() for one in rounds],
        "p99_moved": _median([one.p99_moved for one in rounds]),
        "p99_spread": None if alone else round((max(p99s_ms) - min(p99s_ms)) / median(p99s_ms), 3),
        # What the daemon took in for a reader whom it never noticed is in `rounds`, and proves no bound.
        "memory_growth_bytes": None if never else _median([one.memory_growth_bytes for one in rounds]),
        "unmeasured": NEVER if never else None,
    }


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _rounded(median(known)) if len(known) == len(values) else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


SCENARIO = Scenario(
    "one member of a group stops reading: what the others notice, and what it costs the daemon",
    run,
    f"members stalled rounds {common.LOAD}",
    {"members": 1000, "stalled": 1, "rounds": 3, "rate": 50.0},
)

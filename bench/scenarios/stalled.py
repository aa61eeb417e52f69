"""`stalled`: a member of a group stops reading: what the others notice, and what it costs the daemon.

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
from bench.scenarios.beside import SWITCHED, by_turns
from bench.server import Endpoint, open_endpoint
from bench.wire import Packet

ASKED_FOR = 1.5  # times what the kernel holds at most; a fifth of that is for the kernel itself
SEND_BUFFER_BYTES = 4_194_304  # what Linux lets it grow to by default; the system is asked
PAGE_MESSAGES, MESSAGE_BYTES = 18, 12_000  # such a page: 216 kB, below `limits.server_frame_bytes`
# The kernel still takes in so much; a real phone out of reach acknowledges nothing at all.
RECEIVE_BYTES = 4_096
NEVER = "the daemon never had to act: the kernel took everything for the reader, or the daemon did"


@dataclass(frozen=True)
class Stalling(Group):
    """A group with one more member, who asks `pages` times for the page at `page_from` and reads it, or never again."""

    page_from: int = 1
    pages: int = 1
    reads: bool = False


class Asker(Subscriber):
    """A further member, who asks for more and more. What they hear is not counted: the others are measured."""

    def __init__(self, state: RunState, number: int, group: Stalling) -> None:
        super().__init__(state, number, group.room)
        self._group = group

    def push(self, packet: Packet) -> None:
        """The others hear it, too: one who has long pages to read would be the slowest of them."""

    def connected(self) -> None:
        if self._socket is not None and not self._group.reads:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        super().connected()

    def begin(self, start_ns: int) -> None:
        """Ask in the first half of the run; whoever does not read leaves from now on everything where it is."""
        if self._socket is not None and not self._group.reads:
            self.poller.watch(self._socket.fileno(), 0)
        first, pages = self._group.page_from, self._group.pages
        page: Packet = {"type": "log", "room": self.room, "from": first, "to": first + PAGE_MESSAGES - 1}

        def ask() -> None:
            if self.alive:
                self.ask(page, lambda reply: None)

        for place in range(pages):
            pause_ns = int(self.state.pacing.whole_s * SECOND_NS / 2 / pages)
            self.poller.call_at(start_ns + place * pause_ns, ask)


class StalledFanout(Fanout):
    """A fan-out beside which somebody may be stuck; what they have is not asked for, what the others have is."""

    def __init__(self, state: RunState, group: Stalling) -> None:
        super().__init__(state, group)
        self._askers = [Asker(state, number, group) for number in state.mine([group.members])]

    def devices(self) -> Iterable[Device]:
        return [*self._askers, *super().devices()]

    def begin(self, start_ns: int) -> None:
        for asker in self._askers:
            asker.begin(start_ns)
        super().begin(start_ns)


def pages_to_stall() -> int:
    """How many pages are more than the kernel keeps for a connection at most (tcp(7), tcp_wmem)."""
    try:
        held_bytes = int(Path("/proc/sys/net/ipv4/tcp_wmem").read_text().split()[2])
    except (OSError, IndexError, ValueError):
        held_bytes = SEND_BUFFER_BYTES
    return max(1, round(ASKED_FOR * held_bytes / (PAGE_MESSAGES * MESSAGE_BYTES)))


async def play(
    there: Endpoint, script: Script, pacing: Pacing, *, members: int, reads: bool = False, procs: int = 1
) -> Played:
    users = [script.user(number) for number in range(members + 1)]
    room = await create_group(there, script.run, users)
    phone = await there.enter(script.user(0), script.device(0))
    for number in range(PAGE_MESSAGES):
        body = {"text": "x" * MESSAGE_BYTES}
        ack = await phone.request({"type": "send", "room": room, "key": f"long-page-{number}", "body": body})
    await phone.close()
    group = Stalling(room, members, 1, int(ack["seq"]) - PAGE_MESSAGES + 1, pages_to_stall(), reads)
    plan = Plan(StalledFanout, common.access(there, len(users)), script, pacing, group)
    result, seen = await outcome.play("stalled", plan, there, procs)
    if not reads:
        seen.failures.clear()  # the stalled one is thrown out, which is as it should be
    # How often the daemon held back, or gave up, for somebody who reads too slowly; one at a URL is not asked.
    steps = int(await there.daemon.metric("chatd_slow_consumers_total")) if there.daemon else None
    return {**result, "reads": reads, "slow_consumers": steps}, seen


class Round(NamedTuple):
    """The same group twice: with somebody who reads, and with somebody who does not."""

    without: Played
    stalled: Played

    def compared(self) -> dict[str, Any]:
        """The change by the one who does not read; None is what cannot be known.

        `acted`: whether the daemon did something about them; `p99_moved`: how much the p99 of the others was larger, as
        a part of it; `memory_growth_bytes`: how much more the daemon came to hold.
        """
        (without, _), (stalled, _) = self
        steps, before, latency = stalled["slow_consumers"], without["slow_consumers"], without["delivery_ms"]
        acted = None if steps is None else bool(steps > before)
        moved = memory = None
        if acted is not False and latency["p99"] and stalled["delivery_ms"]["count"]:
            moved = round(stalled["delivery_ms"]["p99"] / latency["p99"] - 1, 3)
        if stalled["server"]:
            memory = float(
                stalled["server"]["rss_growth_bytes_max"] - without["server"]["rss_growth_bytes_max"]
            )
        return {"acted": acted, "slow_consumers": steps, "p99_moved": moved, "memory_growth_bytes": memory}


async def in_turn(one: Callable[[bool], Awaitable[Played]], rounds: int) -> list[Round]:
    """Both sides in each round."""
    found = [await by_turns(SWITCHED, number, one) for number in range(rounds)]
    return [Round(sides[True], sides[False]) for sides in found]


def beside(rounds: Sequence[Round]) -> dict[str, Any]:
    """The result with the stalled reader of the middle round, and what they changed, by the median of all rounds.

    A p99 moves by itself: `p99_spread` is how far those without them are apart, as a part of their median, None of one.
    """
    tally, compared = Tally(), [one.compared() for one in rounds]
    for _, seen in chain.from_iterable(rounds):
        tally.merge(seen.tally)
    middle = sorted(rounds, key=lambda one: one.compared()["p99_moved"] or 0.0)[len(rounds) // 2]
    never = False in (one["acted"] for one in compared)
    p99s_ms = [one.without[0]["delivery_ms"]["p99"] for one in rounds]
    usual_ms = median(p99s_ms)

    def of_all(name: str) -> float | None:
        known = [one[name] for one in compared if one[name] is not None]
        return round(median(known), 3) if len(known) == len(compared) else None

    return {
        **middle.stalled[0],
        **tally.counts(),
        "examples": tally.examples,
        "generator_bound": any(side["generator_bound"] for one in rounds for side, _ in one),
        "without": {key: middle.without[0][key] for key in ("delivery_ms", "server", "slow_consumers")},
        "rounds": compared,
        "p99_moved": of_all("p99_moved"),
        "p99_spread": round((max(p99s_ms) - min(p99s_ms)) / usual_ms, 3)
        if len(rounds) > 1 and usual_ms
        else None,
        # What the daemon took in for a reader whom it never noticed is in `rounds`, and proves no bound.
        "memory_growth_bytes": None if never else of_all("memory_growth_bytes"),
        "unmeasured": NEVER if never else None,
    }


async def run(options: argparse.Namespace) -> int:
    async def one(reads: bool) -> Played:
        async with open_endpoint(options) as there:
            sizes = {"members": options.members, "procs": options.procs}
            return await play(there, common.script(options.seed), pacing, **sizes, reads=reads)

    pacing = common.pacing(options)
    return outcome.finish(beside(await in_turn(one, options.rounds)), options)


SCENARIO = Scenario(
    "one member of a group stops reading: what the others notice, and what it costs the daemon",
    run,
    f"members rounds {common.LOAD}",
    {"members": 1000, "rounds": 3, "rate": 50.0},
)

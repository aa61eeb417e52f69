"""The processes of a load: started, told when the clock starts, listened to, and added up."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any

from bench import cores, progress
from bench.engine.part import Moves, Place, Plan, perform
from bench.engine.record import SECOND_NS
from bench.engine.stage import Report
from bench.load import Load
from bench.server import Unreachable
from bench.target import Target

START_NS = SECOND_NS // 10  # between the word and the clock, so that all processes have heard it

# A fork of our own process would inherit the event loop and its descriptors; the server has neither.
_forking = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload(["bench.engine.fanout", "bench.engine.direct"])


@dataclass
class _Hand:
    """One process, and the last it told."""

    running: ForkServerProcess
    line: Connection
    moves: Moves = (0, 0, 0)


class Crew:
    """Carries a plan out with that many processes."""

    def __init__(self, plan: Plan, shares: int) -> None:
        self._plan = plan
        self._hands = [self._hire(share, shares) for share in range(shares)]

    async def play(self, measured: Load) -> Report:
        """Enters, plays and returns what all have seen; `measured` begins when everybody is in.

        Raises Unreachable when the devices are not let in, or a process ends early.
        """
        try:
            with progress.shown(self._entering):
                await self._each("entered")
            await measured.count_connections()
            start_ns = time.perf_counter_ns() + START_NS
            self._tell(start_ns)
            with measured.during(), progress.shown(self._playing):
                said = [one for share in await self._each("said") for one in share]
                self._tell(said)
                reports = await self._each("report")
        finally:
            await self._dismiss()
        total: Report = reports[0]
        for report in reports[1:]:
            total.merge(report)
        total.conclude()
        return total

    def _hire(self, share: int, shares: int) -> _Hand:
        place = Place(share, shares, cores.generator_core(share), cores.alone(shares))
        ours, theirs = _forking.Pipe()
        running = _forking.Process(target=perform, args=(self._plan, place, theirs), daemon=True)
        running.start()
        theirs.close()
        return _Hand(running, ours)

    async def _hear(self, hand: _Hand, wanted: str) -> Any:
        """Listens until the process tells what is wanted. In a thread: uvloop would make the pipe non-blocking."""
        while True:
            try:
                topic, content = await asyncio.to_thread(hand.line.recv)
            except (EOFError, OSError):
                raise Unreachable("a process of the generator ended early") from None
            if topic == wanted:
                return content
            if topic == "failed":
                raise Unreachable(content)
            hand.moves = content

    async def _each(self, wanted: str) -> list[Any]:
        return await asyncio.gather(*(self._hear(hand, wanted) for hand in self._hands))

    def _tell(self, what: object) -> None:
        for hand in self._hands:
            hand.line.send(what)

    async def _dismiss(self) -> None:
        for hand in self._hands:
            hand.running.terminate()  # ends the wait of a thread for its pipe, too
            await asyncio.to_thread(hand.running.join)
            hand.line.close()

    def _moves(self) -> Moves:
        sent, acked, delivered = zip(*(hand.moves for hand in self._hands), strict=True)
        return sum(sent), sum(acked), sum(delivered)

    def _entering(self) -> str:
        entered, total, _ = self._moves()
        return f"enter    {progress.bar(entered, total)} devices"

    def _playing(self) -> str:
        sent, acked, delivered = self._moves()
        pacing = self._plan.pacing
        return (
            f"play     {pacing.whole_s:.0f} s · {sent:,} sent · {acked:,} durable · {delivered:,} delivered"
        )


async def measure(plan: Plan, shares: int, there: Target) -> tuple[Report, Load]:
    """Carries the plan out against the target, and watches the daemon meanwhile."""
    measured = Load(there.daemon)
    return await Crew(plan, shares).play(measured), measured

"""The processes of a load: started, told when the clock starts, listened to, and added up."""

import asyncio
import multiprocessing
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any

from bench import cores, progress
from bench.endpoint import Endpoint
from bench.engine.record import SECOND_NS
from bench.engine.role import Moves, Place, Plan, perform
from bench.engine.run_state import Report
from bench.load import Load
from bench.server import Unreachable

START_NS = SECOND_NS // 10  # between the word and the clock, so that all processes have heard it

# A fork of our own process would inherit the event loop and its descriptors; the server has neither.
_forking = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload(["bench.engine.conversation"])


@dataclass
class _Worker:
    """One process, and the last it told."""

    running: ForkServerProcess
    line: Connection
    moves: Moves = (0, 0, 0)


class Workers:
    """Carries a plan out with that many processes."""

    def __init__(self, plan: Plan, shares: int) -> None:
        self._plan = plan
        self._workers = [self._start(share, shares) for share in range(shares)]

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
            await self._stop()
        total: Report = reports[0]
        for report in reports[1:]:
            total.merge(report)
        total.conclude()
        return total

    def _start(self, share: int, shares: int) -> _Worker:
        place = Place(share, shares, cores.generator_core(share), cores.alone(shares))
        ours, theirs = _forking.Pipe()
        running = _forking.Process(target=perform, args=(self._plan, place, theirs), daemon=True)
        running.start()
        theirs.close()
        return _Worker(running, ours)

    async def _listen(self, worker: _Worker, wanted: str) -> Any:
        """Listens until the process tells what is wanted. In a thread: uvloop would make the pipe non-blocking."""
        while True:
            try:
                topic, content = await asyncio.to_thread(worker.line.recv)
            except (EOFError, OSError):
                raise Unreachable("a process of the generator ended early") from None
            if topic == wanted:
                return content
            if topic == "failed":
                raise Unreachable(content)
            worker.moves = content

    async def _each(self, wanted: str) -> list[Any]:
        return await asyncio.gather(*(self._listen(worker, wanted) for worker in self._workers))

    def _tell(self, what: object) -> None:
        for worker in self._workers:
            worker.line.send(what)

    async def _stop(self) -> None:
        for worker in self._workers:
            worker.running.terminate()  # ends the wait of a thread for its pipe, too
            await asyncio.to_thread(worker.running.join)
            worker.line.close()

    def _moves(self) -> Moves:
        sent, acked, delivered = zip(*(worker.moves for worker in self._workers), strict=True)
        return sum(sent), sum(acked), sum(delivered)

    def _entering(self) -> str:
        entered, total, _ = self._moves()
        return f"enter    {progress.bar(entered, total)} devices"

    def _playing(self) -> str:
        sent, acked, delivered = self._moves()
        whole_s = self._plan.pacing.whole_s
        return f"play     {whole_s:.0f} s · {sent:,} sent · {acked:,} durable · {delivered:,} delivered"


async def measure(plan: Plan, shares: int, there: Endpoint) -> tuple[Report, Load]:
    """Carries the plan out against the target, and watches the daemon meanwhile."""
    measured = Load(there.daemon)
    return await Workers(plan, shares).play(measured), measured

"""The processes of a load: one's share of a scenario, how it is carried out, and the machine it uses."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any

from bench import machine, printout
from bench.client.device import Device
from bench.client.poller import Poller
from bench.engine.record import SECOND_NS, Script
from bench.engine.run_state import Access, Pacing, Report, RunState, Said
from bench.server import Daemon, Endpoint, Unreachable


class Load:
    """Processor seconds and memory over one stretch, and what the daemon logged; `during` says which."""

    def __init__(self, daemon: Daemon | None) -> None:
        self.daemon = daemon
        self.generator_cpu_share = 0.0  # of one core, by this process; a load of several says it itself
        self._cores: list[int] = []
        self._server: dict[str, Any] | None = None
        self._connections = 0

    @contextmanager
    def during(self) -> Iterator[None]:
        daemon, started, worked_s = self.daemon, time.perf_counter(), time.process_time()
        self._cores = machine.bound()
        earlier_bytes = rss_bytes = used_s = 0.0
        if daemon is not None:
            # The most it held before: starting, and letting everybody in.
            earlier_bytes = daemon.rss_bytes_max()
            daemon.forget_peak()
            used_s, rss_bytes = daemon.cpu_s(), daemon.rss_bytes()
        try:
            yield
        finally:
            seconds = time.perf_counter() - started
            self.generator_cpu_share = (time.process_time() - worked_s) / seconds
            if daemon is not None:
                cpu_s, most_bytes = daemon.cpu_s() - used_s, daemon.rss_bytes_max()
                self._server = {
                    "cpu_s": round(cpu_s, 4),
                    "cpu_share": round(cpu_s / seconds, 3),
                    "rss_bytes": daemon.rss_bytes(),
                    "rss_growth_bytes": daemon.rss_bytes() - rss_bytes,
                    "rss_growth_bytes_max": most_bytes - rss_bytes,
                    "rss_bytes_max": max(most_bytes, earlier_bytes),
                    "cores": machine.bound(daemon.pid),
                    "storage": daemon.storage(),
                    "connections": self._connections,
                    "complaints": daemon.complaints(),
                }

    async def count_connections(self) -> None:
        if self.daemon is not None:
            self._connections = int(await self.daemon.metric("chatd_connections"))

    def counted(self) -> dict[str, Any]:
        """Shares of one core and the rest, as a result file holds them; `server` is null for one at a URL."""
        generator = {"cpu_share": round(self.generator_cpu_share, 3), "cores": self._cores}
        return {"generator": generator, "server": self._server}


ENTERING_MAX = 16  # at a time: below `limits.unauthenticated_per_address`, 20
TOLD_NS = SECOND_NS // 4  # how often the display hears of a process
ENTER_NS = 60 * SECOND_NS  # nobody new let in for this long: the others will not be either

Moves = tuple[int, int, int]


class NotLetIn(Exception):
    """Not all devices got in; the text says why."""


@dataclass(frozen=True)
class Plan:
    """The orders of a process. `role` builds it from its state and `details`."""

    role: Callable[[RunState, Any], Role]
    access: Access
    script: Script
    pacing: Pacing
    details: Any


@dataclass(frozen=True)
class Place:
    """Which of the processes one is, of how many, on which core, and whether it has that `alone`."""

    share: int
    shares: int
    core: int | None
    alone: bool


class Role:
    """The devices of one process and what they do. Subclasses are named by the plan."""

    def __init__(self, state: RunState) -> None:
        self.state = state

    def devices(self) -> Iterable[Device]:
        """Everybody who enters before the clock starts, in the order of entering."""
        return ()

    def begin(self, start_ns: int) -> None:
        """The clock starts at `start_ns`."""

    def answered(self) -> bool:
        """Whether all that was said here is answered."""
        return True

    def said(self) -> list[Said]:
        """How much the authors of this process have said; other processes wait for it to arrive."""
        return []

    def complete(self, said: Sequence[Said]) -> bool:
        """Whether all that the authors of all processes have said has arrived here."""
        return True

    def moves(self) -> Moves:
        """Messages sent, acknowledged and delivered so far: for the display, and to see a standstill."""
        return 0, 0, 0

    def report(self) -> Report:
        """Everything that was seen."""
        return self.state.report()


@contextmanager
def telling(role: Role, line: Connection, topic: str, moves: Callable[[], Moves]) -> Iterator[None]:
    """Tell the display now and then how far a process is, until the block ends."""
    on = True

    def tell() -> None:
        if on:
            line.send((topic, moves()))
            role.state.poller.call_at(time.perf_counter_ns() + TOLD_NS, tell)

    tell()
    try:
        yield
    finally:
        on = False


def perform(plan: Plan, place: Place, line: Connection) -> None:
    machine.pin(place.core)
    machine.allow_files()
    poller = Poller(wakeful=place.alone)
    state = RunState(plan.access, plan.script, plan.pacing, poller, share=place.share, shares=place.shares)
    try:
        role = plan.role(state, plan.details)
        _enter(role, line)
        line.send(("entered", state.entered))
        line.send(("report", _play(role, line.recv(), line)))
        line.recv()  # the daemon is looked at before the connections go
    except EOFError:  # nobody listens any more
        return
    except (NotLetIn, OSError) as error:
        line.send(("failed", str(error)))
    finally:
        poller.close()


def _enter(role: Role, line: Connection) -> None:
    state, waiting = role.state, deque(enumerate(role.devices()))
    total = len(waiting)

    def entered() -> bool:
        while waiting and total - len(waiting) - state.entered - state.failures.total() < ENTERING_MAX:
            number, device = waiting.popleft()
            device.enter(number)
        return state.entered == total or bool(state.failures)

    with telling(role, line, "entering", lambda: (state.entered, total, 0)):
        state.poller.settle(entered, lambda: state.entered, ENTER_NS)
    if state.failures or state.entered < total:
        reasons = ", ".join(state.failures) or "no answer"
        raise NotLetIn(f"{total - state.entered:,} of {total:,} devices could not connect: {reasons}")


def _play(role: Role, start_ns: int, line: Connection) -> Report:
    state, poller = role.state, role.state.poller
    quiet_ns = int(state.pacing.quiet_s * SECOND_NS)
    state.begin(start_ns)
    gc.collect()
    gc.freeze()  # the devices stay until the end; a full collection need not look at them again
    gc.disable()  # what is made from now on is freed by its last user
    with telling(role, line, "playing", role.moves):
        poller.run(lambda: time.perf_counter_ns() >= start_ns)
        began_ns, worked_s = time.perf_counter_ns(), _worked_s(poller)
        role.begin(start_ns)
        poller.run(lambda: time.perf_counter_ns() >= state.stop_ns and not poller.overdue)
        worked_s, seconds = _worked_s(poller) - worked_s, (time.perf_counter_ns() - began_ns) / SECOND_NS
        poller.settle(role.answered, role.moves, quiet_ns)
        line.send(("said", role.said()))
        poller.run(line.poll)
        said = line.recv()
        poller.settle(lambda: role.complete(said), role.moves, quiet_ns)
    report = role.report()
    report.cpu_s, report.seconds = max(0.0, worked_s), seconds
    return report


def _worked_s(poller: Poller) -> float:
    """Processor seconds of this process that were work: what it waited awake is not."""
    return time.process_time() - poller.awake_ns / SECOND_NS


START_NS = SECOND_NS // 10  # between the word and the clock, so that all processes have heard it

# A fork of our own process would inherit the event loop and its descriptors; the server has neither.
_forking = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload(["bench.engine.roles"])


@dataclass
class _Worker:
    running: ForkServerProcess
    line: Connection
    moves: Moves = (0, 0, 0)


class Workers:
    """Carries a plan out with that many processes."""

    def __init__(self, plan: Plan, shares: int) -> None:
        self._plan = plan
        self._workers: list[_Worker] = []
        for share in range(shares):
            place = Place(share, shares, machine.generator_core(share), machine.alone(shares))
            ours, theirs = _forking.Pipe()
            running = _forking.Process(target=perform, args=(plan, place, theirs), daemon=True)
            running.start()
            theirs.close()
            self._workers.append(_Worker(running, ours))

    async def play(self, measured: Load) -> Report:
        """Enters, plays and returns what all have seen; `measured` begins when everybody is in.

        Raises Unreachable when the devices are not let in, or a process ends early.
        """
        try:
            with printout.shown(lambda: f"enter    {printout.bar(*self._moves()[:2])} devices"):
                await self._each("entered")
            await measured.count_connections()
            start_ns = time.perf_counter_ns() + START_NS
            self._tell(start_ns)
            with measured.during(), printout.shown(self._playing):
                said = [one for share in await self._each("said") for one in share]
                self._tell(said)
                reports: list[Report] = await self._each("report")
        finally:
            for worker in self._workers:
                worker.running.terminate()  # ends the wait of a thread for its pipe, too
                await asyncio.to_thread(worker.running.join)
                worker.line.close()
        total = reports[0]
        for report in reports[1:]:
            total.merge(report)
        total.conclude()
        return total

    async def _each(self, wanted: str) -> list[Any]:
        """Listens until each process tells what is wanted. In threads: uvloop would make the pipes non-blocking."""

        async def listen(worker: _Worker) -> Any:
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

        return await asyncio.gather(*map(listen, self._workers))

    def _tell(self, what: object) -> None:
        for worker in self._workers:
            worker.line.send(what)

    def _moves(self) -> Moves:
        sent, acked, delivered = zip(*(worker.moves for worker in self._workers), strict=True)
        return sum(sent), sum(acked), sum(delivered)

    def _playing(self) -> str:
        sent, acked, delivered = self._moves()
        whole_s = self._plan.pacing.whole_s
        return f"play     {whole_s:.0f} s · {sent:,} sent · {acked:,} durable · {delivered:,} delivered"


async def measure(plan: Plan, shares: int, there: Endpoint) -> tuple[Report, Load]:
    measured = Load(there.daemon)
    return await Workers(plan, shares).play(measured), measured

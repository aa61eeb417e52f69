"""One process's share of a scenario: what a scenario has to say about itself, and how it is carried out."""

from __future__ import annotations

import gc
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from bench import cores, loop
from bench.client.device import Device
from bench.client.poller import Poller
from bench.engine.record import SECOND_NS
from bench.engine.run_state import Access, Pacing, Report, RunState, Said
from bench.engine.script import Script

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


class Role(ABC):
    """The devices of one process and what they do. Subclasses are named by the plan."""

    def __init__(self, state: RunState) -> None:
        self.state = state

    @abstractmethod
    def devices(self) -> Iterable[Device]:
        """Everybody who enters before the clock starts, in the order of entering."""

    @abstractmethod
    def begin(self, start_ns: int) -> None:
        """The clock starts at `start_ns`."""

    @abstractmethod
    def answered(self) -> bool:
        """Whether all that was said here is answered."""

    def said(self) -> list[Said]:
        """How much the authors of this process have said; other processes wait for it to arrive."""
        return []

    def complete(self, said: Sequence[Said]) -> bool:
        """Whether all that the authors of all processes have said has arrived here."""
        return True

    @abstractmethod
    def moves(self) -> Moves:
        """Messages sent, acknowledged and delivered so far: for the display, and to see a standstill."""

    @abstractmethod
    def report(self) -> Report:
        """Everything that was seen."""


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
    cores.pin(place.core)
    loop.allow_files()
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
    total, moved_ns, seen = len(waiting), time.perf_counter_ns(), -1

    def entered() -> bool:
        nonlocal moved_ns, seen
        failed = state.failures.total()
        while waiting and total - len(waiting) - state.entered - failed < ENTERING_MAX:
            number, device = waiting.popleft()
            device.enter(number)
        now_ns = time.perf_counter_ns()
        if state.entered != seen:
            moved_ns, seen = now_ns, state.entered
        if failed or now_ns - moved_ns > ENTER_NS:
            reasons = ", ".join(state.failures) or "no answer"
            raise NotLetIn(f"{total - state.entered:,} of {total:,} devices could not connect: {reasons}")
        return state.entered == total

    with telling(role, line, "entering", lambda: (state.entered, total, 0)):
        state.poller.run(entered)


def _play(role: Role, start_ns: int, line: Connection) -> Report:
    state, poller = role.state, role.state.poller
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
        poller.run(_settled(role, role.answered))
        line.send(("said", role.said()))
        poller.run(line.poll)
        said = line.recv()
        poller.run(_settled(role, lambda: role.complete(said)))
    report = role.report()
    report.cpu_s, report.seconds = max(0.0, worked_s), seconds
    return report


def _worked_s(poller: Poller) -> float:
    """Processor seconds of this process that were work: what it waited awake is not."""
    return time.process_time() - poller.awake_ns / SECOND_NS


def _settled(role: Role, done: Callable[[], bool]) -> Callable[[], bool]:
    """A condition: it is done, or nothing has moved for as long as the pacing waits."""
    moved_ns, seen = time.perf_counter_ns(), role.moves()
    quiet_ns = int(role.state.pacing.quiet_s * SECOND_NS)

    def settled() -> bool:
        nonlocal moved_ns, seen
        if done():
            return True
        now_ns, moves = time.perf_counter_ns(), role.moves()
        if moves != seen:
            moved_ns, seen = now_ns, moves
        return now_ns - moved_ns > quiet_ns

    return settled

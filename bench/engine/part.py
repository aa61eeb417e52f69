"""One process's share of a scenario: what a scenario has to say about itself, and how it is carried out."""

from __future__ import annotations

import gc
import resource
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from bench import cores
from bench.engine.device import Access, Device
from bench.engine.pump import Pump
from bench.engine.record import SECOND_NS
from bench.engine.script import Script
from bench.engine.stage import Pacing, Report, Said, Stage

ENTERING_MAX = 16  # at a time: below `limits.unauthenticated_per_address`, 20
TOLD_NS = SECOND_NS // 4  # how often the display hears of a process
ENTER_NS = 60 * SECOND_NS  # nobody new let in for this long: the others will not be either


Moves = tuple[int, int, int]


class NotLetIn(Exception):
    """Not all devices got in; the text says why."""


@dataclass(frozen=True)
class Plan:
    """What a process is told. `cast` builds the part from its pump, its stage and `details`."""

    cast: Callable[[Pump, Stage, Any], Part]
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


class Part(ABC):
    """The devices of one process and what they do. Subclasses are named by the plan."""

    def __init__(self, pump: Pump, stage: Stage) -> None:
        self.pump = pump
        self.stage = stage

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
        """What the authors of this process have said; other processes wait for it to arrive."""
        return []

    def complete(self, said: Sequence[Said]) -> bool:
        """Whether all that the authors of all processes have said has arrived here."""
        return True

    @abstractmethod
    def moves(self) -> Moves:
        """Messages sent, acknowledged and delivered so far: for the display, and to see a standstill."""

    @abstractmethod
    def report(self) -> Report:
        """What was seen."""


class Teller:
    """Tells the display now and then how far a process is."""

    def __init__(self, pump: Pump, line: Connection, topic: str, moves: Callable[[], Moves]) -> None:
        self._pump = pump
        self._line = line
        self._topic = topic
        self._moves = moves
        self._on = False

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Until the block ends."""
        self._on = True
        self._tell()
        try:
            yield
        finally:
            self._on = False

    def _tell(self) -> None:
        if self._on:
            self._line.send((self._topic, self._moves()))
            self._pump.call_at(time.perf_counter_ns() + TOLD_NS, self._tell)


def perform(plan: Plan, place: Place, line: Connection) -> None:
    """The life of one process: enter, wait for the word, play, tell."""
    cores.pin(place.core)
    _allow_files()
    stage = Stage(plan.access, plan.script, plan.pacing, share=place.share, shares=place.shares)
    pump = Pump(wakeful=place.alone)
    try:
        part = plan.cast(pump, stage, plan.details)
        _enter(part, line)
        line.send(("entered", stage.gate.entered))
        line.send(("report", _play(part, line.recv(), line)))
        line.recv()  # the daemon is looked at before the connections go
    except EOFError:  # nobody listens any more
        return
    except (NotLetIn, OSError) as error:
        line.send(("failed", str(error)))
    finally:
        pump.close()


def _enter(part: Part, line: Connection) -> None:
    """Lets everybody in, a few at a time."""
    gate, waiting = part.stage.gate, deque(enumerate(part.devices()))
    total, moved_ns, seen = len(waiting), time.perf_counter_ns(), -1

    def entered() -> bool:
        nonlocal moved_ns, seen
        while waiting and total - len(waiting) - gate.entered - gate.failed < ENTERING_MAX:
            number, device = waiting.popleft()
            device.enter(number)
        now_ns = time.perf_counter_ns()
        if gate.entered != seen:
            moved_ns, seen = now_ns, gate.entered
        if gate.failed or now_ns - moved_ns > ENTER_NS:
            reasons = ", ".join(gate.failures) or "no answer"
            raise NotLetIn(f"{total - gate.entered:,} of {total:,} devices could not connect: {reasons}")
        return gate.entered == total

    with Teller(part.pump, line, "entering", lambda: (gate.entered, total, 0)).telling():
        part.pump.run(entered)


def _play(part: Part, start_ns: int, line: Connection) -> Report:
    stage = part.stage
    stage.begin(start_ns)
    gc.collect()
    gc.freeze()  # the devices stay until the end; a full collection need not look at them again
    gc.disable()  # what is made from now on is freed by its last user
    with Teller(part.pump, line, "playing", part.moves).telling():
        part.pump.run(lambda: time.perf_counter_ns() >= start_ns)
        began_ns, worked_s = time.perf_counter_ns(), _worked_s(part.pump)
        part.begin(start_ns)
        part.pump.run(lambda: time.perf_counter_ns() >= stage.stop_ns and not part.pump.overdue)
        worked_s, seconds = _worked_s(part.pump) - worked_s, (time.perf_counter_ns() - began_ns) / SECOND_NS
        part.pump.run(_settled(part, part.answered))
        line.send(("said", part.said()))
        part.pump.run(line.poll)
        said = line.recv()
        part.pump.run(_settled(part, lambda: part.complete(said)))
    report = part.report()
    report.cpu_s, report.seconds = max(0.0, worked_s), seconds
    return report


def _worked_s(pump: Pump) -> float:
    """Processor seconds of this process that were work: what it waited awake is not."""
    return time.process_time() - pump.awake_ns / SECOND_NS


def _settled(part: Part, done: Callable[[], bool]) -> Callable[[], bool]:
    """A condition: it is done, or nothing has moved for as long as the pacing waits."""
    moved_ns, seen = time.perf_counter_ns(), part.moves()
    quiet_ns = int(part.stage.pacing.quiet_s * SECOND_NS)

    def settled() -> bool:
        nonlocal moved_ns, seen
        if done():
            return True
        now_ns, moves = time.perf_counter_ns(), part.moves()
        if moves != seen:
            moved_ns, seen = now_ns, moves
        return now_ns - moved_ns > quiet_ns

    return settled


def _allow_files() -> None:
    _, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, allowed))

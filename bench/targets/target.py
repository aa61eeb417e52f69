"""A row of the table of targets: what is measured, what it must be and what it should be, on how quick a machine."""

from __future__ import annotations

import os
import socket
import statistics
import tempfile
import timeit
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import msgpack

from bench import machine
from bench.checks import COUNTERS
from bench.engine.run_state import Pacing
from bench.trace import Trace

TIMES = 100  # whose mean counts: what busy neighbours take is a part of this machine
PAGES = b"\0" * (6 * 4_120)  # a lone commit: six pages with their heads
MESSAGE = b"x" * 300  # the daemon's push of one message
_WORK = {"type": "send", "room": "d00000000000", "key": "k" * 33, "body": {"text": "x" * 160}}


class Yardstick(NamedTuple):
    """Milliseconds of a fixed piece of Python, of a flush, and of a send and its receipt, each of one core."""

    core_ms: float
    flush_ms: float
    send_ms: float

    def slowness(self, name: str) -> float:
        """How many times as long as on the machine of the bounds `core`, `flush` or `send` takes; 1 for no name."""
        if not name:
            return 1.0
        key = f"{name}_ms"
        return float(getattr(self, key) / getattr(REFERENCE, key))

    def counted(self) -> dict[str, Any]:
        return {name: round(value, 4) for name, value in self._asdict().items()}

    def __str__(self) -> str:
        times = (f"{name} {self.slowness(name):.2f} x" for name in ("core", "flush", "send"))
        shown = zip(times, self, strict=True)
        return " · ".join(f"{text} ({value:.3f} ms)" for text, value in shown)


# The machine on which the bounds were set, when it did nothing else.
REFERENCE = Yardstick(core_ms=1.75, flush_ms=0.18, send_ms=0.002)


def measured_here() -> Yardstick:
    """Measure; it takes a quarter of a second where nobody else is busy."""
    here, there = socket.socketpair()
    with here, there, tempfile.TemporaryFile(buffering=0) as file:

        def compute() -> None:
            for _ in range(2_000):
                msgpack.unpackb(msgpack.packb(_WORK))

        def flush() -> None:
            os.pwrite(file.fileno(), PAGES, 0)
            os.fdatasync(file.fileno())

        def send() -> None:
            here.send(MESSAGE)
            there.recv(4_096)

        flush()  # the first makes the file longer
        return Yardstick(*(timeit.timeit(act, number=TIMES) * 1000 / TIMES for act in (compute, flush, send)))


AIM, MUST, MISSED, REPORTED = "AIM REACHED", "REACHED", "MISSED", "reported"
ABSENT = "ABSENT"  # whom it is measured beside is not installed: neither reached nor missed
UNMEASURED = "not measured"
IN_ROUNDS, ONCE = "median of {rounds} rounds", "measured once"  # how the figures of a row are taken
HEAD = f"{'figure':<40}{'measured':>14}  {'must':>10}{'aim':>10}   verdict"


@dataclass(frozen=True)
class Figure:
    """One number of a row. `required` and `stretch` are upper bounds, or lower ones where `more` is better.

    A ratio is judged as it is. The bounds of an absolute figure are those of another machine, and `scale` says which
    part of the yardstick they are scaled by. `absent`: it cannot be had here, because a peer is not installed.
    """

    key: str
    title: str
    unit: str = ""
    required: float | None = None
    stretch: float | None = None
    more: bool = False
    scale: str = ""
    absent: bool = False

    def here(self, yardstick: Yardstick) -> Figure:
        slowness = yardstick.slowness(self.scale)
        factor = 1 / slowness if self.more else slowness
        bounds = (self.required, self.stretch)
        required, stretch = (None if bound is None else bound * factor for bound in bounds)
        return replace(self, required=required, stretch=stretch)

    def verdict(self, value: float | None) -> str:
        """The meaning of a value; None, which is not measured, reaches nothing.

        >>> Figure("p99", "p99", "ms", required=5, stretch=2).verdict(3)
        'REACHED'
        """
        if self.absent:
            return ABSENT
        if self.required is None:
            return REPORTED
        if value is None or not self._holds(value, self.required):
            return MISSED
        return AIM if self.stretch is not None and self._holds(value, self.stretch) else MUST

    def as_json(self, value: float | None) -> dict[str, Any]:
        return {
            **{key: getattr(self, key) for key in ("key", "title", "unit", "more")},
            "value": None if value is None else round(value, 3),
            "must": self.required,
            "aim": self.stretch,
            "scale": self.scale or None,
            "verdict": self.verdict(value),
        }

    def as_text(self, value: float | None) -> str:
        shown = number(value) if value is not None else "-" if self.absent else UNMEASURED
        sign = "≥" if self.more else "≤"
        bounds = (self.required, self.stretch)
        limits = "".join(f"{'' if one is None else f'{sign} {number(one)}':>10}" for one in bounds)
        return f"  {self.title:<38}{shown:>14}  {limits}   {self.verdict(value)} {self.unit}".rstrip()

    def _holds(self, value: float, limit: float) -> bool:
        return value >= limit if self.more else value <= limit


@dataclass(frozen=True)
class Extent:
    """How large everything is that is measured, and how long it may take: seconds, and rounds, whose median counts."""

    quick: bool = False
    seed: int = 1
    trace: Trace | None = None  # of `replay`
    duration_s: float = 15.0
    warmup_s: float = 3.0
    rounds: int = 3
    members: int = 1_000
    senders: int = 8
    clients: int = 200
    rate: float = 20.0  # evenly spaced: what a message costs, not how often two meet by chance
    sessions: int = 15_000
    settle_s: float = 10.0
    users: int = 1_000  # who connect in turn, with so many rooms each
    rooms: int = 20
    returning: int = 5_000
    history: tuple[int, int, int] = (10_000_000, 10_000, 100_000)  # messages, rooms, users
    stalled_rate: float = 50.0
    made_up: tuple[int, int] = (5_000, 300)  # messages and people, when no trace is given

    def pacing(self) -> Pacing:
        return Pacing(self.duration_s, self.warmup_s, seed=self.seed)


_SMALL: dict[str, Any] = {"rounds": 1, "sessions": 1_500, "users": 200, "returning": 200}
QUICK = Extent(True, duration_s=3.0, warmup_s=1.0, settle_s=2.0, history=(50_000, 700, 3_000), **_SMALL)


@dataclass(frozen=True)
class Measured:
    """The figures of a row, by key, and the results they were taken from; None is what was not measured.

    `notes`: what one must know to read the figures. `failed`: why there are none.
    """

    figures: Mapping[str, float | None]
    results: Sequence[Mapping[str, Any]]
    notes: tuple[str, ...] = ()
    failed: str = ""

    def value(self, figure: Figure) -> float | None:
        return None if self.failed or figure.absent else self.figures[figure.key]

    def remarks(self) -> Iterator[str]:
        yield from self.notes
        if self.failed:
            yield f"FAILED: {self.failed.splitlines()[0]}"
        if not self.correct:
            yield "NOT CORRECT: messages were lost, doubled or reordered"
        if any(map(machine.in_memory, self.results)):
            yield "DATABASE IN MEMORY: its durable figures mean nothing"
        if bound := self.generator_bound:
            sides = (f"{side} in {some} of {every} runs" for side, (some, every) in bound.items())
            yield f"GENERATOR-BOUND: {', '.join(sides)}"

    @property
    def correct(self) -> bool:
        """Whether no run of the daemon or a floor lost, doubled or reordered anything; peers may."""
        ours = (result for result in self.results if not of_peer(result))
        return not any(result.get(name) for result in ours for name in COUNTERS)

    @property
    def generator_bound(self) -> dict[str, tuple[int, int]]:
        """The sides of which the generator was the limit: in how many runs, and of how many."""
        runs = Counter(side(result) for result in self.results)
        bound = Counter(side(result) for result in self.results if result.get("generator_bound"))
        return {name: (bound[name], runs[name]) for name in runs if bound[name]}


_FLOORS = {
    f"floor {name}": f"floor ({letter})"
    for name, letter in zip(("push", "broadcast", "echo", "flush"), "abcd", strict=True)
}


def of_peer(result: Mapping[str, Any]) -> bool:
    """Whether a run measured a peer: what that loses is not the daemon's fault."""
    return str(result.get("scenario", "")).startswith("peer ")


def side(result: Mapping[str, Any]) -> str:
    """The side that was measured in a run.

    >>> side({"scenario": "floor echo"}), side({"scenario": "peer nats-server"}), side({"scenario": "direct"})
    ('floor (c)', 'nats-server', 'daemon')
    """
    scenario = str(result.get("scenario", ""))
    return scenario.removeprefix("peer ") if of_peer(result) else _FLOORS.get(scenario, "daemon")


@dataclass(frozen=True)
class Target:
    name: str
    what: str
    figures: tuple[Figure, ...]
    measure: Callable[[Extent], Awaitable[Measured]]
    taken: str = IN_ROUNDS

    def how(self, extent: Extent) -> str:
        once = self.taken == IN_ROUNDS and extent.rounds == 1
        return ONCE if once else self.taken.format(rounds=extent.rounds)

    def as_json(self, measured: Measured, extent: Extent, yardstick: Yardstick) -> dict[str, Any]:
        bound = measured.generator_bound
        return {
            "name": self.name,
            "what": self.what,
            "taken": self.how(extent),
            "notes": list(measured.notes),
            "failed": measured.failed or None,
            "yardstick": yardstick.counted(),
            "figures": [figure.here(yardstick).as_json(measured.value(figure)) for figure in self.figures],
            "correct": measured.correct,
            "generator_bound": bool(bound),
            "generator_bound_runs": {side: list(runs) for side, runs in bound.items()},
            "results": list(measured.results),
        }

    def as_text(self, measured: Measured, extent: Extent, yardstick: Yardstick) -> list[str]:
        lines = [" · ".join((f"{self.name}  {self.what}", self.how(extent), *measured.remarks()))]
        if any(figure.scale for figure in self.figures):
            lines.append(f"  bounds are scaled by the machine: {yardstick}")
        shown = (figure.here(yardstick).as_text(measured.value(figure)) for figure in self.figures)
        return [*lines, *shown]


def median(rounds: Sequence[Measured]) -> Measured:
    """The median of each figure over several rounds, all results and notes.

    A figure that one round has not is none: of fewer rounds it would be another one.
    """
    notes = dict.fromkeys(note for measured in rounds for note in measured.notes)
    figures: dict[str, float | None] = {}
    for key in rounds[0].figures:
        known = [value for measured in rounds if (value := measured.figures[key]) is not None]
        figures[key] = statistics.median(known) if len(known) == len(rounds) else None
    return Measured(
        figures,
        [result for measured in rounds for result in measured.results],
        tuple(notes),
    )


def together(parts: Sequence[Measured]) -> Measured:
    """All figures, results and notes of the parts of a row."""
    figures = {key: value for part in parts for key, value in part.figures.items()}
    results = [result for part in parts for result in part.results]
    return Measured(figures, results, tuple(note for part in parts for note in part.notes))


def number_of(result: Mapping[str, Any], *path: str) -> float | None:
    """A number of a result; None where nothing was counted, or where it is not.

    >>> number_of({"ack_ms": {"count": 9, "p99": 2}}, "ack_ms", "p99")
    2.0
    >>> number_of({"ack_ms": {"count": 0, "p99": 0}}, "ack_ms", "p99")
    """
    tree: Any = result
    for name in path:
        if not isinstance(tree, Mapping) or tree.get("count") == 0:
            return None
        tree = tree.get(name)
    return float(tree) if isinstance(tree, int | float) else None


def ratio(ours: float | None, other: float | None) -> float | None:
    """How many times the other one it is; None where there is no other, or it did nothing."""
    return None if ours is None or not other else ours / other


def number(value: float) -> str:
    """A number with three digits at least, and no more than it deserves.

    >>> number(1234567.0), number(12.345), number(0.7)
    ('1,234,567', '12.3', '0.70')
    """
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"

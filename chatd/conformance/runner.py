"""All scenarios against a testee: several at once, each on a testee of its own."""

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .launch import Launcher
from .player import Player, Run
from .script import Scenario
from .testee import Hello, Testee, TesteeError

REAL_JOBS = 8
"""Testees at once on a real clock: nearly all they do is wait."""


@dataclass
class Options:
    """How to run. `expected` names scenarios that may fail: NAME, or NAME ENCODING."""

    jobs: int = 0
    encodings: Sequence[str] = ("msgpack", "json")
    slack_s: float = 0.25
    expected: frozenset[str] = frozenset()


@dataclass
class Outcome:
    """The result of one scenario in one encoding; `skipped` is the reason it was left out."""

    scenario: Scenario
    encoding: str
    run: Run | None = None
    skipped: str = ""
    expected: bool = False

    @property
    def word(self) -> str:
        """`passed`, `failed`, `skipped`, or, when a failure was expected, `expected` or `surprise` (it passed)."""
        if self.run is None:
            return "skipped"
        if self.run.passed:
            return "surprise" if self.expected else "passed"
        return "expected" if self.expected else "failed"

    @property
    def good(self) -> bool:
        """Whether it does not fail the whole."""
        return self.word in ("passed", "skipped", "expected")

    @property
    def why(self) -> str:
        """The reason of a failure or a skip."""
        if self.word == "surprise":
            return "it is listed as an expected failure, and passes: take it off the list"
        return self.run.why if self.run is not None else self.skipped


@dataclass
class Report:
    """All outcomes, in the order of the scenarios."""

    client: str = ""
    virtual: bool = False
    took_s: float = 0.0
    outcomes: list[Outcome] = field(default_factory=list)

    def count(self, word: str) -> int:
        """Return how many outcomes have this word."""
        return sum(outcome.word == word for outcome in self.outcomes)

    @property
    def good(self) -> bool:
        """Whether everything went as it should, and something ran at all."""
        return all(outcome.good for outcome in self.outcomes) and self.count("skipped") < len(self.outcomes)


def skipped(scenario: Scenario, encoding: str, hello: Hello) -> str:
    """Return why a testee cannot play a scenario, empty when it can."""
    if missing := [profile for profile in scenario.profiles if profile not in hello.profiles]:
        return f"the client has no profile {', '.join(missing)}"
    if encoding == "json" and "json" not in hello.profiles:
        return "the client has no profile json"
    if scenario.virtual and not hello.virtual:
        return "it needs a virtual clock: it would take too long"
    return ""


def read_expected(file: Path) -> frozenset[str]:
    """Return the names in a file of expected failures: one a line, perhaps with an encoding; `#` begins a comment."""
    rows = (line.partition("#")[0].split() for line in file.read_text(encoding="utf-8").splitlines())
    return frozenset(" ".join(row) for row in rows if row)


async def run(
    scenarios: Iterable[Scenario],
    launcher: Launcher,
    options: Options,
    tell: Callable[[Outcome], None] = lambda outcome: None,
) -> Report:
    """Play the scenarios and return the report; `tell` gets each outcome as it comes. Raises TesteeError when there is
    no testee at all."""
    begun = asyncio.get_running_loop().time()
    first = await launcher.launch()
    report = Report(first.hello.client, first.hello.virtual)
    todo: list[Outcome] = []
    for scenario in scenarios:
        for encoding in scenario.encodings:
            if encoding in options.encodings and not (encoding == "json" and "deflate" in scenario.profiles):
                names = {scenario.name, f"{scenario.name} {encoding}"}
                outcome = Outcome(scenario, encoding, expected=bool(names & options.expected))
                outcome.skipped = skipped(scenario, encoding, first.hello)
                report.outcomes.append(outcome)
                (tell if outcome.skipped else todo.append)(outcome)
    # The longest first, so that none runs alone at the end.
    todo.sort(key=lambda outcome: outcome.scenario.least_s)
    workers = [
        Worker(launcher, options, todo, tell) for _ in range(_jobs(first.hello, launcher, options, len(todo)))
    ]
    workers[0].testee = first
    try:
        async with asyncio.TaskGroup() as group:
            for worker in workers:
                group.create_task(worker.work())
    finally:
        for worker in workers:
            await worker.end()
    report.took_s = asyncio.get_running_loop().time() - begun
    return report


def _jobs(hello: Hello, launcher: Launcher, options: Options, most: int) -> int:
    if not launcher.many:
        # As many as connect; how many that will be, the one who starts them knows.
        return options.jobs or 1
    wanted = options.jobs or ((os.cpu_count() or 1) if hello.virtual else REAL_JOBS)
    return max(1, min(wanted, most))


class Worker:
    """Plays one scenario after the other on its testee; after a failure on a fresh one."""

    def __init__(
        self, launcher: Launcher, options: Options, todo: list[Outcome], tell: Callable[[Outcome], None]
    ) -> None:
        self.testee: Testee | None = None
        self._launcher = launcher
        self._options = options
        self._todo = todo
        self._tell = tell

    async def work(self) -> None:
        """Play until nothing is left."""
        while self._todo:
            outcome = self._todo.pop()
            outcome.run = await self._play(outcome)
            self._tell(outcome)

    async def end(self) -> None:
        """End the testee."""
        testee, self.testee = self.testee, None
        if testee is not None:
            await testee.kill()

    async def _play(self, outcome: Outcome) -> Run:
        try:
            if self.testee is None:
                self.testee = await self._launcher.launch()
            player = Player(
                outcome.scenario, outcome.encoding, self.testee, self._launcher.launch, self._options.slack_s
            )
            try:
                played = await player.play()
            finally:
                self.testee = player.testee
        except TesteeError as error:
            played = Run(outcome.scenario, outcome.encoding, str(error))
        if not played.passed and self._launcher.many:
            await self.end()
        return played

"""Runs of the kit against testees of the Python client, for the tests of the kit."""

import sys
from collections.abc import Iterable, Sequence

from chatd.conformance.launch import CommandLauncher
from chatd.conformance.runner import Options, Report, run
from chatd.conformance.script import load

PYTHON = f"{sys.executable} -m chatd.client.testee"
MUTANT = f"{sys.executable} -m tests.conformance.mutants"

SCENARIOS = {scenario.name: scenario for scenario in load()}


async def played(
    command: str,
    names: Iterable[str] = SCENARIOS,
    encodings: Sequence[str] = ("msgpack", "json"),
    jobs: int = 2,
) -> Report:
    """Play scenarios against a testee."""
    options = Options(jobs=jobs, encodings=encodings)
    return await run([SCENARIOS[name] for name in names], CommandLauncher(command), options)


def failures(report: Report) -> dict[str, str]:
    """Return why each scenario failed that did."""
    return {
        f"{outcome.scenario.name} ({outcome.encoding})": outcome.why
        for outcome in report.outcomes
        if outcome.word in ("failed", "surprise")
    }

"""`instructions` and `micro`: the parts of the daemon's hot path, in instructions and in microseconds."""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import options as common
from bench import outcome, printout
from bench.instructions import written
from bench.instructions.hot_path import MEANINGS, TIMED, running_people, timed_parts
from bench.options import Scenario

ROUNDS = 9  # of which the median counts, and the range is told
ROUND_S = 0.05  # long enough for the clock, short enough to fall between two others' turns


async def run(options: argparse.Namespace) -> int:
    """Counts every part and prints the table; with --write the file follows, else a rise is a failure."""
    counted = written.each(written.count("bench.instructions"))
    numbers, here = written.Numbers.load(written.PATH), written.here()
    incomparable, before = numbers.incomparable(here), numbers.instructions
    rises = {} if options.write or incomparable else numbers.rises(counted)
    if options.write:
        written.Numbers(here, counted).save(written.PATH)
    change = {
        name: f"{now / before[name] - 1:+.1%}" if name in before else "new" for name, now in counted.items()
    }
    rows = [[name, f"{now:,}", change[name], MEANINGS[name]] for name, now in counted.items()]
    lines = ["", *printout.table(("", "instructions", "change", ""), rows)]
    lines += [f"  not comparable: {incomparable}"] if incomparable else []
    result: dict[str, Any] = {"scenario": "instructions", "instructions": counted, "rises": rises}
    code = outcome.finish(result, options, lines)
    return code or (outcome.MISSED if rises else outcome.CORRECT)


async def micro(options: argparse.Namespace) -> int:
    with TemporaryDirectory() as directory:
        async with running_people(Path(directory), 0) as people:
            parts = timed_parts(people, options.outboxes)
            spreads = {name: timed(*part) for name, part in parts.items()}
    shown = {name: [f"{value:.3f}" for value in spread(values)] for name, values in spreads.items()}
    rows = [[name, *values, TIMED[name]] for name, values in shown.items()]
    result = {
        "scenario": "micro",
        "seed": options.seed,
        "outboxes": options.outboxes,
        "median": {f"{name}_us": round(statistics.median(values), 4) for name, values in spreads.items()},
        "least": {f"{name}_us": round(min(values), 4) for name, values in spreads.items()},
    }
    return outcome.finish(result, options, ["", *printout.table(("us", "median", "least", "most", ""), rows)])


def spread(values: list[float]) -> tuple[float, float, float]:
    return statistics.median(values), min(values), max(values)


def timed(part: Callable[[], object], operations: int) -> list[float]:
    """Microseconds of one operation, in each of the rounds."""
    rounds = []
    for _ in range(ROUNDS):
        done, started = 0, time.perf_counter()
        while (passed := time.perf_counter() - started) < ROUND_S:
            part()
            done += operations
        rounds.append(passed / done * 1e6)
    return rounds


SCENARIO = Scenario(
    "the parts of the daemon's hot path, in instructions: the same however busy the machine is",
    run,
    f"write {common.OUTPUT}",
)
MICRO = Scenario(
    "the parts of the daemon's hot path one by one, in microseconds: decode, decide, encode, fan-out",
    micro,
    f"outboxes seed {common.OUTPUT}",
    {"outboxes": 1000},
)

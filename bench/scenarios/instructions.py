"""`instructions`: the parts of the daemon's hot path, in instructions: the same however busy the machine is."""

import argparse
from collections.abc import Mapping
from typing import Any

from bench import options as common
from bench import outcome
from bench.instructions import written
from bench.instructions.hot_path import MEANINGS
from bench.options import Scenario


async def run(options: argparse.Namespace) -> int:
    """Counts every part and prints the table; with --write the file follows, else a rise is a failure."""
    counted = written.each(written.count("bench.instructions"))
    numbers, here = written.Numbers.load(written.PATH), written.here()
    incomparable = numbers.incomparable(here)
    rises = {} if options.write or incomparable else numbers.rises(counted)
    if options.write:
        written.Numbers(here, counted).save(written.PATH)
    result: dict[str, Any] = {"scenario": "instructions", "instructions": counted, "rises": rises}
    lines = table(counted, numbers.instructions) + [f"  not comparable: {incomparable}"] * bool(incomparable)
    code = outcome.finish(result, options, lines)
    return code or (outcome.MISSED if rises else outcome.CORRECT)


def table(counted: Mapping[str, int], before: Mapping[str, int]) -> list[str]:
    return [
        f"  {name:<8}{now:>12,}   {f'{now / before[name] - 1:+.1%}' if name in before else 'new':>7}   {MEANINGS[name]}"
        for name, now in counted.items()
    ]


SCENARIO = Scenario(
    "the parts of the daemon's hot path, in instructions: the same however busy the machine is",
    run,
    f"write {common.OUTPUT}",
)

"""`instructions`: the parts of the daemon's hot path, in instructions."""

import argparse
from typing import Any

from bench import options as common
from bench import outcome, printout
from bench.instructions import written
from bench.instructions.hot_path import MEANINGS
from bench.options import Scenario


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


SCENARIO = Scenario(
    "the parts of the daemon's hot path, in instructions: the same however busy the machine is",
    run,
    f"write {common.OUTPUT}",
)

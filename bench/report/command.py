"""`report`: one self-contained HTML page from one or more result files."""

import argparse
from pathlib import Path

from bench.options import Scenario
from bench.printout import writable
from bench.report.page import page
from bench.report.picture import picture
from bench.results import read


async def run(options: argparse.Namespace) -> int:
    """Read, draw, write. Raises Unreadable for a file that is no result."""
    results = [result for path in options.results for result in read(path)]
    text = picture(results) if options.svg else page(results)
    Path(options.svg or options.html).write_text(text, "utf-8")
    print(f"wrote {options.svg or options.html} from {len(results)} result{'s'[: len(results) > 1]}")
    return 0


_DRAWN = "one picture of `floor` and `peers`, for a README, instead"
SCENARIO = Scenario(
    "one self-contained HTML page from one or more result files",
    run,
    own={
        "results": {"nargs": "+", "type": Path, "help": "files that --json wrote, or directories of them"},
        "--html": {"metavar": "OUT", "type": writable, "default": "report.html", "help": "(report.html)"},
        "--svg": {"metavar": "OUT", "type": writable, "help": _DRAWN},
    },
)

"""`report`: one self-contained HTML page from one or more result files."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench import report as writing
from bench.results import page, picture, reading


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `report`."""
    parser.add_argument(
        "results", nargs="+", type=Path, help="files that --json wrote, or directories of them"
    )
    parser.add_argument(
        "--html", metavar="OUT", type=writing.writable, default="report.html", help="(report.html)"
    )
    parser.add_argument(
        "--svg",
        metavar="OUT",
        type=writing.writable,
        help="one picture of `floor` and `peers`, for a README, instead",
    )


async def run(options: argparse.Namespace) -> int:
    """Reads, draws, writes. Raises Unreadable for a file that is no result."""
    results = [result for path in options.results for result in reading.read(path)]
    if options.svg:
        picture.write(results, Path(options.svg))
    else:
        page.write(results, Path(options.html))
    print(f"wrote {options.svg or options.html} from {len(results)} result{'s'[: len(results) > 1]}")
    return 0

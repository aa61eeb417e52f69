"""`compare`: what changed between two sets of runs, with their spread; exit code 5 on a regression."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench import medium
from bench.report import IN_MEMORY
from bench.results import reading
from bench.results.comparison import Delta, Spread, compare
from bench.results.reading import Result, Unreadable
from bench.results.wording import worded

REGRESSION = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `compare`."""
    parser.add_argument("before", type=Path, help="a result file, or a directory with several runs")
    parser.add_argument("after", type=Path, help="the same, of what is to be judged")
    parser.add_argument(
        "--tolerance",
        type=_percent,
        default=0.05,
        metavar="P%",
        help="a change up to this is no regression (5%%)",
    )


async def run(options: argparse.Namespace) -> int:
    """Prints the comparison; 5 when something is worse beyond the tolerance. Raises Unreadable."""
    before, after = reading.read(options.before), reading.read(options.after)
    scenarios = {str(result["scenario"]) for result in (*before, *after)}
    if len(scenarios) > 1:
        raise Unreadable(f"runs of different scenarios cannot be compared: {', '.join(sorted(scenarios))}")
    deltas = compare(before, after)
    print("\n".join(_text(before, after, deltas, options)))
    return REGRESSION if any(delta.worse(options.tolerance) for delta in deltas) else 0


def _text(
    before: Sequence[Result], after: Sequence[Result], deltas: Sequence[Delta], options: argparse.Namespace
) -> list[str]:
    head = f"compare {reading.name(before[0])} · {options.before} ({_runs(before)}) → {options.after} ({_runs(after)})"
    rows = [_row(delta, options.tolerance) for delta in deltas]
    return [
        head,
        "",
        _HEAD,
        *rows,
        "",
        *_notes(before, after),
        f"  verdict     {_verdict(deltas, options.tolerance)}",
    ]


def _verdict(deltas: Sequence[Delta], tolerance: float) -> str:
    if worse := sum(delta.worse(tolerance) for delta in deltas):
        return f"{worse} worse by more than {tolerance:.0%}"
    told = sum(delta.judged for delta in deltas)
    return (
        f"no regression in {told} of {len(deltas)} figures; the others cannot be judged"
        if told < len(deltas)
        else "no regression"
    )


_HEAD = f"  {'':<26}{'before':>28}{'after':>28}{'change':>10}"


def _runs(results: Sequence[Result]) -> str:
    return f"{len(results)} run{'s'[: len(results) > 1]}"


def _row(delta: Delta, tolerance: float) -> str:
    change = "from 0" if delta.change is None else f"{delta.change:+.1%}"
    cells = "".join(_spread(delta.name, spread).rjust(28) for spread in (delta.before, delta.after))
    return f"  {delta.name:<26}{cells}{change:>10}  {_word(delta, tolerance)}"


def _spread(name: str, spread: Spread) -> str:
    middle = worded(name, spread.middle)
    if not spread.known:
        return middle
    return f"{middle} [{_bare(worded(name, spread.low))} .. {_bare(worded(name, spread.high))}]"


def _bare(figure: str) -> str:
    return figure.partition(" ")[0].removesuffix("/s")


def _word(delta: Delta, tolerance: float) -> str:
    if delta.change == 0:
        return "same"
    if not delta.judged:
        return "one run: not judged"
    if not delta.real:
        return "within the spread"
    if delta.worse(tolerance):
        return "WORSE"
    return "better" if delta.gained else "slightly worse"


def _notes(before: Sequence[Result], after: Sequence[Result]) -> list[str]:
    notes = []
    if len(before) == 1 or len(after) == 1:
        notes.append(
            "  note        one run has no spread of its own; brackets are the middle half of its seconds"
        )
    machines = {str(result.get("environment")) for result in (*before, *after)}
    if len(machines) > 1:
        notes.append("  note        the runs are from different machines or versions")
    media = {str((result.get("server") or {}).get("storage")) for result in (*before, *after)}
    if len(media) > 1:
        notes.append("  note        the databases lay on different media")
    if any(map(medium.in_memory, (*before, *after))):
        notes.append(f"  note        {IN_MEMORY}")
    if any(result.get("generator_bound") for result in (*before, *after)):
        notes.append("  note        a run was generator-bound: the time of the generator is in its figures")
    return notes


def _percent(word: str) -> float:
    value = float(word.removesuffix("%")) / 100
    if not 0 <= value < 10:
        raise argparse.ArgumentTypeError(f"{word} is not a percentage from 0 to 1000")
    return value

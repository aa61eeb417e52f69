"""Result files read back: one name for each figure, whichever scenario wrote it. Nothing is judged here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from bench.checks import COUNTERS
from bench.histogram import PERCENTILES, Histogram
from bench.targets.goal import MISSED

Result = Mapping[str, Any]

# Titles of the latencies a result may hold, in the order of a page; each is a map of percentiles in milliseconds.
LATENCIES = {
    "ack_ms": "ack",
    "delivery_ms": "delivery",
    "resume_ms": "resume",
    "connect_ms": "connect",
    "repair_ms": "repair",
    "page_ms": "page of 50",
    "hello_ms": "hello",
    "polite_ms": "polite send",
}

# Percentiles of a drawn curve: evenly spaced on the axis, which is logarithmic in what is left above.
_DRAWN = tuple(100 - 100 / 10 ** (step / 16) for step in range(4, 81))


class Unreadable(ValueError):
    """A file that is no result; the text says which and why."""


class Point(NamedTuple):
    """A place of a latency curve."""

    percent: float
    milliseconds: float


def read(path: Path) -> list[Result]:
    """The results of a file (one, or a list of them), or of all `*.json` of a directory.

    Raises Unreadable, also when there are none.
    """
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    results = [result for file in files for result in _of_file(file)]
    if not results:
        raise Unreadable(f"{path}: there are no results")
    return results


def _of_file(file: Path) -> list[Result]:
    try:
        content = json.loads(file.read_bytes())
    except OSError as error:
        raise Unreadable(f"{file}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{file}: not JSON: {error}") from None
    results = content if isinstance(content, list) else [content]
    if not all(isinstance(result, dict) and isinstance(result.get("scenario"), str) for result in results):
        raise Unreadable(f"{file}: not a result of this harness: it names no scenario")
    return results


def name(result: Result) -> str:
    """What to call a result among others."""
    return str(result["scenario"])


def figures(result: Result) -> dict[str, float]:
    """Every number of a result by its dotted name, but for what is a series and what only describes the machine."""
    return dict(chain(_numbers(result, ""), _goals(result)))


def _goals(result: Result) -> Iterator[tuple[str, float]]:
    """The figures of a table of targets, by row and key; `missed` and `incorrect` count what must not be."""
    for goal in result.get("goals", ()):
        for figure in goal["figures"]:
            yield f"{goal['name']}.{figure['key']}", float(figure["value"])
        yield f"{goal['name']}.missed", float(sum(one["verdict"] == MISSED for one in goal["figures"]))
        yield f"{goal['name']}.incorrect", float(not goal["correct"])


def _numbers(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, float]]:
    for key, value in tree.items():
        if isinstance(value, bool) or key in _NOT_FIGURES:
            continue
        if isinstance(value, int | float):
            yield prefix + key, float(value)
        elif isinstance(value, Mapping) and value.get("count", 1):
            yield from _numbers(value, f"{prefix}{key}.")


# `from_actual_send` is there to be looked at beside the honest figure, not to be judged.
_NOT_FIGURES = (
    "from_actual_send",
    "environment",
    "histograms",
    "timeline",
    "options",
    "config",
    "seed",
    "count",
)


def curves(result: Result) -> dict[str, list[Point]]:
    """The latency curves by title: from the whole histogram when it is there, else from the percentiles."""
    histograms = result.get("histograms", {})
    found = {}
    for key, title in LATENCIES.items():
        known = result.get(key)
        if isinstance(known, Mapping) and known.get("count", 1) and known.get("p50", 0) > 0:
            slots = histograms.get(key.removesuffix("_ms")) or histograms.get(key)
            found[title] = _from_slots(slots) if slots else _from_percentiles(known)
    return found


def _from_slots(slots: Mapping[str, int]) -> list[Point]:
    histogram = Histogram.from_sparse(slots)
    resolved = 100 - 100 / (2 * histogram.count)  # beyond it every percentile is the maximum
    return [Point(percent, histogram.percentile(percent) / 1e6) for percent in _DRAWN if percent < resolved]


def _from_percentiles(known: Mapping[str, float]) -> list[Point]:
    drawn = {percent: known[key] for key, percent in PERCENTILES.items() if key in known}
    return [Point(min(percent, _DRAWN[-1]), drawn[percent]) for percent in sorted(drawn) if percent < 100]


def timeline(result: Result) -> dict[str, list[float]]:
    """The series of a result by name, one value a second."""
    rows: Sequence[Mapping[str, Any]] = result.get("timeline") or ()
    series: dict[str, list[float]] = {}
    for row in rows:
        for key, value in _numbers(row, ""):
            if key not in ("second",):
                series.setdefault(key, []).append(value)
    return series


def faults(result: Result) -> dict[str, int] | None:
    """The counters of what went wrong; None for a result without any."""
    counted = {key: int(result[key]) for key in COUNTERS if isinstance(result.get(key), int)}
    return counted or None

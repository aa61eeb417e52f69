"""Result files read back: one name for each figure, whichever scenario wrote it. Nothing is judged here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from bench.checks import COUNTERS
from bench.histogram import PERCENTILES, Histogram
from bench.targets.goal import MISSED, of_peer

Result = Mapping[str, Any]

# The latencies a result may hold, in the order of a page; each is a map of percentiles in milliseconds.
LATENCIES = (
    "ack_ms",
    "delivery_ms",
    "resume_ms",
    "connect_ms",
    "repair_ms",
    "page_ms",
    "hello_ms",
    "sync_ms",
    "polite_ms",
)

UNMEASURED = ("absent", "not_implemented", "failed")  # why a peer has no figures; each with its reason

# Percentiles of a drawn curve: evenly spaced on the axis, which is logarithmic in what is left above.
_DRAWN = tuple(100 - 100 / 10 ** (step / 16) for step in range(4, 81))


class Unreadable(ValueError):
    """A file that is no result; the text says which and why."""


Series = list[float | None]  # a value a second


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
            if figure["value"] is not None:
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
    "config",
    "seed",
    "count",
)


def curves(result: Result) -> dict[str, list[Point]]:
    """The latency curves by name: from the whole histogram when it is there, else from the percentiles."""
    histograms = result.get("histograms", {})
    found = {}
    for key in LATENCIES:
        known = result.get(key)
        if isinstance(known, Mapping) and known.get("count", 1) and known.get("p50", 0) > 0:
            slots = histograms.get(key.removesuffix("_ms")) or histograms.get(key)
            found[key] = _from_slots(slots) if slots else _from_percentiles(known)
    return found


def _from_slots(slots: Mapping[str, int]) -> list[Point]:
    histogram = Histogram.from_sparse(slots)
    resolved = 100 - 100 / (2 * histogram.count)  # beyond it every percentile is the maximum
    return [Point(percent, histogram.percentile(percent) / 1e6) for percent in _DRAWN if percent < resolved]


def _from_percentiles(known: Mapping[str, float]) -> list[Point]:
    drawn = {percent: known[key] for key, percent in PERCENTILES.items() if key in known}
    return [Point(min(percent, _DRAWN[-1]), drawn[percent]) for percent in sorted(drawn) if percent < 100]


def timeline(result: Result) -> dict[str, Series]:
    """The series of a result by name, a value a second; a second without anything is 0 or None, never left out."""
    rows = {int(row["second"]): dict(_numbers(row, "")) for row in result.get("timeline") or ()}
    keys = dict.fromkeys(key for row in rows.values() for key in row if key != "second")
    seconds = range(max(rows, default=-1) + 1)
    return {key: [rows.get(second, {}).get(key, _nothing(key)) for second in seconds] for key in keys}


def _nothing(key: str) -> float | None:
    """What a second has of a figure when nothing happened in it: of a count 0, of a duration no value."""
    return 0.0 if key in _COUNTS else None


_COUNTS = ("messages", "acks", "deliveries", "resumed")


def runs(result: Result) -> dict[str, Result]:
    """The runs that are in a result, by name, but for a comparison's peers: often the result itself is the only one."""
    parts = {name: row for part in ("floor", "chatd") for name, row in (result.get(part) or {}).items()}
    parts |= {
        f"{goal['name']}, {row.get('scenario', 'run')} {place}": row
        for goal in result.get("goals", ())
        for place, row in enumerate(goal["results"], 1)
    }
    return parts or {name(result): result}


def faults(result: Result) -> dict[str, int] | None:
    """The counters of what went wrong in all runs of a result but those of peers; None for a result without any."""
    counted = [run for run in _answerable(result) if any(key in run for key in COUNTERS)]
    if not counted:
        return None
    return {key: sum(int(run.get(key, 0)) for run in counted) for key in COUNTERS}


def examples(result: Result) -> list[str]:
    """The first faults of all runs of a result but those of peers, in words."""
    return [example for run in _answerable(result) for example in run.get("examples", ())]


def _answerable(result: Result) -> list[Result]:
    """The runs whose faults are ours to answer for."""
    return [run for run in runs(result).values() if not of_peer(run)]

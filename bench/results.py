"""Result files read back: one name for each figure, whoever wrote it. Nothing is judged here."""

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from bench.checks import COUNTERS
from bench.histogram import PERCENTILES, Histogram
from bench.targets.target import MISSED, of_peer

Result = Mapping[str, Any]
Series = list[float | None]  # a value a second
Points = list[tuple[float, float]]  # of a latency curve: percentile, milliseconds

# The latencies a result may hold, in the order of a page; each is a map of percentiles in milliseconds.
LATENCIES = ("ack", "delivery", "resume", "connect", "repair", "page", "hello", "sync", "polite")
UNMEASURED = ("absent", "not_implemented", "failed")  # why a peer has no figures; each with its reason
# Percentiles of a drawn curve: evenly spaced on the axis, which is logarithmic in what is left above.
_DRAWN = tuple(100 - 100 / 10 ** (step / 16) for step in range(4, 81))
# `from_actual_send` is there to be looked at beside the honest figure, not to be judged.
_NOT_FIGURES = ("from_actual_send", "environment", "histograms", "timeline", "config", "seed", "count")
_COUNTS = ("messages", "acks", "deliveries", "resumed")  # of a second in which nothing happened these are 0


class Unreadable(ValueError):
    """A file that is no result; the text says which and why."""


def read(path: Path) -> list[Result]:
    """The results of a file (one, or a list of them), or of all `*.json` of a directory. Raises Unreadable."""
    results: list[Result] = []
    for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
        try:
            content = json.loads(file.read_bytes())
        except OSError as error:
            raise Unreadable(f"{file}: {error.strerror}") from None
        except (ValueError, RecursionError) as error:
            raise Unreadable(f"{file}: not JSON: {error}") from None
        found = content if isinstance(content, list) else [content]
        if not all(isinstance(result, dict) and isinstance(result.get("scenario"), str) for result in found):
            raise Unreadable(f"{file}: not a result of this harness: it names no scenario")
        results += found
    if not results:
        raise Unreadable(f"{path}: there are no results")
    return results


def figures(result: Result) -> dict[str, float]:
    """Every number of a result by its dotted name, except series and what only describes the machine."""
    return dict(chain(_numbers(result, ""), _of_goals(result)))


def _of_goals(result: Result) -> Iterator[tuple[str, float]]:
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


def curves(result: Result) -> dict[str, Points]:
    """The latency curves by name: from the whole histogram when it is there, else from the percentiles."""
    histograms, found = result.get("histograms", {}), {}
    for name in LATENCIES:
        known = result.get(key := f"{name}_ms")
        if isinstance(known, Mapping) and known.get("count", 1) and known.get("p50", 0) > 0:
            slots = histograms.get(name) or histograms.get(key)
            found[key] = _from_slots(slots) if slots else _from_percentiles(known)
    return found


def _from_slots(slots: Mapping[str, int]) -> Points:
    histogram = Histogram.from_sparse(slots)
    resolved = 100 - 100 / (2 * histogram.count)  # beyond it every percentile is the maximum
    return [(percent, histogram.percentile(percent) / 1e6) for percent in _DRAWN if percent < resolved]


def _from_percentiles(known: Mapping[str, float]) -> Points:
    drawn = sorted((percent, known[key]) for key, percent in PERCENTILES.items() if key in known)
    return [(min(percent, _DRAWN[-1]), value) for percent, value in drawn if percent < 100]


def timeline(result: Result) -> dict[str, Series]:
    """The series of a result by name, a value a second; a second without anything is 0 or None, never left out."""
    rows = {int(row["second"]): dict(_numbers(row, "")) for row in result.get("timeline") or ()}
    keys = dict.fromkeys(key for row in rows.values() for key in row if key != "second")
    nothing = dict.fromkeys(_COUNTS, 0.0)
    seconds = range(max(rows, default=-1) + 1)
    return {key: [rows.get(second, {}).get(key, nothing.get(key)) for second in seconds] for key in keys}


def runs(result: Result) -> dict[str, Result]:
    """The runs in a result by name, without a comparison's peers: often the result itself is the only one."""
    parts = {name: row for part in ("floor", "chatd") for name, row in (result.get(part) or {}).items()}
    parts |= {
        f"{goal['name']}, {row.get('scenario', 'run')} {place}": row
        for goal in result.get("goals", ())
        for place, row in enumerate(goal["results"], 1)
    }
    return parts or {str(result["scenario"]): result}


def faults(result: Result) -> dict[str, int] | None:
    """The counters of what went wrong in all runs of a result except peers'; None for a result without any."""
    counted = [run for run in _answerable(result) if any(key in run for key in COUNTERS)]
    return {key: sum(int(run.get(key, 0)) for run in counted) for key in COUNTERS} if counted else None


def examples(result: Result) -> list[str]:
    return [example for run in _answerable(result) for example in run.get("examples", ())]


def _answerable(result: Result) -> list[Result]:
    return [run for run in runs(result).values() if not of_peer(run)]

"""Result files read back: one name for each figure, whoever wrote it, and limits of figures."""

from __future__ import annotations

import argparse
import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
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
UNPLAYED = ("absent", "failed")  # why a peer has no figures; each with its reason
# Percentiles of a drawn curve: evenly spaced on the axis, which is logarithmic in what is left above.
_DRAWN = tuple(100 - 100 / 10 ** (step / 16) for step in range(4, 81))
# `from_actual_send` is there to be looked at beside the honest figure, not to be judged.
_NOT_FIGURES = ("from_actual_send", "environment", "histograms", "timeline", "config", "seed", "count")
_COUNTS = ("messages", "acks", "deliveries", "resumed")  # of a second in which nothing happened these are 0


# What every result has, whatever it measured; what a scenario has nothing of is 0.
COUNTS = ("messages", "deliveries", "deliveries_per_s", "acks_per_s")


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
    histograms, found = result.get("histograms", {}), dict[str, Points]()
    for name in LATENCIES:
        known = result.get(key := f"{name}_ms")
        if isinstance(known, Mapping) and known.get("count", 1) and known.get("p50", 0) > 0:
            if slots := histograms.get(name) or histograms.get(key):
                whole = Histogram.from_sparse(slots)
                resolved = 100 - 100 / (2 * whole.count)  # beyond it every percentile is the maximum
                found[key] = [
                    (percent, whole.percentile(percent) / 1e6) for percent in _DRAWN if percent < resolved
                ]
            else:
                drawn = sorted(
                    (percent, known[point]) for point, percent in PERCENTILES.items() if point in known
                )
                found[key] = [(min(percent, _DRAWN[-1]), value) for percent, value in drawn if percent < 100]
    return found


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


def faults_of(run: Result) -> list[str]:
    """The faults of one run, in words."""
    return [f"{key} {run[key]:,}" for key in COUNTERS if run.get(key)]


def examples(result: Result) -> list[str]:
    return [example for run in _answerable(result) for example in run.get("examples", ())]


def _answerable(result: Result) -> list[Result]:
    return [run for run in runs(result).values() if not of_peer(run)]


PASS = "PASS"
UNMEASURED, UNKNOWN = "MISSED: nothing was measured", "MISSED: there is no such figure"

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_FORM = re.compile(r"\s*([\w.]+)\s*(<=|>=|==|<|>)\s*([\d_.]+)\s*([%A-Za-z]*)\s*$")


# The ends of names, the first that fits; whatever else a figure is called, it is a number without a unit.
_ENDINGS = {"_per_s": "", "_ms": "ms", "_us": "us", "_s": "s", "seconds": "s", "bytes": "B", "bytes_max": "B"}
# What a unit measures, and how many of the smallest of its kind it is.
_KINDS = {
    "time": {"us": 1.0, "ms": 1e3, "s": 1e6},
    "memory": {"B": 1.0, "KiB": 1024.0, "MiB": 1024.0**2, "GiB": 1024.0**3},
    "part": {"%": 0.01, "": 1.0},
}
_WORTH = {unit: (kind, many) for kind, units in _KINDS.items() for unit, many in units.items()}


def unit_of(path: tuple[str, ...]) -> str:
    """The unit of a figure: what the last of its names that tells one says, "" for a plain number.

    >>> unit_of(("delivery_ms", "p99")), unit_of(("complete_s",)), unit_of(("acks_per_s",)), unit_of(("lost",))
    ('ms', 's', '', '')
    """
    for name in reversed(path):
        for ending, unit in _ENDINGS.items():
            if name.endswith(ending):
                return unit
    return ""


def worth(limit: float, unit: str, of: str) -> float:
    """A limit in the unit of a figure; one without a unit is in it already.

    Raises ValueError when the two do not measure the same.

    >>> worth(30, "s", "ms"), worth(30, "s", "s"), worth(5, "", "us"), worth(80, "%", "")
    (30000.0, 30.0, 5.0, 0.8)
    """
    if not unit:
        return float(limit)
    (kind, many), (wanted, few) = _WORTH[unit], _WORTH[of]
    if kind != wanted:
        raise ValueError(f"{unit} is no unit of it")
    return limit * many / few


@dataclass(frozen=True)
class Threshold:
    """One expression: a path into the result, what to compare with, and how."""

    text: str
    path: tuple[str, ...]
    holds: Callable[[float, float], bool]
    limit: float
    unit: str

    @classmethod
    def parse(cls, text: str) -> Threshold:
        """Reads an expression. Raises ArgumentTypeError when it is none.

        >>> Threshold.parse("ack.p99 <= 1.5s").limit
        1.5
        """
        found = _FORM.match(text)
        if found is None or found[4] not in _WORTH:
            raise argparse.ArgumentTypeError(f"{text!r} is not like delivery.p99<50ms or lost==0")
        path = tuple(found[1].split("."))
        return cls(text, path, _OPERATORS[found[2]], float(found[3]), found[4])

    def check(self, result: Mapping[str, Any]) -> str:
        """PASS, or MISSED and why: nothing holds of what was not measured, or is not there."""
        found = _find(result, self.path)
        if isinstance(found, str):
            return found
        path, value = found
        try:
            limit = worth(self.limit, self.unit, unit_of(path))
        except ValueError as error:
            return f"{MISSED}: {error}"
        return PASS if self.holds(value, limit) else MISSED


def _find(result: Mapping[str, Any], path: tuple[str, ...]) -> tuple[tuple[str, ...], float] | str:
    """Return the names that lead to the number at a path, and the number; or the verdict where there is none."""
    tree: Any = result
    names: list[str] = []
    for name in path:
        if not isinstance(tree, Mapping):
            return UNKNOWN
        if name != "count" and tree.get("count") == 0:
            return UNMEASURED
        names.append(name if name in tree else f"{name}_ms")
        known, tree = tree, tree.get(names[-1])
        if tree is None and names[-1] in known:
            return UNMEASURED
    return (tuple(names), float(tree)) if isinstance(tree, int | float) else UNKNOWN

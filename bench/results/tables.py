"""The tables of a page: all figures side by side, what was measured beside the daemon, what must be reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from bench.results import reading
from bench.results.direction import judged
from bench.results.markup import BAD, GOOD, WARN, marked, section, table, words
from bench.results.reading import Result
from bench.results.verdicts import BOUND
from bench.results.wording import worded
from bench.targets.goal import ABSENT, MISSED, REPORTED, number

_BESIDE = "chatd."  # these have a table of their own
_SHOWN = ("messages", "deliveries", "server.", "generator.")  # though nobody can say which way is better
_SAME = 0.005  # a difference below it has no colour


def figures(results: Sequence[Result], names: Sequence[str]) -> str:
    """Every figure worth a look, a column for each result; from the second on with the difference."""
    columns, ways = [reading.figures(result) for result in results], judged(results[0])
    shown = [
        key for key in columns[0] if (key in ways or key.startswith(_SHOWN)) and not key.startswith(_BESIDE)
    ]
    keys = [key for key in shown if any(column.get(key) for column in columns)]
    rows = [[escape(key), *_cells(key, columns, ways.get(key, 0))] for key in keys]
    return section("Figures" if len(results) == 1 else "Comparison", table(("figure", *names), rows))


def _cells(key: str, columns: Sequence[Mapping[str, float]], way: int) -> list[str]:
    first = columns[0].get(key)
    cells = []
    for place, column in enumerate(columns):
        value = column.get(key)
        cell = "" if value is None else escape(worded(key, value))
        if place and value is not None and first:
            cell += " " + _difference(value / first - 1, way)
        cells.append(cell)
    return cells


def _difference(change: float, way: int) -> str:
    kind = "" if not way or abs(change) < _SAME else GOOD if change * way > 0 else BAD
    return marked(f"{change:+.0%}", kind)


def beside(results: Sequence[Result]) -> str:
    """What else was measured in the same run, and what each of them does not do."""
    found = []
    for result in results:
        measured = {
            name: row
            for part in ("floor", "chatd", "peers")
            for name, row in (result.get(part) or {}).items()
        }
        rows = [
            [escape(name), *(cell(row) for cell in _BESIDE_CELLS.values())] for name, row in measured.items()
        ]
        found.append(
            section("Beside others, same machine, same run", table(("server", *_BESIDE_CELLS), rows))
        )
    return "".join(found)


def _per_second(row: Mapping[str, Any]) -> str:
    for state in reading.UNMEASURED:
        if state in row:
            return marked(state.replace("_", " "), "")
    return worded("deliveries_per_s", row["deliveries_per_s"])


def _answered(row: Mapping[str, Any]) -> str:
    return worded("acks_per_s", row["acks_per_s"]) if row.get("acks_per_s") else ""


def _latency(point: str) -> Callable[[Mapping[str, Any]], str]:
    def cell(row: Mapping[str, Any]) -> str:
        known = [
            row[key] for key in ("delivery_ms", "ack_ms") if row.get(key, {}).get("count", 1) and key in row
        ]
        return worded("_ms", known[0][point]) if known else ""

    return cell


def _core(row: Mapping[str, Any]) -> str:
    share = (row.get("server") or {}).get("cpu_share")
    return "" if share is None else f"{share:.2f}"


def _notes(row: Mapping[str, Any]) -> str:
    """What one must know of a run before its figures are believed."""
    counted = reading.faults({**row, "scenario": ""}) or {}  # a peer's, too: it is the row's own
    faults = {key: count for key, count in counted.items() if count}
    notes = [marked(f"{key} {count:,}", BAD) for key, count in faults.items()]
    notes += [marked(BOUND, WARN)] if row.get("generator_bound") else []
    return "<br>".join(notes)


_BESIDE_CELLS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "deliveries": _per_second,
    "answered": _answered,
    "p50": _latency("p50"),
    "p99": _latency("p99"),
    "its core": _core,
    "note": _notes,
    "it does not": lambda row: words(str(row.get("does_not", ""))),
}


def goals(results: Sequence[Result]) -> str:
    """What must be reached, and whether it was."""
    found = []
    for result in results:
        rows = [_goal(goal, figure) for goal in result.get("goals", ()) for figure in goal["figures"]]
        heads = ("row", "figure", "measured", "must", "aim", "verdict")
        found.append(section("Targets, quick" if result.get("quick") else "Targets", table(heads, rows)))
    return "".join(found)


def _goal(goal: Mapping[str, Any], figure: Mapping[str, Any]) -> list[str]:
    sign = "≥" if figure["more"] else "≤"
    bounds = ["" if figure[key] is None else f"{sign} {number(figure[key])}" for key in ("must", "aim")]
    verdict = figure["verdict"]
    kind = BAD if verdict == MISSED else "" if verdict in (REPORTED, ABSENT) else GOOD
    value = figure["value"]
    measured = "" if value is None else f"{number(value)} {escape(figure['unit'])}"
    return [escape(goal["name"]), escape(figure["title"]), measured, *bounds, marked(verdict, kind)]

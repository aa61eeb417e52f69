"""A row of the table of targets once it is measured: as a result file holds it, and as it is printed. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench import medium
from bench.targets.goal import Extent, Figure, Goal, Measured, number

HEAD = f"{'figure':<40}{'measured':>14}  {'must':>10}{'aim':>10}   verdict"
UNMEASURED = "not measured"


def as_json(goal: Goal, measured: Measured, extent: Extent) -> dict[str, Any]:
    """One row as a result file holds it."""
    return {
        "name": goal.name,
        "what": goal.what,
        "taken": goal.how(extent),
        "notes": list(measured.notes),
        "failed": measured.failed or None,
        "figures": [_figure(figure, _value(figure, measured)) for figure in goal.figures],
        "correct": measured.correct,
        "generator_bound": bool(measured.generator_bound),
        "generator_bound_runs": {side: list(runs) for side, runs in measured.generator_bound.items()},
        "results": list(measured.results),
    }


def as_text(goal: Goal, measured: Measured, extent: Extent) -> list[str]:
    """One row as lines: how it was taken and what one must know of it, then a figure each."""
    lines = [" · ".join((f"{goal.name}  {goal.what}", goal.how(extent), *_remarks(measured)))]
    for figure in goal.figures:
        value = _value(figure, measured)
        shown = number(value) if value is not None else "-" if figure.absent else UNMEASURED
        lines.append(
            f"  {figure.title:<38}{shown:>14}  {figure.bound(figure.must):>10}"
            f"{figure.bound(figure.aim):>10}   {figure.verdict(value)} {figure.unit}".rstrip()
        )
    return lines


def _value(figure: Figure, measured: Measured) -> float | None:
    return None if measured.failed or figure.absent else measured.figures[figure.key]


def _figure(figure: Figure, value: float | None) -> dict[str, Any]:
    return {
        "key": figure.key,
        "title": figure.title,
        "unit": figure.unit,
        "value": None if value is None else round(value, 3),
        "must": figure.must,
        "aim": figure.aim,
        "more": figure.more,
        "verdict": figure.verdict(value),
    }


def _remarks(measured: Measured) -> Iterator[str]:
    yield from measured.notes
    if measured.failed:
        yield f"FAILED: {measured.failed.splitlines()[0]}"
    if not measured.correct:
        yield "NOT CORRECT: messages were lost, doubled or reordered"
    if any(map(medium.in_memory, measured.results)):
        yield "DATABASE IN MEMORY: its durable figures mean nothing"
    if bound := measured.generator_bound:
        yield "GENERATOR-BOUND: " + ", ".join(
            f"{side} in {some} of {all_} runs" for side, (some, all_) in bound.items()
        )

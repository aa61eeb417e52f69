"""The table of targets: verdicts, medians, and what the command says and returns."""

from __future__ import annotations

import doctest
import json
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as command
from bench import options
from bench.scenarios import targets
from bench.targets import goal
from bench.targets.goal import AIM, MISSED, MUST, REPORTED, Extent, Figure, Goal, Measured, median
from bench.targets.table import GOALS


@pytest.mark.parametrize("module", [goal, options])
def test_the_examples_in_the_documentation_hold(module: Any) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("figure", "value", "verdict"),
    [
        (Figure("x", "x", must=5, aim=2), 2, AIM),
        (Figure("x", "x", must=5, aim=2), 5, MUST),
        (Figure("x", "x", must=5, aim=2), 5.1, MISSED),
        (Figure("x", "x", must=8, aim=20, more=True), 20, AIM),
        (Figure("x", "x", must=8, aim=20, more=True), 8, MUST),
        (Figure("x", "x", must=8, aim=20, more=True), 7.9, MISSED),
        (Figure("x", "x"), 7.9, REPORTED),
    ],
)
def test_a_value_is_judged_by_must_and_aim(figure: Figure, value: float, verdict: str) -> None:
    assert figure.verdict(value) == verdict


def test_the_middle_round_counts_and_all_results_are_kept() -> None:
    rounds = [Measured({"x": value}, [{"lost": 0}]) for value in (9.0, 1.0, 4.0)]
    assert median(rounds).figures == {"x": 4.0}
    assert len(median(rounds).results) == 3


def test_a_fault_in_any_run_makes_the_row_incorrect() -> None:
    assert Measured({}, [{"lost": 0}, {"unacked": 0}]).correct
    assert not Measured({}, [{"lost": 0}, {"unacked": 1}]).correct


def test_every_row_has_a_name_of_its_own_and_something_that_must_hold() -> None:
    assert len({row.name for row in GOALS}) == len(GOALS)
    assert all(any(figure.must is not None for figure in row.figures) for row in GOALS)


def table_of(value: float, **result: object) -> tuple[Goal, ...]:
    async def measure(extent: Extent) -> Measured:
        return Measured({"p99": value}, [result])

    return (Goal("P0", "made up", (Figure("p99", "delivery p99", "ms", must=5, aim=2),), measure),)


@pytest.mark.parametrize(
    ("table", "code", "word"),
    [
        (table_of(1.0), 0, AIM),
        (table_of(4.0), 0, MUST),
        (table_of(6.0), 5, MISSED),
        (table_of(1.0, lost=3), 1, "NOT CORRECT"),
        (table_of(1.0, generator_bound=True), 0, "GENERATOR-BOUND"),
    ],
)
def test_the_command_prints_each_row_and_tells_by_its_exit_code(
    table: tuple[Goal, ...],
    code: int,
    word: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(targets, "GOALS", table)
    out = tmp_path / "targets.json"
    assert command.main(["targets", "--quick", "--json", str(out)]) == code
    assert word in capsys.readouterr().out
    (row,) = json.loads(out.read_text())["goals"]
    assert row["name"] == "P0"
    assert row["figures"][0]["must"] == 5

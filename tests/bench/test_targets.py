"""The table of targets: verdicts, medians, and what the command says and returns."""

from __future__ import annotations

import doctest
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench import __main__ as command
from bench import options
from bench import results as reading
from bench.scenarios import targets
from bench.scenarios.floor import FLOORS
from bench.server import Unreachable
from bench.targets import table, target
from bench.targets.table import TARGETS
from bench.targets.target import (
    ABSENT,
    AIM,
    MISSED,
    MUST,
    ONCE,
    REPORTED,
    Extent,
    Figure,
    Measured,
    Target,
    Yardstick,
    median,
)


@pytest.mark.parametrize("module", [target, options])
def test_the_examples_in_the_documentation_hold(module: Any) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("figure", "value", "verdict"),
    [
        (Figure("x", "x", required=5, stretch=2), 2, AIM),
        (Figure("x", "x", required=5, stretch=2), 5, MUST),
        (Figure("x", "x", required=5, stretch=2), 5.1, MISSED),
        (Figure("x", "x", required=8, stretch=20, more=True), 20, AIM),
        (Figure("x", "x", required=8, stretch=20, more=True), 8, MUST),
        (Figure("x", "x", required=8, stretch=20, more=True), 7.9, MISSED),
        (Figure("x", "x"), 7.9, REPORTED),
        (Figure("x", "x", required=5, stretch=2), None, MISSED),
        (Figure("x", "x"), None, REPORTED),
        (Figure("x", "x", required=5, more=True, absent=True), None, ABSENT),
    ],
)
def test_a_value_is_judged_by_must_and_aim(figure: Figure, value: float | None, verdict: str) -> None:
    assert figure.verdict(value) == verdict


def test_the_middle_round_counts_and_all_results_are_kept() -> None:
    rounds = [Measured({"x": value}, [{"lost": 0}]) for value in (9.0, 1.0, 4.0)]
    assert median(rounds).figures == {"x": 4.0}
    assert len(median(rounds).results) == 3


def test_what_one_round_did_not_measure_is_not_measured() -> None:
    rounds = [Measured({"x": value}, [], (note,)) for value, note in ((1.0, "a"), (None, "b"), (1.0, "a"))]
    assert median(rounds).figures == {"x": None}
    assert median(rounds).notes == ("a", "b")


def test_a_fault_in_any_run_makes_the_row_incorrect() -> None:
    assert Measured({}, [{"lost": 0}, {"unacked": 0}]).correct
    assert not Measured({}, [{"lost": 0}, {"unacked": 1}]).correct
    assert not Measured({}, [{"scenario": "floor push", "lost": 1}]).correct


def test_what_a_peer_loses_is_kept_and_decides_nothing() -> None:
    lossy = {"scenario": "peer nats-server", "lost": 7, "examples": ["gone"]}
    assert Measured({}, [{"lost": 0}, lossy]).correct
    table = {"scenario": "targets", "goals": [{"name": "P2", "results": [{"lost": 0}, lossy]}]}
    assert reading.faults(table) == dict.fromkeys(reading.COUNTERS, 0)
    assert reading.examples(table) == []


def test_it_is_told_on_which_side_the_generator_was_the_limit() -> None:
    runs = [("floor echo", True), ("direct", False), ("floor echo", False), ("peer nats-server", True)]
    bound = Measured(
        {}, [{"scenario": name, "generator_bound": bound} for name, bound in runs]
    ).generator_bound
    assert bound == {"floor (c)": (1, 2), "nats-server": (1, 1)}


def test_every_row_has_a_name_of_its_own_and_something_that_must_hold() -> None:
    assert len({row.name for row in TARGETS}) == len(TARGETS)
    assert all(any(figure.required is not None for figure in row.figures) for row in TARGETS)


def test_every_floor_is_a_side_of_its_own() -> None:
    sides = [target.side({"scenario": f"floor {name}"}) for name in FLOORS]
    assert sides == [f"floor ({letter})" for letter in "abcd"[: len(FLOORS)]]


@pytest.mark.parametrize("row", TARGETS, ids=lambda row: row.name)
def test_every_row_says_how_often_it_is_measured(row: Target) -> None:
    once = {"P5", "P7", "P10"}
    assert (row.how(Extent()) == ONCE) is (row.name in once)
    assert ("median of 3" in row.how(Extent())) is (row.name not in once)
    assert "median of 1" not in row.how(Extent(quick=True)) or row.name == "P8"


@pytest.fixture(autouse=True)
def known_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring one takes a quarter of a second for each row."""
    monkeypatch.setattr(targets, "yardstick", lambda: target.REFERENCE)


FIGURE = Figure("p99", "delivery p99", "ms", required=5, stretch=2)


def row_of(name: str, value: float | None, *notes: str, **result: object) -> Target:
    async def measure(extent: Extent) -> Measured:
        return Measured({"p99": value}, [result], notes)

    return Target(name, "made up", (FIGURE,), measure)


def broken_row(name: str, error: Exception) -> Target:
    async def measure(extent: Extent) -> Measured:
        raise error

    return Target(name, "made up", (FIGURE, Figure("beside", "beside it", required=2, absent=True)), measure)


REACHED, BROKEN = row_of("P0", 1.0), broken_row("P9", Unreachable("it stopped with 1:\nTraceback"))


@pytest.mark.parametrize(
    ("table", "code", "word"),
    [
        ([row_of("P0", 1.0)], 0, AIM),
        ([row_of("P0", 4.0)], 0, MUST),
        ([row_of("P0", 6.0)], 5, MISSED),
        ([row_of("P0", None)], 5, "not measured"),
        ([row_of("P0", 1.0, lost=3)], 1, "NOT CORRECT"),
        (
            [row_of("P0", 1.0, scenario="floor echo", generator_bound=True)],
            0,
            "GENERATOR-BOUND: floor (c) in 1 of 1 runs",
        ),
        ([row_of("P0", 1.0, "MADE UP")], 0, "P0  made up · measured once · MADE UP"),
        ([BROKEN, REACHED], 5, "FAILED: it stopped with 1:"),
        ([broken_row("P9", TimeoutError()), REACHED], 5, "FAILED: no answer in time"),
        ([row_of("P0", 1.0, lost=3), BROKEN], 1, "FAILED"),
        ([BROKEN], 4, ABSENT),
    ],
)
def test_the_command_prints_each_row_and_tells_by_its_exit_code(
    table: list[Target],
    code: int,
    word: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(targets, "TARGETS", table)
    out = tmp_path / "targets.json"
    assert command.main(["targets", "--quick", "--json", str(out)]) == code
    assert word in capsys.readouterr().out
    result = json.loads(out.read_text())
    assert [row["name"] for row in result["goals"]] == [row.name for row in table]
    assert all(row["figures"][0]["must"] == 5 for row in result["goals"])
    assert all(bool(row["failed"]) is (row["name"] == "P9") for row in result["goals"])
    assert reading.figures(result).get("P0.p99") == next(
        (row["figures"][0]["value"] for row in result["goals"] if row["name"] == "P0"), None
    )


@pytest.mark.parametrize("in_memory", [True, False])
def test_the_table_says_beforehand_what_its_databases_will_lie_on(
    in_memory: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    storage = {"filesystem": "zfs", "mount": "/here", "in_memory": in_memory}
    monkeypatch.setattr(targets.machine, "filesystem_of", lambda directory: storage)
    monkeypatch.setattr(targets, "TARGETS", [REACHED])
    out = tmp_path / "targets.json"
    assert command.main(["targets", "--json", str(out)]) == 0
    told = capsys.readouterr().out
    assert "database on zfs, /here" in told
    assert ("IN MEMORY" in told) is in_memory
    assert json.loads(out.read_text())["server"]["storage"] == storage


def test_what_was_measured_is_written_though_the_command_does_not_come_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "TARGETS", [REACHED, broken_row("P1", KeyError("a mistake"))])
    out = tmp_path / "targets.json"
    with pytest.raises(KeyError):
        command.main(["targets", "--json", str(out)])
    assert [row["name"] for row in json.loads(out.read_text())["goals"]] == ["P0"]


def test_a_bad_trace_is_refused_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "TARGETS", [broken_row("P0", AssertionError("measured"))])
    trace = tmp_path / "bad.ndjson"
    trace.write_text("no JSON\n")
    assert command.main(["targets", "--trace", str(trace)]) == 2


SILENT = {"deliveries_per_s": 0.0, "acks_per_s": 0.0} | {
    name: {"count": 0, "p50": 0.0, "p99": 0.0} for name in ("ack_ms", "delivery_ms")
}


@pytest.mark.parametrize("row", table.TARGETS[:4], ids=lambda row: row.name)
async def test_what_did_nothing_reaches_nothing_and_ends_no_table(
    row: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*_: object, **__: object) -> Any:
        return SILENT, None

    async def silent_alone(*_: object, **__: object) -> Any:
        return SILENT

    monkeypatch.setattr(table, "NATS", SimpleNamespace(present=True, play=silent))
    monkeypatch.setattr(table.floor, "floor", silent)
    monkeypatch.setattr(table, "played", silent_alone)
    measured = await row.measure(Extent(quick=True))
    musts = [figure for figure in row.figures if figure.required is not None and not figure.absent]
    assert [figure.verdict(measured.figures[figure.key]) for figure in musts] == [MISSED] * len(musts)


async def test_a_peer_is_among_the_results_of_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fast(*_: object, **__: object) -> Any:
        return {"scenario": "peer nats-server", "deliveries_per_s": 9.0}, None

    async def ours(*_: object, **__: object) -> Any:
        return {"scenario": "fanout", "deliveries_per_s": 18.0}

    monkeypatch.setattr(table, "NATS", SimpleNamespace(present=True, play=fast))
    monkeypatch.setattr(table.floor, "floor", fast)
    monkeypatch.setattr(table, "played", ours)
    measured = await table.TARGETS[1].measure(replace(Extent(), rounds=1))
    sides = [target.side(result) for result in measured.results]
    assert sides.count("nats-server") == 3  # the floor is played by it
    assert measured.figures["ratio_nats_16"] == 2


SLOW = Yardstick(*(3 * value for value in target.REFERENCE))


@pytest.mark.parametrize(
    ("figure", "bounds"),
    [
        (Figure("x", "x", "ms", 30, 10, scale="core"), (90, 30)),
        (Figure("x", "x", "/s", 1_500, more=True, scale="core"), (500, None)),
        (Figure("x", "x", "x", 8, 20, more=True), (8, 20)),  # a ratio has no machine
        (Figure("x", "x", "ms"), (None, None)),
    ],
)
def test_on_a_machine_three_times_slower_an_absolute_bound_is_three_times_wider(
    figure: Figure, bounds: tuple[float | None, float | None]
) -> None:
    here = figure.here(SLOW)
    assert (here.required, here.stretch) == bounds


def test_what_is_judged_without_a_scale_does_not_depend_on_the_speed_of_the_machine() -> None:
    timed = {"ms", "s", "/s", "acks/s", "deliveries/s", "echoes/s"}
    judged = [figure for row in TARGETS for figure in row.figures if figure.required is not None]
    assert [figure.title for figure in judged if figure.unit in timed and not figure.scale] == []


def test_the_yardstick_of_a_row_is_in_its_result_and_beside_its_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = row_of("P0", 6.0)
    scaled = replace(row, figures=(replace(FIGURE, scale="core"),))
    monkeypatch.setattr(targets, "TARGETS", [scaled])
    monkeypatch.setattr(targets, "yardstick", lambda: SLOW)
    out = tmp_path / "targets.json"
    assert command.main(["targets", "--json", str(out)]) == 0, (
        "6 ms of 5 are 2 on a machine of the usual speed"
    )
    assert "core 3.00 x" in capsys.readouterr().out
    (goal,) = json.loads(out.read_text())["goals"]
    assert goal["yardstick"] == {name: round(value, 4) for name, value in SLOW._asdict().items()}
    assert goal["figures"][0]["must"] == 15


def test_a_machine_has_a_speed() -> None:
    assert all(value > 0 for value in target.measured_here())

"""What the hot path costs, in instructions: no more than is written down."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import __main__ as command
from bench.instructions import __main__ as program
from bench.instructions import written
from bench.instructions.hot_path import MEANINGS
from bench.instructions.written import Numbers

HERE = {"python": "3.13.1", "sqlite": "3.50.0"}
NUMBERS = Numbers(HERE, {"decode": 10_000, "send": 500_000})


def test_no_part_of_the_hot_path_costs_more_than_is_written_down() -> None:
    if reason := written.missing():
        pytest.skip(reason)
    numbers = Numbers.load(written.PATH)
    if difference := numbers.incomparable(written.here()):
        pytest.skip(f"counts are compared with the same versions only: {difference}")
    assert numbers.rises(written.each(written.count("bench.instructions"))) == {}


def test_every_part_is_written_down() -> None:
    assert Numbers.load(written.PATH).instructions.keys() == MEANINGS.keys()


async def test_every_part_does_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "ROUNDS", 1)
    labels = []
    counted = written.Requests.counted
    monkeypatch.setattr(
        written.Requests, "counted", lambda self, label: labels.append(label) or counted(self, label)
    )
    await program.main()
    assert {label.split()[0] for label in labels} == MEANINGS.keys()


def test_a_rise_of_more_than_three_in_a_hundred_is_named() -> None:
    assert NUMBERS.rises({"decode": 10_300, "send": 1}) == {}
    assert NUMBERS.rises({"decode": 10_301, "send": 500_000}) == {"decode": "10,301 instead of 10,000, +3.0%"}
    assert NUMBERS.rises({"hello": 7_000}) == {"hello": "7,000, and not written down"}


def test_other_versions_are_named_and_not_compared() -> None:
    assert NUMBERS.incomparable(HERE) is None
    other = {"python": "3.13.1", "sqlite": "3.51.0", "uvloop": "1"}
    assert NUMBERS.incomparable(other) == "sqlite was 3.50.0, is 3.51.0; uvloop was nothing, is 1"


def test_what_happens_besides_a_part_cancels() -> None:
    counted = {"send 2": [999, 1_200, 1_210], "send 4": [999, 2_250, 2_200]}
    assert written.each(counted) == {"send": 500}


def test_numbers_are_read_as_they_were_written(tmp_path: Path) -> None:
    NUMBERS.save(tmp_path / "n.toml")
    assert Numbers.load(tmp_path / "n.toml") == NUMBERS


def test_what_callgrind_wrote_is_read_by_label(tmp_path: Path) -> None:
    dump = "desc: Trigger: Client Request: send 16\nevents: Ir\ntotals: {}\n"
    paths = [tmp_path / "out.1", tmp_path / "out.2", tmp_path / "out.3"]
    for path, text in zip(
        paths,
        (dump.format(7), dump.format(9), "desc: Trigger: Program termination\ntotals: 5\n"),
        strict=True,
    ):
        path.write_text(text)
    assert written.read(paths) == {"send 16": [7, 9]}


def test_the_command_fails_on_a_rise_until_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(written, "PATH", tmp_path / "n.toml")
    monkeypatch.setattr(written, "here", lambda: HERE)
    counts = {"decode 1": [0, 11_000], "decode 2": [0, 22_000]}
    monkeypatch.setattr(written, "count", lambda module: counts)
    NUMBERS.save(written.PATH)
    assert command.main(["instructions"]) == 5
    assert "+10.0%" in capsys.readouterr().out
    assert command.main(["instructions", "--write"]) == 0
    assert Numbers.load(written.PATH).instructions == {"decode": 11_000}
    assert command.main(["instructions"]) == 0

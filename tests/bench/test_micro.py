"""The parts that are timed do what they are said to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import __main__ as command
from bench import micro


def test_every_part_does_its_work_and_has_a_meaning() -> None:
    done = {name: part() for name, part in micro.parts(outboxes=7, seed=1).items()}
    batch = micro.BATCH
    assert done == {
        "decode": 1,
        "decode_batch": batch,
        "decide": batch,
        "encode": 1,
        "encode_batch": batch,
        "fan_out": 7,
    }
    assert set(done) == set(micro.MEANINGS)


def test_the_scenario_reports_every_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro, "ROUND_S", 0.001)
    out = tmp_path / "m.json"
    assert command.main(["micro", "--outboxes", "5", "--json", str(out)]) == 0
    result = json.loads(out.read_text())
    assert all(value > 0 for value in result["median"].values())

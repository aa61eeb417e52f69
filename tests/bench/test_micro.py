"""The parts that are timed do what they are said to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import __main__ as command
from bench.instructions.hot_path import BATCH, TIMED, running_people, timed_parts
from bench.scenarios import instructions


async def test_every_part_does_its_work_and_has_a_meaning(tmp_path: Path) -> None:
    async with running_people(tmp_path, 0) as people:
        parts = timed_parts(people, outboxes=7)
        done = {name: len(part()) for name, (part, _) in parts.items() if name.startswith("decode")}
        assert done == {"decode": 1, "decode_batch": BATCH}
        (made,) = parts["decide"][0]().steps.values()
        assert sum(type(step).__name__ == "NewEvent" for step in made) == BATCH
        assert len(parts["encode_batch"][0]()) > len(parts["encode"][0]()) > 100
        parts["fan_out"][0]()
    assert [operations for _, operations in parts.values()] == [1, BATCH, BATCH, 1, BATCH, 7]
    assert set(parts) == set(TIMED)


def test_the_scenario_reports_every_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instructions, "ROUND_S", 0.001)
    out = tmp_path / "m.json"
    assert command.main(["micro", "--outboxes", "5", "--json", str(out)]) == 0
    result = json.loads(out.read_text())
    assert all(value > 0 for value in result["median"].values())

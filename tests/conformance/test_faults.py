"""Fault runs of the kit: the Python client survives them, and one that forgets a message does not."""

from pathlib import Path

import pytest

from chatd.conformance.daemon import Daemon
from chatd.conformance.faults import FaultRun, Plan, SeedResult, faults
from chatd.conformance.launch import CommandLauncher
from tests.conformance.kit_runs import MUTANT, PYTHON
from tests.kit.soak import scaled, seed_base

SEEDS = scaled(1, 30)
PLAN = Plan(testees=2, steps=scaled(30, 80))


async def ran(command: str, folder: Path, seeds: range, plan: Plan) -> list[SeedResult]:
    return await faults(
        seeds, CommandLauncher(command), Daemon.own(folder / "data"), plan, lambda result: None
    )


@pytest.mark.timeout(3600)
async def test_nothing_is_lost_doubled_or_reordered(tmp_path: Path) -> None:
    first = seed_base()
    results = await ran(PYTHON, tmp_path, range(first, first + SEEDS), PLAN)
    assert {result.seed: result.wrong for result in results if result.wrong} == {}
    assert all("cut" in " ".join(result.story) for result in results)


async def test_a_client_that_forgets_what_has_no_answer_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step loses the link while messages are under way: one of them is lost for certain."""

    async def burst_only(self: FaultRun) -> None:
        self.story.append("burst")
        await self._burst(self._chance.choice(self._members))

    monkeypatch.setattr(FaultRun, "_step", burst_only)
    plan = Plan(testees=1, steps=8, quiet_s=5.0)
    (result,) = await ran(f"{MUTANT} drops-what-has-no-answer", tmp_path, range(1, 2), plan)
    assert [why for why in result.wrong if why.endswith("was lost")] == result.wrong != []

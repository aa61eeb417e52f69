"""Fault runs of the kit: the Python client survives them, and one that forgets a message does not."""

import asyncio
from collections.abc import Awaitable, Callable
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


async def until_so(holds: Callable[[], Awaitable[bool]]) -> None:
    """Return once something holds."""
    async with asyncio.timeout(60):
        while not await holds():
            await asyncio.sleep(0.01)


@pytest.mark.timeout(3600)
async def test_nothing_is_lost_doubled_or_reordered(tmp_path: Path) -> None:
    first = seed_base()
    results = await ran(PYTHON, tmp_path, range(first, first + SEEDS), PLAN)
    assert {result.seed: result.wrong for result in results if result.wrong} == {}
    assert all("cut" in " ".join(result.actions) for result in results)


async def test_a_client_that_forgets_what_has_no_answer_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one step loses the link while a message is under way."""

    async def lose_it(self: FaultRun) -> None:
        member = self._members[0]

        async def has(**wanted: str) -> bool:
            state = await member.ask("state")
            outbox = "".join(entry["state"] for entry in state["outbox"])
            return wanted.items() <= {"phase": state["phase"], "outbox": outbox}.items()

        await until_so(lambda: has(phase="READY"))
        member.relay.hold()
        await self._post(member)
        await until_so(lambda: has(outbox="INFLIGHT"))
        member.relay.cut()
        member.relay.flow()

    monkeypatch.setattr(FaultRun, "_step", lose_it)
    plan = Plan(testees=1, steps=1, quiet_s=2.0)
    (result,) = await ran(f"{MUTANT} drops-what-has-no-answer", tmp_path, range(1, 2), plan)
    assert [why for why in result.wrong if why.endswith("was lost")] == result.wrong != []

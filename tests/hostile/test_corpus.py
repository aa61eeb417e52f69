"""Every case of the corpus against a real daemon: the documented outcome, and no harm to others."""

import pytest

from tests.hostile.attacked_daemon import AttackedDaemon
from tests.hostile.case import Case, Scenario
from tests.hostile.corpus import PAYLOADS, SCENARIOS, TIMED, WIRE
from tests.hostile.upgrades import OFFERS, offering

pytestmark = pytest.mark.asyncio(loop_scope="module")
on_one_loop = pytest.mark.asyncio(loop_scope="module", loop_factories=["uvloop"])


@pytest.mark.parametrize("case", WIRE, ids=lambda case: case.id)
async def test_bad_bytes_meet_their_outcome_and_harm_nobody(
    attacked_daemon: AttackedDaemon, case: Case
) -> None:
    assert await attacked_daemon.run_case(case) == case.outcome


@on_one_loop
@pytest.mark.parametrize("case", PAYLOADS, ids=lambda case: case.id)
async def test_bad_payloads_meet_their_outcome_and_harm_nobody(
    attacked_daemon: AttackedDaemon, case: Case
) -> None:
    assert await attacked_daemon.run_case(case) == case.outcome


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
async def test_a_bad_scenario_ends_well(attacked_daemon: AttackedDaemon, scenario: Scenario) -> None:
    await attacked_daemon.run_scenario(scenario)


@pytest.mark.parametrize("scenario", TIMED, ids=lambda scenario: scenario.id)
async def test_a_long_scenario_ends_well(stepped_daemon: AttackedDaemon, scenario: Scenario) -> None:
    await stepped_daemon.run_scenario(scenario)


@on_one_loop
@pytest.mark.parametrize("name", OFFERS)
async def test_no_extension_is_ever_negotiated(attacked_daemon: AttackedDaemon, name: str) -> None:
    attacker = await attacked_daemon.connect()
    attacker.send(offering(OFFERS[name]))
    assert b"extensions" not in (await attacker.head()).lower()
    await attacker.leave()

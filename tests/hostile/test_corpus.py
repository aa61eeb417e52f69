"""Every case of the corpus against a real daemon: the documented outcome, and no harm to anybody else."""

import pytest

from tests.hostile.case import Case, Story
from tests.hostile.corpus import LEAPS, PAYLOADS, STORIES, WIRE
from tests.hostile.siege import Siege
from tests.hostile.upgrades import OFFERS, offering

pytestmark = pytest.mark.asyncio(loop_scope="module")
on_one_loop = pytest.mark.asyncio(loop_scope="module", loop_factories=["uvloop"])


@pytest.mark.parametrize("case", WIRE, ids=lambda case: case.id)
async def test_bad_bytes_meet_their_outcome_and_harm_nobody(besieged: Siege, case: Case) -> None:
    assert await besieged.endures(case) == case.outcome


@on_one_loop
@pytest.mark.parametrize("case", PAYLOADS, ids=lambda case: case.id)
async def test_bad_payloads_meet_their_outcome_and_harm_nobody(besieged: Siege, case: Case) -> None:
    assert await besieged.endures(case) == case.outcome


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.id)
async def test_a_bad_story_ends_well(besieged: Siege, story: Story) -> None:
    await besieged.hears_out(story)


@pytest.mark.parametrize("story", LEAPS, ids=lambda story: story.id)
async def test_a_long_story_ends_well(timeless: Siege, story: Story) -> None:
    await timeless.hears_out(story)


@on_one_loop
@pytest.mark.parametrize("name", OFFERS)
async def test_no_extension_is_ever_negotiated(besieged: Siege, name: str) -> None:
    attacker = await besieged.connects()
    attacker.sends(offering(OFFERS[name]))
    assert b"extensions" not in (await attacker.head()).lower()
    await attacker.leaves()

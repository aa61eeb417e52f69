"""Every row of the table is measured, small, against real daemons: it has each figure that it promises."""

from __future__ import annotations

import pytest

from bench.engine.crowd import Visits
from bench.storm import manners
from bench.targets import delivery, endurance, presence
from bench.targets.goal import Extent, Goal
from bench.targets.table import GOALS

# Of P6 as many visitors as never meet themselves: the second of two connections of a device ends the first.
SMALL = (
    (delivery, {"MEMBERS": 10, "SENDERS": 2, "CLIENTS": 4, "RATE": 60.0}),
    (presence, {"QUICK_SESSIONS": 40, "QUICK_VISITS": Visits(users=100, rooms=3)}),
    (endurance, {"QUICK_CLIENTS": 8, "QUICK_HISTORY": (600, 12, 60), "MEMBERS": 8}),
    (endurance, {"MADE_UP_MESSAGES": 200, "MADE_UP_PEOPLE": 12}),
    (manners, {"BASE_S": 0.1}),
)
NEEDS_ROUNDS = {"P9": {"spread"}}  # of one round there is none


class Glance(Extent):
    """As short as it can be."""

    @property
    def duration_s(self) -> float:
        return 0.4

    @property
    def warmup_s(self) -> float:
        return 0.1


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: goal.name)
async def test_a_row_has_every_figure_that_it_promises(goal: Goal, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, sizes in SMALL:
        for name, size in sizes.items():
            monkeypatch.setattr(module, name, size)
    measured = await goal.measure(Glance(quick=True))
    assert measured.figures.keys() == {figure.key for figure in goal.figures}
    promised = {figure.key for figure in goal.figures if not figure.absent}
    missing = {key for key in promised if measured.figures[key] is None}
    assert missing == NEEDS_ROUNDS.get(goal.name, set()), measured.notes
    assert measured.correct, [result.get("examples") for result in measured.results]
    assert all("generator_bound" in result for result in measured.results)

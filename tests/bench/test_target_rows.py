"""Every row of the table is measured, small, against real daemons: it has each figure that it promises.

In the suite one row of each kind whose parts no other test plays; in a soak all.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.client import user
from bench.scenarios import history, media, platform, push
from bench.targets.table import TARGETS
from bench.targets.target import Extent, Target
from tests.kit.longer import lengths
from tests.kit.soak import SOAKING

# As many users as never meet themselves: the second of two connections of a device ends the first.
GLANCE = Extent(
    quick=True,
    duration_s=0.4,
    warmup_s=0.1,
    rounds=1,
    members=10,
    senders=2,
    clients=4,
    rate=60.0,
    sessions=40,
    settle_s=0.2,
    users=100,
    rooms=3,
    returning=8,
    history=(600, 12, 60),
    made_up=(200, 12),
)
# A few of everything that a row of the platform makes.
PLATFORM = {"WORDS": 50, "PATTERNS": 5, "UPLOADED": 30, "DEADLINE_MS": 50, "AFTER_CALLS": 3, "ERASED": 100}
PLATFORM["FRIENDS"] = 200  # who have twenty friends each
IN_THE_SUITE = {"P1", "P5", "P6", "P10"}
ROWS = [row for row in TARGETS if SOAKING or row.name in IN_THE_SUITE]
NEEDS_ROUNDS = {"P9": {"spread"}}  # of one round there is none


def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few have small files."""
    for name, value in {"PHONES": 2, "LISTENERS": 3, "THROUGH_CUTS": 2, "EACH": 1}.items():
        monkeypatch.setattr(media, name, value)
    monkeypatch.setattr(media, "SIZES", {"large": 500_000, "small": 20_000})
    monkeypatch.setattr(media, "AT_ONCE", dict.fromkeys(media.AT_ONCE, 2))


@pytest.mark.parametrize("target", ROWS, ids=lambda target: target.name)
async def test_a_row_has_every_figure_that_it_promises(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user, "BASE_S", 0.1)
    for name, value in PLATFORM.items():
        monkeypatch.setattr(platform, name, value)
    small_files(monkeypatch)
    monkeypatch.setattr(push, "OFFLINE", 5)
    monkeypatch.setattr(history, "STARTS", 1)
    monkeypatch.setattr(history, "GREETINGS", 10)
    promised = {figure.key for figure in target.figures if not figure.absent}
    # Some play a fifth of the duration at a time, in which a busy machine may not acknowledge a single message, or have
    # to send as much as a reader who stalls cannot take.
    for duration_s in lengths(GLANCE.duration_s, (1, 5, 20)):
        measured = await target.measure(replace(GLANCE, duration_s=duration_s))
        assert measured.figures.keys() == {figure.key for figure in target.figures}
        assert measured.correct, [result.get("examples") for result in measured.results]
        missing = {key for key in promised if measured.figures[key] is None}
        if missing == NEEDS_ROUNDS.get(target.name, set()):
            break
    assert all("generator_bound" in result for result in measured.results)

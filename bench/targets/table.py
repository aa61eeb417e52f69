"""All rows, in order. A row appears here when the scenario that measures it exists."""

from __future__ import annotations

from bench.targets import delivery, endurance, presence
from bench.targets.goal import Goal

GOALS: tuple[Goal, ...] = (*delivery.GOALS, *presence.GOALS, *endurance.GOALS)

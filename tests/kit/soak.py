"""The number of repetitions of tests that draw from seeds: enough for every commit, or many with SOAK=1."""

import os
import random
from typing import Any, TypeVar

import pytest

Value = TypeVar("Value")

SOAKING = os.environ.get("SOAK", "") not in ("", "0")
in_a_soak = pytest.mark.skipif(
    not SOAKING, reason="takes seconds of a core, and a shorter one is in the suite"
)


def scaled(suite: Value, soak: Value) -> Value:
    """Return `suite` in the suite, `soak` under `make soak`."""
    return soak if SOAKING else suite


def also(*cases: Any) -> tuple[Any, ...]:
    """Return the cases of a test that only a soak has."""
    return cases if SOAKING else ()


def seed_base() -> int:
    """Return the first seed: SEED of the environment, else always the same in the suite, and a new one in a soak."""
    given = os.environ.get("SEED", "")
    return int(given) if given else scaled(1, random.SystemRandom().randrange(1 << 30))

"""How much of what can be repeated at will is repeated: enough for every commit, or SOAK=1 and a night."""

import os
import random

SOAKING = os.environ.get("SOAK", "") not in ("", "0")


def scaled(suite: int, soak: int) -> int:
    """`suite` times in the suite, `soak` times under `make soak`."""
    return soak if SOAKING else suite


def seed_base() -> int:
    """Where seeds begin: SEED of the environment, else always the same in the suite, and new ones in a soak."""
    given = os.environ.get("SEED", "")
    return int(given) if given else scaled(1, random.SystemRandom().randrange(1 << 30))

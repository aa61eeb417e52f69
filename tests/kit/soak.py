"""How much of what can be repeated at will is repeated: enough for every commit, or SOAK=1 and a night."""

import os

SOAKING = os.environ.get("SOAK", "") not in ("", "0")


def scaled(suite: int, soak: int) -> int:
    """`suite` times in the suite, `soak` times under `make soak`."""
    return soak if SOAKING else suite

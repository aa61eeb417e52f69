"""How long somebody waits before he dials again (protocol.md "Client side"). Pure, but for chance."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Protocol

BASE_S, CAP_S = 1.0, 60.0  # protocol.md "Client side": backoff in the foreground
RUDE_S = 1.0  # what a client does whose author did not think about it


class Manners(Protocol):
    """What decides about the next attempt."""

    def delay_s(self, attempt: int, retry_after_s: float) -> float:
        """Seconds until the next attempt, the `attempt`th since it last went well (from 0)."""
        ...


@dataclass(frozen=True)
class Polite:
    """Full jitter over a doubling span; what the server asks for is a lower bound."""

    chance: random.Random

    def delay_s(self, attempt: int, retry_after_s: float) -> float:
        """Anywhere between nothing and the span."""
        return max(retry_after_s, self.chance.uniform(0, min(CAP_S, BASE_S * 2.0 ** min(attempt, 30))))


@dataclass(frozen=True)
class Rude:
    """Every second, whatever the server asks for."""

    def delay_s(self, attempt: int, retry_after_s: float) -> float:
        """Always the same."""
        return RUDE_S

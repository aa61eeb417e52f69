"""How long a user waits before they dial again (protocol.md "Client side"). Pure, but for chance."""

import random
from dataclasses import dataclass, field
from typing import Protocol

BASE_S, CAP_S = 1.0, 60.0  # protocol.md "Client side": backoff in the foreground
RUDE_S = 1.0  # how a client behaves whose author did not think about it


class Backoff(Protocol):
    """Decides about the next attempt."""

    def delay_s(self, attempt: int, retry_after_s: float) -> float:
        """Seconds until the next attempt, the `attempt`th since it last went well (from 0)."""
        ...


@dataclass(frozen=True)
class Polite:
    """Full jitter over a doubling span, `hurry` times as fast; what the server asks for is a lower bound."""

    chance: random.Random = field(default_factory=random.Random)
    hurry: float = 1.0

    def delay_s(self, attempt: int, retry_after_s: float) -> float:
        span_s = min(CAP_S, BASE_S * 2.0 ** min(attempt, 30)) / self.hurry
        return max(retry_after_s, self.chance.uniform(0, span_s))


@dataclass(frozen=True)
class Rude:
    """Every second, whatever the server asks for."""

    def delay_s(self, attempt: int, retry_after_s: float) -> float:
        return RUDE_S

"""The waits before a client connects again: whether they are drawn at random, and grow (protocol.md, "States"); pure.

One wait says nothing, since any time up to the longest is right. Of many, a client whose waits are right is taken for a
wrong one once in a million runs.
"""

import math

CALM_S = 30.0
CAP_S = {"foreground": 60.0, "background": 900.0}
JITTER_SAMPLES = 6
JITTER_SPREAD = 0.05
GROWTH_SAMPLES = 12
SIGMAS = 7


class Waits:
    """The waits of one client. `lost` begins one, unless it is told how long to wait; `connecting` ends it."""

    def __init__(self) -> None:
        self.mode = "foreground"
        self._lost_at: float | None = None
        self._ready_at: float | None = None
        self._attempt = 0
        # Each wait as part of the longest that may be drawn.
        self._parts: list[float] = []

    def ready(self, now: float) -> None:
        """Note that `hello` was answered."""
        self._ready_at = now

    def woken(self) -> None:
        """Note that the wait is cut short, and begins anew: the app is in front, or the network is back."""
        self._lost_at = None
        self._attempt = 0

    def put_off(self) -> None:
        """Note that the client has something else to wait for, such as a token."""
        self._lost_at = None

    def lost(self, now: float, retry_after_s: float) -> None:
        """Note that a connection was lost or refused."""
        if self._ready_at is not None and now - self._ready_at >= CALM_S:
            self._attempt = 0
        self._ready_at = None
        self._attempt += 1
        self._lost_at = None if retry_after_s else now

    def connecting(self, now: float) -> None:
        """Note an attempt to connect."""
        if self._lost_at is not None:
            most = min(CAP_S[self.mode], 2.0 ** (self._attempt - 1))
            self._parts.append((now - self._lost_at) / most)
            self._lost_at = None

    def not_random(self) -> str:
        """Return how the waits are all alike, empty when they are not, or when there are too few."""
        if len(self._parts) < JITTER_SAMPLES or max(self._parts) - min(self._parts) >= JITTER_SPREAD:
            return ""
        return f"the waits are {self._shown()} of the longest there may be, again and again"

    def not_growing(self) -> str:
        """Return how the waits stay short.

        The logarithm of an even draw has mean and variance 1; that of a wait that does not grow falls with each.
        """
        count = len(self._parts)
        total = sum(-math.log(max(part, 1e-9)) for part in self._parts)
        if count < GROWTH_SAMPLES or total < count + SIGMAS * math.sqrt(count):
            return ""
        return f"the waits are {self._shown()} of the longest there may be: they do not grow"

    def _shown(self) -> str:
        return ", ".join(f"{part:.2f}" for part in self._parts)

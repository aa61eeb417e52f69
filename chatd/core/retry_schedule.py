"""How fast something is served, and when those sent away may come back so that there is room. Pure accounting."""

FIRST_PER_S = 500.0  # before anything was measured: what a slow machine serves
LEAST_PER_S = 10.0  # a standstill is no rate to plan with
WINDOW_S = 0.25  # a measurement; long against the hiccups of one disk flush
SOON_S = 1.0  # nobody is told to come back sooner: half of what waits then is served by that time
FAR_S = 60.0  # nor later: no measurement is good for longer, and a person waits


class RetrySchedule:
    """Measures while somebody waits, because otherwise it is the demand that is slow. Seconds throughout."""

    def __init__(self) -> None:
        self.per_s = FIRST_PER_S
        self._count = 0
        self._since: float | None = None
        self._booked = 0.0  # the last moment that was given away

    def served(self, now: float) -> None:
        """One more is done, and others wait."""
        if self._since is None:
            self._since, self._count = now, 0
            return
        self._count += 1
        elapsed = now - self._since
        if elapsed >= WINDOW_S:
            self.per_s = max(LEAST_PER_S, (self.per_s + self._count / elapsed) / 2)
            self._since, self._count = now, 0

    def rest(self) -> None:
        """Nobody waits any more."""
        self._since = None

    def book(self, now: float, chance: float) -> float:
        """After how many seconds somebody is to come back: each gets a moment of his own, at the rate they are served.

        `chance` in [0, 1) is his place within it.
        """
        at = max(now + SOON_S, self._booked + 1 / self.per_s)
        if at > now + FAR_S:
            return FAR_S * (1 + chance) / 2
        self._booked = at
        return min(FAR_S, at - now + chance / self.per_s)

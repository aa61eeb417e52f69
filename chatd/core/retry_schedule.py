"""A schedule for refused requests: the rate at which requests are served, and when a refused one should be repeated."""

# Before the first measurement: the rate of a slow machine.
FIRST_PER_S = 500.0
# A standstill gives no rate to plan with.
LEAST_PER_S = 10.0
# One measurement, long against the delays of a single disk flush.
WINDOW_S = 0.25
# The shortest wait: half of what waits now is served by then.
SOON_S = 1.0
# The longest wait: no measurement is good for longer, and a person waits.
FAR_S = 60.0


class RetrySchedule:
    """The rate, measured only while requests wait: otherwise the demand sets it. Times are in seconds."""

    def __init__(self) -> None:
        self.per_s = FIRST_PER_S
        self._count = 0
        self._since: float | None = None
        # The latest time that was assigned.
        self._booked = 0.0

    def served(self, now: float) -> None:
        """Note that a request was served while others wait."""
        if self._since is None:
            self._since, self._count = now, 0
            return
        self._count += 1
        elapsed = now - self._since
        if elapsed >= WINDOW_S:
            self.per_s = max(LEAST_PER_S, (self.per_s + self._count / elapsed) / 2)
            self._since, self._count = now, 0

    def rest(self) -> None:
        """Note that no request waits."""
        self._since = None

    def book(self, now: float, chance: float) -> float:
        """Return the seconds after which a request should be repeated: times are assigned at the rate of service.

        `chance` in [0, 1) spreads the requests within it.
        """
        at = max(now + SOON_S, self._booked + 1 / self.per_s)
        if at > now + FAR_S:
            return FAR_S * (1 + chance) / 2
        self._booked = at
        return min(FAR_S, at - now + chance / self.per_s)

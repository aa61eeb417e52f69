"""The moments at which a link is to be probed, and at which it is dead (protocol.md, "States" and "ping, pong");
pure, time comes in as an argument."""

from enum import Enum

from .timing import Timing


class Verdict(Enum):
    """The action a link needs at some moment."""

    WAIT = "wait"
    PROBE = "probe"
    SILENT = "silent"
    NO_ANSWER = "no answer to a ping"


class Deadlines:
    """The three deadlines of one connection: silence, an unanswered request, an unanswered probe.

    Times are monotonic seconds; `asked_at` is when the oldest unanswered request was sent.
    """

    __slots__ = ("_heard_at", "_probed_at", "_probing", "_timing", "heartbeat_s")

    def __init__(self, timing: Timing, heartbeat_s: float, now: float) -> None:
        self.heartbeat_s = heartbeat_s
        self._timing = timing
        self._heard_at = now
        self._probed_at = float("-inf")
        self._probing = False

    def heard(self, now: float) -> None:
        """Note that a frame came in."""
        self._heard_at = now

    def silent_s(self, now: float) -> float:
        """Return the seconds since the last frame."""
        return now - self._heard_at

    def probe(self, now: float) -> bool:
        """Whether a ping may be sent now; if so, it counts as sent."""
        if self._probing or now < self._next_probe_at:
            return False
        self._probing, self._probed_at = True, now
        return True

    def answered(self) -> None:
        """Note that the ping was answered."""
        self._probing = False

    def next_at(self, asked_at: float | None) -> float:
        """Return the time of the earliest deadline."""
        if self._probing:
            return min(self._dead_at, self._next_probe_at)
        if asked_at is not None:
            return min(self._dead_at, max(asked_at + self._timing.request_s, self._next_probe_at))
        return self._dead_at

    def verdict(self, now: float, asked_at: float | None) -> Verdict:
        """Return the action the link needs now."""
        if now >= self._dead_at:
            return Verdict.SILENT
        if self._probing:
            return Verdict.NO_ANSWER if now >= self._next_probe_at else Verdict.WAIT
        overdue = asked_at is not None and now >= asked_at + self._timing.request_s
        return Verdict.PROBE if overdue else Verdict.WAIT

    @property
    def _dead_at(self) -> float:
        return self._heard_at + self.heartbeat_s + self._timing.dead_s

    @property
    def _next_probe_at(self) -> float:
        # The time for the answer is also the least time between two probes.
        return self._probed_at + self._timing.probe_s

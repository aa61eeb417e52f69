"""When a connection must be looked at next: one function of its times (protocol.md "ping, pong").

Seconds on the monotonic clock throughout.
"""

from dataclasses import dataclass
from typing import Literal

Due = Literal["ping", "idle", "expiring", "expired", "hello_timeout"]

NEVER = float("inf")
EXPIRING_S = 60.0
EXPIRING_SHARE = 0.1


@dataclass(slots=True)
class Deadlines:
    """The times of one connection. `interval` is its heartbeat, already shortened by its own 0 to 10 %."""

    received: float
    quiet_until: float  # silence in either direction until then means nothing
    interval: float
    answer: float  # how long a pong may take
    pinged: float | None = None  # unanswered since
    expiring: float = NEVER  # when to warn that the token runs out
    expired: float = NEVER  # when to close, grace included
    hello: float = NEVER  # when an unauthenticated connection is closed

    def due(self, sent: float) -> tuple[float, Due]:
        """The next thing to do and when; `sent` is when something was last sent."""
        beat: tuple[float, Due]
        if self.pinged is None:
            beat = (min(self.received, max(sent, self.quiet_until)) + self.interval, "ping")
        else:
            beat = (self.pinged + self.answer, "idle")
        dues: tuple[tuple[float, Due], ...] = (
            beat,
            (self.expiring, "expiring"),
            (self.expired, "expired"),
            (self.hello, "hello_timeout"),
        )
        return min(dues)

    def on_received(self, now: float) -> None:
        """A frame came in: the peer lives."""
        self.received = now
        self.pinged = None

    def excuse_silence(self, now: float) -> None:
        """Silence until now means nothing: the next beat counts from here."""
        self.received = self.quiet_until = now
        self.pinged = None

    def set_mode(self, interval: float, answer: float) -> None:
        """Another heartbeat is in force."""
        self.interval, self.answer = interval, answer

    def asked(self, now: float) -> None:
        """A ping is sent now."""
        self.pinged = now

    def greeted(self) -> None:
        """The hello is here: nobody waits for it any more."""
        self.hello = NEVER

    def token(self, now: float, left_s: float, lifetime_s: float, grace_s: float) -> None:
        """A token with `left_s` to live out of `lifetime_s` is in force."""
        self.expiring = now + left_s - min(EXPIRING_S, lifetime_s * EXPIRING_SHARE)
        self.expired = now + left_s + grace_s

    def warned(self) -> None:
        """The peer knows that its token runs out."""
        self.expiring = NEVER

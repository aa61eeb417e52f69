"""The deadlines of one connection (protocol.md "ping, pong"), in seconds of the monotonic clock."""

from dataclasses import dataclass
from typing import Literal

Due = Literal["ping", "idle", "expiring", "expired", "hello_timeout"]

NEVER = float("inf")
EXPIRING_S = 60.0
EXPIRING_SHARE = 0.1


@dataclass(slots=True)
class Deadlines:
    """The times of one connection.

    `received`: when the last frame came in. `quiet_until`: silence in either direction before then does not count.
    `interval`: its heartbeat, already shortened by its own 0 to 10 %. `answer`: how long a pong may take.
    `pinged`: when the unanswered ping was sent. `expiring`: when to warn that the token expires. `expired`: when to
    close because it did, grace included. `hello`: when to close a connection that has not authenticated.
    """

    received: float
    quiet_until: float
    interval: float
    answer: float
    pinged: float | None = None
    expiring: float = NEVER
    expired: float = NEVER
    hello: float = NEVER

    def due(self, sent: float) -> tuple[float, Due]:
        """Return the earliest deadline and its action; `sent` is when something was last sent."""
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
        """Note that a frame came in."""
        self.received = now
        self.pinged = None

    def excuse_silence(self, now: float) -> None:
        """Let the next heartbeat count from now."""
        self.received = self.quiet_until = now
        self.pinged = None

    def set_mode(self, interval: float, answer: float) -> None:
        """Apply another heartbeat."""
        self.interval, self.answer = interval, answer

    def asked(self, now: float) -> None:
        """Note that a ping is sent."""
        self.pinged = now

    def greeted(self) -> None:
        """Note that the hello arrived."""
        self.hello = NEVER

    def token(self, now: float, left_s: float, lifetime_s: float, grace_s: float) -> None:
        """Apply a token that is valid for another `left_s` of its `lifetime_s`."""
        self.expiring = now + left_s - min(EXPIRING_S, lifetime_s * EXPIRING_SHARE)
        self.expired = now + left_s + grace_s

    def warned(self) -> None:
        """Note that the peer was warned of the end of its token."""
        self.expiring = NEVER

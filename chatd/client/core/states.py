"""The life of a connection as a table, the action for each close code, and the backoff; pure.

Everything that changes the phase is in TRANSITIONS, everything that depends on a close code is in CLOSES
(protocol.md, "States" and "Close codes"). Neither clock nor socket is known here: time comes in as an argument.
"""

from dataclasses import dataclass
from enum import Enum


class Phase(Enum):
    """The phases of a client (protocol.md, "States", client side)."""

    STOPPED = "stopped"
    CONNECTING = "connecting"
    HELLO_SENT = "hello_sent"
    READY = "ready"
    BACKOFF = "backoff"
    NEED_TOKEN = "need_token"  # noqa: S105 - the name of a phase
    SUSPENDED = "suspended"


class Trigger(Enum):
    """The events that move a client from phase to phase."""

    START = "start"
    OPENED = "opened"
    WELCOME = "welcome"
    DROPPED = "dropped"
    WANTS_TOKEN = "wants_token"  # noqa: S105 - the name of a trigger
    TOKEN = "token"  # noqa: S105 - the name of a trigger
    TIMER = "timer"
    STOP = "stop"
    SUSPEND = "suspend"
    RESUME = "resume"


_LIVING = {Trigger.STOP: Phase.STOPPED, Trigger.SUSPEND: Phase.SUSPENDED}
_LINKED = {Trigger.DROPPED: Phase.BACKOFF, Trigger.WANTS_TOKEN: Phase.NEED_TOKEN, **_LIVING}

TRANSITIONS: dict[Phase, dict[Trigger, Phase]] = {
    Phase.STOPPED: {Trigger.START: Phase.CONNECTING},
    Phase.CONNECTING: {Trigger.OPENED: Phase.HELLO_SENT, **_LINKED},
    Phase.HELLO_SENT: {Trigger.WELCOME: Phase.READY, **_LINKED},
    Phase.READY: dict(_LINKED),
    Phase.BACKOFF: {Trigger.TIMER: Phase.CONNECTING, **_LIVING},
    Phase.NEED_TOKEN: {Trigger.TOKEN: Phase.CONNECTING, **_LIVING},
    Phase.SUSPENDED: {Trigger.RESUME: Phase.CONNECTING, Trigger.STOP: Phase.STOPPED},
}


def advance(phase: Phase, trigger: Trigger) -> Phase:
    """Return the phase after `trigger`; raises ValueError when the table has no such step."""
    try:
        return TRANSITIONS[phase][trigger]
    except KeyError:
        raise ValueError(f"{trigger.value} cannot happen while {phase.value}") from None


class Then(Enum):
    """The action of the client after a close."""

    RECONNECT = "reconnect"
    NEW_TOKEN = "new_token"  # noqa: S105 - the name of an action
    STOP = "stop"
    STOP_UNTIL_FOREGROUND = "stop_until_foreground"


@dataclass(frozen=True, slots=True)
class CloseRule:
    """One row of the table of close codes (protocol.md, "Close codes")."""

    reason: str
    then: Then = Then.RECONNECT
    our_bug: bool = False
    """Whether it is a fault of this client: wait as long as the cap says, and report."""
    drop_cursor: bool = False
    smaller_pages: bool = False


CLOSES: dict[int, CloseRule] = {
    1002: CloseRule("protocol_error", our_bug=True),
    1003: CloseRule("frame_kind", our_bug=True),
    1007: CloseRule("bad_text", our_bug=True),
    1009: CloseRule("too_big", our_bug=True),
    1011: CloseRule("internal"),
    4000: CloseRule("restart"),
    4001: CloseRule("idle"),
    4002: CloseRule("slow", smaller_pages=True),
    4003: CloseRule("overloaded"),
    4004: CloseRule("moved"),
    4005: CloseRule("resync", drop_cursor=True),
    4006: CloseRule("hello_timeout"),
    4007: CloseRule("rate_abuse"),
    4100: CloseRule("token_expired", Then.NEW_TOKEN),
    4101: CloseRule("token_invalid", Then.NEW_TOKEN),
    4200: CloseRule("replaced", Then.STOP_UNTIL_FOREGROUND),
    4201: CloseRule("revoked", Then.STOP),
    4202: CloseRule("banned", Then.STOP),
    4203: CloseRule("version", Then.STOP),
    4204: CloseRule("protocol", Then.STOP, our_bug=True),
    4205: CloseRule("connection_limit", Then.STOP_UNTIL_FOREGROUND),
}

_RANGES = ((4100, 4199, Then.NEW_TOKEN), (4200, 4299, Then.STOP))


def close_rule(code: int) -> CloseRule:
    """Return the rule for a close code; an unknown one is decided by its range, 0 and 1006 are link loss."""
    known = CLOSES.get(code)
    if known is not None:
        return known
    for first, last, then in _RANGES:
        if first <= code <= last:
            return CloseRule("", then)
    return CloseRule("")


class Backoff:
    """The delay before the next attempt: `random * min(cap, base * 2**k)`, full jitter (protocol.md, "States").

    `k` grows with every attempt and returns to 0 only after `calm_s` seconds in READY, so that a server that accepts
    and drops this client is not hammered.
    """

    def __init__(self, base_s: float, calm_s: float) -> None:
        self._base_s = base_s
        self._calm_s = calm_s
        self._ready_at: float | None = None
        self.k = 0

    def ready(self, now: float) -> None:
        """Note that READY was reached."""
        self._ready_at = now

    def lost(self, now: float) -> None:
        """Note that the connection ended."""
        if self._ready_at is not None and now - self._ready_at >= self._calm_s:
            self.k = 0
        self._ready_at = None

    def delay_s(self, random: float, cap_s: float, at_least_s: float = 0.0) -> float:
        """Return the next delay; counts an attempt. `random` is in [0, 1), `at_least_s` a `retry_after`.

        A lower bound longer than the drawn delay is used as it is: the server that named it has spread it already.
        """
        drawn = random * self._limit_s(cap_s)
        self.k += 1
        return max(drawn, at_least_s)

    def to_cap(self, cap_s: float) -> None:
        """Draw the next delay from the whole cap."""
        while self._limit_s(cap_s) < cap_s:
            self.k += 1

    def reset(self) -> None:
        """Begin again, after a validated network or the foreground (protocol.md, "States")."""
        self.k = 0

    def _limit_s(self, cap_s: float) -> float:
        # 2**k overflows a float after years of trying; 32 doublings pass any cap.
        return min(cap_s, self._base_s * 2.0 ** min(self.k, 32))

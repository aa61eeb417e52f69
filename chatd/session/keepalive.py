"""The one timer of a connection, set to the next of its deadlines (core/deadlines.py)."""

from typing import Protocol

from chatd.auth.interface import Claims
from chatd.config.model import Config
from chatd.core.deadlines import NEVER, Deadlines, Due
from chatd.delivery.outbox import Outbox
from chatd.env import Env, Timer
from chatd.protocol.connection import Mode

# Connections opened together must not ping together.
HEARTBEAT_JITTER = 0.1
# Looks at a blocked socket per `stall_s`.
STALL_LOOKS = 4


class Owner(Protocol):
    """The session that the timer belongs to."""

    def on_due(self, what: Due) -> None:
        """Called when a deadline has come."""

    def on_stall(self) -> None:
        """Called when the socket accepted nothing for `stall_s`."""


class Keepalive:
    """The timer of `owner`. `outbox` says whether output waits, and when something was last sent."""

    __slots__ = ("_config", "_env", "_outbox", "_over", "_owner", "_set_for", "_timer", "deadlines", "since")

    def __init__(self, config: Config, env: Env, outbox: Outbox, owner: Owner) -> None:
        now = self.since = env.monotonic()
        self._config = config
        self._env = env
        self._outbox = outbox
        self._owner = owner
        self._timer: Timer | None = None
        self._set_for = NEVER
        self._over = False
        self.deadlines = Deadlines(now, now, NEVER, NEVER, hello=now + config.limits.hello_timeout_s)
        self.set_mode("foreground")

    def set_mode(self, mode: Mode) -> int:
        """Put the heartbeat of `mode` in force; return it in whole seconds."""
        heartbeat = self._config.heartbeat
        background = mode == "background"
        seconds = heartbeat.background_s if background else heartbeat.foreground_s
        answer = heartbeat.answer_background_s if background else heartbeat.answer_foreground_s
        self.deadlines.set_mode(seconds * (1 - HEARTBEAT_JITTER * self._env.random()), answer)
        self.arm()
        return int(seconds)

    def token(self, claims: Claims) -> int:
        """Warn before this token expires and report when it did, grace included; return the seconds left."""
        now_s = self._env.now_ms() / 1000
        left = max(0.0, claims.expires_at_s - now_s)
        lifetime = claims.expires_at_s - (now_s if claims.issued_at_s is None else claims.issued_at_s)
        self.deadlines.token(self._env.monotonic(), left, max(left, lifetime), self._config.auth.grace_s)
        self.arm()
        return int(left)

    def token_left_s(self) -> float:
        """Return the seconds until the token in force expires."""
        return max(0.0, self.deadlines.expired - self._config.auth.grace_s - self._env.monotonic())

    def arm(self) -> None:
        """Set the timer if it would fire too late; one that fires early is set again.

        A timer of asyncio costs more than a look at the clock, and the deadline moves with nearly every call.
        """
        if self._over:
            return
        now = self._env.monotonic()
        at = self.deadlines.due(self._outbox.sent_at)[0]
        if self._outbox.pending:
            at = min(at, now + self._config.outbox.stall_s / STALL_LOOKS)
        if at < self._set_for:
            self._cancel()
            self._set_for = at
            self._timer = self._env.call_later(max(0.0, at - now), self._tick)

    def stop(self) -> None:
        """Fire no more: a connection that closes must not be called for overdue deadlines."""
        self._over = True
        self._cancel()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._set_for = None, NEVER

    def _tick(self) -> None:
        self._timer, self._set_for = None, NEVER
        now = self._env.monotonic()
        if self._outbox.pending and self._outbox.stalled(now):
            self._owner.on_stall()
            return
        at, what = self.deadlines.due(self._outbox.sent_at)
        try:
            if at <= now:
                self._owner.on_due(what)
        finally:
            # A connection without a timer would live for ever.
            self.arm()

"""The life cycle: from token to connection to backoff and round again (protocol.md, "States").

`Lifecycle` owns the phase and nothing else may assign it. It does not look into what a connection carries: a
`LifecycleDelegate` gives the hello, takes replies and pushes, and learns when it can work and when it cannot.
"""

import asyncio
import logging
import ssl
from typing import Protocol

from .captive_portal import is_portal
from .connection import HELLO_HEARTBEAT_S, Connection, Ending, open_connection
from .core.codec import CODECS
from .core.errors import ChatError, Closed, HandshakeFailed
from .core.limits import Limits
from .core.packets import HelloReply, Packet
from .core.states import Backoff, Phase, Then, Trigger, advance, close_rule
from .settings import Settings
from .tokens import TokenRejected, Tokens

VERSION = 1
"""Revision of the protocol this client speaks."""

log = logging.getLogger(__name__)


class LifecycleDelegate(Protocol):
    """The rest of the client, which works on a connection. All calls are synchronous and in the order of events."""

    def hello(self, token: str) -> Packet:
        """Return the hello packet."""
        ...

    def on_opened(self, connection: Connection) -> None:
        """Send more behind the hello, which is on its way."""
        ...

    def on_welcomed(self, connection: Connection, reply: HelloReply) -> None:
        """Take the hello reply; dropping the connection here refuses it."""
        ...

    def on_push(self, packet: Packet) -> None:
        """Take a push."""
        ...

    def on_lost(self, ending: Ending) -> None:
        """Handle the loss of the connection."""
        ...

    def on_phase(self, phase: Phase, closed: Closed | None) -> None:
        """Take the new phase; `closed` is the reason of STOPPED."""
        ...


class Lifecycle:
    """The loop that keeps one client connected while it should be."""

    def __init__(self, url: str, tokens: Tokens, settings: Settings, delegate: LifecycleDelegate) -> None:
        self.phase = Phase.STOPPED
        self.closed: Closed | None = None
        # The failure of the last attempt; None once one succeeded.
        self.trouble: Exception | None = None
        self.connection: Connection | None = None
        self.background = False
        self._url = url
        self._moved_to = ""
        self._tokens = tokens
        self._settings = settings
        self._delegate = delegate
        self._backoff = Backoff(settings.timing.backoff_base_s, settings.timing.backoff_calm_s)
        self._task: asyncio.Task[None] | None = None
        self._pause: asyncio.Future[bool] | None = None

    def start(self) -> None:
        """Leave STOPPED; anywhere else it does nothing."""
        if self.phase is Phase.STOPPED:
            self.closed = None
            self._run(Trigger.START)

    async def stop(self, code: int = 1000) -> None:
        """Move to STOPPED, after an ordinary close."""
        if self.phase is not Phase.STOPPED:
            await self._end(code)
            self._stopped(Closed(0, "stopped"))
        self._tokens.close()

    async def suspend(self) -> None:
        """Move to SUSPENDED: closed with 1001, and no timer until `wake` (protocol.md, "States")."""
        if self.phase not in (Phase.STOPPED, Phase.SUSPENDED):
            await self._end(1001)
            self._move(Trigger.SUSPEND)

    def wake(self) -> None:
        """Connect soon: the app is in front, or the network is back (protocol.md, "States")."""
        self._backoff.reset()
        if self.phase is Phase.SUSPENDED:
            self._run(Trigger.RESUME)
        elif self.phase is Phase.BACKOFF and self._pause is not None and not self._pause.done():
            self._pause.set_result(True)

    def revive(self) -> None:
        """Leave also a temporary STOPPED (4200, 4205): the app is in front."""
        if self.closed is not None and close_rule(self.closed.code).then is Then.STOP_UNTIL_FOREGROUND:
            self.start()
        self.wake()

    # The loop.

    def _run(self, trigger: Trigger) -> None:
        self._move(trigger)
        self._task = asyncio.create_task(self._live())

    async def _end(self, code: int) -> None:
        """Close the connection and end the loop; the phase is still the old one."""
        task, self._task = self._task, None
        if self.connection is not None and self.connection.alive:
            await self.connection.close(code)
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _live(self) -> None:
        try:
            while self._task is asyncio.current_task():
                await self._attempt()
        except TokenRejected:
            self._give_up(Closed(4101, "token_invalid"))
        except Exception:
            log.exception("the life cycle failed")
            self._give_up(Closed(1011, "internal"))

    async def _attempt(self) -> None:
        """Go from CONNECTING round to CONNECTING, or to STOPPED."""
        token = self._tokens.usable(self._now()) or await self._new_token()
        url = self._moved_to or self._url
        try:
            connection = await open_connection(
                url, CODECS[self._settings.encoding](), self._settings, self._delegate.on_push
            )
        except OSError as error:
            log.info("cannot connect to %s: %r", url, error)
            self.trouble = error
            # If the server had moved this client to it, the old address knows better by now.
            self._moved_to = ""
            await self._wait_out(url, error)
            return
        ending = await self._serve(connection, token)
        self._backoff.lost(self._now())
        # Otherwise `stop` or `suspend` ended it.
        if self._task is asyncio.current_task():
            await self._follow(ending)

    async def _follow(self, ending: Ending) -> None:
        """Carry out the rule of the close code (protocol.md, "Close codes")."""
        rule = close_rule(ending.code)
        if rule.our_bug:
            log.error("closed with %s %s: a fault of this client", ending.code, ending.reason or rule.reason)
            self._backoff.to_cap(self._cap_s())
        if rule.then is Then.RECONNECT:
            await self._wait(self._delay_s(ending.retry_after_s))
        elif rule.then is Then.NEW_TOKEN:
            again = self._tokens.refused(ending.code)
            # A token signed sooner would be no better.
            wait_s = ending.retry_after_s
            await self._new_token(self._delay_s(wait_s) if again or wait_s else 0.0)
        else:
            self._give_up(Closed(ending.code, ending.reason or rule.reason, ending.retry_after_s))

    async def _new_token(self, delay_s: float = 0.0) -> str:
        """Stay in NEED_TOKEN until the app returns a token that may be used."""
        self._move(Trigger.WANTS_TOKEN)
        while True:
            await self._sleep(delay_s)
            try:
                token = await self._tokens.fetch()
            except TokenRejected:
                raise
            except Exception as error:
                # Whatever the callback of the app raises: it is called again, more and more slowly.
                log.warning("no token: %r", error)
                self.trouble = error
                delay_s = self._delay_s()
            else:
                self._move(Trigger.TOKEN)
                return token

    async def _serve(self, connection: Connection, token: str) -> Ending:
        """Say hello and work until the connection ends."""
        self.connection, ending = connection, Ending()
        refusals: list[Ending] = []
        try:
            hello = self._delegate.hello(token)
            connection.ask(hello, lambda answer: self._welcomed(connection, answer, refusals))
            self._move(Trigger.OPENED)
            self._delegate.on_opened(connection)
            ending = await connection.run()
        except Exception:
            log.exception("a packet could not be handled")
        finally:
            # A bye or close code is authoritative; without one the refusal of the hello is the best there is.
            ending = refusals[0] if refusals and ending.code == 0 else ending
            self.connection, self._moved_to = None, ending.to or self._moved_to
            self._delegate.on_lost(ending)
        return ending

    def _welcomed(
        self, connection: Connection, answer: HelloReply | ChatError | None, refusals: list[Ending]
    ) -> None:
        if isinstance(answer, ChatError):
            log.warning("hello refused: %s", answer)
            self.trouble = answer
            refusals.append(_refusal(answer))
        elif answer is not None:
            limits = Limits.from_packet(answer.get("limits", {}))
            connection.accepted(answer.get("heartbeat", HELLO_HEARTBEAT_S), limits)
            self._tokens.accepted(answer.get("token_ttl", float("inf")), self._now())
            self._backoff.ready(self._now())
            self.trouble = None
            self._delegate.on_welcomed(connection, answer)
            if connection.alive:
                self._move(Trigger.WELCOME)

    # Waiting.

    async def _wait_out(self, url: str, error: Exception) -> None:
        """Back off, or wait behind a captive portal, which is no reason to back off further (protocol.md, "Rules for
        mobile clients")."""
        timing, strange = self._settings.timing, isinstance(error, (ssl.SSLError, HandshakeFailed))
        retry_after_s = error.retry_after_s if isinstance(error, HandshakeFailed) else 0.0
        if strange and not retry_after_s and await is_portal(url, self._settings.ssl, timing.open_s):
            await self._wait(timing.portal_wait_s)
        else:
            await self._wait(self._delay_s(retry_after_s))

    async def _wait(self, delay_s: float) -> None:
        self._move(Trigger.DROPPED)
        await self._sleep(delay_s)
        self._move(Trigger.TIMER)

    async def _sleep(self, delay_s: float) -> None:
        """Sleep unless `wake` ends it: then for a last random moment, so that not all clients come at once."""
        if delay_s > 0 and await self._pause_for(delay_s):
            await self._pause_for(self._settings.env.random() * self._settings.timing.wake_jitter_s)

    async def _pause_for(self, delay_s: float) -> bool:
        """Sleep for `wait_s` or until `wake`; return whether it was cut short."""
        pause: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._pause = pause
        timer = self._settings.env.call_later(delay_s, lambda: _finish(pause))
        try:
            await pause
        finally:
            timer.cancel()
            self._pause = None
        return pause.result()

    def _delay_s(self, at_least_s: float = 0.0) -> float:
        return self._backoff.delay_s(self._settings.env.random(), self._cap_s(), at_least_s)

    def _cap_s(self) -> float:
        timing = self._settings.timing
        return timing.backoff_background_cap_s if self.background else timing.backoff_cap_s

    def _now(self) -> float:
        return self._settings.env.monotonic()

    # The phase.

    def _move(self, trigger: Trigger) -> None:
        self.phase = advance(self.phase, trigger)
        self._delegate.on_phase(self.phase, self.closed)

    def _give_up(self, closed: Closed) -> None:
        self._task = None
        self._stopped(closed)

    def _stopped(self, closed: Closed) -> None:
        self.closed = closed
        self._move(Trigger.STOP)


HELLO_REFUSALS = {"token_expired": 4100, "token_invalid": 4101, "bad_cursor": 4005}
RETRY_CODES = {"after_auth": 4100, "never": 4204}


def _refusal(error: ChatError) -> Ending:
    """Return a refused hello as the close it amounts to."""
    code = HELLO_REFUSALS.get(error.name) or RETRY_CODES.get(error.retry, 0)
    return Ending(code, error.name, (error.retry_after or 0) / 1000)


def _finish(pause: "asyncio.Future[bool]") -> None:
    if not pause.done():
        pause.set_result(False)

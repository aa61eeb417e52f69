"""A hello that is being decided, and the packets that come behind it."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chatd.commands.connection import HelloRejected
from chatd.commands.context import Context, Session, Welcome
from chatd.commands.hello import hello
from chatd.protocol import close_codes
from chatd.protocol.codec import Invalid
from chatd.protocol.connection import Hello
from chatd.protocol.envelope import Request
from chatd.protocol.errors import ChatError
from chatd.writer.writer import BatchAbort

log = logging.getLogger(__name__)


class Greeted(Session, Protocol):
    """The session that said hello."""

    def turn_away(self, id: int, error: ChatError, code: int = 0) -> None:
        """Answer a hello with an error, and end."""

    def welcome(self, id: int, welcome: Welcome) -> None:
        """Answer a hello, and begin."""


@dataclass(slots=True)
class Held:
    """A packet that came behind a hello that is still being decided."""

    packet: Request | Invalid
    batch_abort: BatchAbort


class Greeting:
    """Decides a hello, and tells the session. `keep` holds on to the task; `held` waits for the reply."""

    __slots__ = ("_session", "_task", "held")

    def __init__(
        self,
        ctx: Context,
        session: Greeted,
        request: Hello,
        keep: Callable[[asyncio.Future[None]], asyncio.Future[None]],
    ) -> None:
        self.held: list[Held] = []
        self._session = session
        self._task = keep(asyncio.ensure_future(self._decide(ctx, request)))

    def hold(self, packet: Request | Invalid, batch_abort: BatchAbort) -> None:
        """One more packet came."""
        self.held.append(Held(packet, batch_abort))

    def stop(self) -> None:
        """Decide nothing any more: that must not subscribe a connection that is over, nor replace a living one."""
        if self._task is not asyncio.current_task():
            self._task.cancel()

    async def _decide(self, ctx: Context, request: Hello) -> None:
        session = self._session
        try:
            welcome = await hello(ctx, session, request)
        except HelloRejected as rejected:
            session.turn_away(request.id, rejected.refusal, rejected.code)
        except ChatError as error:
            session.turn_away(request.id, error)
        except Exception:
            log.exception("session %s: hello failed", session.name)
            session.turn_away(request.id, ChatError("internal"), close_codes.INTERNAL)
        else:
            session.welcome(request.id, welcome)

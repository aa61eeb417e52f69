"""A hello that is being decided, and the packets that came after it."""

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
from chatd.writer.batch_abort import BatchAbort

log = logging.getLogger(__name__)


class GreetingSession(Session, Protocol):
    """The session that sent a hello."""

    def reject_hello(self, id: int, error: ChatError, code: int = 0) -> None:
        """Answer a hello with an error, and close."""

    def welcome(self, id: int, welcome: Welcome) -> None:
        """Answer a hello, and become ready."""


@dataclass(slots=True)
class HeldPacket:
    """A packet that came while a hello was being decided."""

    packet: Request | Invalid
    batch_abort: BatchAbort


class Greeting:
    """The decision of a hello, as a task. `keep` holds on to the task; `held`: packets to handle after the reply."""

    __slots__ = ("_session", "_task", "held")

    def __init__(
        self,
        ctx: Context,
        session: GreetingSession,
        request: Hello,
        keep: Callable[[asyncio.Future[None]], asyncio.Future[None]],
    ) -> None:
        self.held: list[HeldPacket] = []
        self._session = session
        self._task = keep(asyncio.ensure_future(self._decide(ctx, request)))

    def hold(self, packet: Request | Invalid, batch_abort: BatchAbort) -> None:
        """Keep a packet until the reply is out."""
        self.held.append(HeldPacket(packet, batch_abort))

    def stop(self) -> None:
        """Cancel the task: it must not subscribe a connection that is over, nor replace a living one."""
        if self._task is not asyncio.current_task():
            self._task.cancel()

    async def _decide(self, ctx: Context, request: Hello) -> None:
        session = self._session
        try:
            welcome = await hello(ctx, session, request)
        except HelloRejected as rejected:
            session.reject_hello(request.id, rejected.refusal, rejected.code)
        except ChatError as error:
            session.reject_hello(request.id, error)
        except Exception:
            log.exception("session %s: hello failed", session.name)
            session.reject_hello(request.id, ChatError("internal"), close_codes.INTERNAL)
        else:
            session.welcome(request.id, welcome)

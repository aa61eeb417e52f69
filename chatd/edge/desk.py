"""Carries out what one ready connection asks: checks, dispatch by the command table, how much is under way."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from chatd.core.rates import Abuse, Meter
from chatd.edge.gate import Gate
from chatd.handlers.context import Context, Session
from chatd.handlers.registry import COMMANDS, Command
from chatd.handlers.writer import Guard, Submission, aborted
from chatd.protocol import closes
from chatd.protocol.codec import Invalid, with_host_data
from chatd.protocol.errors import ChatError, Refused
from chatd.protocol.replies import Ok
from chatd.protocol.requests import Request, Send

log = logging.getLogger(__name__)

ABUSE_RETRY_MS = 30_000  # protocol.md "Rate limits": at least this much after abuse


class Desk:
    """The requests of one session. Every one that has an id is answered exactly once, through the session."""

    __slots__ = ("_abuse", "_answering", "_ctx", "_flight", "_gate", "_meter", "_session", "_waiting")

    def __init__(self, ctx: Context, gate: Gate, session: Session) -> None:
        self._ctx = ctx
        self._gate = gate
        self._session = session
        self._flight = 0
        self._answering = False
        self._waiting: list[tuple[int, Coroutine[Any, Any, Ok | None]]] = []  # at most `limits.in_flight`
        self._meter = Meter(gate.requests)
        self._abuse: Abuse | None = None

    @property
    def full(self) -> bool:
        """As much is under way as may be: nothing more is read from the socket."""
        return self._flight >= self._ctx.config.limits.in_flight

    def handle(self, request: Request | Invalid, guard: Guard | None) -> None:
        """Carry one packet out, or say why not. `guard` belongs to its batch frame, if it came in one."""
        place = guard.next() if guard is not None and isinstance(request, Send) else 0
        try:
            if isinstance(request, Invalid):
                raise request.refusal
            if guard is not None and isinstance(request, Send) and guard.aborts(request.room, place):
                raise aborted()
            command = COMMANDS.get(type(request))
            if command is None:
                raise Refused("bad_request", "hello comes once, first", field="type")
            self._check(request, command)
            request = with_host_data(request, self._session.text)
            if command.handler is None:
                self._submit(request, guard if place else None, place)
                return
            answer = command.handler(self._ctx, self._session, request)
        except ChatError as error:
            if guard is not None and isinstance(request, Send) and error.retry != "never":
                guard.fail(request.room, place)
            self._refuse(request.id, error)
            return
        except Exception:  # of this request alone: the connection lives, or it would be sent again on each
            self._refuse(request.id, self._defect())
            return
        if isinstance(answer, Ok):
            self._session.answer(request.id, answer)
        elif answer is not None:
            self._start(request.id, answer)

    def settled(self, id: int, reply: Ok | ChatError) -> None:
        """The writer's answer to a submission."""
        self._land()
        self._session.answer(id, reply)

    def go_on(self) -> None:
        """Prepare the next answer that has to be read from the store, if the peer takes what it is sent.

        One at a time: whoever asks for many pages and reads none costs the memory of one.
        """
        if self._waiting and not self._answering and self._session.takes:
            self._answering = True
            self._gate.keep(asyncio.ensure_future(self._await(*self._waiting.pop(0))))

    def leave(self) -> None:
        """The connection is over: nobody hears the answers that were not begun."""
        waiting, self._waiting = self._waiting, []
        for _, answer in waiting:
            answer.close()

    def _check(self, request: Request, command: Command) -> None:
        """Rates and the token's permissions, before anything else is looked at."""
        if not command.free:
            room = self._own_room(request) if command.writes else None
            self._gate.allow(self._session.user, self._meter, request, command, room)
        if command.allow and command.allow not in self._session.claims.allow:
            raise Refused("forbidden", f"the token does not allow {command.allow}")

    def _own_room(self, request: Request) -> str | None:
        """The room a request names, when its user is in it. One that sleeps is not busy, either."""
        room = self._ctx.rooms.registry.rooms.get(getattr(request, "room", ""))
        return room.name if room is not None and self._session.user in room.members else None

    def _refuse(self, id: int, error: ChatError) -> None:
        self._session.answer(id, error)
        if id and error.code == "rate_limited":
            self._count_abuse(error.retry_after or 0)

    def _count_abuse(self, retry_after_ms: int) -> None:
        rates = self._ctx.config.rates
        if self._abuse is None:
            self._abuse = Abuse()
        now = self._session.vitals.received
        self._abuse.refused(now, retry_after_ms / 1000, rates.abuse_grace_s, rates.abuse_window_s)
        if self._abuse.count >= rates.abuse_refusals:
            self._session.close(closes.RATE_ABUSE, retry_after=max(ABUSE_RETRY_MS, retry_after_ms))

    def _submit(self, request: Request, guard: Guard | None, place: int) -> None:
        self._depart()
        session = self._session
        self._ctx.writer.submit(
            Submission(session.user, request, asker=session, id=request.id, guard=guard, place=place)
        )

    def _start(self, id: int, answer: Coroutine[Any, Any, Ok | None]) -> None:
        self._depart()
        self._waiting.append((id, answer))
        self.go_on()

    async def _await(self, id: int, answer: Coroutine[Any, Any, Ok | None]) -> None:
        """Answer when the handler is done; what is not a ChatError is our bug."""
        try:
            reply: Ok | ChatError | None = await answer
        except ChatError as error:
            reply = error
        except Exception:
            reply = self._defect()
        self._answering = False
        self._land()
        if reply is not None:
            self._session.answer(id, reply)
        self.go_on()

    def _defect(self) -> ChatError:
        """What is answered when the exception being handled is our bug."""
        self._ctx.counters.defects += 1
        log.exception("session %s: a handler failed", self._session.name)
        return ChatError("internal", "outcome unknown, retry")

    def _depart(self) -> None:
        """One more request is under way; beyond the limit the socket is not read."""
        self._flight += 1
        if self._flight == self._ctx.config.limits.in_flight:
            self._session.pause_reading()

    def _land(self) -> None:
        self._flight -= 1
        if self._flight == self._ctx.config.limits.in_flight - 1:
            self._session.resume_reading()

"""The requests of one ready connection: checks, dispatch by the command table, the limit of requests under way."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from chatd.commands.context import CHANGES, Change, Command, Context, Session
from chatd.core.rates import SLOW, Abuse, TokenBucket
from chatd.core.restrictions import check_spoken, is_paced
from chatd.core.users import Restriction
from chatd.delivery.encoding import JSON
from chatd.env import Timer
from chatd.protocol import close_codes
from chatd.protocol.codec import Invalid, with_host_data
from chatd.protocol.envelope import Ok, Request
from chatd.protocol.errors import ChatError, Refused
from chatd.protocol.messages import Send
from chatd.session.rate_limits import RateLimits
from chatd.writer.batch_abort import BatchAbort
from chatd.writer.submission import Submission, aborted

log = logging.getLogger(__name__)

# Bytes are charged in portions, so that a small frame costs nearly nothing to charge.
PORTION_BYTES = 8192
# A packet is charged as so many bytes more: the smallest takes as long as so many bytes of a large one.
PACKET_BYTES = 256
# At least this much after abuse (protocol.md "Rates").
ABUSE_RETRY_MS = 30_000


class Dispatcher:
    """The requests of one session. Each that has an id is answered exactly once, through the session."""

    __slots__ = (
        "_abuse",
        "_answering",
        "_bucket",
        "_bytes",
        "_ctx",
        "_in_flight",
        "_rate_limits",
        "_read_pause",
        "_restriction",
        "_session",
        "_uncharged",
        "_waiting",
    )

    def __init__(self, ctx: Context, rate_limits: RateLimits, session: Session) -> None:
        self._ctx = ctx
        self._rate_limits = rate_limits
        self._session = session
        self._in_flight = 0
        self._answering = False
        # At most `limits.in_flight` of them.
        self._waiting: list[tuple[int, Coroutine[Any, Any, Ok | Change | None]]] = []
        self._bucket = TokenBucket(rate_limits.requests)
        self._bytes = TokenBucket(rate_limits.bytes)
        self._uncharged = 0
        self._read_pause: Timer | None = None
        self._abuse: Abuse | None = None
        self._restriction: Restriction | None = None

    @property
    def full(self) -> bool:
        """Whether nothing more is read from the socket: as much is under way as may be, or it came too fast."""
        return self._read_pause is not None or self._in_flight >= self._ctx.config.limits.in_flight

    def charge_frame(self, frame_bytes: int, packets: int) -> None:
        """Charge a frame, whatever it holds; above the rate nothing is read from the socket for a while."""
        self._uncharged += frame_bytes + packets * PACKET_BYTES
        if self._uncharged < PORTION_BYTES:
            return
        wait_s = self._rate_limits.charge(self._bytes, self._session.user, self._uncharged)
        self._uncharged = 0
        if wait_s:
            self._cancel_read_pause()
            self._read_pause = self._ctx.env.call_later(wait_s, self._end_read_pause)
            self._session.pause_reading()

    def handle(self, packet: Request | Invalid, batch_abort: BatchAbort | None) -> None:
        """Carry out one packet, or refuse it. `batch_abort`: of its batch frame, if it came in one."""
        place = batch_abort.next() if batch_abort is not None and isinstance(packet, Send) else 0
        try:
            if (
                batch_abort is not None
                and isinstance(packet, Send)
                and batch_abort.aborts(packet.room, place)
            ):
                raise aborted()
            request, command = self._admit(packet)
            if command.handler is None:
                self._submit(request, batch_abort if place else None, place)
                return
            answer = command.handler(self._ctx, self._session, request)
        except ChatError as error:
            if batch_abort is not None and isinstance(packet, Send) and error.retry != "never":
                batch_abort.fail(packet.room, place)
            self._refuse(packet.id, error)
            return
        except Exception:
            # The connection stays open, or the client would send the request again on the next one.
            self._refuse(packet.id, self._defect())
            return
        if isinstance(answer, Ok):
            self._session.answer(request.id, answer)
        elif isinstance(answer, CHANGES):
            self._session.answer(request.id, self._session.become(answer))
        elif answer is not None:
            self._start(request.id, answer)

    def on_reply(self, id: int, reply: Ok | ChatError) -> None:
        """Answer with the writer's reply to a submission."""
        self._end()
        self._session.answer(id, reply)

    def restrain(self, restriction: Restriction | None) -> None:
        """Put a restriction of the user in force, or none."""
        self._restriction = restriction

    def resume(self) -> None:
        """Prepare the next reply that is read from the store, if the peer takes what it is sent.

        One at a time: a peer that asks for many pages and reads none costs the memory of one.
        """
        if self._waiting and not self._answering and self._session.accepts_replies:
            self._answering = True
            self._rate_limits.keep_task(asyncio.ensure_future(self._await(*self._waiting.pop(0))))

    def close(self) -> None:
        """Drop the replies that were not begun: the connection is over."""
        waiting, self._waiting = self._waiting, []
        for _, answer in waiting:
            answer.close()
        self._cancel_read_pause()

    def _end_read_pause(self) -> None:
        self._read_pause = None
        self._session.resume_reading()

    def _cancel_read_pause(self) -> None:
        if self._read_pause is not None:
            self._read_pause.cancel()
            self._read_pause = None

    def _admit(self, packet: Request | Invalid) -> tuple[Request, Command]:
        """Return the request and its command when rates and the token allow it. Every packet counts against rates."""
        command = None if isinstance(packet, Invalid) else self._ctx.commands.get(type(packet))
        room = self._own_room(packet) if command is not None and command.writes else None
        identity = self._session.identity
        self._rate_limits.allow(identity.user, self._bucket, packet, command, room)
        if isinstance(packet, Invalid):
            raise packet.refusal
        if command is None:
            raise Refused("bad_request", "hello comes once, first", field="type")
        if command.allow and command.allow not in identity.claims.allow:
            raise Refused("forbidden", f"the token does not allow {command.allow}")
        if self._restriction is not None:
            self._check_restriction(self._restriction, packet)
        if command.feature and command.feature not in self._ctx.features:
            raise Refused("not_supported", f"{command.feature} is switched off here")
        request = with_host_data(packet, self._session.encoding == JSON, self._ctx.config.limits.body_bytes)
        return request, command

    def _check_restriction(self, restriction: Restriction, request: Request) -> None:
        """Refuse what a restriction of the user keeps them from."""
        now_ms = self._ctx.env.now_ms()
        check_spoken(restriction, request, now_ms)
        if is_paced(restriction, request, now_ms):
            self._rate_limits.allow_slowly(self._session.identity.user)

    def _own_room(self, request: Request | Invalid) -> str | None:
        """Return the room of a request when its user is in it. One that is not in memory is not busy, either, and what
        followers of a channel do keeps its staff from nothing.
        """
        room = self._ctx.rooms.cache.rooms.get(getattr(request, "room", ""))
        member = None if room is None else room.member(self._session.identity.user)
        if room is None or member is None or (room.is_channel and member.role == "member"):
            return None
        return room.name

    def _refuse(self, id: int, error: ChatError) -> None:
        self._session.answer(id, error)
        # A slow pace is not kept by counting: a client that shows it to its user tries now and then.
        if error.code == "rate_limited" and error.scope != SLOW:
            self._count_abuse(error.retry_after or 0)

    def _count_abuse(self, retry_after_ms: int) -> None:
        rates = self._ctx.config.rates
        if self._abuse is None:
            self._abuse = Abuse()
        now = self._ctx.env.monotonic()
        self._abuse.refused(now, retry_after_ms / 1000, rates.abuse_grace_s, rates.abuse_window_s)
        if self._abuse.count >= rates.abuse_refusals:
            self._session.close(close_codes.RATE_ABUSE, retry_after=max(ABUSE_RETRY_MS, retry_after_ms))

    def _submit(self, request: Request, batch_abort: BatchAbort | None, place: int) -> None:
        self._begin()
        session = self._session
        self._ctx.submit(
            Submission(
                session.identity.user,
                request,
                requester=session,
                id=request.id,
                batch_abort=batch_abort,
                place=place,
            )
        )

    def _start(self, id: int, answer: Coroutine[Any, Any, Ok | Change | None]) -> None:
        self._begin()
        self._waiting.append((id, answer))
        self.resume()

    async def _await(self, id: int, answer: Coroutine[Any, Any, Ok | Change | None]) -> None:
        """Answer when the handler is done."""
        try:
            reply: Ok | Change | ChatError | None = await answer
            if isinstance(reply, CHANGES):
                reply = self._session.become(reply)
        except ChatError as error:
            reply = error
        except Exception:
            reply = self._defect()
        self._answering = False
        self._end()
        if reply is not None:
            self._session.answer(id, reply)
        self.resume()

    def _defect(self) -> ChatError:
        """Log and count the exception being handled, which is a defect; return the reply to its request."""
        self._ctx.counters.defects += 1
        log.exception("session %s: a handler failed", self._session.name)
        return ChatError("internal", "outcome unknown, retry")

    def _begin(self) -> None:
        """Count one more request under way; at the limit the socket is not read."""
        self._in_flight += 1
        if self._in_flight == self._ctx.config.limits.in_flight:
            self._session.pause_reading()

    def _end(self) -> None:
        self._in_flight -= 1
        if self._in_flight == self._ctx.config.limits.in_flight - 1:
            self._session.resume_reading()

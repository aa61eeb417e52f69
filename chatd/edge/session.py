"""One connection of one device: its phase, its requests, its one timer. The only place that turns errors into
replies and closes. It knows packets, not sockets: a `Wire` carries the bytes.
"""

import asyncio
import logging
from base64 import urlsafe_b64encode
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from chatd.core.admin import SeeDevice
from chatd.core.cursors import cursor_of
from chatd.core.heartbeat import NEVER, Due, Vitals
from chatd.core.live import Audience
from chatd.core.phases import Happening, Phase, advance
from chatd.core.rates import Abuse, Meter
from chatd.edge.backlog import Backlog
from chatd.edge.gate import Gate
from chatd.edge.outbox import Outbox
from chatd.edge.packets import JSON, MSGPACK, frame_of, head_push
from chatd.edge.pulse import Pulse
from chatd.edge.wire import Wire
from chatd.handlers.connection import HELLO_CLOSES, Turned, hello
from chatd.handlers.context import Context
from chatd.handlers.registry import COMMANDS, Command
from chatd.handlers.writer import Guard, Submission, aborted
from chatd.ports import Claims
from chatd.protocol import closes
from chatd.protocol.codec import Invalid, decode_request, split
from chatd.protocol.errors import Broken, ChatError, Refused
from chatd.protocol.objects import Mode
from chatd.protocol.pushes import ByePush, PingPush, TokenExpiringPush
from chatd.protocol.replies import Error, Ok
from chatd.protocol.requests import Hello, Request, Send

log = logging.getLogger(__name__)

NOBODY = Claims(user="", expires_at_s=0.0)
ABUSE_RETRY_MS = 30_000  # protocol.md "Rate limits": at least this much after abuse


@dataclass(slots=True)
class Held:
    """A packet that came behind a hello that is still being decided."""

    packet: Request | Invalid
    guard: Guard


class Session:
    """One connection. Handlers, audiences and presence know it under their own Protocols."""

    __slots__ = (
        "_abuse",
        "_ctx",
        "_flight",
        "_gate",
        "_greeting",
        "_held",
        "_meter",
        "_phase",
        "_pulse",
        "_wire",
        "address",
        "claims",
        "departed",
        "device",
        "focus",
        "mode",
        "muted",
        "name",
        "outbox",
        "receipts",
        "rooms",
        "text",
        "user",
        "variant",
        "vitals",
    )

    vitals: Vitals
    _pulse: Pulse

    def __init__(self, ctx: Context, gate: Gate) -> None:
        self._ctx = ctx
        self._gate = gate
        self._phase = Phase.ACCEPTED
        self._wire: Wire | None = None
        self._flight = 0
        self._held: deque[Held] = deque()
        self._greeting: asyncio.Future[None] | None = None
        self._meter = Meter(gate.requests)
        self._abuse: Abuse | None = None
        self.name = urlsafe_b64encode(ctx.env.random_bytes(6)).decode()
        self.user = ""
        self.device = ""
        self.claims = NOBODY
        self.mode: Mode = "foreground"
        self.receipts = True
        self.rooms: dict[int, Audience] = {}
        self.focus: set[int] = set()
        self.muted: dict[int, int] = {}
        self.departed: set[int] = set()
        self.outbox: Outbox | Backlog = Backlog(ctx.config.outbox.lag_bytes)

    # --- what the wire says

    def opened(self, wire: Wire) -> None:
        self._wire = wire
        self.text = wire.text
        self.variant = JSON if wire.text else MSGPACK
        self.address = wire.address
        self._pulse = Pulse(
            self._ctx.config,
            self._ctx.env,
            on_due=self._due,
            on_stall=self._stuck,
            blocked=self._blocked,
            stalled=self._stalled,
        )
        self.vitals = self._pulse.vitals

    def received(self, payload: bytes) -> None:
        self.vitals.heard(self._ctx.env.monotonic())
        if self._phase is Phase.CLOSING:
            return
        try:
            self._take(payload)
        except Broken as broken:
            self._gate.broken(self, broken)
            self.close(broken.code)

    def writing_blocked(self) -> None:
        if isinstance(self.outbox, Outbox):
            self.outbox.blocked()
        self._pulse.arm()

    def writing_resumed(self) -> None:
        if isinstance(self.outbox, Outbox):
            self.outbox.resumed()

    def closed(self, code: int) -> None:
        self._phase = advance(self._phase, Happening.CLOSE)
        self._pulse.stop()
        self._held.clear()
        self._stop_greeting()
        if isinstance(self.outbox, Outbox):
            self.outbox.close()
        self._ctx.live.exit(self)
        if self.user:
            self._ctx.presence.down(self)
            self._ctx.writer.submit(Submission(self.user, SeeDevice(self.device, left=True)))
        self._gate.ended(self, code)
        self._wire = None

    @property
    def frame_bytes_max(self) -> int:
        limits = self._ctx.config.limits
        return limits.hello_frame_bytes if self._phase is Phase.ACCEPTED else limits.frame_bytes

    # --- requests

    def _take(self, payload: bytes) -> None:
        """Handle the packets of one frame, in order."""
        guard: Guard | None = None
        packets = split(payload, self.text)
        if len(packets) > 1:
            guard = Guard()
        for packet in packets:
            request = decode_request(packet, self.text)
            if self._phase is Phase.READY:
                self._handle(request, guard)
            elif self._phase is Phase.ACCEPTED:
                self._greet(request)
            elif self._phase is Phase.GREETING:
                self._held.append(Held(request, guard or Guard()))

    def _handle(self, request: Request | Invalid, guard: Guard | None) -> None:
        """Carry one packet out, or say why not."""
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
            if command.handler is None:
                self._submit(request, guard if place else None, place)
                return
            answer = command.handler(self._ctx, self, request)
        except ChatError as error:
            if guard is not None and isinstance(request, Send) and error.retry != "never":
                guard.fail(request.room, place)
            self._refuse(request.id, error)
            return
        if answer is None or isinstance(answer, Ok):
            if isinstance(answer, Ok):
                self.answer(request.id, answer)
        else:
            self._start(request.id, answer)

    def _check(self, request: Request, command: Command) -> None:
        """Rates and the token's permissions, before anything else is looked at."""
        if not command.free:
            self._gate.allow(self, self._meter, request, command)
        if command.allow not in self.claims.allow:
            raise Refused("forbidden", f"the token does not allow {command.allow}")

    def _refuse(self, id: int, error: ChatError) -> None:
        self.answer(id, error)
        if id and error.code == "rate_limited":
            self._count_abuse(error)

    def _count_abuse(self, error: ChatError) -> None:
        rates = self._ctx.config.rates
        if self._abuse is None:
            self._abuse = Abuse()
        self._abuse.refused(self.vitals.received, (error.retry_after or 0) / 1000, rates.abuse_window_s)
        if self._abuse.count >= rates.abuse_refusals or self._abuse.ignored >= rates.abuse_ignored:
            self.close(closes.RATE_ABUSE, retry_after=max(ABUSE_RETRY_MS, error.retry_after or 0))

    def _submit(self, request: Request, guard: Guard | None, place: int) -> None:
        self._depart()
        self._ctx.writer.submit(
            Submission(self.user, request, asker=self, id=request.id, guard=guard, place=place)
        )

    def _start(self, id: int, answer: Awaitable[Ok | None]) -> None:
        self._depart()
        task = asyncio.ensure_future(self._await(id, answer))
        self._gate.tasks.add(task)
        task.add_done_callback(self._gate.tasks.discard)

    async def _await(self, id: int, answer: Awaitable[Ok | None]) -> None:
        """Answer when the handler is done; what is not a ChatError is our bug."""
        try:
            reply: Ok | ChatError | None = await answer
        except ChatError as error:
            reply = error
        except Exception:
            log.exception("session %s: a handler failed", self.name)
            reply = ChatError("internal", "outcome unknown, retry")
        if reply is None:
            self._land()
        else:
            self.answer(id, reply, landed=True)

    def _depart(self) -> None:
        """One more request is under way; beyond the limit the socket is not read."""
        self._flight += 1
        if self._flight == self._ctx.config.limits.in_flight and self._wire is not None:
            self._wire.pause_reading()

    def _land(self) -> None:
        self._flight -= 1
        if self._flight == self._ctx.config.limits.in_flight - 1 and self._wire is not None:
            self._wire.resume_reading()

    # --- hello

    def _greet(self, request: Request | Invalid) -> None:
        """The first packet: hello, or the end."""
        if isinstance(request, Invalid):
            self._turn_away(request.id, request.refusal, closes.PROTOCOL)
            return
        if not isinstance(request, Hello):
            raise Broken(closes.PROTOCOL, "the first packet is hello")
        if not request.id:
            raise Broken(closes.PROTOCOL, "a hello has an id")
        self._phase = advance(self._phase, Happening.HELLO)
        self.vitals.hello = NEVER
        assert self._wire is not None
        self._wire.pause_reading()
        self._greeting = asyncio.ensure_future(self._decide_hello(request))
        self._gate.tasks.add(self._greeting)
        self._greeting.add_done_callback(self._gate.tasks.discard)

    def _stop_greeting(self) -> None:
        """A hello still being decided must not seat a connection that is over, nor replace a living one."""
        if self._greeting is not None and self._greeting is not asyncio.current_task():
            self._greeting.cancel()

    async def _decide_hello(self, request: Hello) -> None:
        try:
            self._gate.allow_address(self.address)
            reply = await hello(self._ctx, self, request)
        except Turned as turned:
            self._turn_away(request.id, turned.refusal, turned.code)
        except ChatError as error:
            self._turn_away(request.id, error, HELLO_CLOSES.get(error.code, closes.PROTOCOL))
        except Exception:
            log.exception("session %s: hello failed", self.name)
            self._turn_away(request.id, ChatError("internal"), closes.INTERNAL)
        else:
            self._welcome(request.id, reply)

    def admit_user(self, user: str) -> None:
        """Called by the handler once the token is verified: the rate of the user, and out of the waiting room."""
        self._gate.allow_user(user, self._wire)

    def _turn_away(self, id: int, error: ChatError, code: int) -> None:
        if self._wire is None or self._phase is Phase.CLOSING:
            return
        self.outbox = self._real_outbox(self._wire)
        if id:
            self._push(Error.of(id, error))
        self.close(code, retry_after=error.retry_after)

    def _welcome(self, id: int, reply: Ok) -> None:
        """Reply, then what was published meanwhile, then what came behind the hello."""
        if self._wire is None or self._phase is Phase.CLOSING:
            return
        backlog = self.outbox
        self.outbox = self._real_outbox(self._wire)
        self._phase = advance(self._phase, Happening.HELLO_OK)
        self._greeting = None
        reply.id = id
        self._push(reply)
        if isinstance(backlog, Backlog):
            backlog.replay(self.outbox)
        self.departed.clear()
        while self._held and self._phase is Phase.READY:
            held = self._held.popleft()
            self._handle(held.packet, held.guard)
        if self._wire is not None and self._flight < self._ctx.config.limits.in_flight:
            self._wire.resume_reading()

    def _real_outbox(self, wire: Wire) -> Outbox:
        minimum = self._ctx.config.delivery.deflate_min_bytes
        return Outbox(
            wire,
            self._ctx.config.outbox,
            head_frame=lambda heads: frame_of(head_push(heads), self.variant, minimum),
            overflow=self._overflowed,
        )

    # --- what is sent

    def answer(self, id: int, reply: Ok | ChatError, *, landed: bool = False) -> None:
        """Send the one reply to request `id`; nothing when it wanted none."""
        if landed:
            self._land()
        if not id or self._phase is Phase.CLOSING:
            return
        if isinstance(reply, ChatError):
            self._gate.refused(reply)
            self._push(Error.of(id, reply))
        else:
            reply.id = id
            self._push(reply)

    def settled(self, id: int, reply: Ok | ChatError) -> None:
        """The writer's answer to a submission of this session."""
        self.answer(id, reply, landed=True)

    def push(self, packet: Any) -> None:
        """Send a packet that must not be lost while the connection lives."""
        if self._phase is not Phase.CLOSING:
            self._push(packet)

    def _push(self, packet: Any) -> None:
        self.vitals.sent = self._ctx.env.monotonic()
        frame = frame_of(packet, self.variant, self._ctx.config.delivery.deflate_min_bytes)
        self._ctx.counters.frames_sent += 1
        self._ctx.counters.bytes_sent += len(frame)
        self.outbox.send(frame)

    def close(self, code: int, *, retry_after: int | None = None) -> None:
        """`bye`, then the close frame; nothing is handled or sent after it."""
        if self._phase is Phase.CLOSING or self._wire is None:
            return
        if isinstance(self.outbox, Backlog):
            self.outbox = self._real_outbox(self._wire)
        if closes.CLOSES[code]:
            self._push(
                ByePush(
                    reason=closes.CLOSES[code],
                    close=code,
                    retry_after=UNSET if retry_after is None else retry_after,
                    cursor=self._cursor(),
                )
            )
        self._phase = advance(self._phase, Happening.CLOSE)
        self._pulse.stop()
        self._stop_greeting()
        self._ctx.live.exit(self)
        self.outbox.flush()
        self._wire.close(code, closes.CLOSES[code])

    # --- time

    def heartbeat_s(self) -> int:
        """The heartbeat of the mode in force, now in effect; whole seconds."""
        return self._pulse.beat(self.mode)

    def watch_token(self, claims: Claims) -> int:
        """Warn before this token runs out and close after it did; seconds left."""
        return self._pulse.token(claims)

    def _due(self, what: Due) -> None:
        if self._phase is not Phase.CLOSING:
            DUE[what](self)

    def _ping(self) -> None:
        self.vitals.pinged = self._ctx.env.monotonic()
        self._push(PingPush(cursor=self._cursor()))
        self._pulse.arm()

    def _expiring(self) -> None:
        self.vitals.expiring = NEVER
        self._push(TokenExpiringPush(token_ttl=round(self._pulse.token_left_s())))
        self._pulse.arm()

    def _drop(self, code: int) -> None:
        """End a connection that nothing can be delivered to: no bye, no waiting."""
        if self._wire is not None and self._phase is not Phase.CLOSING:
            self._phase = advance(self._phase, Happening.CLOSE)
            self._pulse.stop()
            self._stop_greeting()
            self._ctx.live.exit(self)
            self._wire.close(code, closes.CLOSES[code])
            self._wire.abort()

    def _overflowed(self) -> None:
        self._gate.slow("overflow")
        self._drop(closes.SLOW)

    def _stuck(self) -> None:
        self._gate.slow("stall")
        self._drop(closes.SLOW)

    def _blocked(self) -> bool:
        return isinstance(self.outbox, Outbox) and not self.outbox.flowing

    def _stalled(self, now: float) -> bool:
        return isinstance(self.outbox, Outbox) and self.outbox.stalled(now)

    def _cursor(self) -> Any:
        """A newer cursor, when everything that was published was queued to this connection."""
        if self._phase is not Phase.READY or not self.outbox.flowing:
            return UNSET
        full = all(self in audience.full[self.variant] for audience in self.rooms.values())
        if not full:
            return UNSET
        return cursor_of(self._ctx.store.epoch, self._ctx.writer.published)


DUE: dict[Due, Callable[[Session], None]] = {
    "ping": Session._ping,
    "idle": lambda session: session._drop(closes.IDLE),
    "expiring": Session._expiring,
    "expired": lambda session: session.close(closes.TOKEN_EXPIRED),
    "hello_timeout": lambda session: session.close(closes.HELLO_TIMEOUT),
}

"""One connection of one device, from the open socket through hello to the end: packets, not sockets (websocket/wire.py)."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import UNSET

from chatd.commands.connection import Turned
from chatd.commands.context import Context
from chatd.commands.hello import HELLO_CLOSES, hello
from chatd.core.cursors import cursor_of
from chatd.core.deadlines import NEVER, Due, Vitals
from chatd.delivery.encoding import JSON, MSGPACK, Packet, frame_of, head_push
from chatd.delivery.hub import Audience
from chatd.delivery.outbox import Outbox
from chatd.ports import Claims
from chatd.protocol import close_codes
from chatd.protocol.codec import Invalid, decode_request, split
from chatd.protocol.errors import Broken, ChatError
from chatd.protocol.objects import Mode
from chatd.protocol.pushes import ByePush, PingPush, TokenExpiringPush
from chatd.protocol.replies import Error, Ok
from chatd.protocol.requests import Hello, Request
from chatd.session.backlog import Backlog, Held
from chatd.session.dispatcher import Desk
from chatd.session.keepalive import Pulse
from chatd.session.phases import Happening, Phase, advance
from chatd.session.rate_limits import Gate
from chatd.websocket.wire import Wire
from chatd.writer.writer import Guard

log = logging.getLogger(__name__)

# When the closer names no time.
RETRY_AFTER_MS = {close_codes.OVERLOADED: 5_000, close_codes.RATE_ABUSE: 30_000}

NOBODY = Claims(user="", expires_at_s=0.0)


class Session:
    """One connection. Handlers, audiences and presence know it under their own Protocols."""

    __slots__ = (
        "_ctx",
        "_desk",
        "_gate",
        "_greeting",
        "_held",
        "_phase",
        "_pulse",
        "_wire",
        "address",
        "claims",
        "departed",
        "device",
        "focus",
        "informed",
        "mode",
        "muted",
        "name",
        "newest",
        "outbox",
        "receipts",
        "rooms",
        "since",
        "text",
        "turn",
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
        self._desk = Desk(ctx, gate, self)
        self._held: list[Held] = []
        self._greeting: asyncio.Future[None] | None = None
        self.name = f"{int(ctx.env.random() * 2**40):010x}"  # for logs: never a credential
        self.user = ""
        self.device = ""
        self.claims = NOBODY
        self.mode: Mode = "foreground"
        self.receipts = True
        self.turn = 0
        self.rooms: dict[int, Audience] = {}
        self.focus: frozenset[int] = frozenset()
        self.muted: dict[int, int] = {}
        self.departed: set[int] | None = set()
        self.informed = False
        self.newest: dict[type, Any] = {}
        self.outbox: Outbox | Backlog = Backlog(ctx.config.outbox.lag_bytes, ctx.live.recent)

    # --- what the wire says

    def opened(self, wire: Wire) -> None:
        self._wire = wire
        self.text = wire.text
        self.variant = JSON if wire.text else MSGPACK
        self.address = wire.address
        self.since = self._ctx.env.monotonic()
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
        self._leave()
        self._held.clear()
        self._desk.leave()
        if isinstance(self.outbox, Outbox):
            self.outbox.close()
        if self.user:
            self._ctx.presence.down(self)
            self._ctx.sightings.left(self.user, self.device)
        self._gate.ended(self, code)
        self._wire = None

    def pause_reading(self) -> None:
        """Take nothing more from the socket; TCP pushes back on the client."""
        if self._wire is not None:
            self._wire.pause_reading()

    def resume_reading(self) -> None:
        """Read on, unless something else speaks against it: too much under way, or a peer who takes nothing."""
        if self._wire is not None and not self._desk.full and self.takes:
            self._wire.resume_reading()

    @property
    def takes(self) -> bool:
        """Whether another answer may be prepared: the connection lives and takes what it is sent."""
        return self._phase is not Phase.CLOSING and not self.outbox.lagging

    @property
    def frame_bytes_max(self) -> int:
        limits = self._ctx.config.limits
        return limits.hello_frame_bytes if self._phase is Phase.ACCEPTED else limits.frame_bytes

    # --- requests

    def _take(self, payload: bytes) -> None:
        """Handle the packets of one frame, in order."""
        crowd = self._gate.crowded(self.address) if self._phase is Phase.ACCEPTED else None
        packets = split(payload, self.text)
        self._desk.weigh(len(payload), len(packets))
        guard = Guard() if len(packets) > 1 else None
        for packet in packets:
            request = decode_request(packet, self.text)
            if self._phase is Phase.READY:
                self._desk.handle(request, guard)
            elif self._phase is Phase.ACCEPTED:
                self._greet(request if crowd is None else Invalid(request.id, crowd))
            elif self._phase is Phase.GREETING:
                self._held.append(Held(request, guard or Guard()))

    # --- hello

    def _greet(self, request: Request | Invalid) -> None:
        """The first packet: hello, or the end."""
        if isinstance(request, Invalid):
            self._turn_away(request.id, request.refusal)
            return
        if not isinstance(request, Hello):
            raise Broken(close_codes.PROTOCOL, "the first packet is hello")
        if not request.id:
            raise Broken(close_codes.PROTOCOL, "a hello has an id")
        self._phase = advance(self._phase, Happening.HELLO)
        self.vitals.hello = NEVER
        self.pause_reading()
        self._greeting = self._gate.keep(asyncio.ensure_future(self._decide_hello(request)))

    def _stop_greeting(self) -> None:
        """A hello still being decided must not seat a connection that is over, nor replace a living one."""
        if self._greeting is not None and self._greeting is not asyncio.current_task():
            self._greeting.cancel()

    async def _decide_hello(self, request: Hello) -> None:
        try:
            reply = await hello(self._ctx, self, request)
        except Turned as turned:
            self._turn_away(request.id, turned.refusal, turned.code)
        except ChatError as error:
            self._turn_away(request.id, error)
        except Exception:
            log.exception("session %s: hello failed", self.name)
            self._turn_away(request.id, ChatError("internal"), close_codes.INTERNAL)
        else:
            self._welcome(request.id, reply)

    def authenticated(self) -> None:
        """Called by the handler once the token is verified: out of the pool whose oldest has to go."""
        self._gate.authenticated(self._wire)

    def admit_user(self, user: str, *, take: bool) -> None:
        """Called by the handler when its turn has come: the rate of the user, looked at or taken from."""
        self._gate.allow_user(user, take=take)

    def shown(self, stamp: int) -> None:
        """Called by the handler when it read what the reply shows: it holds all commits up to `stamp`."""
        if isinstance(self.outbox, Backlog):
            self.outbox.forget_up_to(stamp)

    def _turn_away(self, id: int, error: ChatError, code: int = 0) -> None:
        if self._wire is None or self._phase is Phase.CLOSING:
            return
        self._ctx.counters.hellos["refused"] += 1
        self.outbox = self._real_outbox(self._wire)
        if id:
            self._push(Error.of(id, error))
        self.close(code or HELLO_CLOSES.get(error.code, close_codes.PROTOCOL), retry_after=error.retry_after)

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
        self.departed = None
        waiting, self._held = self._held, []
        for held in waiting:
            if self._phase is not Phase.READY:
                break
            self._desk.handle(held.packet, held.guard)
        self.resume_reading()

    def _real_outbox(self, wire: Wire) -> Outbox:
        return Outbox(wire, self._ctx.config.outbox, self)

    # --- what the outbox says

    def head_frame(self, heads: Mapping[str, tuple[int, int]]) -> bytes:
        return frame_of(head_push(heads), self.variant, self._ctx.config.delivery.deflate_min_bytes)

    def lagged(self) -> None:
        self._gate.slow("lagging")
        self.pause_reading()

    def caught_up(self) -> None:
        self.vitals.excused(self._ctx.env.monotonic())
        self._desk.go_on()
        self.resume_reading()

    def overflowed(self) -> None:
        self._gate.slow("overflow")
        self._drop(close_codes.SLOW)

    # --- what is sent

    def answer(self, id: int, reply: Ok | ChatError) -> None:
        """Send the one reply to request `id`; nothing when it wanted none."""
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
        self._desk.settled(id, reply)

    def push(self, packet: Any) -> None:
        """Send a packet that must not be lost while the connection lives."""
        if self._phase is not Phase.CLOSING:
            self._push(packet)

    def _push(self, packet: Any) -> None:
        self.vitals.sent = self._ctx.env.monotonic()
        if isinstance(packet, Packet):
            frame = packet.frame(self.variant)
        else:
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
        if reason := close_codes.CLOSES[code]:
            wait = RETRY_AFTER_MS.get(code, UNSET) if retry_after is None else retry_after
            self._push(ByePush(reason=reason, close=code, retry_after=wait, cursor=self._cursor()))
        self._leave()
        self.outbox.flush()
        self._wire.close(code, close_codes.CLOSES[code])

    def _leave(self) -> None:
        """Nothing is handled or told from here on."""
        self._phase = advance(self._phase, Happening.CLOSE)
        self._pulse.stop()
        self._stop_greeting()
        self._ctx.live.exit(self)

    # --- time

    def heartbeat_s(self) -> int:
        """The heartbeat of the mode in force, now in effect; whole seconds."""
        return self._pulse.beat(self.mode)

    def watch_token(self, claims: Claims) -> int:
        """Warn before this token runs out and close after it did; seconds left."""
        return self._pulse.token(claims)

    def _due(self, what: Due) -> None:
        if self._phase is Phase.CLOSING:
            return
        if what in ("ping", "idle") and self.outbox.lagging:
            # Nothing is read from who lags, so his silence means nothing; whether he lives the stall tells.
            self.vitals.excused(self._ctx.env.monotonic())
            self._pulse.arm()
        else:
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
            self._leave()
            self._wire.close(code, close_codes.CLOSES[code])
            self._wire.abort()

    def _stuck(self) -> None:
        self._gate.slow("stall")
        self._drop(close_codes.SLOW)

    def _blocked(self) -> bool:
        return isinstance(self.outbox, Outbox) and not self.outbox.flowing

    def _stalled(self, now: float) -> bool:
        return isinstance(self.outbox, Outbox) and self.outbox.stalled(now)

    def _cursor(self) -> Any:
        """A newer cursor, when everything that was published was queued to this connection, and all rooms named."""
        current = self.informed and self.outbox.flowing and not self._ctx.telling.owes(self)
        if self._phase is not Phase.READY or not current:
            return UNSET
        if not all(self in audience.full[self.variant] for audience in self.rooms.values()):
            return UNSET
        return cursor_of(self._ctx.store.epoch, self._ctx.writer.published)


DUE: dict[Due, Callable[[Session], None]] = {
    "ping": Session._ping,
    "idle": lambda session: session._drop(close_codes.IDLE),
    "expiring": Session._expiring,
    "expired": lambda session: session.close(close_codes.TOKEN_EXPIRED),
    "hello_timeout": lambda session: session.close(close_codes.HELLO_TIMEOUT),
}

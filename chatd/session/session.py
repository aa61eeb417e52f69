"""One connection of one device, from the open socket through hello to the end: packets, not sockets (`Wire`)."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import UNSET

from chatd.commands.connection import HelloRejected
from chatd.commands.context import Context
from chatd.commands.hello import HELLO_CLOSE_CODES, hello
from chatd.core.cursors import cursor_of
from chatd.core.deadlines import NEVER, Deadlines, Due
from chatd.delivery.encoding import JSON, MSGPACK, EncodedPush, frame_of, head_push
from chatd.delivery.hub import RoomSubscribers
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
from chatd.session.dispatcher import Dispatcher
from chatd.session.keepalive import Keepalive
from chatd.session.phases import Phase, PhaseEvent, advance
from chatd.session.rate_limits import RateLimits
from chatd.websocket.wire import Wire
from chatd.writer.writer import BatchAbort

log = logging.getLogger(__name__)

# When the closer names no time.
RETRY_AFTER_MS = {close_codes.OVERLOADED: 5_000, close_codes.RATE_ABUSE: 30_000}

NO_CLAIMS = Claims(user="", expires_at_s=0.0)


class Session:
    """One connection. Handlers, audiences and presence know it under their own Protocols."""

    __slots__ = (
        "_ctx",
        "_dispatcher",
        "_greeting",
        "_held",
        "_keepalive",
        "_phase",
        "_rate_limits",
        "_wire",
        "address",
        "claims",
        "deadlines",
        "device",
        "encoding",
        "focus",
        "fully_synced",
        "left_rooms",
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
    )

    deadlines: Deadlines
    _keepalive: Keepalive

    def __init__(self, ctx: Context, rate_limits: RateLimits) -> None:
        self._ctx = ctx
        self._rate_limits = rate_limits
        self._phase = Phase.ACCEPTED
        self._wire: Wire | None = None
        self._dispatcher = Dispatcher(ctx, rate_limits, self)
        self._held: list[Held] = []
        self._greeting: asyncio.Future[None] | None = None
        self.name = f"{int(ctx.env.random() * 2**40):010x}"  # for logs: never a credential
        self.user = ""
        self.device = ""
        self.claims = NO_CLAIMS
        self.mode: Mode = "foreground"
        self.receipts = True
        self.turn = 0
        self.rooms: dict[int, RoomSubscribers] = {}
        self.focus: frozenset[int] = frozenset()
        self.muted: dict[int, int] = {}
        self.left_rooms: set[int] | None = set()
        self.fully_synced = False
        self.newest: dict[type, Any] = {}
        self.outbox: Outbox | Backlog = Backlog(ctx.config.outbox.lag_bytes, ctx.hub.recent_commits)

    # --- what the wire says

    def opened(self, wire: Wire) -> None:
        self._wire = wire
        self.text = wire.text
        self.encoding = JSON if wire.text else MSGPACK
        self.address = wire.address
        self.since = self._ctx.env.monotonic()
        self._keepalive = Keepalive(
            self._ctx.config,
            self._ctx.env,
            on_due=self._on_due,
            on_stall=self._on_stall,
            blocked=self._blocked,
            stalled=self._stalled,
        )
        self.deadlines = self._keepalive.deadlines

    def received(self, payload: bytes) -> None:
        self.deadlines.on_received(self._ctx.env.monotonic())
        if self._phase is Phase.CLOSING:
            return
        try:
            self._take(payload)
        except Broken as broken:
            self._rate_limits.on_broken(self, broken)
            self.close(broken.code)

    def writing_blocked(self) -> None:
        if isinstance(self.outbox, Outbox):
            self.outbox.blocked()
        self._keepalive.arm()

    def writing_resumed(self) -> None:
        if isinstance(self.outbox, Outbox):
            self.outbox.resumed()

    def closed(self, code: int) -> None:
        self._leave()
        self._held.clear()
        self._dispatcher.close()
        if isinstance(self.outbox, Outbox):
            self.outbox.close()
        if self.user:
            self._ctx.presence.down(self)
            self._ctx.last_seen.on_disconnected(self.user, self.device)
        self._rate_limits.on_ended(self, code)
        self._wire = None

    def pause_reading(self) -> None:
        """Take nothing more from the socket; TCP pushes back on the client."""
        if self._wire is not None:
            self._wire.pause_reading()

    def resume_reading(self) -> None:
        """Read on, unless something else speaks against it: too much under way, or a peer who takes nothing."""
        if self._wire is not None and not self._dispatcher.full and self.accepts_replies:
            self._wire.resume_reading()

    @property
    def accepts_replies(self) -> bool:
        """Whether another answer may be prepared: the connection lives and takes what it is sent."""
        return self._phase is not Phase.CLOSING and not self.outbox.lagging

    @property
    def frame_bytes_max(self) -> int:
        limits = self._ctx.config.limits
        return limits.hello_frame_bytes if self._phase is Phase.ACCEPTED else limits.frame_bytes

    # --- requests

    def _take(self, payload: bytes) -> None:
        """Handle the packets of one frame, in order."""
        crowd = self._rate_limits.crowded(self.address) if self._phase is Phase.ACCEPTED else None
        packets = split(payload, self.text)
        self._dispatcher.charge_frame(len(payload), len(packets))
        batch_abort = BatchAbort() if len(packets) > 1 else None
        for packet in packets:
            request = decode_request(packet, self.text)
            if self._phase is Phase.READY:
                self._dispatcher.handle(request, batch_abort)
            elif self._phase is Phase.ACCEPTED:
                self._begin_hello(request if crowd is None else Invalid(request.id, crowd))
            elif self._phase is Phase.GREETING:
                self._held.append(Held(request, batch_abort or BatchAbort()))

    # --- hello

    def _begin_hello(self, request: Request | Invalid) -> None:
        """The first packet: hello, or the end."""
        if isinstance(request, Invalid):
            self._reject(request.id, request.refusal)
            return
        if not isinstance(request, Hello):
            raise Broken(close_codes.PROTOCOL, "the first packet is hello")
        if not request.id:
            raise Broken(close_codes.PROTOCOL, "a hello has an id")
        self._phase = advance(self._phase, PhaseEvent.HELLO)
        self.deadlines.hello = NEVER
        self.pause_reading()
        self._greeting = self._rate_limits.keep_task(asyncio.ensure_future(self._decide_hello(request)))

    def _cancel_hello(self) -> None:
        """A hello still being decided must not subscribe a connection that is over, nor replace a living one."""
        if self._greeting is not None and self._greeting is not asyncio.current_task():
            self._greeting.cancel()

    async def _decide_hello(self, request: Hello) -> None:
        try:
            reply = await hello(self._ctx, self, request)
        except HelloRejected as rejected:
            self._reject(request.id, rejected.refusal, rejected.code)
        except ChatError as error:
            self._reject(request.id, error)
        except Exception:
            log.exception("session %s: hello failed", self.name)
            self._reject(request.id, ChatError("internal"), close_codes.INTERNAL)
        else:
            self._welcome(request.id, reply)

    def authenticated(self) -> None:
        """Called by the handler once the token is verified: out of the pool whose oldest has to go."""
        self._rate_limits.authenticated(self._wire)

    def admit_user(self, user: str, *, take: bool) -> None:
        """Called by the handler when its turn has come: the rate of the user, looked at or taken from."""
        self._rate_limits.allow_user(user, take=take)

    def on_snapshot(self, stamp: int) -> None:
        """Called by the handler when it read what the reply shows: it holds all commits up to `stamp`."""
        if isinstance(self.outbox, Backlog):
            self.outbox.forget_up_to(stamp)

    def _reject(self, id: int, error: ChatError, code: int = 0) -> None:
        if self._wire is None or self._phase is Phase.CLOSING:
            return
        self._ctx.counters.hellos["refused"] += 1
        self.outbox = self._real_outbox(self._wire)
        if id:
            self._push(Error.of(id, error))
        self.close(
            code or HELLO_CLOSE_CODES.get(error.code, close_codes.PROTOCOL), retry_after=error.retry_after
        )

    def _welcome(self, id: int, reply: Ok) -> None:
        """Reply, then what was published meanwhile, then what came behind the hello."""
        if self._wire is None or self._phase is Phase.CLOSING:
            return
        backlog = self.outbox
        self.outbox = self._real_outbox(self._wire)
        self._phase = advance(self._phase, PhaseEvent.HELLO_OK)
        self._greeting = None
        reply.id = id
        self._push(reply)
        if isinstance(backlog, Backlog):
            backlog.replay(self.outbox)
        self.left_rooms = None
        waiting, self._held = self._held, []
        for held in waiting:
            if self._phase is not Phase.READY:
                break
            self._dispatcher.handle(held.packet, held.batch_abort)
        self.resume_reading()

    def _real_outbox(self, wire: Wire) -> Outbox:
        return Outbox(wire, self._ctx.config.outbox, self)

    # --- what the outbox says

    def head_frame(self, heads: Mapping[str, tuple[int, int]]) -> bytes:
        return frame_of(head_push(heads), self.encoding, self._ctx.config.delivery.deflate_min_bytes)

    def lagged(self) -> None:
        self._rate_limits.on_slow("lagging")
        self.pause_reading()

    def caught_up(self) -> None:
        self.deadlines.excuse_silence(self._ctx.env.monotonic())
        self._dispatcher.resume()
        self.resume_reading()

    def overflowed(self) -> None:
        self._rate_limits.on_slow("overflow")
        self._drop(close_codes.SLOW)

    # --- what is sent

    def answer(self, id: int, reply: Ok | ChatError) -> None:
        """Send the one reply to request `id`; nothing when it wanted none."""
        if not id or self._phase is Phase.CLOSING:
            return
        if isinstance(reply, ChatError):
            self._rate_limits.on_refused(reply)
            self._push(Error.of(id, reply))
        else:
            reply.id = id
            self._push(reply)

    def on_reply(self, id: int, reply: Ok | ChatError) -> None:
        """The writer's answer to a submission of this session."""
        self._dispatcher.on_reply(id, reply)

    def push(self, packet: Any) -> None:
        """Send a packet that must not be lost while the connection lives."""
        if self._phase is not Phase.CLOSING:
            self._push(packet)

    def _push(self, packet: Any) -> None:
        self.deadlines.sent = self._ctx.env.monotonic()
        if isinstance(packet, EncodedPush):
            frame = packet.frame(self.encoding)
        else:
            frame = frame_of(packet, self.encoding, self._ctx.config.delivery.deflate_min_bytes)
        self._ctx.counters.frames_sent += 1
        self._ctx.counters.bytes_sent += len(frame)
        self.outbox.send(frame)

    def close(self, code: int, *, retry_after: int | None = None) -> None:
        """`bye`, then the close frame; nothing is handled or sent after it."""
        if self._phase is Phase.CLOSING or self._wire is None:
            return
        if isinstance(self.outbox, Backlog):
            self.outbox = self._real_outbox(self._wire)
        if reason := close_codes.CLOSE_CODES[code]:
            wait = RETRY_AFTER_MS.get(code, UNSET) if retry_after is None else retry_after
            self._push(ByePush(reason=reason, close=code, retry_after=wait, cursor=self._cursor()))
        self._leave()
        self.outbox.flush()
        self._wire.close(code, close_codes.CLOSE_CODES[code])

    def _leave(self) -> None:
        """Nothing is handled or told from here on."""
        self._phase = advance(self._phase, PhaseEvent.CLOSE)
        self._keepalive.stop()
        self._cancel_hello()
        self._ctx.hub.exit(self)

    # --- time

    def heartbeat_s(self) -> int:
        """The heartbeat of the mode in force, now in effect; whole seconds."""
        return self._keepalive.set_mode(self.mode)

    def watch_token(self, claims: Claims) -> int:
        """Warn before this token runs out and close after it did; seconds left."""
        return self._keepalive.token(claims)

    def _on_due(self, what: Due) -> None:
        if self._phase is Phase.CLOSING:
            return
        if what in ("ping", "idle") and self.outbox.lagging:
            # Nothing is read from who lags, so his silence means nothing; whether he lives the stall tells.
            self.deadlines.excuse_silence(self._ctx.env.monotonic())
            self._keepalive.arm()
        else:
            DUE[what](self)

    def _ping(self) -> None:
        self.deadlines.pinged = self._ctx.env.monotonic()
        self._push(PingPush(cursor=self._cursor()))
        self._keepalive.arm()

    def _expiring(self) -> None:
        self.deadlines.expiring = NEVER
        self._push(TokenExpiringPush(token_ttl=round(self._keepalive.token_left_s())))
        self._keepalive.arm()

    def _drop(self, code: int) -> None:
        """End a connection that nothing can be delivered to: no bye, no waiting."""
        if self._wire is not None and self._phase is not Phase.CLOSING:
            self._leave()
            self._wire.close(code, close_codes.CLOSE_CODES[code])
            self._wire.abort()

    def _on_stall(self) -> None:
        self._rate_limits.on_slow("stall")
        self._drop(close_codes.SLOW)

    def _blocked(self) -> bool:
        return isinstance(self.outbox, Outbox) and not self.outbox.flowing

    def _stalled(self, now: float) -> bool:
        return isinstance(self.outbox, Outbox) and self.outbox.stalled(now)

    def _cursor(self) -> Any:
        """A newer cursor, when everything that was published was queued to this connection, and all rooms named."""
        current = self.fully_synced and self.outbox.flowing and not self._ctx.typing_sink.has_pending(self)
        if self._phase is not Phase.READY or not current:
            return UNSET
        if not all(self in subscribers.full[self.encoding] for subscribers in self.rooms.values()):
            return UNSET
        return cursor_of(self._ctx.store.epoch, self._ctx.writer.published)


DUE: dict[Due, Callable[[Session], None]] = {
    "ping": Session._ping,
    "idle": lambda session: session._drop(close_codes.IDLE),
    "expiring": Session._expiring,
    "expired": lambda session: session.close(close_codes.TOKEN_EXPIRED),
    "hello_timeout": lambda session: session.close(close_codes.HELLO_TIMEOUT),
}

"""One connection of one device, from the open socket through hello to the end: packets, not sockets (`Wire`)."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import UNSET

from chatd.auth.interface import Claims
from chatd.commands.context import (
    NO_IDENTITY,
    Admission,
    Change,
    Context,
    Informed,
    NewIdentity,
    NewMode,
    Welcome,
)
from chatd.commands.hello import HELLO_CLOSE_CODES
from chatd.core.cursors import cursor_of
from chatd.core.deadlines import Due
from chatd.core.users import Restriction
from chatd.delivery.backlog import Backlog
from chatd.delivery.encoding import DEFLATE, JSON, MSGPACK, EncodedPush, frame_of, head_push
from chatd.delivery.hub import Subscriptions
from chatd.delivery.outbox import Outbox
from chatd.protocol import close_codes
from chatd.protocol.codec import BATCH_MAX, Invalid, decode_request, split
from chatd.protocol.connection import AuthOk, ByePush, Hello, Mode, ModeOk, PingPush, TokenExpiringPush
from chatd.protocol.envelope import Error, Ok, Request
from chatd.protocol.errors import Broken, ChatError
from chatd.session.dispatcher import Dispatcher
from chatd.session.facts import SessionFacts
from chatd.session.greeting import Greeting
from chatd.session.keepalive import Keepalive
from chatd.session.phases import Phase, PhaseEvent, advance
from chatd.session.rate_limits import RateLimits
from chatd.websocket.wire import Wire
from chatd.writer.batch_abort import BatchAbort

# Used where `close` is called without a time.
RETRY_AFTER_MS = {close_codes.OVERLOADED: 5_000, close_codes.RATE_ABUSE: 30_000}


class Session(SessionFacts):
    """One connection. Handlers, the hub and presence know it under their own Protocols."""

    __slots__ = (
        "_ctx",
        "_dispatcher",
        "_greeting",
        "_keepalive",
        "_phase",
        "_rate_limits",
        "_wire",
        "encoding",
        "identity",
        "mode",
        "name",
        "outbox",
        "receipts",
        "subscriptions",
    )

    def __init__(self, ctx: Context, rate_limits: RateLimits) -> None:
        self._ctx = ctx
        self._rate_limits = rate_limits
        self._phase = Phase.ACCEPTED
        self._wire: Wire | None = None
        self._dispatcher = Dispatcher(ctx, rate_limits, self)
        self._greeting: Greeting | None = None
        # For logs: never a credential.
        self.name = f"{int(ctx.env.random() * 2**40):010x}"
        self.identity = NO_IDENTITY
        self.mode: Mode = "foreground"
        self.receipts = True
        self.subscriptions = Subscriptions()

    # --- calls of the wire

    def opened(self, wire: Wire) -> None:
        self._wire = wire
        self.encoding = JSON if wire.text else MSGPACK
        marks = self._ctx.config.outbox
        self.outbox = Outbox(wire, marks, self, Backlog(marks.lag_bytes, self._ctx.hub.recent_commits))
        self._keepalive = Keepalive(self._ctx.config, self._ctx.env, self.outbox, self)

    def received(self, payload: bytes) -> None:
        self._keepalive.deadlines.on_received(self._ctx.env.monotonic())
        if self._wire is None or self._phase is Phase.CLOSING:
            return
        try:
            self._take(payload, self._wire.address)
        except Broken as broken:
            self._rate_limits.on_broken(self, self._wire.address, broken)
            self.close(broken.code)

    def writing_blocked(self) -> None:
        self.outbox.blocked()
        self._keepalive.arm()

    def writing_resumed(self) -> None:
        self.outbox.resumed()

    def closed(self, code: int) -> None:
        self._leave()
        self._greeting = None
        self._dispatcher.close()
        self.outbox.close()
        if self.user:
            self._ctx.presence.down(self)
            self._ctx.last_seen.on_disconnected(self.user, self.device)
        if self._wire is not None:
            self._rate_limits.on_ended(self, self._wire.address, code, self._keepalive.since)
        self._wire = None

    def pause_reading(self) -> None:
        """Take nothing more from the socket; TCP pushes back on the client."""
        if self._wire is not None:
            self._wire.pause_reading()

    def resume_reading(self) -> None:
        """Read on, unless too much is under way, or the peer takes nothing."""
        if self._wire is not None and not self._dispatcher.full and self.accepts_replies:
            self._wire.resume_reading()

    @property
    def accepts_replies(self) -> bool:
        """Whether another reply may be prepared: the connection lives and takes what it is sent."""
        return self._phase is not Phase.CLOSING and not self.outbox.lagging

    @property
    def frame_bytes_max(self) -> int:
        limits = self._ctx.config.limits
        return limits.hello_frame_bytes if self._phase is Phase.ACCEPTED else limits.frame_bytes

    # --- requests

    def _take(self, payload: bytes, address: str) -> None:
        """Handle the packets of one frame, in order."""
        refusal = self._rate_limits.take_hello(address) if self._phase is Phase.ACCEPTED else None
        text = self.encoding == JSON
        packets = split(payload, text, max(BATCH_MAX, self._ctx.config.limits.batch))
        self._dispatcher.charge_frame(len(payload), len(packets))
        batch_abort = BatchAbort() if len(packets) > 1 else None
        for packet in packets:
            request = decode_request(packet, text, self._ctx.vocabulary)
            if self._phase is Phase.READY:
                self._dispatcher.handle(request, batch_abort)
            elif self._phase is Phase.ACCEPTED:
                self._begin_hello(request if refusal is None else Invalid(request.id, refusal))
            elif self._greeting is not None:
                self._greeting.hold(request, batch_abort or BatchAbort())

    # --- hello

    def _begin_hello(self, request: Request | Invalid) -> None:
        """Begin to decide the first packet, which must be hello."""
        if isinstance(request, Invalid):
            self.reject_hello(request.id, request.refusal)
            return
        if not isinstance(request, Hello):
            raise Broken(close_codes.PROTOCOL, "the first packet is hello")
        if not request.id:
            raise Broken(close_codes.PROTOCOL, "a hello has an id")
        self._phase = advance(self._phase, PhaseEvent.HELLO)
        self._keepalive.deadlines.greeted()
        self.pause_reading()
        self._greeting = Greeting(self._ctx, self, request, self._rate_limits.keep_task)

    def authenticated(self) -> None:
        """Leave the pool of unauthenticated connections, whose oldest are closed for new ones."""
        self._rate_limits.authenticated(self._wire)

    def admit_user(self, user: str, *, take: bool) -> None:
        """Raise Refused("rate_limited") when the user has no hello left; else take one if `take`."""
        self._rate_limits.allow_user(user, take=take)

    def on_snapshot(self, stamp: int) -> None:
        """Note that the reply to hello shows commit `stamp`: older pushes must not follow it."""
        self.outbox.forget_up_to(stamp)

    def admit(self, admission: Admission) -> None:
        """Become the session of a user; it may be subscribed and seen as present from here on."""
        self.identity = admission.identity
        self.mode = admission.mode
        self.receipts = admission.receipts
        self.restrain(admission.restriction)
        self.subscriptions.cover(admission.sections, badge=admission.badge)
        if admission.deflate and self.encoding == MSGPACK:
            self.encoding = DEFLATE

    def reject_hello(self, id: int, error: ChatError, code: int = 0) -> None:
        """Answer a hello with an error, and close."""
        if self._wire is None or self._phase is Phase.CLOSING:
            return
        self._ctx.counters.hellos["refused"] += 1
        self.outbox.drop_backlog()
        if id:
            self._push(Error.of(id, error))
        self.close(
            code or HELLO_CLOSE_CODES.get(error.code, close_codes.PROTOCOL), retry_after=error.retry_after
        )

    def welcome(self, id: int, welcome: Welcome) -> None:
        """Send the reply, then the pushes of the backlog, then handle the packets that came after the hello."""
        if self._wire is None or self._phase is Phase.CLOSING:
            return
        self._phase = advance(self._phase, PhaseEvent.HELLO_OK)
        greeting, self._greeting = self._greeting, None
        self.subscriptions.attached()
        if welcome.reached is not None:
            self.subscriptions.inform(welcome.reached)
        reply = welcome.reply
        reply.id = id
        self.outbox.start(self._framed(reply), self._ctx.env.monotonic())
        for one in greeting.held if greeting is not None else ():
            if self._phase is not Phase.READY:
                break
            self._dispatcher.handle(one.packet, one.batch_abort)
        self.resume_reading()

    # --- changes that handlers return

    def become(self, change: Change) -> Ok:
        """Carry out a change that a handler returned; return the reply to its request."""
        return BECOMES[type(change)](self, change)

    def _switch_mode(self, change: NewMode) -> Ok:
        self.mode = change.mode
        self._ctx.hub.mode_changed(self)
        self._ctx.presence.up(self)
        return ModeOk(heartbeat=self.heartbeat_s())

    def _renew(self, change: NewIdentity) -> Ok:
        self.identity = change.identity
        return AuthOk(token_ttl=self.watch_token(self.identity.claims))

    def _inform(self, change: Informed) -> Ok:
        self.subscriptions.inform(change.reached)
        return change.reply

    def show_receipts(self, shown: bool) -> None:
        self.receipts = shown

    def restrain(self, restriction: Restriction | None) -> None:
        self._dispatcher.restrain(restriction)

    # --- calls of the outbox

    def head_frame(self, heads: Mapping[str, tuple[int, int]]) -> bytes:
        return frame_of(head_push(heads), self.encoding, self._ctx.config.delivery.deflate_min_bytes)

    def lagged(self) -> None:
        self._rate_limits.on_slow("lagging")
        self.pause_reading()

    def caught_up(self) -> None:
        self._keepalive.deadlines.excuse_silence(self._ctx.env.monotonic())
        self._dispatcher.resume()
        self.resume_reading()

    def overflowed(self) -> None:
        self._rate_limits.on_slow("overflow")
        self._drop(close_codes.SLOW)

    # --- sending

    def answer(self, id: int, reply: Ok | ChatError) -> None:
        """Send the one reply to request `id`; nothing when `id` is 0."""
        if not id or self._phase is Phase.CLOSING:
            return
        if isinstance(reply, ChatError):
            self._rate_limits.on_refused(reply)
            self._push(Error.of(id, reply))
        else:
            reply.id = id
            self._push(reply)

    def on_reply(self, id: int, reply: Ok | ChatError) -> None:
        """Pass on the writer's reply to a submission of this session."""
        self._dispatcher.on_reply(id, reply)

    def push(self, packet: Any) -> None:
        """Send a packet that must not be lost while the connection lives."""
        if self._phase is not Phase.CLOSING:
            self._push(packet)

    def _push(self, packet: Any) -> None:
        self.outbox.send(self._framed(packet), self._ctx.env.monotonic())

    def _framed(self, packet: Any) -> bytes:
        """Return the frame of a packet, and count it as sent."""
        if isinstance(packet, EncodedPush):
            frame = packet.frame(self.encoding)
        else:
            frame = frame_of(packet, self.encoding, self._ctx.config.delivery.deflate_min_bytes)
        self._ctx.counters.frames_sent += 1
        self._ctx.counters.bytes_sent += len(frame)
        return frame

    def close(self, code: int, *, retry_after: int | None = None) -> None:
        """Send `bye`, then the close frame; nothing is handled or sent after it. `retry_after`: milliseconds."""
        if self._phase is Phase.CLOSING or self._wire is None:
            return
        self.outbox.drop_backlog()
        if reason := close_codes.CLOSE_CODES[code]:
            wait = RETRY_AFTER_MS.get(code, UNSET) if retry_after is None else retry_after
            self._push(ByePush(reason=reason, close=code, retry_after=wait, cursor=self._cursor()))
        self._leave()
        self.outbox.flush()
        self._wire.close(code, close_codes.CLOSE_CODES[code])

    def _leave(self) -> None:
        """Enter the last phase: nothing is handled or pushed from here on."""
        self._phase = advance(self._phase, PhaseEvent.CLOSE)
        self._keepalive.stop()
        if self._greeting is not None:
            self._greeting.stop()
        self._ctx.hub.exit(self)

    # --- time

    def heartbeat_s(self) -> int:
        """Put the heartbeat of the mode in force, and return it in whole seconds."""
        return self._keepalive.set_mode(self.mode)

    def watch_token(self, claims: Claims) -> int:
        """Warn before this token expires and close after it did; return the seconds left."""
        return self._keepalive.token(claims)

    def on_due(self, what: Due) -> None:
        if self._phase is Phase.CLOSING:
            return
        if what in ("ping", "idle") and self.outbox.lagging:
            # Nothing is read from a peer that lags, so its silence means nothing; `on_stall` finds a dead one.
            self._keepalive.deadlines.excuse_silence(self._ctx.env.monotonic())
            self._keepalive.arm()
        else:
            DUE[what](self)

    def _ping(self) -> None:
        self._keepalive.deadlines.asked(self._ctx.env.monotonic())
        self._push(PingPush(cursor=self._cursor()))
        self._keepalive.arm()

    def _expiring(self) -> None:
        self._keepalive.deadlines.warned()
        self._push(TokenExpiringPush(token_ttl=round(self._keepalive.token_left_s())))
        self._keepalive.arm()

    def _drop(self, code: int) -> None:
        """End a connection that nothing can be delivered to, without `bye` and without waiting."""
        if self._wire is not None and self._phase is not Phase.CLOSING:
            self._leave()
            self._wire.close(code, close_codes.CLOSE_CODES[code])
            self._wire.abort()

    def on_stall(self) -> None:
        self._rate_limits.on_slow("stall")
        self._drop(close_codes.SLOW)

    def _cursor(self) -> Any:
        """Return a newer cursor, when everything published was queued to this connection, and all rows named."""
        mine = self.subscriptions
        current = mine.has_cursor and self.outbox.flowing and not self._ctx.typing_sink.has_pending(self)
        if self._phase is not Phase.READY or not current:
            return UNSET
        if not all(self in subscribers.full[self.encoding] for subscribers in mine.rooms.values()):
            return UNSET
        return cursor_of(self._ctx.store.epoch, self._ctx.writer.published, mine.sections)


DUE: dict[Due, Callable[[Session], None]] = {
    "ping": Session._ping,
    "idle": lambda session: session._drop(close_codes.IDLE),
    "expiring": Session._expiring,
    "expired": lambda session: session.close(close_codes.TOKEN_EXPIRED),
    "hello_timeout": lambda session: session.close(close_codes.HELLO_TIMEOUT),
}

BECOMES: dict[type, Callable[[Session, Any], Ok]] = {
    NewMode: Session._switch_mode,
    NewIdentity: Session._renew,
    Informed: Session._inform,
}

"""One WebSocket connection as an asyncio.Protocol: bytes in, whole messages to a Receiver, frames out.

HttpProtocol hands upgrades to it; any transport works. It knows nothing of chat: the session interprets messages.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, cast

from websockets.frames import Frame, Opcode

from chatd.core.client_address import client_address, peer_address
from chatd.env import Timer
from chatd.protocol import close_codes
from chatd.websocket.acceptor_config import AcceptorConfig
from chatd.websocket.handshake import JSON, Answer, Head
from chatd.websocket.parsing import FrameParser, is_utf8, sole_message
from chatd.websocket.wire import NULL_RECEIVER, Receiver

FLUSH_S = 2.0  # protocol.md "States", CLOSING: for the bytes still in the transport
ANSWER_S = 5.0  # protocol.md "States", CLOSING: for the answer to our close frame
_LINK_LOST = 1006  # RFC 6455 section 7.1.5
_NO_CODE = 1005  # RFC 6455 section 7.1.5; also for a code that a client may not send
_OF_CLIENTS = frozenset({1000, 1001})  # protocol.md "Close codes"

# WebSocket pings and pongs: a client needs one in 20 s, some send one a second after a network switch.
_CONTROL_INTERVAL_S = 1.0
_CONTROL_BURST = 30

_FINAL_TEXT, _FINAL_BINARY = 0x81, 0x82  # first byte of an unfragmented data frame

# The phases of a connection, compared by their order.
_HANDSHAKE, _OPEN, _CLOSING, _ENDING, _LOST = range(5)

# Above this a corked connection writes anyway: copies stay short, and the transport reports when it is full.
CORKED_BYTES_MAX = 65_536

_log = logging.getLogger(__name__)


def connection_class(acceptor: AcceptorConfig) -> type[asyncio.Protocol]:
    """Return the class of the connections of one daemon, for uvicorn's Config(ws=...)."""

    class Connection(WebSocketConnection):
        __slots__ = ()

        def __init__(self, *, config: object, server_state: Any, app_state: object) -> None:
            super().__init__(acceptor, server_state.connections)

    return Connection


class WebSocketConnection(asyncio.Protocol):
    """One connection from its upgrade to its end; implements Wire.

    `connections` is the server's set of live connections: entered when made, left when lost.
    """

    __slots__ = (
        "_acceptor",
        "_code",
        "_connections",
        "_control_due",
        "_corked",
        "_corked_bytes",
        "_frames",
        "_parts",
        "_paused",
        "_phase",
        "_receiver",
        "_timer",
        "_transport",
        "address",
        "text",
    )

    _transport: asyncio.Transport

    def __init__(self, acceptor: AcceptorConfig, connections: set[Any]) -> None:
        self._acceptor, self._connections = acceptor, connections
        self._frames: FrameParser | None = None  # most connections never need one
        self._receiver: Receiver = NULL_RECEIVER
        self._phase, self._code = _HANDSHAKE, _LINK_LOST
        self._parts: list[bytes] | None = None
        self._paused = False
        self._corked: list[bytes] | None = None  # frames held back; None: not corked
        self._corked_bytes = 0
        self._timer: Timer | None = None
        self._control_due = 0.0
        self.text, self.address = False, ""  # until admitted

    # Wire

    def write(self, frame: bytes) -> None:
        if self._phase != _OPEN:
            return
        if self._corked is None:
            self._transport.write(frame)
            return
        self._corked.append(frame)
        self._corked_bytes += len(frame)
        if self._corked_bytes > CORKED_BYTES_MAX:
            self._write_corked()

    def cork(self) -> None:
        self._write_corked()
        self._corked = []

    def uncork(self) -> None:
        self._write_corked()
        self._corked, self._corked_bytes = None, 0

    def _write_corked(self) -> None:
        """Write the frames held by the cork, which stays in place."""
        if self._corked and self._phase < _ENDING:
            frames, self._corked, self._corked_bytes = self._corked, [], 0
            self._transport.write(frames[0] if len(frames) == 1 else b"".join(frames))

    def buffered_bytes(self) -> int:
        if self._phase == _LOST:
            return 0
        return self._corked_bytes + self._transport.get_write_buffer_size()

    def close(self, code: int, reason: str) -> None:
        if self._phase == _OPEN:
            self._code = code
            self._phase = _CLOSING
            self._parser().send_close(code, reason)
            self._flush()
            self.resume_reading()
            self._wait_for_the_end()

    def abort(self) -> None:
        if self._phase != _LOST:
            self._phase = _ENDING
            self._transport.abort()

    def pause_reading(self) -> None:
        if self._phase == _OPEN and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
            # Later, not now: the caller is not finished and must not be called back meanwhile.
            self._acceptor.env.call_later(0, self._continue)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)

    def upgraded(self, head: Head, rest: bytes) -> None:
        """Answer the request that came over this transport, then receive the bytes that followed it."""
        answer = self._answer(head)
        if answer.reason:
            self._acceptor.counters.handshakes_rejected[answer.reason] += 1
            self._transport.write(answer.response)
            self._end()
        else:
            self._open(answer)
        if rest:
            self.data_received(rest)

    def data_received(self, data: bytes) -> None:
        if self._phase >= _ENDING:
            return  # waiting for the peer's FIN: with unread bytes a close becomes a reset, and loses our close frame
        if self._paused:
            self._parser().reader.feed_data(data)
            return
        limit = self._receiver.frame_bytes_max
        if self._may_begin_a_message():
            payload = sole_message(data, _FINAL_TEXT if self.text else _FINAL_BINARY, limit)
            if payload is not None:
                self._deliver(payload)
                return
        frames = self._parser()
        frames.limit(limit)
        frames.receive_data(data)
        self._take_frames(frames)

    def eof_received(self) -> None:
        if self._phase < _ENDING:
            self._phase = _ENDING
            self._wait_for_the_end()

    def pause_writing(self) -> None:
        if self._phase == _OPEN:
            self._call_receiver(self._receiver.writing_blocked)

    def resume_writing(self) -> None:
        if self._phase == _OPEN:
            self._call_receiver(self._receiver.writing_resumed)
        elif self._phase in (_CLOSING, _ENDING):
            self._arm(ANSWER_S)

    def connection_lost(self, exc: Exception | None) -> None:
        self._phase = _LOST
        self._connections.discard(self)
        self._disarm()
        if self._frames is not None:
            self._frames.forget()
        if self.address:
            self._acceptor.admission.released(self.address, self)
            self._acceptor.counters.connections_closed[self._code] += 1
            self._call_receiver(self._receiver.closed, self._code)

    def shutdown(self) -> None:
        """Close because the server stops; uvicorn's contract."""
        self._close_by_session(close_codes.RESTART)

    def evict(self) -> None:
        """Close to make room for others in the pool of unauthenticated connections."""
        self._close_by_session(close_codes.OVERLOADED)

    def _close_by_session(self, code: int) -> None:
        """Let the session send `bye` and close; without a session, just close."""
        if self._phase == _OPEN:
            self._call_receiver(self._receiver.close, code)
        self.close(code, close_codes.CLOSE_CODES[code])

    # the handshake

    def _answer(self, head: Head) -> Answer:
        """Return the answer to the upgrade; a correct request must be admitted as well."""
        acceptor = self._acceptor
        answer = acceptor.handshakes.answer(head, acceptor.allowed_origins)
        if answer.reason == "origin":
            for origin in head.values(b"origin"):
                acceptor.allowed_origins.refused(origin)
        if answer.reason:
            return answer
        peer = peer_address(self._transport.get_extra_info("peername"))
        address = client_address(peer, head.values(b"x-forwarded-for"), acceptor.trusted)
        refusal = acceptor.admission.admit(address, self)
        if refusal is not None:
            return acceptor.handshakes.busy(refusal.reason, refusal.retry_after_s)
        self.address = address
        return answer

    def _open(self, answer: Answer) -> None:
        acceptor = self._acceptor
        acceptor.counters.connections_opened += 1
        self._transport.write(answer.response)
        self._phase = _OPEN
        self.text = answer.subprotocol == JSON
        self._transport.set_write_buffer_limits(high=acceptor.high_water_bytes)
        self._call_receiver(self._begin)
        evicted = acceptor.admission.oldest_out()
        if evicted is not None:
            evicted.evict()

    def _begin(self) -> None:
        self._receiver = self._acceptor.receiver()
        self._receiver.opened(self)

    # frames

    def _may_begin_a_message(self) -> bool:
        """Whether the next byte begins a message."""
        frames = self._frames
        return self._phase == _OPEN and self._parts is None and (frames is None or frames.between_frames)

    def _parser(self) -> FrameParser:
        """Return the parser of everything but whole messages, made when it is first needed."""
        if self._frames is None:
            self._frames = FrameParser()
        return self._frames

    def _continue(self) -> None:
        if not self._paused and self._phase < _ENDING and self._frames is not None:
            self._next_frame(self._frames)
            self._take_frames(self._frames)

    def _take_frames(self, frames: FrameParser) -> None:
        """Handle the frames of the parser one at a time: each may change the limit of the next one."""
        while frames.events:
            for frame in frames.events_received():
                self._frame(cast(Frame, frame))
            if frames.writes:
                self._flush()
            if self._paused or self._phase >= _ENDING:
                return
            self._next_frame(frames)
        if frames.writes:
            self._flush()

    def _next_frame(self, frames: FrameParser) -> None:
        """Let the parser read one more frame, under the current limit."""
        frames.limit(self._receiver.frame_bytes_max)
        next(frames.parser)

    def _frame(self, frame: Frame) -> None:
        opcode = frame.opcode
        if opcode is Opcode.CLOSE:
            self._closed_by_peer()
        elif opcode is Opcode.PING or opcode is Opcode.PONG:
            self._control()
        elif self._phase != _OPEN:
            pass  # data that a client sends while we close is ignored
        elif opcode is Opcode.CONT:
            self._continuation(frame)
        elif (opcode is Opcode.TEXT) is not self.text:
            self._fail(close_codes.WRONG_FRAME_KIND)
        elif frame.fin:
            self._deliver(bytes(frame.data))
        else:
            self._parts = [bytes(frame.data)]

    def _continuation(self, frame: Frame) -> None:
        parts = self._parts
        assert parts is not None, "the parser rejects a continuation without a first fragment"
        parts.append(bytes(frame.data))
        if len(parts) > self._acceptor.fragments_max:
            self._parts = None
            self._fail(close_codes.TOO_BIG)
        elif frame.fin:
            self._parts = None
            self._deliver(b"".join(parts))

    def _deliver(self, payload: bytes) -> None:
        if self.text and not is_utf8(payload):
            self._fail(close_codes.BAD_UTF8)
            return
        self._acceptor.counters.frames_received += 1
        self._acceptor.counters.bytes_received += len(payload)
        self._call_receiver(self._receiver.received, payload)

    def _control(self) -> None:
        """Limit the rate of pings and pongs; the parser has answered the ping already."""
        now = self._acceptor.env.monotonic()
        self._control_due = max(self._control_due, now) + _CONTROL_INTERVAL_S
        if self._control_due - now <= _CONTROL_BURST * _CONTROL_INTERVAL_S:
            return
        if self._phase == _OPEN:
            self._close_by_session(close_codes.RATE_ABUSE)
        else:
            self.abort()

    def _call_receiver(self, call: Callable[..., None], *arguments: object) -> None:
        try:
            call(*arguments)
        except Exception:
            _log.exception("a session failed")
            self.close(close_codes.INTERNAL, close_codes.CLOSE_CODES[close_codes.INTERNAL])

    # the end

    def _closed_by_peer(self) -> None:
        received = self._parser().close_rcvd
        if self._phase == _OPEN and received is not None:
            self._code = received.code if received.code in _OF_CLIENTS else _NO_CODE

    def _fail(self, code: int) -> None:
        """Close because of a violation; nothing more is read."""
        self._parser().fail(code)
        self._flush()

    def _flush(self) -> None:
        self._write_corked()  # frames of earlier writes go first
        for chunk in self._parser().data_to_send():
            if self._phase == _LOST:
                return
            if chunk:
                self._transport.write(chunk)
            else:
                self._over()

    def _over(self) -> None:
        """End the connection, for the parser has nothing more to send; the first close frame gave the code."""
        frames = self._parser()
        if self._phase == _OPEN and frames.close_sent is not None and self._code == _LINK_LOST:
            self._code = frames.close_sent.code
        self._end(answered=frames.close_rcvd is not None)

    def _end(self, *, answered: bool = False) -> None:
        """Flush, then give the peer time to read and to close, unless it `answered` our close frame."""
        self._phase = _ENDING
        if not answered and self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()
        self._wait_for_the_end()

    def _wait_for_the_end(self) -> None:
        self._transport.set_write_buffer_limits(high=0)  # resume_writing now means: all flushed
        self._arm(FLUSH_S if self._transport.get_write_buffer_size() else ANSWER_S)

    def _arm(self, delay_s: float) -> None:
        self._disarm()
        self._timer = self._acceptor.env.call_later(delay_s, self.abort)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

"""One connection over HTTP/2 (RFC 9113), with hundreds of requests at a time.

`h2` speaks the protocol; this file has the socket, the deadlines and the end. A server ends a connection with GOAWAY,
which names the last request it looked at: those behind it may be sent again elsewhere, and those before it still get
their answers. `h2` takes nothing more after a GOAWAY, so it is read here and kept from it.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple, cast

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
from hpack import NeverIndexedHeaderTuple as NeverIndexedHeaderTuple

from chatd.egress.client import Unreachable
from chatd.env import Env

STREAMS_MAX = 500  # requests under way on one connection; Apple allows 1,000
ANSWER_S = 10.0  # from the request to the end of its answer, with the wait for a connection
PING_S = 60.0  # of silence, after which a connection is asked whether it is still there
PONG_S = 10.0
IDLE_S = 600.0  # without a request
ANSWER_BYTES_MAX = 16_384  # the longest answer of a push service has 500
FRAME_HEAD, FRAME_MAX = 9, 16_384  # bytes (RFC 9113, 4.1 and 4.2)
GOAWAY = 7  # type of a frame (6.8)
STREAM_ID_MAX = 1 << 30  # half of all there are: a new connection in time

# It logs every header that it encodes, the tokens of devices and of this server among them.
logging.getLogger("hpack").setLevel(logging.WARNING)

# Names are in small letters. A value that is another in each request is a NeverIndexedHeaderTuple: the server and the
# client remember the others, which are sent once.
Headers = Sequence[tuple[str, str] | NeverIndexedHeaderTuple]


class Response(NamedTuple):
    """An answer, of whatever status. `retry_after`: the header of that name, or ""."""

    status: int
    body: bytes
    retry_after: str


class Unprocessed(Exception):
    """A request that the server did not look at."""


class _Stream:
    """A request under way. `unsent`: what is left of its body."""

    __slots__ = ("body", "future", "retry_after", "since", "status", "unsent")

    def __init__(self, future: asyncio.Future[Response], since: float, unsent: bytes) -> None:
        self.future = future
        self.since = since
        self.unsent = unsent
        self.status = 0
        self.retry_after = ""
        self.body = b""

    def complete(self) -> None:
        if not self.future.done():
            self.future.set_result(Response(self.status, self.body, self.retry_after))

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class _Speaker(h2.connection.H2Connection):
    # It remembers how requests ended: 65,000 by default, which take 10 MB.
    MAX_CLOSED_STREAMS = 2_048


class Connection(asyncio.Protocol):
    """One connection. `on_change` is called when it has room for a request, or never will again."""

    def __init__(self, env: Env, is_encrypted: bool, on_change: Callable[[], None]) -> None:
        self._env = env
        self._is_encrypted = is_encrypted
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        config = h2.config.H2Configuration(
            client_side=True,
            header_encoding=None,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self._h2 = _Speaker(config)
        self._h2.local_settings = h2.settings.Settings(
            initial_values={h2.settings.SettingCodes.ENABLE_PUSH: 0}
        )
        self._transport: asyncio.Transport | None = None
        self._streams: dict[int, _Stream] = {}
        self._blocked: dict[int, _Stream] = {}
        self._rest = b""
        self._is_paused = False
        self._is_flushing = False
        self._pinged_at: float | None = None
        self._heard_at = self._used_at = env.monotonic()
        self.streams_max = 0
        self.has_answered = False
        # Until its settings have come, and from its end on.
        self.is_open, self.is_over = False, False

    @property
    def is_busy(self) -> bool:
        return bool(self._streams)

    @property
    def room(self) -> int:
        """The number of requests that can be sent now."""
        return self.streams_max - len(self._streams) if self.is_open and not self._is_paused else 0

    def request(self, headers: Headers, body: bytes, since: float) -> asyncio.Future[Response]:
        """Send a request. The future raises Unprocessed or Unreachable."""
        future: asyncio.Future[Response] = self._loop.create_future()
        stream = _Stream(future, since, body)
        self._used_at = self._env.monotonic()
        try:
            number = self._h2.get_next_available_stream_id()
            self._h2.send_headers(number, headers)
            self._streams[number] = stream
            self._send_body(number, stream)
        except h2.exceptions.ProtocolError:
            stream.fail(Unprocessed())
            self.abort("the connection cannot be used any more")
            return future
        if number >= STREAM_ID_MAX:
            self._leave()
        self._flush_soon()
        return future

    # --- of asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        secured: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        if self._is_encrypted and (secured is None or secured.selected_alpn_protocol() != "h2"):
            self.abort("the server does not speak HTTP/2")
            return
        self._h2.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._heard_at, self._pinged_at = self._env.monotonic(), None
        try:
            for event in self._h2.receive_data(self._without_goaway(data)):
                self._on_event(event)
        # The protocol and its compression raise many kinds, and a server may send anything.
        except Exception as error:
            self.abort(f"the server does not speak HTTP/2 ({type(error).__name__})")
            return
        if self.is_over and not self._streams:
            self.close()
        self._flush()

    def pause_writing(self) -> None:
        # What it asks for, such as answers to pings, must not grow without bound either.
        self._is_paused = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._is_paused = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
        self._on_change()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(Unreachable("the connection was cut"))

    # --- its end

    def abort(self, why: str) -> None:
        """Cut it; what is under way gets no answer."""
        self._end(Unreachable(why))
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """End it in peace; what is under way gets no answer."""
        self._end(Unreachable("the connection was closed"))
        if self._transport is not None and not self._transport.is_closing():
            with suppress(h2.exceptions.ProtocolError):
                self._h2.close_connection()
            self._transport.write(self._h2.data_to_send())
            self._transport.close()

    def look(self, now: float) -> None:
        """Enforce its deadlines."""
        if self._pinged_at is not None and self._pinged_at <= now - PONG_S:
            self.abort("the server is silent")
            return
        late = [(number, one) for number, one in self._streams.items() if one.since <= now - ANSWER_S]
        if late and self._heard_at <= now - ANSWER_S:
            self.abort("the server is silent")
            return
        for number, stream in late:
            self._drop(number, stream, f"no answer in {ANSWER_S:g} s")
        if self.is_over:
            if not self._streams:
                self.close()
        elif not self._streams and self._used_at <= now - IDLE_S:
            self.close()
        elif self._heard_at <= now - PING_S and self._pinged_at is None:
            self._pinged_at = now
            with suppress(h2.exceptions.ProtocolError):
                self._h2.ping(bytes(8))
        self._flush()

    def _leave(self) -> None:
        """Take no more requests; those under way get their answers."""
        self.is_open, self.is_over = False, True
        self._on_change()

    def _end(self, error: Exception) -> None:
        streams, self._streams = self._streams, {}
        self._blocked.clear()
        for stream in streams.values():
            stream.fail(error)
        self._leave()

    def _drop(self, number: int, stream: _Stream, why: str) -> None:
        """Give up one request."""
        stream.fail(Unreachable(why))
        self._streams.pop(number, None)
        self._blocked.pop(number, None)
        with suppress(h2.exceptions.ProtocolError):
            self._h2.reset_stream(number, h2.errors.ErrorCodes.CANCEL)
        self._on_change()

    # --- what the server says

    def _without_goaway(self, data: bytes) -> bytes:
        """Return the whole frames that came, but for GOAWAY, whose meaning is taken here. Raises ValueError."""
        data = self._rest + data
        wanted, begin, at = [], 0, 0
        while at + FRAME_HEAD <= len(data):
            length = int.from_bytes(data[at : at + 3], "big")
            if length > FRAME_MAX:
                raise ValueError("a frame is too long")
            end = at + FRAME_HEAD + length
            if end > len(data):
                break
            if data[at + 3] == GOAWAY:
                wanted.append(data[begin:at])
                self._on_goaway(data[at + FRAME_HEAD : end])
                begin = end
            at = end
        wanted.append(data[begin:at])
        self._rest = data[at:]
        return b"".join(wanted)

    def _on_goaway(self, payload: bytes) -> None:
        last = int.from_bytes(payload[:4], "big") & 0x7FFFFFFF
        for number in [number for number in self._streams if number > last]:
            self._blocked.pop(number, None)
            self._streams.pop(number).fail(Unprocessed())
        self._leave()

    def _on_event(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ResponseReceived):
            self._on_response(event)
        elif isinstance(event, h2.events.DataReceived):
            self._on_data(event)
        elif isinstance(event, h2.events.StreamEnded):
            stream = self._streams.pop(event.stream_id or 0, None)
            if stream is not None:
                self.has_answered = True
                stream.complete()
                self._on_change()
        elif isinstance(event, h2.events.StreamReset):
            self._on_reset(event)
        elif isinstance(event, h2.events.RemoteSettingsChanged):
            self.streams_max = min(STREAMS_MAX, self._h2.remote_settings.max_concurrent_streams)
            self.is_open = not self.is_over
            self._send_blocked()
            self._on_change()
        elif isinstance(event, h2.events.WindowUpdated):
            self._send_blocked()

    def _on_response(self, event: h2.events.ResponseReceived) -> None:
        stream = self._streams.get(event.stream_id or 0)
        if stream is None:
            return
        for name, value in event.headers or ():
            if name == b":status":
                stream.status = int(value)
            elif name == b"retry-after":
                stream.retry_after = bytes(value).decode("latin-1")

    def _on_data(self, event: h2.events.DataReceived) -> None:
        number = event.stream_id or 0
        self._h2.acknowledge_received_data(event.flow_controlled_length or 0, number)
        stream = self._streams.get(number)
        if stream is None:
            return
        stream.body += event.data or b""
        if len(stream.body) > ANSWER_BYTES_MAX:
            self._drop(number, stream, f"the answer is longer than {ANSWER_BYTES_MAX} bytes")

    def _on_reset(self, event: h2.events.StreamReset) -> None:
        stream = self._streams.pop(event.stream_id or 0, None)
        self._blocked.pop(event.stream_id or 0, None)
        if stream is None:
            return
        is_refused = event.error_code == h2.errors.ErrorCodes.REFUSED_STREAM
        stream.fail(Unprocessed() if is_refused else Unreachable("the request was reset"))
        self._on_change()

    # --- what is sent

    def _send_body(self, number: int, stream: _Stream) -> None:
        """Send as much as the server gives room for."""
        while stream.unsent:
            room = min(self._h2.local_flow_control_window(number), self._h2.max_outbound_frame_size)
            if room <= 0:
                self._blocked[number] = stream
                return
            piece, stream.unsent = stream.unsent[:room], stream.unsent[room:]
            self._h2.send_data(number, piece, end_stream=not stream.unsent)
        self._blocked.pop(number, None)

    def _send_blocked(self) -> None:
        for number, stream in list(self._blocked.items()):
            self._send_body(number, stream)

    def _flush_soon(self) -> None:
        """Send what waits with what else is sent now."""
        if not self._is_flushing:
            self._is_flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._is_flushing = False
        if (
            self._transport is not None
            and not self._transport.is_closing()
            and (data := self._h2.data_to_send())
        ):
            self._transport.write(data)

"""The HTTP side of a socket: uvicorn's httptools protocol with deadlines, head limits and upgrades.

It handles what uvicorn does not: silent and dripping clients, endless heads, bytes that come together with an
upgrade request, responses that the client does not read.
"""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import get_remote_addr, is_ssl

from chatd.http.pending_sockets import PendingSockets
from chatd.websocket.handshake import Head

# A browser behind a proxy sends 2 KiB; nginx allows 32 KiB, public test suites need 8.
HEAD_BYTES_MAX = 16 * 1024
HEADERS_MAX = 64  # a browser behind a proxy sends 25
RESPONSE_DEADLINE_S = 30.0  # a login may wait behind others for a hashing thread; nothing else takes long
STREAMING = "streaming"  # name in the state of a request: this socket, for a response without end
STREAM_LOOK_S = 10.0  # a peer that takes nothing of a stream for as long is gone, or asleep
LINGER_S = 2.0  # time for the peer to read a refusal before the reset that unread bytes cause


@dataclass(slots=True)
class HttpOptions:
    """The options of one listener: seconds for a request, and its set of sockets without a WebSocket connection."""

    request_deadline_s: float
    pending_sockets: PendingSockets


class HttpProtocol(HttpToolsProtocol):
    """One socket until it is closed or upgraded. Every wait for the peer has a deadline."""

    def __init__(self, options: HttpOptions, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._options = options
        self._deadline: asyncio.TimerHandle | None = None
        self._head_bytes = 0  # of names and values seen by the parser
        self._raw_bytes = 0  # received since the request began
        self._in_head = False
        self._is_upgrade = False  # whether the head asks for an upgrade that is supported
        self._refused = False
        self._unread_bytes = 0  # of a stream, at the last look

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # As in the base class, without the system call for our own address, which is not needed.
        self.connections.add(self)
        self.transport = transport
        self.flow = FlowControl(transport)
        self.server = None
        self.client = None
        self.scheme = "https" if is_ssl(transport) else "http"
        self._arm(self._options.request_deadline_s)
        self._options.pending_sockets.enter(self, transport.get_extra_info("peername"))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._leave()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._unset_keepalive_if_required()
        if self._deadline is None:
            self._arm(self._options.request_deadline_s)
        self._raw_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if self._is_too_large() else _BAD)
        else:
            if self._in_head and self._raw_bytes > HEAD_BYTES_MAX:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    # callbacks of the parser; an exception refuses the request

    def on_message_begin(self) -> None:
        self._in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value) + 4)  # ": " and CR LF

    def on_headers_complete(self) -> None:
        self._in_head = False
        if not self._has_one_host():
            raise ValueError("RFC 9112 section 3.2: exactly one Host")
        if any(name == b"transfer-encoding" and value.lower() != b"chunked" for name, value in self.headers):
            raise ValueError("RFC 9112 section 6.1: only the transfer coding chunked is supported")
        version = self.parser.get_http_version()
        if version not in ("1.0", "1.1"):
            raise ValueError("not HTTP/1.0 or HTTP/1.1")
        # HTTP/1.0 has no upgrade (RFC 9110 section 7.8): the application answers one that a proxy degraded.
        self._is_upgrade = version == "1.1" and self.parser.should_upgrade() and super()._should_upgrade()
        if self._is_upgrade:
            return  # the rest prepares an answer of the application
        self.scope["client"] = get_remote_addr(self.transport)
        self.scope["state"][STREAMING] = self
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._raw_bytes = 0
        if self._is_upgrade:
            return  # answered at once, by _upgrade
        self._arm(RESPONSE_DEADLINE_S)
        super().on_message_complete()

    def _should_upgrade(self) -> bool:
        """Return the outcome that was computed once for the head."""
        return self._is_upgrade

    # the response

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._disarm()
        if self.transport.is_closing():
            self._arm(LINGER_S)
        elif self.pipeline or not self.cycle.response_complete:
            self._arm(RESPONSE_DEADLINE_S)

    def stream(self) -> None:
        """Let the response take for ever, as long as the peer takes it; its application bounds their number."""
        self._options.pending_sockets.leave(self)
        self._unread_bytes = 0
        self._look()

    def _look(self) -> None:
        """Abort a stream of which nothing was taken since the last look; look again later."""
        before, self._unread_bytes = self._unread_bytes, self.transport.get_write_buffer_size()
        if before and self._unread_bytes >= before:
            self.abort()
        elif not self.transport.is_closing():
            self._disarm()
            self._deadline = self.loop.call_later(STREAM_LOOK_S, self._look)

    def timeout_keep_alive_handler(self) -> None:
        if self.transport.get_write_buffer_size():
            self.abort()  # a response that is not read would keep a closing socket for ever
        else:
            super().timeout_keep_alive_handler()

    def abort(self) -> None:
        """Reset the connection."""
        self.transport.abort()

    # refusals and upgrades

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._is_too_large():
            raise ValueError("the head is too large")

    def _is_too_large(self) -> bool:
        return self._head_bytes > HEAD_BYTES_MAX or len(self.headers or ()) > HEADERS_MAX

    def _has_one_host(self) -> bool:
        hosts = [name for name, _ in self.headers].count(b"host")
        return hosts == 1 or (hosts == 0 and self.parser.get_http_version() == "1.0")

    def _refuse(self, status: HTTPStatus, text: str = "") -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self.abort()  # an answer inside another answer would be read as part of it
            return
        self._refused = True
        self.transport.write(_refusal(status, text or f"{status.phrase}\n"))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()
        self._arm(LINGER_S)

    def _upgrade(self, rest: bytes) -> None:
        if not self._is_upgrade:
            # It is answered without an upgrade, but the bytes that follow are not HTTP.
            self.cycle.keep_alive = False
        elif any(name in _BODY_HEADERS and value != b"0" for name, value in self.headers):
            self._refuse(_BAD, "A request that asks for a WebSocket has no body.\n")
        elif self.cycle is not None and not self.cycle.response_complete:
            self._refuse(_BAD)
        else:
            self._hand_over(rest)

    def _hand_over(self, rest: bytes) -> None:
        """Give the transport to the WebSocket protocol, with the head and the bytes that followed it."""
        self._leave()
        self.connections.discard(self)
        head = Head(self.parser.get_method(), self.url, self.headers)
        # It refers back to this object, which is freed now, not by a garbage collection.
        self.parser = None  # type: ignore[assignment]
        make: Any = self.ws_protocol_class
        protocol = make(config=self.config, server_state=self.server_state, app_state=self.app_state)
        protocol.connection_made(self.transport)
        self.transport.set_protocol(protocol)
        protocol.upgraded(head, rest)

    # deadlines

    def _leave(self) -> None:
        self._disarm()
        self._options.pending_sockets.leave(self)

    def _arm(self, delay_s: float) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(delay_s, self.abort)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _unsupported_upgrade_warning(self) -> None:
        """Log nothing when a client asks for another protocol."""


_BAD = HTTPStatus.BAD_REQUEST
_BODY_HEADERS = frozenset({b"content-length", b"transfer-encoding"})


def _refusal(status: HTTPStatus, text: str) -> bytes:
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/plain\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(text)}\r\n\r\n{text}".encode("ascii")

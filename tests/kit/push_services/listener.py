"""A listener of HTTP/2 and HTTP/1.1 that can also hang, reset, drop and send GOAWAY in mid-flight.

h2 and h11 do the framing; TLS and ALPN are those of ssl. Every request is answered by one coroutine of its service.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Self, cast

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h11
from hyperframe.frame import GoAwayFrame, SettingsFrame

from tests.kit.push_services.authority import Authority

Fault = Literal["hang", "reset", "drop", "goaway"]
"""`hang`: no answer. `reset`: RST_STREAM. `drop`: the TCP connection ends. `goaway`: this request and later ones of the
connection are not processed, earlier ones are answered. On HTTP/1.1 the last three drop."""


@dataclass(frozen=True)
class Request:
    """`headers`: lower-case names; a name that comes twice has both values, with a comma. `connection`: from 1."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    version: str


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def json_response(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return Response(
        status,
        json.dumps(body).encode(),
        {"content-type": "application/json; charset=UTF-8", **(headers or {})},
    )


Answer = Callable[[Request], Awaitable[Response | Fault]]


class Listener:
    """Listens on a free port of 127.0.0.1 within `async with`. Without an authority it is plain HTTP/1.1.

    `streams`: concurrent streams of a connection, announced in SETTINGS; one more is refused with RST_STREAM.
    `connections`: how many there were. `streams_max`: the most that were open at once on one.
    """

    def __init__(self, answer: Answer, authority: Authority | None = None, streams: int = 1000) -> None:
        self.answer = answer
        self.streams = streams
        self.connections = 0
        self.streams_max = 0
        self.refused_streams = 0
        self.pings = 0
        self.port = 0
        self._authority = authority
        self._open: set[Http1Connection | Http2Connection] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self._authority else 'http'}://127.0.0.1:{self.port}"

    @property
    def open_connections(self) -> int:
        return len(self._open)

    async def __aenter__(self) -> Self:
        tls = self._authority.server_context() if self._authority else None
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Negotiation(self), "127.0.0.1", self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.drop()

    def drop(self) -> None:
        """End all connections, without a word."""
        for connection in list(self._open):
            connection.drop()

    def set_streams(self, streams: int, number: int = 0) -> None:
        """Announce another number of concurrent streams on one connection, or on all that are open."""
        for connection in self._open:
            if isinstance(connection, Http2Connection) and number in (0, connection.number):
                connection.set_streams(streams)

    def go_away(self, processed: int = 0) -> None:
        """Send GOAWAY on all connections: of the streams that are open the first `processed` are answered."""
        for connection in list(self._open):
            if isinstance(connection, Http2Connection):
                connection.go_away(processed)

    def opened(self, connection: "Http1Connection | Http2Connection") -> int:
        self.connections += 1
        self._open.add(connection)
        return self.connections

    def closed(self, connection: "Http1Connection | Http2Connection") -> None:
        self._open.discard(connection)


class Negotiation(asyncio.Protocol):
    """A connection of which the protocol is not known yet."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The transports of uvloop are no subclasses of it.
        transport = cast(asyncio.Transport, transport)
        tls = transport.get_extra_info("ssl_object")
        chosen = tls.selected_alpn_protocol() if tls else None
        made: Http1Connection | Http2Connection
        made = Http2Connection(self._listener) if chosen == "h2" else Http1Connection(self._listener)
        transport.set_protocol(made)
        made.connection_made(transport)


class Http2Connection(asyncio.Protocol):
    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.number = listener.opened(self)
        self._streams = listener.streams
        self._h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        )
        self._heads: dict[int, list[tuple[str, str]]] = {}
        self._bodies: dict[int, bytearray] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._last = 0
        self._goes_away = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        # The number of streams is ours to enforce: h2 ends the connection of a client that opens one before it could
        # read SETTINGS, a server refuses the stream.
        del self._h2.local_settings[SettingsFrame.MAX_CONCURRENT_STREAMS]
        self._h2.initiate_connection()
        self._flush()
        self.set_streams(self._streams)

    def set_streams(self, streams: int) -> None:
        self._streams = streams
        announced = {SettingsFrame.MAX_CONCURRENT_STREAMS: streams}
        self._transport.write(SettingsFrame(0, settings=announced).serialize())

    def data_received(self, data: bytes) -> None:
        try:
            events = self._h2.receive_data(data)
        except h2.exceptions.ProtocolError:
            self._flush()
            self._transport.close()
            return
        for event in events:
            self._on_event(event)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._listener.closed(self)
        for task in self._tasks.values():
            task.cancel()

    def drop(self) -> None:
        self._transport.abort()

    def go_away(self, processed: int) -> None:
        kept = sorted(self._tasks)[:processed]
        done = [stream for stream in self._heads if stream < min(self._tasks, default=self._last + 1)]
        for stream in set(self._tasks) - set(kept):
            self._tasks.pop(stream).cancel()
        self._send_go_away(max([*kept, *done], default=0))

    def _send_go_away(self, last: int) -> None:
        # By hand: after its own GOAWAY h2 sends no answers.
        reason = json.dumps({"reason": "Shutdown"}).encode()
        self._transport.write(GoAwayFrame(0, last_stream_id=last, additional_data=reason).serialize())
        self._goes_away = True
        self._close_when_done()

    def _close_when_done(self) -> None:
        if self._goes_away and not self._tasks:
            self._transport.close()

    def _on_event(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self._begin(event.stream_id, event.headers)
        elif isinstance(event, h2.events.DataReceived):
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if event.stream_id in self._bodies:
                self._bodies[event.stream_id] += event.data
        elif isinstance(event, h2.events.StreamEnded):
            if event.stream_id in self._bodies and not self._goes_away:
                self._tasks[event.stream_id] = asyncio.ensure_future(self._answer(event.stream_id))
        elif isinstance(event, h2.events.StreamReset):
            self._bodies.pop(event.stream_id, None)
            if task := self._tasks.pop(event.stream_id, None):
                task.cancel()
        elif isinstance(event, h2.events.PingReceived):
            self._listener.pings += 1
        elif isinstance(event, h2.events.ConnectionTerminated):
            # h2 sends nothing any more.
            for task in self._tasks.values():
                task.cancel()
            self._transport.close()

    def _begin(self, stream: int, headers: Any) -> None:
        if self._goes_away:
            return
        if len(self._bodies) >= self._streams:
            self._listener.refused_streams += 1
            self._h2.reset_stream(stream, h2.errors.ErrorCodes.REFUSED_STREAM)
            return
        self._last = stream
        self._heads[stream] = [(str(name), str(value)) for name, value in headers]
        self._bodies[stream] = bytearray()
        self._listener.streams_max = max(self._listener.streams_max, len(self._bodies))

    async def _answer(self, stream: int) -> None:
        headers = _joined(self._heads[stream])
        method, path = headers.pop(":method", ""), headers.pop(":path", "")
        body = bytes(self._bodies[stream])
        answer = await self._listener.answer(Request(method, path, headers, body, self.number, "2"))
        if answer == "hang":
            return
        self._bodies.pop(stream, None)
        del self._tasks[stream]
        if answer == "drop":
            self.drop()
        elif answer == "goaway":
            for later in [one for one in self._tasks if one > stream]:
                self._tasks.pop(later).cancel()
            self._send_go_away(max([one for one in self._heads if one < stream], default=0))
        elif isinstance(answer, str):
            self._h2.reset_stream(stream, h2.errors.ErrorCodes.INTERNAL_ERROR)
        else:
            fields = [(":status", str(answer.status)), *answer.headers.items()]
            self._h2.send_headers(stream, fields, end_stream=not answer.body)
            if answer.body:
                self._h2.send_data(stream, answer.body, end_stream=True)
        self._flush()
        self._close_when_done()

    def _flush(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._h2.data_to_send())


class Http1Connection(asyncio.Protocol):
    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._number = listener.opened(self)
        self._h11 = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = b""
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._h11.receive_data(data)
        self._read()

    def connection_lost(self, exc: Exception | None) -> None:
        self._listener.closed(self)
        if self._task:
            self._task.cancel()

    def drop(self) -> None:
        self._transport.abort()

    def _read(self) -> None:
        while True:
            event = self._h11.next_event()
            if isinstance(event, h11.Request):
                self._head, self._body = event, b""
            elif isinstance(event, h11.Data):
                self._body += event.data
            elif isinstance(event, h11.EndOfMessage):
                self._task = asyncio.ensure_future(self._answer())
            else:
                return

    async def _answer(self) -> None:
        assert self._head is not None
        headers = _joined((name.decode(), value.decode()) for name, value in self._head.headers)
        method, path = self._head.method.decode(), self._head.target.decode()
        answer = await self._listener.answer(Request(method, path, headers, self._body, self._number, "1.1"))
        if answer == "hang":
            return
        if isinstance(answer, str):
            self.drop()
            return
        fields = [*answer.headers.items(), ("content-length", str(len(answer.body)))]
        for event in (
            h11.Response(status_code=answer.status, headers=fields),
            h11.Data(data=answer.body),
            h11.EndOfMessage(),
        ):
            self._transport.write(self._h11.send(event) or b"")
        if self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
            self._read()
        else:
            self._transport.close()


def _joined(fields: Any) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in fields:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers

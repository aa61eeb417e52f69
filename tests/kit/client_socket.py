"""One WebSocket of a test client, in both encodings (protocol.md "MessagePack", "JSON"). It shares no code with
chatd."""

import asyncio
import contextlib
import json
import socket
import zlib
from collections.abc import AsyncIterator
from typing import Any, TypeAlias, cast
from urllib.parse import urlsplit

import msgpack
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

Packet: TypeAlias = dict[str, Any]
Frame: TypeAlias = str | bytes

SUBPROTOCOLS = {"msgpack": "chatd.v1.msgpack", "json": "chatd.v1.json"}
# The MessagePack ext type of a deflated frame.
WRAPPER = 1
# The default limit of iOS, four times the largest frame of the server.
FRAME_BYTES_MAX = 1_048_576


class Garbled(AssertionError):
    """The server sent a frame that no client can read."""


def encode(encoding: str, content: Any) -> Frame:
    """Return one client frame of a packet or a batch."""
    if encoding == "json":
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return cast(bytes, msgpack.packb(content))


def decode(encoding: str, frame: Frame) -> list[Packet]:
    """Return the packets of one server frame, in order; raises Garbled when it breaks the rules of the encoding."""
    if isinstance(frame, str) != (encoding == "json"):
        raise Garbled(f"a {type(frame).__name__} frame on {encoding}")
    content = json.loads(frame) if isinstance(frame, str) else _unpacked(frame)
    packets = content if isinstance(content, list) else [content]
    if not 1 <= len(packets) <= 64 or not all(isinstance(packet, dict) for packet in packets):
        raise Garbled(f"neither a packet nor a batch: {content!r}")
    return packets


def inflated(wrapped: bytes) -> bytes:
    """Return the bytes inside a `deflate` wrapper: raw DEFLATE, stateless."""
    inflater = zlib.decompressobj(wbits=-15)
    return inflater.decompress(wrapped) + inflater.flush()


def _unpacked(frame: bytes) -> Any:
    content = msgpack.unpackb(frame)
    if not isinstance(content, msgpack.ExtType):
        return content
    if content.code != WRAPPER:
        raise Garbled(f"ext type {content.code}")
    return msgpack.unpackb(inflated(content.data))


class Link:
    """A WebSocket that can also misbehave: stop reading, be cut, send bytes that are no frame."""

    def __init__(self, connection: ClientConnection, encoding: str) -> None:
        self.encoding = encoding
        self._connection = connection
        self._is_stalled = False
        self.frames_received: list[Frame] = []

    @classmethod
    async def open(
        cls,
        url: str,
        encoding: str = "msgpack",
        *,
        receive_buffer_bytes: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> "Link":
        """Connect and shake hands; `receive_buffer_bytes` bounds what the kernel accepts when nothing is read."""
        connection = await connect(
            url,
            subprotocols=[Subprotocol(SUBPROTOCOLS[encoding])],
            sock=await _connected_socket(url, receive_buffer_bytes),
            compression=None,
            additional_headers=headers,
            ping_interval=None,
            close_timeout=60,
            max_size=FRAME_BYTES_MAX,
            max_queue=None,
        )
        return cls(connection, encoding)

    @property
    def chosen_subprotocol(self) -> str | None:
        return self._connection.subprotocol

    @property
    def close_code(self) -> int | None:
        """The code of the close frame, 1006 when the link broke, None while it is open."""
        return self._connection.close_code

    @property
    def close_reason(self) -> str | None:
        return self._connection.close_reason

    async def packets(self) -> AsyncIterator[Packet]:
        """Yield every packet that the server sends, until the link closes."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                frame = await self._connection.recv()
                self.frames_received.append(frame)
                for packet in decode(self.encoding, frame):
                    yield packet

    async def send(self, content: Any) -> None:
        """Send one packet or batch; a link that closed meanwhile drops it, as a dead network would."""
        await self.send_frame(encode(self.encoding, content))

    async def send_frame(self, frame: Frame) -> None:
        with contextlib.suppress(ConnectionClosed):
            await self._connection.send(frame)

    async def send_fragments(self, fragments: list[Frame]) -> None:
        """Send one message in these fragments."""
        with contextlib.suppress(ConnectionClosed):
            await self._connection.send(fragments)

    async def websocket_ping(self) -> None:
        """Return when the server's WebSocket layer answered a ping."""
        await (await self._connection.ping())

    def write(self, raw: bytes) -> None:
        """Put bytes on the TCP connection, past the WebSocket layer."""
        self._connection.transport.write(raw)

    def stop_reading(self) -> None:
        self._is_stalled = True
        self._connection.transport.pause_reading()

    def resume_reading(self) -> None:
        self._is_stalled = False
        self._connection.transport.resume_reading()

    def cut(self) -> None:
        """Reset the TCP connection, as a network switch does; no close frame."""
        self._connection.transport.abort()

    async def close(self, code: int = 1000) -> None:
        """Close with a handshake; a stalled link cannot read the answer and is cut."""
        if self._is_stalled:
            self.cut()
        await self._connection.close(code)

    async def wait_closed(self) -> None:
        await self._connection.wait_closed()


async def _connected_socket(url: str, receive_buffer_bytes: int | None) -> socket.socket:
    parts = urlsplit(url)
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    connection.setblocking(False)
    # The event loop sets it only on sockets that it made.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # This comes before connect, as the kernel fixes the window scale in the handshake.
    if receive_buffer_bytes is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
    try:
        await asyncio.get_running_loop().sock_connect(connection, (parts.hostname, parts.port))
    except BaseException:
        connection.close()
        raise
    return connection

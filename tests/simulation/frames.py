"""Wire bytes of a phone: its upgrade request, masked frames out, whole packets in. Shares no code with the daemon."""

import json
from collections.abc import Iterator
from typing import Any

import msgpack

from tests.kit.memory_wire import inflate

MASK = 0x5A17C3E8  # RFC 6455 wants them unpredictable for the sake of proxies; there is none
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def upgrade(text: bool) -> bytes:
    """The request of RFC 6455 section 4.1."""
    lines = (
        "GET /v1/ws HTTP/1.1",
        "Host: chat.example",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: chatd.v1.{'json' if text else 'msgpack'}",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def frame(opcode: int, payload: bytes) -> bytes:
    """One masked, unfragmented frame (RFC 6455 section 5.2)."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 65536:
        head = bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0xFF)) + size.to_bytes(8, "big")
    mask = MASK.to_bytes(4, "big")
    stream = (mask * (size // 4 + 1))[:size]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")
    return head + mask + masked.to_bytes(size, "big")


def encode(content: Any, text: bool) -> bytes:
    """A packet or a batch as one frame."""
    if text:
        return frame(TEXT, json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())
    return frame(BINARY, msgpack.packb(content))


def decode(payload: bytes, text: bool) -> list[dict[str, Any]]:
    """The packets in the payload of a data frame."""
    content = json.loads(payload) if text else msgpack.unpackb(payload, ext_hook=inflate)
    return content if isinstance(content, list) else [content]


class Incoming:
    """Bytes of the daemon, as frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.offset = 0  # of the connection's bytes: where the buffer begins

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def head(self) -> bytes | None:
        """The answer to the upgrade request, once it is whole."""
        end = self._buffer.find(b"\r\n\r\n")
        return None if end < 0 else self._take(end + 4)

    def frames(self) -> Iterator[tuple[int, bytes, int]]:
        """Opcode, payload, and the offset of each whole frame."""
        buffer = self._buffer
        while len(buffer) >= 2:
            size, start = buffer[1], 2
            if size == 126:
                size, start = int.from_bytes(buffer[2:4], "big"), 4
            elif size == 127:
                size, start = int.from_bytes(buffer[2:10], "big"), 10
            if len(buffer) < start + size:
                return
            opcode, where = buffer[0] & 15, self.offset
            yield opcode, self._take(start + size)[start:], where

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        self.offset += size
        return taken

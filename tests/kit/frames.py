"""WebSocket frames made by hand (RFC 6455 section 5.2), of clients and of servers. They share no code with chatd."""

import asyncio
import struct

# First bytes: FIN and opcode.
PING, PONG, CLOSE = 0x89, 0x8A, 0x88
TEXT, BINARY, CONTINUATION = 0x81, 0x82, 0x80
TEXT_START, BINARY_START, MIDDLE = 0x01, 0x02, 0x00

# The key of RFC 6455 section 1.3.
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def upgrade_request(
    subprotocol: str | None = "chatd.v1.msgpack",
    *,
    target: str = "/v1/ws",
    start: str = "",
    without: tuple[str, ...] = (),
    more: tuple[str, ...] = (),
) -> bytes:
    """Return a handshake; `start` replaces the request line, `without` drops headers by name, `more` adds lines."""
    headers = {
        "Host": "chat.example",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": KEY,
    }
    if subprotocol is not None:
        headers["Sec-WebSocket-Protocol"] = subprotocol
    lines = [start or f"GET {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items() if name not in without]
    return "\r\n".join([*lines, *more, "", ""]).encode("latin-1")


def client_frame(payload: bytes, first: int = BINARY, *, mask: bytes = b"\x37\xfa\x21\x3d") -> bytes:
    """Return a masked client frame; `first` is FIN, reserved bits and opcode."""
    size = len(payload)
    stream = (mask * (size // 4 + 1))[:size]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")
    return _client_head(first, size) + mask + masked.to_bytes(size, "big")


def _client_head(first: int, size: int) -> bytes:
    if size < 126:
        return bytes((first, 0x80 | size))
    if size < 1 << 16:
        return struct.pack("!BBH", first, 0x80 | 126, size)
    return struct.pack("!BBQ", first, 0x80 | 127, size)


def server_frame(data: bytes | bytearray) -> tuple[int, bytes, int] | None:
    """Return the first byte, the payload and the size of the first frame in `data`; None when it is not whole."""
    if len(data) < 2:
        return None
    size, start = data[1], 2
    assert size < 128, "a server never masks"
    if size >= 126:
        start = 4 if size == 126 else 10
        size = int.from_bytes(data[2:start], "big")
    end = start + size
    return (data[0], bytes(data[start:end]), end) if len(data) >= max(start, end) else None


def server_frames(data: bytes) -> list[tuple[int, bytes]]:
    """Return first bytes and payloads of all frames in `data`, whose last one is whole."""
    frames = []
    while data:
        found = server_frame(data)
        assert found is not None, "a write ends inside a frame"
        frames.append(found[:2])
        data = data[found[2] :]
    return frames


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Return the first byte and the payload of the next frame."""
    first, size = await reader.readexactly(2)
    assert size < 128, "a server never masks"
    if size == 126:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
    elif size == 127:
        (size,) = struct.unpack("!Q", await reader.readexactly(8))
    return first, await reader.readexactly(size)

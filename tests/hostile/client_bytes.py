"""The bytes of clients, right and wrong: frames with a mask of zeros, so that a payload can be read in a dump."""

import json
import struct
from typing import Any

import msgpack

from tests.hostile.case import ASKED
from tests.kit.frames import BINARY, CLOSE, TEXT, client_frame

# The mask bit is set, and zeros leave the payload as it is.
NO_MASK = bytes(4)


def frame(payload: bytes, first: int = BINARY) -> bytes:
    """Return a masked frame with its length in the shortest form."""
    return client_frame(payload, first, mask=NO_MASK)


def declared(size: int, first: int = BINARY) -> bytes:
    """Return the head of a frame that declares a 64-bit length, and nothing behind it."""
    return struct.pack("!BBQ", first, 0x80 | 127, size) + NO_MASK


def closing(code: int, reason: bytes = b"") -> bytes:
    return frame(struct.pack("!H", code) + reason, CLOSE)


def encoded(packet: Any, encoding: str) -> bytes:
    """Return a packet or a batch in an encoding, as the client libraries write it."""
    if encoding == "json":
        return json.dumps(packet, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return bytes(msgpack.packb(packet, unicode_errors="surrogatepass"))


def packet_frame(packet: Any, encoding: str) -> bytes:
    """Return a packet or a batch as one data frame."""
    return frame(encoded(packet, encoding), TEXT if encoding == "json" else BINARY)


def asking(type: str, **fields: Any) -> dict[str, Any]:
    """Return a request that is to be answered."""
    return {"type": type, "id": ASKED, **fields}

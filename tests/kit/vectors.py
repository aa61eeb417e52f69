"""The meaning of the bytes of a vector, by a MessagePack library that the server does not use.

`python -m tests.kit.vectors` fills in the sizes of all vectors of protocol.md, and the hex of those without.
"""

import json
import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import msgpack

from tests.kit import document
from tests.kit.document import Vector

# protocol.md "The deflate wrapper".
DEFLATE_EXT = 1


def with_bytes(value: Any) -> Any:
    """Return a JSON value with `{"$bytes": ...}` turned into bytes (protocol.md "JSON")."""
    if isinstance(value, list):
        return [with_bytes(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"$bytes"}:
        encoded: str = value["$bytes"]
        return urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    return {key: with_bytes(item) for key, item in value.items()}


def without_bytes(value: Any) -> Any:
    """Return the inverse of `with_bytes`."""
    if isinstance(value, bytes):
        return {"$bytes": urlsafe_b64encode(value).rstrip(b"=").decode()}
    if isinstance(value, list):
        return [without_bytes(item) for item in value]
    if isinstance(value, dict):
        return {key: without_bytes(item) for key, item in value.items()}
    return value


def pack(value: Any) -> bytes:
    """Return a JSON value as MessagePack, in the order of its keys."""
    packed: bytes = msgpack.packb(with_bytes(value), use_bin_type=True)
    return packed


def unpack(payload: bytes) -> Any:
    """Return a MessagePack payload as a JSON value."""
    return without_bytes(msgpack.unpackb(payload, raw=False, strict_map_key=True))


def message(vector: Vector) -> bytes:
    """Return the MessagePack inside a vector, out of its wrapper or WebSocket frame."""
    return OPENERS[vector.form](vector.payload)


def inflated(payload: bytes) -> bytes:
    wrapper = msgpack.unpackb(payload)
    assert wrapper.code == DEFLATE_EXT
    inflater = zlib.decompressobj(wbits=-15)
    plain = inflater.decompress(wrapper.data)
    assert inflater.eof
    return plain


def unframed(frame: bytes) -> bytes:
    """Return the payload of one server frame: FIN, binary, not masked (RFC 6455, 5.2)."""
    assert frame[0] == 0x82
    length, start = (int.from_bytes(frame[2:4], "big"), 4) if frame[1] == 126 else (frame[1], 2)
    assert len(frame) == start + length
    return frame[start:]


def unmasked(frame: bytes) -> bytes:
    """Return the payload of one short client frame: FIN, binary, masked (RFC 6455, 5.3)."""
    assert frame[0] == 0x82
    assert frame[1] == 0x80 | (len(frame) - 6)
    mask = frame[2:6]
    return bytes(byte ^ mask[at % 4] for at, byte in enumerate(frame[6:]))


OPENERS: dict[str, Callable[[bytes], bytes]] = {
    "msgpack": bytes,
    "wrapper": inflated,
    "server frame": unframed,
    "client frame": unmasked,
}


def refreshed(text: str) -> str:
    """Return the document with the sizes of all vectors, and the bytes of those that had none, filled in."""
    pattern = re.compile(
        r"(?P<head>^#### C\d+ .*\n)\n?(?:\d+ bytes (?P<form>[a-z ]+), \d+ bytes json\.\n)?\n?"
        r"```json\n(?P<json>.*)\n```\n\n?(?:```hex\n(?P<hex>[0-9a-f]*)\n```\n)?",
        re.M,
    )
    return pattern.sub(filled, text)


def filled(found: re.Match[str]) -> str:
    plain = found["json"]
    hexed = found["hex"] or pack(json.loads(plain)).hex()
    sizes = f"{len(hexed) // 2} bytes {found['form'] or 'msgpack'}, {len(plain.encode())} bytes json."
    return f"{found['head']}\n{sizes}\n\n```json\n{plain}\n```\n\n```hex\n{hexed}\n```\n"


if __name__ == "__main__":
    document.PATH.write_text(refreshed(document.text()), encoding="utf-8")

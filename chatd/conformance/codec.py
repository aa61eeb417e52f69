"""Packets to frames and back, in both encodings, and what is wrong with a frame of a client (protocol.md,
"Transport and encoding"); pure.

`decode` is for frames of a client and strict, `read` for those of either side and lenient.
"""

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any

import msgpack

Packet = dict[str, Any]

SUBPROTOCOLS = {"msgpack": "chatd.v1.msgpack", "json": "chatd.v1.json"}
DEFLATE = 1
RAW_DEFLATE = -15


class BadFrame(Exception):
    """A frame is none of the protocol."""


def encode(packets: Sequence[Packet], encoding: str) -> bytes | str:
    """Return the frame of one packet, or of a batch."""
    content = packets[0] if len(packets) == 1 else list(packets)
    if encoding == "json":
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    packed: bytes = msgpack.packb(_with_bytes(content), use_bin_type=True)
    return packed


def wrapped(packets: Sequence[Packet]) -> bytes:
    """Return a frame in the `deflate` wrapper."""
    data = zlib.compress(encode_binary(packets), wbits=RAW_DEFLATE)
    packed: bytes = msgpack.packb(msgpack.ExtType(DEFLATE, data))
    return packed


def encode_binary(packets: Sequence[Packet]) -> bytes:
    """Return the MessagePack of packets."""
    frame = encode(packets, "msgpack")
    assert isinstance(frame, bytes)
    return frame


def decode(frame: bytes | str, encoding: str) -> list[Packet]:
    """Return the packets of a client's frame. Raises BadFrame."""
    if isinstance(frame, str) is not (encoding == "json"):
        raise BadFrame(
            f"a {'text' if isinstance(frame, str) else 'binary'} frame on {SUBPROTOCOLS[encoding]}"
        )
    try:
        if isinstance(frame, str):
            content = json.loads(frame, object_pairs_hook=_pairs, parse_constant=_no_constant)
        else:
            content = msgpack.unpackb(frame, object_pairs_hook=_pairs, strict_map_key=False)
    except BadFrame:
        raise
    except Exception as error:
        raise BadFrame(f"not {encoding}: {error}") from None
    if isinstance(content, msgpack.ExtType):
        raise BadFrame("only the server sends the deflate wrapper")
    packets = content if isinstance(content, list) else [content]
    if not packets:
        raise BadFrame("a batch of no packet")
    if not all(isinstance(packet, dict) for packet in packets):
        raise BadFrame("a frame holds a map, or an array of maps")
    return packets


def read(frame: bytes | str) -> list[Any]:
    """Return the packets of a frame of either side, whatever is wrong with them."""
    content = json.loads(frame) if isinstance(frame, str) else _unwrapped(frame)
    return content if isinstance(content, list) else [content]


def _unwrapped(frame: bytes) -> Any:
    content = msgpack.unpackb(frame, strict_map_key=False)
    if isinstance(content, msgpack.ExtType) and content.code == DEFLATE:
        return msgpack.unpackb(zlib.decompress(content.data, wbits=RAW_DEFLATE), strict_map_key=False)
    return content


def bytes_as_json(value: object) -> object:
    """Return bytes as `{"$bytes": ...}`, and anything else that JSON does not have as Python shows it."""
    return {"$bytes": base64url(value)} if isinstance(value, bytes) else repr(value)


def base64url(raw: bytes) -> str:
    """Return base64url without padding (RFC 4648 section 5)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _pairs(pairs: list[tuple[Any, Any]]) -> Packet:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadFrame("a key stands twice in one map")
    if strange := [key for key in found if not isinstance(key, str)]:
        raise BadFrame(f"a key of a map is no text: {strange[0]!r}")
    return found


def _no_constant(name: str) -> Any:
    raise BadFrame(f"{name} is no number of JSON")


def _with_bytes(value: Any) -> Any:
    """Return the value with bytes in place of `{"$bytes": ...}` (protocol.md, "JSON")."""
    if isinstance(value, list):
        return [_with_bytes(item) for item in value]
    if not isinstance(value, dict):
        return value
    if list(value) == ["$bytes"]:
        return base64.urlsafe_b64decode(value["$bytes"] + "=" * (-len(value["$bytes"]) % 4))
    return {key: _with_bytes(part) for key, part in value.items()}

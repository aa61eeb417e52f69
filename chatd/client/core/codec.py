"""Packets to frames and back, in both encodings (protocol.md, "Transport and encoding"); pure.

A packet is a dict. One packet or a batch of them makes a frame. Every limit of decoding is explicit.
"""

import base64
import binascii
import json
import math
import zlib
from collections.abc import Sequence
from typing import Protocol

import msgpack

from .packets import Decoded, Packet

BATCH_MAX = 64
"""Packets in a batch (protocol.md, "Size limits")."""

DEPTH_MAX = 16
"""Levels of a packet (protocol.md, "MessagePack")."""

INTEGER_MAX = 2**53 - 1
"""The largest integer JSON carries exactly (protocol.md, "JSON")."""

FRAME_BYTES_MAX = 512 * 1024
"""Hard bound of a server frame before and after inflating (protocol.md, "Size limits"): half the receive limit of
iOS."""

ITEMS_MAX = 65536
"""Items of one array or map: above any page, far below what 512 KiB of one-byte items could ask for."""

DEFLATE_TYPE = 1
RAW_DEFLATE = -15


class BadFrame(Exception):
    """The peer sent something that is not a frame of this protocol."""


class Codec(Protocol):
    """One encoding. `encode` returns the bytes of one packet; `join` makes a frame of several."""

    subprotocol: str
    text: bool

    def encode(self, packet: Packet) -> bytes: ...
    def join(self, packets: Sequence[bytes]) -> bytes: ...
    def decode(self, frame: bytes | str) -> list[Packet]: ...


class MsgpackCodec:
    """`chatd.v1.msgpack`: binary frames, with the `deflate` wrapper on the way in."""

    subprotocol = "chatd.v1.msgpack"
    text = False

    def encode(self, packet: Packet) -> bytes:
        """Return the MessagePack bytes of a packet.

        Raises ValueError or TypeError for values that cannot be encoded (an integer over 64 bits, a foreign type).
        """
        packed: bytes = msgpack.packb(packet, use_bin_type=True)
        return packed

    def join(self, packets: Sequence[bytes]) -> bytes:
        """Return one frame of 1 to 64 encoded packets."""
        if len(packets) == 1:
            return packets[0]
        head = bytes([0x90 | len(packets)]) if len(packets) < 16 else bytes([0xDC, 0, len(packets)])
        return head + b"".join(packets)

    def decode(self, frame: bytes | str) -> list[Packet]:
        """Return the packets of a frame, in order; raises `BadFrame` for anything else."""
        if isinstance(frame, str):
            raise BadFrame("a text frame on the binary subprotocol")
        content = _unpack(frame)
        if isinstance(content, msgpack.ExtType):
            content = _unpack(_inflate(content))
        return _packets(content)


class JsonCodec:
    """`chatd.v1.json`: the same maps as JSON text; bytes travel as `{"$bytes": base64url}`."""

    subprotocol = "chatd.v1.json"
    text = True

    def encode(self, packet: Packet) -> bytes:
        """Return the JSON of a packet as UTF-8.

        Raises ValueError or TypeError for values that cannot be encoded (NaN, a lone surrogate, a foreign type).
        """
        return json.dumps(
            packet, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_bytes_to_json
        ).encode()

    def join(self, packets: Sequence[bytes]) -> bytes:
        """Return one frame of 1 to 64 encoded packets."""
        return packets[0] if len(packets) == 1 else b"[" + b",".join(packets) + b"]"

    def decode(self, frame: bytes | str) -> list[Packet]:
        """Return the packets of a frame, in order; raises `BadFrame` for anything else."""
        if not isinstance(frame, str):
            raise BadFrame("a binary frame on the text subprotocol")
        try:
            return _packets(json.loads(frame, object_hook=_bytes_from_json))
        except (ValueError, RecursionError) as error:
            raise BadFrame(f"not JSON: {error}") from None


CODECS: dict[str, type[MsgpackCodec] | type[JsonCodec]] = {"msgpack": MsgpackCodec, "json": JsonCodec}


def check(value: object, level: int = 1) -> None:
    """Raise ValueError for values that an encoder accepts and no server does: they must not get into an outbox."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not a finite number")
    if isinstance(value, int) and abs(value) > INTEGER_MAX:
        raise ValueError("an integer beyond 53 bits")
    if isinstance(value, dict | list | tuple):
        if level > DEPTH_MAX:
            raise ValueError(f"nested deeper than {DEPTH_MAX} levels")
        if isinstance(value, dict) and not all(isinstance(key, str) for key in value):
            raise ValueError("a key that is not text")
        for item in value.values() if isinstance(value, dict) else value:
            check(item, level + 1)


def _unpack(frame: bytes) -> object:
    try:
        content: object = msgpack.unpackb(
            frame,
            raw=False,
            strict_map_key=True,
            max_str_len=FRAME_BYTES_MAX,
            max_bin_len=FRAME_BYTES_MAX,
            max_ext_len=FRAME_BYTES_MAX,
            max_array_len=ITEMS_MAX,
            max_map_len=ITEMS_MAX,
        )
        return content
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise BadFrame(f"not MessagePack: {type(error).__name__}") from None


def _inflate(wrapper: msgpack.ExtType) -> bytes:
    """Return the content of the `deflate` wrapper: raw DEFLATE, complete, nothing behind it, at most 512 KiB."""
    if wrapper.code != DEFLATE_TYPE:
        raise BadFrame(f"wrapper of unknown type {wrapper.code}")
    inflater = zlib.decompressobj(RAW_DEFLATE)
    try:
        content = inflater.decompress(wrapper.data, FRAME_BYTES_MAX)
    except zlib.error:
        raise BadFrame("not DEFLATE") from None
    if not inflater.eof or inflater.unused_data:
        raise BadFrame("DEFLATE incomplete, too big or followed by more")
    return content


def _packets(content: Decoded) -> list[Packet]:
    packets = content if isinstance(content, list) else [content]
    if not 1 <= len(packets) <= BATCH_MAX or not all(isinstance(packet, dict) for packet in packets):
        raise BadFrame("neither a map nor an array of 1 to 64 maps")
    return packets


def _bytes_to_json(value: object) -> dict[str, str]:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"$bytes": base64.urlsafe_b64encode(value).rstrip(b"=").decode()}
    raise TypeError(f"{type(value).__name__} has no place in a packet")


def _bytes_from_json(value: Packet) -> object:
    text = value.get("$bytes")
    if len(value) != 1 or not isinstance(text, str):
        return value
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return value

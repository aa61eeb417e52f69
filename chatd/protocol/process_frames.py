"""The frames between the daemon and the processes beside it: a length, a kind, and MessagePack."""

from collections.abc import Iterator
from enum import IntEnum
from typing import Any

import msgspec

HEAD_BYTES = 5
# Of a frame. The largest are batches of notifications, some 700 bytes each.
FRAME_MAX = 4 << 20

_encoder = msgspec.msgpack.Encoder()
UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Kind(IntEnum):
    """`SETTINGS`: what the daemon says first. `READY`: the answer to it. `PING`, `PONG`: whether it still runs."""

    SETTINGS = 1
    READY = 2
    PING = 3
    PONG = 4
    CONTENT = 5


def frame(kind: Kind, content: Any = None) -> bytes:
    """Return a frame with a value in it."""
    payload = _encoder.encode(content)
    return len(payload).to_bytes(4, "big") + bytes((kind,)) + payload


def decode(payload: bytes, kind: Any) -> Any:
    """Return the value in a frame, of this type. Raises ValueError."""
    try:
        return msgspec.msgpack.decode(payload, type=kind)
    except UNDECODABLE as error:
        raise ValueError(f"a frame of another form: {error}") from None


class FrameReader:
    """Bytes as they come, turned into whole frames."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Kind, bytes]]:
        """Yield the kind and the payload of each frame that is whole. Raises ValueError."""
        self._rest += data
        while len(self._rest) >= HEAD_BYTES:
            length = int.from_bytes(self._rest[:4], "big")
            if length > FRAME_MAX:
                raise ValueError("a frame is too long")
            end = HEAD_BYTES + length
            if len(self._rest) < end:
                return
            kind, payload = Kind(self._rest[4]), bytes(self._rest[HEAD_BYTES:end])
            del self._rest[:end]
            yield kind, payload

"""One push, encoded and framed once for all its recipients: as msgpack, json, or msgpack with deflate."""

from collections.abc import Mapping
from typing import Any

from chatd.protocol.codec import as_json, encode
from chatd.protocol.messages import HeadPush
from chatd.protocol.read_state import RoomPosition
from chatd.websocket.frames import binary_frame, deflate_wrapper, text_frame

MSGPACK, JSON, DEFLATE = range(3)


class EncodedPush:
    """A push whose frames are made at first use, one for each encoding."""

    __slots__ = ("_deflate_min", "_frames", "_payload")

    def __init__(self, packet: Any, deflate_min: int) -> None:
        self._payload = encode(packet)
        self._deflate_min = deflate_min
        self._frames: list[bytes | None] = [None, None, None]

    def __len__(self) -> int:
        return len(self._payload)

    def frame(self, encoding: int) -> bytes:
        frame = self._frames[encoding]
        if frame is None:
            frame = self._frames[encoding] = self._make(encoding)
        return frame

    def _make(self, encoding: int) -> bytes:
        if encoding == JSON:
            return text_frame(as_json(self._payload))
        if encoding == DEFLATE:
            wrapped = deflate_wrapper(self._payload, self._deflate_min)
            return self.frame(MSGPACK) if wrapped is None else binary_frame(wrapped)
        return binary_frame(self._payload)


def frame_of(packet: Any, encoding: int, deflate_min: int) -> bytes:
    """Return the frame of a packet for one connection."""
    if encoding == MSGPACK:
        return binary_frame(encode(packet))
    return EncodedPush(packet, deflate_min).frame(encoding)


def head_push(heads: Mapping[str, tuple[int, int]]) -> HeadPush:
    """Return the push that says where rooms are. `heads`: (seq, ordinal) by room."""
    return HeadPush([RoomPosition(room, seq, ordinal) for room, (seq, ordinal) in heads.items()])

"""A connection without a socket, which keeps the frames that a session writes as packets."""

import json
import zlib
from typing import Any

import msgpack

from chatd.websocket.wire import Receiver
from tests.kit.frames import BINARY, TEXT, server_frames

# The ext type of a wrapper.
DEFLATED = 1


class MemoryWire:
    """The Wire of one session. `frames` are the writes as they came, `packets` their content, in order."""

    def __init__(self, *, text: bool = False, address: str = "192.0.2.1") -> None:
        self.text = text
        self.address = address
        self.frames: list[bytes] = []
        self.packets: list[dict[str, Any]] = []
        self.closed_with: tuple[int, str] | None = None
        self.aborted = False
        self.reading = True
        self.buffered = 0
        self._corked: list[bytes] | None = None
        self._taken = 0

    def write(self, frame: bytes) -> None:
        if self.closed_with is not None or self.aborted:
            return
        if self._corked is not None:
            self._corked.append(frame)
            return
        self.frames.append(frame)
        self.packets.extend(packets_of(frame, self.text))

    def cork(self) -> None:
        assert self._corked is None, "corked twice"
        self._corked = []

    def uncork(self) -> None:
        corked, self._corked = self._corked, None
        if corked:
            self.write(b"".join(corked))

    def buffered_bytes(self) -> int:
        return self.buffered

    def close(self, code: int, reason: str) -> None:
        self.uncork()
        if self.closed_with is None:
            self.closed_with = (code, reason)

    def abort(self) -> None:
        self.aborted = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def take(self) -> list[dict[str, Any]]:
        """Return the packets written since the last call."""
        taken, self._taken = self.packets[self._taken :], len(self.packets)
        return taken

    def clog(self, receiver: Receiver, waiting: int) -> None:
        """Make the transport hold `waiting` bytes that the kernel does not take."""
        self.buffered = waiting
        receiver.writing_blocked()

    def clear(self, receiver: Receiver) -> None:
        """Make the kernel take everything."""
        self.buffered = 0
        receiver.writing_resumed()


def packets_of(data: bytes, text: bool) -> list[dict[str, Any]]:
    """Return the packets of one or more unmasked, unfragmented server frames."""
    packets: list[dict[str, Any]] = []
    for first, payload in server_frames(data):
        assert first == (TEXT if text else BINARY), f"a frame begins with {first:#x}"
        packets += packets_in(payload, text)
    return packets


def packets_in(payload: bytes, text: bool) -> list[dict[str, Any]]:
    """Return the packets in the payload of a data frame."""
    content = json.loads(payload) if text else msgpack.unpackb(payload, ext_hook=inflate)
    return content if isinstance(content, list) else [content]


def inflate(code: int, content: bytes) -> Any:
    assert code == DEFLATED, f"ext type {code}"
    return msgpack.unpackb(zlib.decompress(content, -15))

"""The wire bytes of a client: packets out, whole frames in. They share no code with the daemon."""

import json
from collections.abc import Iterator
from typing import Any

import msgpack

from tests.kit.frames import BINARY, TEXT, client_frame, server_frame


def encode(content: Any, text: bool) -> bytes:
    """Return a packet or a batch as one frame."""
    if text:
        return client_frame(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(), TEXT)
    return client_frame(msgpack.packb(content), BINARY)


class Incoming:
    """The bytes of the daemon, as frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        # The place of the buffer, in bytes of the connection.
        self.offset = 0

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def head(self) -> bytes | None:
        """Return the answer to the upgrade request, once it is whole."""
        end = self._buffer.find(b"\r\n\r\n")
        return None if end < 0 else self._take(end + 4)

    def frames(self) -> Iterator[tuple[int, bytes, int]]:
        """Yield first byte, payload, and the offset of each whole frame."""
        while (found := server_frame(self._buffer)) is not None:
            first, payload, size = found
            where = self.offset
            self._take(size)
            yield first, payload, where

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        self.offset += size
        return taken

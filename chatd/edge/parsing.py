"""The WebSocket protocol of one connection without I/O: `websockets` bent to hand over one event at a time.

Leans on how the parser of the library is built, which tests/edge/test_parsing.py checks.
"""

import logging
from collections.abc import Generator, Sequence

from websockets.exceptions import NegotiationError
from websockets.http11 import Response
from websockets.protocol import Protocol
from websockets.server import ServerProtocol
from websockets.streams import StreamReader
from websockets.typing import Subprotocol

try:
    from websockets.speedups import apply_mask
except ImportError:
    from websockets.utils import apply_mask

MSGPACK = Subprotocol("chatd.v1.msgpack")
JSON = Subprotocol("chatd.v1.json")

# RFC 6455 section 5.2, as a client sends: the mask bit and the length in one byte, then four bytes of mask.
MASKED = 0x80
MASKED_HEAD = 6
LENGTH_16 = 126  # says that two bytes of length follow

# The library's own lines: one per connection at info, payloads at debug. Only its defects are ours to see.
_log = logging.getLogger(__name__)
_log.setLevel(logging.ERROR)


class EventParser(ServerProtocol):
    """The library's protocol without extensions, which hands over one event at a time.

    The library parses all it has; so a client could have a buffer full of frames parsed under limits that the
    first of them changes, or be heard further after a pause.
    """

    reader: "_Reader"

    def __init__(self) -> None:
        super().__init__(extensions=None, subprotocols=(MSGPACK, JSON), logger=_log)
        self.reader = _Reader(self)
        self.parser = self.parse()  # again, on this reader
        next(self.parser)

    def select_subprotocol(self, subprotocols: Sequence[Subprotocol]) -> Subprotocol:
        """The first the client offers that we speak: its order is its wish (protocol.md 2.1)."""
        for subprotocol in subprotocols:
            if subprotocol in (MSGPACK, JSON):
                return subprotocol
        raise NegotiationError(f"offer {MSGPACK} or {JSON}")

    def busy(self, retry_after_s: int) -> Response:
        """503 with the time to come back."""
        response = self.reject(503, "Too many connections.\n")
        response.headers["Retry-After"] = str(retry_after_s)
        return response

    def begin_frames(self) -> None:
        """Parse frames from here on; the parser of the handshake would keep the whole request alive."""
        self.parser.close()
        self.parser = Protocol.parse(self)

    def sole_message(self, data: bytes, first: int, limit: int) -> bytes | None:
        """The payload, when `data` is exactly one whole frame that begins with the byte `first`; else None.

        A shortcut for what nearly every read brings; everything else goes the long way through the parser. The
        frame is masked and at most `limit` bytes; lengths in a longer form than needed are left to the parser.
        """
        if not self.reader.between_frames or self.reader.buffer:
            return None
        if len(data) < MASKED_HEAD or data[0] != first:
            return None
        length, head = data[1] - MASKED, MASKED_HEAD
        if length == LENGTH_16:
            length, head = int.from_bytes(data[2:4], "big"), MASKED_HEAD + 2
            if length < LENGTH_16:
                return None
        elif not 0 <= length < LENGTH_16:
            return None
        if len(data) != head + length or length > limit:
            return None
        return bytes(apply_mask(data[head:], data[head - 4 : head]))

    def forget(self) -> None:
        """Break the reference cycles, so that a closed connection waits for no garbage collection."""
        self.parser.close()
        del self.parser, self.reader


class _Reader(StreamReader):
    """Lets the parser begin a frame only when the event before it was taken."""

    def __init__(self, frames: ServerProtocol) -> None:
        super().__init__()
        self._frames = frames
        self.between_frames = False  # the parser has taken all there was, and waits for a frame to begin

    def at_eof(self) -> Generator[None, None, bool]:
        while self._frames.events or not (self.buffer or self.eof):
            self.between_frames = not self._frames.events
            yield
        self.between_frames = False
        return not self.buffer

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

MSGPACK = Subprotocol("chatd.v1.msgpack")
JSON = Subprotocol("chatd.v1.json")

# The library's own lines: one per connection at info, payloads at debug. Only its defects are ours to see.
_log = logging.getLogger(__name__)
_log.setLevel(logging.ERROR)


class EventParser(ServerProtocol):
    """The library's protocol without extensions, which hands over one event at a time.

    The library parses all it has; so a client could have a buffer full of frames parsed under limits that the
    first of them changes, or be heard further after a pause.
    """

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

    def forget(self) -> None:
        """Break the reference cycles, so that a closed connection waits for no garbage collection."""
        self.parser.close()
        del self.parser, self.reader


class _Reader(StreamReader):
    """Lets the parser begin a frame only when the event before it was taken."""

    def __init__(self, frames: ServerProtocol) -> None:
        super().__init__()
        self._frames = frames

    def at_eof(self) -> Generator[None, None, bool]:
        while self._frames.events or not (self.buffer or self.eof):
            yield
        return not self.buffer

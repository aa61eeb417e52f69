"""WebSocket frames of one connection without I/O: whole messages directly, all else by the parser of `websockets`.

It relies on internals of that parser, which tests/websocket/test_parsing.py checks.
"""

import logging
from collections.abc import Generator

from websockets.protocol import SERVER, Protocol
from websockets.streams import StreamReader

try:
    from websockets.speedups import apply_mask
except ImportError:
    from websockets.utils import apply_mask

# RFC 6455 section 5.2, as a client sends: the mask bit and the length in one byte, then four bytes of mask.
MASKED = 0x80
MASKED_HEAD = 6
LENGTH_16 = 126  # two bytes of length follow

# The library logs each connection at info and payloads at debug; only its defects are wanted.
_log = logging.getLogger(__name__)
_log.setLevel(logging.ERROR)


def sole_message(data: bytes, first: int, limit: int) -> bytes | None:
    """Return the payload when `data` is exactly one whole masked frame that begins with the byte `first`; else None.

    Nearly every read is one, so most connections never need a parser. Valid only where a frame may begin.
    The payload has at most `limit` bytes; lengths in a longer form than needed are left to the parser.
    """
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


def is_utf8(payload: bytes) -> bool:
    """Whether a text message may hold this payload (RFC 6455 section 8.1)."""
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


class FrameParser(Protocol):
    """The library's protocol of an open connection without extensions, which hands over one frame at a time.

    The library itself parses all it has, under a limit that the first of the frames may change, and also
    after reading was paused.
    """

    reader: "_Reader"

    def __init__(self) -> None:
        super().__init__(SERVER, logger=_log)
        self.reader = _Reader(self)
        self.parser = self.parse()  # again, on this reader
        next(self.parser)

    @property
    def between_frames(self) -> bool:
        """Whether everything received is parsed and taken, so that the next byte begins a frame."""
        return self.reader.between_frames and not self.reader.buffer

    def limit(self, message_bytes: int) -> None:
        """Limit messages to this length, from the next frame on."""
        self.max_message_size = message_bytes

    def forget(self) -> None:
        """Break the reference cycles, so that a closed connection needs no garbage collection."""
        self.parser.close()
        del self.parser, self.reader


class _Reader(StreamReader):
    """The input of the parser, which lets it begin a frame only when the one before was taken."""

    def __init__(self, frames: Protocol) -> None:
        super().__init__()
        self._frames = frames
        self.between_frames = False  # the parser has consumed all input, and waits for a frame to begin

    def at_eof(self) -> Generator[None, None, bool]:
        while self._frames.events or not (self.buffer or self.eof):
            self.between_frames = not self._frames.events
            yield
        self.between_frames = False
        return not self.buffer

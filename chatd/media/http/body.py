"""The body of a request as it is received: two buffers, one that is filled while the other is written to the disk."""

import asyncio
from collections.abc import Callable

from chatd.media.http.messages import BodyLost, Chunks

# Of each of two buffers: what one write takes.
PIECE = 256 * 1024
NOTHING = memoryview(b"")


class ReceivedBody:
    """The bytes after a head; `buffer` and `updated` are for the connection, `read` for whoever wants them.

    `length`: None for one in chunks. `want`: called before the first read and whenever there is room again.
    """

    def __init__(self, length: int | None, want: Callable[[], None]) -> None:
        self.length = length
        self._want = want
        self._left = length
        self._chunks = Chunks() if length is None else None
        # Made when bytes come that somebody waits for: a request whose body nobody reads holds what came with its head.
        self._size = PIECE if length is None else min(PIECE, length)
        self._filling = self._held = NOTHING
        self._filled = 0
        self._is_lost = False
        self._least = 1
        self._waiter: asyncio.Future[None] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all of it was received."""
        return self._left == 0 if self._chunks is None else self._chunks.is_whole

    @property
    def has_room(self) -> bool:
        """Whether more of it may be received now."""
        return not (self.is_whole or self._is_lost) and self._filled < (len(self._filling) or self._size)

    def buffer(self) -> memoryview:
        """Return where the next bytes go. For a body in chunks they are decoded in place."""
        if not self._filling:
            self._filling = memoryview(bytearray(self._size))
        room = len(self._filling) - self._filled
        return self._filling[
            self._filled : self._filled + (room if self._left is None else min(room, self._left))
        ]

    def updated(self, count: int) -> None:
        """Take what was written to the buffer; what are no chunks ends the body."""
        if self._chunks is not None:
            try:
                got = self._chunks.feed(bytes(self._filling[self._filled : self._filled + count]))
            except ValueError:
                self.end()
                return
            count = len(got)
            self._filling[self._filled : self._filled + count] = got
        elif self._left is not None:
            self._left -= count
        self._filled += count
        self._wake()

    def take(self, data: memoryview) -> int:
        """Take bytes that came with the head; return how many were of this body."""
        if not self._filling:
            self._filling = memoryview(bytearray(min(self._size, len(data))))
        room = self.buffer()
        count = min(len(room), len(data))
        room[:count] = data[:count]
        self.updated(count)
        return count

    async def read(self, least: int = 1) -> memoryview:
        """Return the next bytes, which stay as they are until the next call; none at the end. Raises BodyLost."""
        self._least = min(least, self._size)
        while not self._is_enough:
            self._want()
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if not self._filled:
            if self.is_whole:
                return NOTHING
            raise BodyLost
        piece = self._filling[: self._filled]
        # One that was only as long as what came with the head is not used again.
        spare = self._held if len(self._held) == self._size else NOTHING
        self._filling, self._held, self._filled = spare, self._filling, 0
        if not self.is_whole:
            self._want()
        return piece

    def end(self) -> None:
        """Let `read` raise BodyLost when it has given what was received, also while it waits."""
        self._is_lost = True
        self._wake()

    @property
    def _is_enough(self) -> bool:
        return self._filled >= self._least or self.is_whole or self._is_lost or not self.has_room

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done() and self._is_enough:
            self._waiter.set_result(None)

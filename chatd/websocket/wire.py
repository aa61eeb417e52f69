"""The interface between a connection (bytes, websocket/connection.py) and a session (packets, session/session.py).

Either side can be tested in memory, without a socket.
"""

from typing import Protocol


class Wire(Protocol):
    """The connection as its session sees it.

    `text`: True for `chatd.v1.json` (text frames), False for `chatd.v1.msgpack` (binary frames).
    `address`: the client's address after trusted proxies, as text.
    """

    text: bool
    address: str

    def write(self, frame: bytes) -> None:
        """Pass complete server frames to the transport; never blocks, no-op once closing."""

    def cork(self) -> None:
        """Hold further writes, so that several frames cost one system call; `uncork` must follow."""

    def uncork(self) -> None:
        """Write all held frames at once; no-op when there are none."""

    def buffered_bytes(self) -> int:
        """Return the bytes that the kernel has not taken: held by the cork, or in the transport."""

    def close(self, code: int, reason: str) -> None:
        """Flush at most 2 s, send the close frame, wait at most 5 s for the answer, abort; idempotent."""

    def abort(self) -> None:
        """Reset the connection now; buffered bytes are lost."""

    def pause_reading(self) -> None:
        """Deliver nothing more until `resume_reading`; TCP pushes back on the client."""

    def resume_reading(self) -> None:
        """Deliver again, first the messages that arrived meanwhile."""


class Evictable(Protocol):
    """A connection that can be closed to make room for others."""

    def evict(self) -> None:
        """Close with a code that lets the client come back later."""


class Receiver(Protocol):
    """The session as its connection sees it. The order of calls: `opened`, any of the others, `closed`."""

    def opened(self, wire: Wire) -> None:
        """Begin: the handshake succeeded, and `wire` may be written to."""

    def received(self, payload: bytes) -> None:
        """Handle one whole message, at most `frame_bytes_max` bytes; valid UTF-8 when the wire is text."""

    def writing_blocked(self) -> None:
        """Hold back: the transport holds more than its high-water mark (config: outbox.ephemeral_bytes)."""

    def writing_resumed(self) -> None:
        """Write again: the transport is below its low-water mark."""

    def close(self, code: int) -> None:
        """Send the last packets, then close the wire with this code."""

    def closed(self, code: int) -> None:
        """End; called exactly once, with the code of the first close frame, or 1006 for a lost link."""

    @property
    def frame_bytes_max(self) -> int:
        """The current limit of inbound messages, bytes: hello_frame_bytes before hello, then frame_bytes."""


class NullReceiver:
    """The receiver of a connection that has no session yet."""

    frame_bytes_max = 0

    def opened(self, wire: Wire) -> None: ...

    def received(self, payload: bytes) -> None: ...

    def writing_blocked(self) -> None: ...

    def writing_resumed(self) -> None: ...

    def close(self, code: int) -> None: ...

    def closed(self, code: int) -> None: ...


NULL_RECEIVER = NullReceiver()

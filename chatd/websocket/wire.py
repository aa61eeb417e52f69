"""The seam between a connection (bytes, websocket/connection.py) and a session (packets, session/session.py).

Only the two Protocols, and the receiver before there is one: whoever has both sides in memory needs no socket.
"""

from typing import Protocol


class Wire(Protocol):
    """What a session needs of its connection.

    `text`: True for `chatd.v1.json` (text frames), False for `chatd.v1.msgpack` (binary frames).
    `address`: the client's address after trusted proxies, as text.
    """

    text: bool
    address: str

    def write(self, frame: bytes) -> None:
        """Hand complete, prebuilt server frames to the transport; never blocks, no-op once closing."""

    def cork(self) -> None:
        """Hold what is written from here on, so that several frames cost one system call; `uncork` must follow."""

    def uncork(self) -> None:
        """Hand over what was held, as one write; no-op when nothing is."""

    def buffered_bytes(self) -> int:
        """Bytes the kernel has not got: held by the cork, or in the transport."""

    def close(self, code: int, reason: str) -> None:
        """Flush at most 2 s, send the close frame, wait at most 5 s for the answer, abort; idempotent."""

    def abort(self) -> None:
        """Reset the connection now; what is buffered is lost."""

    def pause_reading(self) -> None:
        """Deliver nothing more until `resume_reading`; TCP pushes back on the client."""

    def resume_reading(self) -> None:
        """Deliver again, beginning with what arrived meanwhile."""


class Evictable(Protocol):
    """A connection that can be told to make room for others."""

    def evict(self) -> None:
        """Close politely: the client comes back later."""


class Receiver(Protocol):
    """What a connection needs of a session. The order of calls: `opened`, any of the others, `closed`."""

    def opened(self, wire: Wire) -> None:
        """The handshake succeeded; `wire` may be written to from now on."""

    def received(self, payload: bytes) -> None:
        """One whole message, at most `frame_bytes_max` bytes; valid UTF-8 when the wire is text."""

    def writing_blocked(self) -> None:
        """The transport holds more than its high-water mark (config: outbox.ephemeral_bytes)."""

    def writing_resumed(self) -> None:
        """The transport is below its low-water mark again."""

    def close(self, code: int) -> None:
        """The connection has to end with this code: say what there is to say, then close the wire."""

    def closed(self, code: int) -> None:
        """It is over, said exactly once: the code of the first close frame, or 1006 for a lost link."""

    @property
    def frame_bytes_max(self) -> int:
        """The inbound message limit now, bytes: hello_frame_bytes before hello, then frame_bytes."""


class NullReceiver:
    """The receiver before there is one."""

    frame_bytes_max = 0

    def opened(self, wire: Wire) -> None: ...

    def received(self, payload: bytes) -> None: ...

    def writing_blocked(self) -> None: ...

    def writing_resumed(self) -> None: ...

    def close(self, code: int) -> None: ...

    def closed(self, code: int) -> None: ...


NULL_RECEIVER = NullReceiver()

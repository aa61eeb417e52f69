"""NATS in its own protocol: subscribers of one subject, and somebody who publishes.

NATS keeps the order of each connection only. All sends in flight go over one, so that all subscribers receive the
same bytes and can be held to them; it is also what NATS is quickest at.
"""

from __future__ import annotations

from bench.engine.device import Device
from bench.engine.pump import Pump
from bench.engine.stage import Stage
from bench.engine.stream import Stream
from bench.peers.relay import SAID_BYTES, Listener, Publisher, Relay

SUBJECT = "room"
_CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"echo":false}\r\n'
_LINE_END = b"\r\n"


def message_end(content: bytes, at: int) -> int:
    r"""Where the protocol line at `at` ends, with its payload; beyond the content while it is not whole.

    >>> message_end(b"PING\r\nMSG room 1 5\r\nhello\r\n", 0), message_end(b"PING\r\nMSG room 1 5\r\nhello\r\n", 6)
    (6, 27)
    """
    line_end = content.find(_LINE_END, at)
    if line_end < 0:
        return len(content) + 1
    if not content.startswith(b"MSG ", at):
        return line_end + 2
    return line_end + 2 + int(content[content.rindex(b" ", at, line_end) : line_end]) + 2


class Client(Device):
    """Connects. The server speaks first; its answer to PING tells that all of what was said is taken."""

    wishes = b""
    _greeting = b""

    def connected(self) -> None:
        """No upgrade: it is a protocol of its own."""
        self.receive = self._answered
        self.send(_CONNECT + self.wishes + b"PING\r\n")

    def heard(self, view: memoryview) -> None:
        """What comes once the connection is in."""

    def _answered(self, view: memoryview) -> None:
        self._greeting += view
        _, found, rest = self._greeting.partition(b"PONG\r\n")
        if found:
            self._greeting = b""
            self.receive = self.heard
            self.gate.entered += 1
            if rest:
                self.heard(memoryview(rest))


class Subscriber(Client, Listener):
    """Receives every message of the subject; all subscribers receive identical bytes."""

    wishes = f"SUB {SUBJECT} 1\r\n".encode()

    def __init__(self, pump: Pump, stage: Stage, stream: Stream) -> None:
        super().__init__(pump, stage, stream)
        self.heard = self.follower.receive  # type: ignore[method-assign]  # no call in between on the hot path

    def foreign(self, frame: bytes, at_end: bool) -> bool:
        """Messages, pings and complaints."""
        if frame.startswith(b"MSG "):
            return self.message(at_end)
        if frame.startswith(b"PING"):
            self.send(b"PONG\r\n")
        elif frame.startswith(b"-ERR"):
            self.gate.fail(frame.decode(errors="replace").strip())
        return False


class Author(Client, Publisher):
    """Publishes; it is asked now and then whether it lives."""

    def heard(self, view: memoryview) -> None:
        """Nothing but pings: it subscribes to nothing."""
        if bytes(view).startswith(b"PING"):
            self.send(b"PONG\r\n")

    def publish(self, said: bytes, number: int) -> None:
        """One message of the subject."""
        payload = said.ljust(SAID_BYTES, b".")
        self.send(b"PUB %b %d\r\n%b\r\n" % (SUBJECT.encode(), len(payload), payload))


class NatsFanout(Relay):
    """The subscribers and the author."""

    listener, publisher, end_of = Subscriber, Author, staticmethod(message_end)

    def words(self, frame: bytes) -> bytes:
        """The payload of a MSG."""
        return frame[frame.index(_LINE_END) + 2 :]

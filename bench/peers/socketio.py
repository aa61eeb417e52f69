"""Socket.IO over WebSocket: Engine.IO 4 packets in text frames, an event for everybody in one room."""

from __future__ import annotations

from bench import frames
from bench.engine.device import Device
from bench.engine.member import payload
from bench.peers.relay import SAID_BYTES, Listener, Publisher, Relay
from bench.phone import Address

# The packets of Engine.IO and Socket.IO that matter here (their protocols, revision 4 and 5).
_OPEN, _PING, _PONG, _CONNECT, _EVENT = b"0", b"2", b"3", b"40", b"42"


class Client(Device):
    """Connects to the default namespace."""

    path = "/socket.io/?EIO=4&transport=websocket"

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.subprotocol = ""
        self._address = Address(self._address.host, self._address.port, self.path, tls=False)

    def upgraded(self) -> None:
        """The server speaks first."""

    def take(self, payload: bytes) -> None:
        """One packet."""
        if payload == _PING:
            self.say(_PONG)
        elif payload.startswith(_CONNECT):
            self.gate.entered += 1
            self.joined()
        elif payload.startswith(_OPEN):
            self.say(_CONNECT)

    def say(self, packet: bytes) -> None:
        """Sends one packet."""
        self.send(frames.client_frame(self.encoding.opcode, packet))

    def joined(self) -> None:
        """The namespace let it in."""


class Member(Client, Listener):
    """In the room; everybody in it receives identical bytes."""

    path = f"{Client.path}&listens=1"

    def joined(self) -> None:
        """From now on the bytes go to the follower."""
        self.follower.begin(self.reader.rest)
        self.receive = self.follower.receive

    def foreign(self, frame: bytes, at_end: bool) -> bool:
        """Events, and whatever else comes in between."""
        content = payload(frame)
        if content.startswith(_EVENT):
            return self.message(at_end)
        if frame[0] & 0x0F == self.encoding.opcode:
            self.take(content)
        else:
            self.control(frame[0] & 0x0F, content)
        return False


class Author(Client, Publisher):
    """Says it to the server, which tells the room."""

    def publish(self, said: bytes, number: int) -> None:
        """One event."""
        self.say(b'42["say","%b"]' % said.ljust(SAID_BYTES, b"."))


class SocketIoFanout(Relay):
    """The room and the author."""

    listener, publisher = Member, Author

    def words(self, frame: bytes) -> bytes:
        """The argument of the event."""
        return payload(frame).removeprefix(b'42["said","')

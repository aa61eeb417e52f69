"""XMPP: anonymous people in one group chat (XEP-0045) over WebSocket (RFC 7395), whichever server it is.

Every stanza names its recipient, so no two members receive the same bytes; his own address is taken out of what each
of them receives, and what is left is compared.
"""

from __future__ import annotations

from bench import frames
from bench.engine.device import Device
from bench.peers.relay import Listener, Publisher, Relay

HOST, ROOMS = "localhost", "rooms.localhost"  # what a server is configured to be
PATH = "/xmpp-websocket"

_ROOM = f"room@{ROOMS}"

_OPEN = f"<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='{HOST}' version='1.0'/>".encode()
_AUTH = b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>"
_BIND = (
    b"<iq xmlns='jabber:client' type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
)
_JOIN = (
    "<presence xmlns='jabber:client' to='{room}/{nick}'><x xmlns='http://jabber.org/protocol/muc'>"
    "<history maxstanzas='0'/></x></presence>"
)
_SAY = "<message xmlns='jabber:client' to='{room}' type='groupchat' id='{id}'><body>{body}</body></message>"
_INSIDE = b"110"  # XEP-0045, 15.6.2: this presence is your own, and the last of those who are there

# What is waited for, and what is said then; the last is the bound address.
_STEPS = ((b"features", _AUTH), (b"<success", _OPEN), (b"features", _BIND), (b"<jid>", b""))


class Occupant(Device):
    """Somebody in the room. `address` is who he is to the server."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.subprotocol = "xmpp"
        self.address = b""
        self._step = 0

    def upgraded(self) -> None:
        """Opens the stream."""
        self.say(_OPEN)

    def say(self, stanza: bytes) -> None:
        """Sends one stanza."""
        self.send(frames.client_frame(self.encoding.opcode, stanza))

    def take(self, payload: bytes) -> None:
        """One stanza."""
        if self._step > len(_STEPS):
            self.heard(payload)
        elif self._step == len(_STEPS):
            self._joining(payload)
        elif _STEPS[self._step][0] in payload:
            self._step += 1
            if self._step < len(_STEPS):
                self.say(_STEPS[self._step - 1][1])
            else:
                self._bound(payload)
        elif b"<failure" in payload or b"error" in payload:
            self.end(payload.decode(errors="replace")[:200])

    def heard(self, stanza: bytes) -> None:
        """A stanza, once he is in."""

    def _bound(self, stanza: bytes) -> None:
        self.address = stanza.partition(b"<jid>")[2].partition(b"</jid>")[0]
        nick = self.address.decode().partition("@")[0]
        self.say(_JOIN.format(room=_ROOM, nick=nick).encode())

    def _joining(self, stanza: bytes) -> None:
        if stanza.startswith(b"<presence") and _INSIDE in stanza:
            self._step += 1
            self.gate.entered += 1
        elif b"type='error'" in stanza or b'type="error"' in stanza:
            self.end(stanza.decode(errors="replace")[:200])


class Member(Occupant, Listener):
    """Listens."""

    def heard(self, stanza: bytes) -> None:
        """A message without his own address, as a line of the stream."""
        if stanza.startswith(b"<message") and b"<body>" in stanza:
            self.follower.receive(memoryview(stanza.replace(self.address, b"") + b"\n"))

    def foreign(self, frame: bytes, at_end: bool) -> bool:
        """Only messages come here."""
        return self.message(at_end)


class Author(Occupant, Publisher):
    """Speaks in the room; what he hears of himself is not counted."""

    def publish(self, said: bytes, number: int) -> None:
        """One message."""
        self.say(_SAY.format(room=_ROOM, id=number, body=said.decode()).encode())


def line_end(content: bytes, at: int) -> int:
    r"""Where the line at `at` ends; beyond the content while it is not whole.

    >>> line_end(b"one\ntwo\n", 4), line_end(b"one\ntw", 4)
    (8, 7)
    """
    return (content.find(b"\n", at) + 1) or len(content) + 1


class GroupChat(Relay):
    """The room and the author."""

    listener, publisher, end_of = Member, Author, staticmethod(line_end)

    def words(self, frame: bytes) -> bytes:
        """The body."""
        return frame.partition(b"<body>")[2].partition(b"</body>")[0]

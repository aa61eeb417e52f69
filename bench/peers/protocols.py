"""How other servers are spoken to: what differs between them, as data and a few functions on bytes."""

from bench.client.fast_subscriber import payload
from bench.codec import BINARY
from bench.engine.relay import Protocol

SAID_BYTES = 300  # as much as the daemon's push of one message has
HOST, ROOMS = "localhost", "rooms.localhost"  # what an XMPP server is configured to be
XMPP_PATH = "/xmpp-websocket"

_LINE_END = b"\r\n"
_SOCKET_IO_PATH = "/socket.io/?EIO=4&transport=websocket"
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


def message_end(content: bytes, at: int) -> int:
    r"""Where the line of NATS at `at` ends, with its payload; beyond the content while it is not whole.

    >>> message_end(b"PING\r\nMSG room 1 5\r\nhello\r\n", 0), message_end(b"PING\r\nMSG room 1 5\r\nhello\r\n", 6)
    (6, 27)
    """
    line_end = content.find(_LINE_END, at)
    if line_end < 0:
        return len(content) + 1
    if not content.startswith(b"MSG ", at):
        return line_end + 2
    return line_end + 2 + int(content[content.rindex(b" ", at, line_end) : line_end]) + 2


def line_end(content: bytes, at: int) -> int:
    r"""Where the line at `at` ends; beyond the content while it is not whole.

    >>> line_end(b"one\ntwo\n", 4), line_end(b"one\ntw", 4)
    (8, 7)
    """
    return (content.find(b"\n", at) + 1) or len(content) + 1


def _published(said: bytes, number: int) -> bytes:
    return b"PUB room %d\r\n%b\r\n" % (SAID_BYTES, said.ljust(SAID_BYTES, b"."))


def _after_line(frame: bytes) -> bytes:
    return frame[frame.index(_LINE_END) + 2 :]


def _event(said: bytes, number: int) -> bytes:
    return b'42["say","%b"]' % said.ljust(SAID_BYTES, b".")


def _argument(frame: bytes) -> bytes:
    return payload(frame).removeprefix(b'42["said","')


def _stanza(said: bytes, number: int) -> bytes:
    return _SAY.format(room=_ROOM, id=number, body=said.decode()).encode()


def _body(frame: bytes) -> bytes:
    return frame.partition(b"<body>")[2].partition(b"</body>")[0]


def _own_address(stanza: bytes) -> bytes:
    return stanza.partition(b"<jid>")[2].partition(b"</jid>")[0]


def _joining(awaited: bytes, stanza: bytes) -> bytes:
    """Bound to an address: join the room under its first part."""
    nick = _own_address(stanza).decode().partition("@")[0]
    return _JOIN.format(room=_ROOM, nick=nick).encode()


def _without_recipient(stanza: bytes, bound: bytes) -> bytes | None:
    """A message of the room as a line of the stream. Every stanza names its recipient: that is taken out."""
    if not (stanza.startswith(b"<message") and b"<body>" in stanza):
        return None
    return stanza.replace(_own_address(bound), b"") + b"\n"


def _trigger(said: bytes, number: int) -> bytes:
    return b"A"


# NATS keeps the order of each connection only. All sends in flight go over one, so that all subscribers receive the
# same bytes and can be held to them; it is also what NATS is quickest at. Its answer to PING tells that all is taken.
NATS = Protocol(
    _published,
    _after_line,
    raw=True,
    opening=b'CONNECT {"verbose":false,"pedantic":false,"echo":false}\r\nSUB room 1\r\nPING\r\n',
    steps=((b"PONG\r\n", b""),),
    frame_end=message_end,
    begins=b"MSG ",
    answers={b"PING": b"PONG\r\n"},
    complaint=b"-ERR",
)
# Engine.IO 4 and Socket.IO 5: open, ping, pong, connect, event are 0, 2, 3, 40, 42.
SOCKET_IO = Protocol(
    _event,
    _argument,
    subprotocol="",
    path=f"{_SOCKET_IO_PATH}&listens=1",
    author_path=_SOCKET_IO_PATH,
    steps=((b"0", b"40"), (b"40", b"")),
    begins=b"42",
    answers={b"2": b"3"},
)
# XMPP: anonymous people in one group chat (XEP-0045) over WebSocket (RFC 7395). The presence with the status 110
# (XEP-0045, 15.6.2) is one's own, and the last of those who are there.
XMPP = Protocol(
    _stanza,
    _body,
    subprotocol="xmpp",
    opening=_OPEN,
    steps=((b"features", _AUTH), (b"<success", _OPEN), (b"features", _BIND), (b"<jid>", None), (b"110", b"")),
    frame_end=line_end,
    greets=_joining,
    reads=_without_recipient,
)
# The floors: one prebuilt frame for everybody, whoever asks for it. The first greets: the kernel connects earlier.
PUSH = Protocol(_trigger, _body, raw=True, steps=((b"+", b""),), opcode=BINARY, prebuilt=True)
BROADCAST = Protocol(_trigger, _body, opcode=BINARY, prebuilt=True)

"""Bytes as a client has them: the two encodings, signed tokens, the upgrade, frames (RFC 6455). No sockets here."""

import base64
import hashlib
import hmac
import json
import os
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgpack

Packet = dict[str, Any]

TEXT = 0x1
BINARY = 0x2


@dataclass(frozen=True, slots=True)
class Encoding:
    name: str
    subprotocol: str
    opcode: int
    pack: Callable[[Any], bytes]
    unpack: Callable[[bytes], Any]


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
ENCODINGS = {
    "msgpack": Encoding("msgpack", "chatd.v1.msgpack", BINARY, msgpack.packb, msgpack.unpackb),
    "json": Encoding("json", "chatd.v1.json", TEXT, lambda value: _json.encode(value).encode(), json.loads),
}


def packets(decoded: Any) -> list[Packet]:
    """The packets of one decoded frame: a map is one packet, an array a batch (protocol.md "Batches")."""
    return decoded if isinstance(decoded, list) else [decoded]


# The longest a daemon accepts by default (protocol.md "hello"): no run outlives its tokens.
TOKEN_TTL_S = 24 * 3600


def token(user: str, secret: str, audience: str = "chatd") -> str:
    """A token for `user`, valid from now for TOKEN_TTL_S seconds (RFC 7519, RFC 7515); no two are the same.

    A daemon remembers what it has checked, so only a token that is new to it is checked.
    """
    now = int(time.time())
    claims = {"sub": user, "aud": audience, "iat": now, "exp": now + TOKEN_TTL_S, "jti": secrets.token_hex(8)}
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    signature = hmac.digest(secret.encode(), signed.encode(), hashlib.sha256)
    return f"{signed}.{_encoded(signature)}"


def _part(content: dict[str, object]) -> str:
    return _encoded(json.dumps(content, separators=(",", ":")).encode())


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


CONTINUATION, CLOSE, PING, PONG = 0x0, 0x8, 0x9, 0xA
NORMAL_CLOSE = 1000
LOST = 1006  # RFC 6455, 7.1.5: no close frame was received

FRAME_BYTES_MAX = 524_288  # protocol.md "Size limits": a server frame is never larger
HANDSHAKE_BYTES_MAX = 16_384  # far above any honest 101 answer

_ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
_FIN = 0x80
_WHOLE = (_FIN | 0x2, _FIN | 0x1)  # a whole binary or text message, which is nearly every frame
_MASKED = 0x80
_masks = random.Random(os.urandom(8))


class FrameError(Exception):
    """The server sent bytes that RFC 6455 or the size limits of protocol.md forbid."""


class HandshakeError(Exception):
    """The server answered the upgrade with something else than the 101 that was asked for."""


class Frame(NamedTuple):
    opcode: int
    payload: bytes


class Upgrade:
    """One upgrade request and the check of its answer. Without a subprotocol none is asked for."""

    def __init__(self, host: str, path: str, subprotocol: str = "") -> None:
        self._key = base64.b64encode(os.urandom(16))
        self._subprotocol = subprotocol
        self.request = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {self._key.decode()}\r\nSec-WebSocket-Version: 13\r\n"
            f"{f'Sec-WebSocket-Protocol: {subprotocol}' if subprotocol else 'Pragma: no-cache'}\r\n\r\n"
        ).encode()

    def check(self, answer: bytes) -> None:
        """Raises HandshakeError unless `answer`, a whole response head, accepts this very upgrade."""
        lines = answer.decode("latin-1").split("\r\n")
        if lines[0].split(" ")[1:2] != ["101"]:
            raise HandshakeError(f"the upgrade was answered with {lines[0]!r}")
        pairs = (line.partition(":") for line in lines[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        accept = base64.b64encode(hashlib.sha1(self._key + _ACCEPT_GUID).digest()).decode()
        for name, wanted in (("sec-websocket-accept", accept), ("sec-websocket-protocol", self._subprotocol)):
            if headers.get(name, "") != wanted:
                raise HandshakeError(f"{name} of the answer is {headers.get(name)!r}, not {wanted!r}")


class FrameReader:
    """Bytes in, messages out; it may be fed in any pieces."""

    __slots__ = ("_fragments", "_opcode", "_rest", "_wanted")

    def __init__(self) -> None:
        self._rest = bytearray()
        self._wanted = 0
        self._opcode = CONTINUATION
        self._fragments: list[bytes] = []

    @property
    def rest(self) -> bytes:
        return bytes(self._rest)

    def feed(self, data: bytes) -> list[Frame]:
        """The messages and control frames that are complete now, in order.

        Raises FrameError for a masked frame, reserved bits, a control frame that is long or in pieces, a
        fragment out of place, or more than FRAME_BYTES_MAX.
        """
        if self._rest:
            self._rest += data
            if len(self._rest) < self._wanted:
                return []
            data = bytes(self._rest)
            self._rest.clear()
        frames: list[Frame] = []
        at = 0
        while (end := frame_end(data, at)) <= len(data):
            self._take(data, at, end, frames)
            at = end
        if at < len(data):
            self._rest += data[at:]
            self._wanted = end - at
        return frames

    def _take(self, data: bytes, at: int, end: int, frames: list[Frame]) -> None:
        first, size = data[at], data[at + 1]
        payload = data[at + header_bytes(size) : end]
        if first in _WHOLE and not self._fragments:
            frames.append(Frame(first & 0x0F, payload))
        else:
            self._take_unusual(first, payload, frames)

    def _take_unusual(self, first: int, payload: bytes, frames: list[Frame]) -> None:
        opcode, final = first & 0x0F, bool(first & _FIN)
        if first & 0x70:
            raise FrameError("the server set a reserved bit")
        if opcode >= CLOSE:
            if not final or len(payload) > 125:
                raise FrameError("the server sent a control frame that is too long or in pieces")
            frames.append(Frame(opcode, payload))
            return
        if (opcode == CONTINUATION) != bool(self._fragments):
            raise FrameError("the server sent a fragment out of place")
        self._opcode = opcode or self._opcode
        self._fragments.append(payload)
        _bounded(sum(map(len, self._fragments)))
        if final:
            frames.append(Frame(self._opcode, b"".join(self._fragments)))
            self._fragments = []


def frame_end(data: bytes, at: int) -> int:
    """Where the server's frame at `at` ends, or where the next part of its header does while that is not known.

    Raises FrameError for a masked frame or one above FRAME_BYTES_MAX.
    """
    if len(data) < at + 2:
        return at + 2
    size = data[at + 1]
    if size < 126:
        return at + 2 + size
    if size & _MASKED:
        raise FrameError("the server masked a frame")
    header = at + header_bytes(size)
    if len(data) < header:
        return header
    return header + _bounded(int.from_bytes(data[at + 2 : header], "big"))


def header_bytes(size: int) -> int:
    return 2 if size < 126 else 4 if size == 126 else 10


def client_frame(opcode: int, payload: bytes) -> bytes:
    mask = _masks.getrandbits(32).to_bytes(4, "big")
    return _head(opcode, len(payload), _MASKED) + mask + masked(payload, mask)


def server_frame(payload: bytes) -> bytes:
    """One final binary frame as a server sends it: what the floors and peers of a comparison need."""
    return _head(BINARY, len(payload), 0) + payload


def _head(opcode: int, size: int, mask: int) -> bytes:
    if size < 126:
        return bytes((_FIN | opcode, mask | size))
    if size < 65_536:
        return bytes((_FIN | opcode, mask | 126)) + size.to_bytes(2, "big")
    return bytes((_FIN | opcode, mask | 127)) + size.to_bytes(8, "big")


def masked(payload: bytes, mask: bytes) -> bytes:
    """The payload XOR the repeated mask; the same call undoes it."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


def close_code(payload: bytes) -> int:
    """The code in the payload of a close frame; 1005 when it has none (RFC 6455, 7.1.5)."""
    return int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005


def _bounded(size: int) -> int:
    if size > FRAME_BYTES_MAX:
        raise FrameError(f"the server sent a frame of {size:,} bytes, above {FRAME_BYTES_MAX:,}")
    return size

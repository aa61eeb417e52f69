"""The two encodings of the wire and the signed tokens, as the clients of the bench have them; no sockets here."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgpack

Packet = dict[str, Any]

TEXT = 0x1
BINARY = 0x2


@dataclass(frozen=True, slots=True)
class Encoding:
    """One subprotocol: its name on the command line and on the wire, its frame opcode and its codec."""

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

"""The body of `POST /v1/login` (protocol.md "Plain HTTP")."""

from typing import Annotated

import msgspec
from msgspec import Meta

from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import Device, User


class LoginRequest(msgspec.Struct, frozen=True):
    """A user and a password, of a length that is worth hashing; `device` binds the token to one device."""

    user: User
    password: Annotated[str, Meta(min_length=1, max_length=1024)]
    device: Device | None = None

    def __repr__(self) -> str:
        return f"LoginRequest(user={self.user!r}, password='********')"


_decoder = msgspec.json.Decoder(LoginRequest)


def login_request(body: bytes) -> LoginRequest:
    """Decode a JSON body; raise Refused("bad_request"), which never quotes it, for anything else."""
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused("bad_request", "user and password are required, as JSON") from None

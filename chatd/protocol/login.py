"""What `POST /v1/login` takes (protocol.md "Plain HTTP")."""

from typing import Annotated

import msgspec
from msgspec import Meta

from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import Device, User


class LoginRequest(msgspec.Struct, frozen=True):
    """A user and a password; `device` binds the token to one device."""

    user: User
    password: Annotated[str, Meta(min_length=1, max_length=1024)]  # longer ones are hashed nowhere
    device: Device | None = None

    def __repr__(self) -> str:
        return f"LoginRequest(user={self.user!r}, password='********')"


_decoder = msgspec.json.Decoder(LoginRequest)


def login_request(body: bytes) -> LoginRequest:
    """The request in a JSON body; Refused("bad_request") for anything else, never quoting what was sent."""
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused("bad_request", "user and password are required, as JSON") from None

"""The body of `POST /v1/login` (protocol.md "Plain HTTP")."""

from typing import Annotated

import msgspec
from msgspec import Meta

from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import Device, User


class LoginRequest(msgspec.Struct, frozen=True):
    """A user and a password, of a length that is worth hashing, or the code of a login link.

    `device` binds the token to one device; `remember` asks for a session of the browser, too.
    """

    user: User | None = None
    password: Annotated[str, Meta(min_length=1, max_length=1024)] | None = None
    link: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{22}\Z")] | None = None
    device: Device | None = None
    remember: bool = False

    def __repr__(self) -> str:
        return f"LoginRequest(user={self.user!r}, password='********')"


_decoder = msgspec.json.Decoder(LoginRequest)


def login_request(body: bytes) -> LoginRequest:
    """Decode a JSON body; raise Refused("bad_request"), which never quotes it, for anything else."""
    try:
        asked = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        asked = LoginRequest()
    has_password = asked.user is not None and asked.password is not None
    if not has_password and asked.link is None:
        raise Refused("bad_request", "user and password are required, as JSON")
    return asked

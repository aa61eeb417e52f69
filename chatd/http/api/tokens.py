"""Tokens for phones, where chatd has the secret to sign them with."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from chatd.http.api.route import Asked, Call, Route
from chatd.protocol.identifiers import Device, User

Allowed = Literal["read", "send", "create", "admin"]
Allow = Annotated[tuple[Allowed, ...], Meta(max_length=4)]


class MakeToken(Asked, frozen=True, kw_only=True):
    """A token for `user`; `ttl_s` is at most auth.token_lifetime_max_s. Without `device` it is good on any."""

    user: User
    device: Device | None = None
    ttl_s: Annotated[int, Meta(ge=1, le=30 * 86_400)] = 3600
    allow: Allow = ()


class TokenAnswer(Struct, frozen=True):
    """A token for `hello`, and the seconds for which it is valid."""

    token: str
    expires_in: int

    def __repr__(self) -> str:
        return "TokenAnswer(token='********')"


async def make_token(call: Call, asked: MakeToken) -> TokenAnswer:
    audit = call.audit(asked.user)
    token = await call.admin.token(asked.user, asked.ttl_s, asked.device, asked.allow, audit)
    return TokenAnswer(token, asked.ttl_s)


ROUTES = (Route("POST", "/v1/tokens", "tokens", make_token, MakeToken, TokenAnswer),)

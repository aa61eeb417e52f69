"""Commands about a connection that is ready: auth, mode, ping (protocol.md "Connection life cycle"); and whom a token
speaks for.
"""

from dataclasses import dataclass

from chatd.core.accounts import Account, DeviceSeen
from chatd.handlers.context import Context, Session
from chatd.ports import Claims
from chatd.protocol import closes
from chatd.protocol.errors import Refused
from chatd.protocol.replies import AuthOk, ModeOk, Ok, PingOk
from chatd.protocol.requests import Auth, Ping, Pong, SetMode


@dataclass(frozen=True)
class Turned(Exception):
    """A hello that ends the connection with a close code of its own."""

    refusal: Refused
    code: int


async def auth(ctx: Context, session: Session, request: Auth) -> Ok:
    """Put a fresh token of the same user and device in force."""
    try:
        claims = (await identify(ctx, request.token, session.device)).claims
    except Turned as turned:
        raise Refused("token_invalid", turned.refusal.message) from turned
    if claims.user != session.user or claims.device not in (session.device, None):
        raise Refused("auth_mismatch", "the token is for another user or device")
    session.claims = claims
    return AuthOk(token_ttl=session.watch_token(claims))


def mode(ctx: Context, session: Session, request: SetMode) -> Ok:
    """Change between foreground and background; takes effect at once."""
    session.mode = request.mode
    ctx.live.remode(session)
    ctx.presence.up(session)
    return ModeOk(heartbeat=session.heartbeat_s())


def ping(ctx: Context, session: Session, request: Ping) -> Ok:
    return PingOk(time=ctx.env.now_ms())


def pong(ctx: Context, session: Session, request: Pong) -> Ok:
    """Nothing to do: hearing it was all."""
    return Ok()


@dataclass(slots=True, frozen=True)
class Known:
    """Who says hello: what his token says, and what is stored of his account and device."""

    claims: Claims
    account: Account | None
    device: DeviceSeen | None


async def identify(ctx: Context, token: str, device: str) -> Known:
    """Who a token that is valid and was not revoked for this device belongs to."""
    claims = await ctx.identity.verify(token)
    place = (claims.user, device)
    known = await ctx.store.people([claims.user], [place])
    return checked(Known(claims, known.accounts.get(claims.user), known.devices.get(place)))


def checked(known: Known) -> Known:
    """Whoever may connect, as he came. Raises Turned when the user is disabled or the token was revoked."""
    account = known.account
    if account is not None and account.disabled:
        raise Turned(Refused("forbidden", "this user is disabled"), closes.BANNED)
    if revoked(known.claims, account, known.device):
        raise Turned(Refused("token_invalid", "the token was revoked"), closes.REVOKED)
    return known


def revoked(claims: Claims, account: Account | None, device: DeviceSeen | None) -> bool:
    """Was this token issued before its user or device was revoked? One without `iat` counts as old."""
    issued_ms = 0.0 if claims.issued_at_s is None else claims.issued_at_s * 1000
    if account is not None and (claims.generation or 0) < account.generation:
        return True
    marks = [row.revoked_before for row in (account, device) if row is not None]
    return any(issued_ms < mark for mark in marks)

"""Commands about a connection that is ready: auth, mode, ping (protocol.md "Connection life cycle"); and the check of
tokens against revocations.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from chatd.auth.interface import Claims
from chatd.commands.context import Context, NewIdentity, NewMode, Session
from chatd.core.restrictions import banned, is_banned
from chatd.core.users import Account, DeviceSeen
from chatd.protocol import close_codes
from chatd.protocol.connection import Auth, Ping, PingOk, Pong, SetMode
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused


@dataclass(frozen=True)
class HelloRejected(Exception):
    """A hello that ends the connection with a close code of its own."""

    refusal: Refused
    code: int


async def auth(ctx: Context, session: Session, request: Auth) -> NewIdentity:
    """Put a fresh token of the same user and device in force."""
    while True:
        stamp = ctx.store.stamp
        try:
            claims = (await identify(ctx, request.token, session.device)).claims
        except HelloRejected as rejected:
            refusal = rejected.refusal
            raise (
                refusal if refusal.retry == "after_auth" else Refused("token_invalid", refusal.message)
            ) from rejected
        # Else it may have been revoked during the check.
        if not ctx.hub.recent_commits.concerns(stamp, claims.user, ()):
            break
    return NewIdentity(session.identity.renewed(claims))


def mode(ctx: Context, session: Session, request: SetMode) -> NewMode:
    """Change between foreground and background, at once."""
    return NewMode(request.mode)


def ping(ctx: Context, session: Session, request: Ping) -> Ok:
    return PingOk(time=ctx.env.now_ms())


def pong(ctx: Context, session: Session, request: Pong) -> Ok:
    """Do nothing: any packet proves that the peer lives."""
    return Ok()


@dataclass(slots=True, frozen=True)
class Identified:
    """A verified token, and the stored account and device of its user."""

    claims: Claims
    account: Account | None
    device: DeviceSeen | None


async def identify(ctx: Context, token: str, device: str) -> Identified:
    """Verify a token, and check that it was not revoked for this device."""
    claims = await ctx.identity.verify(token)
    place = (claims.user, device)
    known = await ctx.store.people([claims.user], [place])
    return checked(ctx, Identified(claims, known.accounts.get(claims.user), known.devices.get(place)))


def checked(ctx: Context, known: Identified) -> Identified:
    """Return `known` unchanged, or raise HelloRejected: the user is disabled or banned, or the token may be revoked."""
    if known.account is not None and known.account.disabled:
        raise HelloRejected(Refused("forbidden", "this user is disabled"), close_codes.BANNED)
    restriction = known.account.restriction if known.account else None
    if restriction is not None and is_banned(restriction, ctx.env.now_ms()):
        raise HelloRejected(banned(restriction, ctx.env.now_ms()), close_codes.BANNED)
    leeway_s = ctx.config.auth.leeway_s
    ages = [
        (age(known.claims, mark_ms, leeway_s), mark_ms, code) for mark_ms, code in revocation_marks(known)
    ]
    for found, _, code in ages:
        if found == "older":
            raise HelloRejected(Refused("token_invalid", "the token was revoked"), code)
    for found, mark_ms, _ in ages:
        if found == "unclear":
            # A longer wait could only come from a clock that was set back since.
            most_ms = (leeway_s + 1) * 1000
            wait_ms = min(most_ms, max(0, mark_ms + most_ms - ctx.env.now_ms()))
            refusal = Refused("token_expired", "issued too close to a revocation", retry_after=wait_ms)
            raise HelloRejected(refusal, close_codes.TOKEN_EXPIRED)
    return known


def revocation_marks(known: Identified) -> Iterator[tuple[int, int]]:
    """Yield the marks a token must be younger than, each with the close code of one that is not; the gravest first.

    A mark is a time in Unix milliseconds.
    """
    account, device = known.account, known.device
    if account is not None and account.revoked_before:
        yield account.revoked_before, close_codes.REVOKED
    if device is not None and device.revoked_before:
        yield device.revoked_before, close_codes.REVOKED
    if account is not None and account.generation and known.claims.device is None:
        yield account.generation, close_codes.TOKEN_INVALID


def age(claims: Claims, mark_ms: int, leeway_s: float) -> Literal["younger", "older", "unclear"]:
    """Compare a token with the mark of a revocation. For one that carries its generation the answer is exact.

    Of the others, one without `iat` is old. Clocks differ by the leeway, and times of tokens are often cut to seconds:
    one issued before a revocation may bear a later time than one issued after it. In that range it is `unclear`.
    """
    if claims.generation is not None:
        return "older" if claims.generation < mark_ms else "younger"
    issued_s = claims.issued_at_s or 0.0
    if issued_s < mark_ms // 1000:
        return "older"
    return "unclear" if issued_s <= mark_ms / 1000 + leeway_s else "younger"

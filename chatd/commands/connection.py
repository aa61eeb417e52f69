"""Commands about a connection that is ready: auth, mode, ping (protocol.md "Connection life cycle"); and whom a token
speaks for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from chatd.auth.interface import Claims
from chatd.commands.context import Context, NewIdentity, NewMode, Session
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
        if not ctx.hub.recent_commits.concerns(stamp, claims.user, ()):
            break  # else it may have been revoked while it was looked at
    return NewIdentity(session.identity.renewed(claims))


def mode(ctx: Context, session: Session, request: SetMode) -> NewMode:
    """Change between foreground and background; takes effect at once."""
    return NewMode(request.mode)


def ping(ctx: Context, session: Session, request: Ping) -> Ok:
    return PingOk(time=ctx.env.now_ms())


def pong(ctx: Context, session: Session, request: Pong) -> Ok:
    """Nothing to do: hearing it was all."""
    return Ok()


@dataclass(slots=True, frozen=True)
class Identified:
    """Who says hello: what his token says, and what is stored of his account and device."""

    claims: Claims
    account: Account | None
    device: DeviceSeen | None


async def identify(ctx: Context, token: str, device: str) -> Identified:
    """Who a token that is valid and was not revoked for this device belongs to."""
    claims = await ctx.identity.verify(token)
    place = (claims.user, device)
    known = await ctx.store.people([claims.user], [place])
    return checked(ctx, Identified(claims, known.accounts.get(claims.user), known.devices.get(place)))


def checked(ctx: Context, known: Identified) -> Identified:
    """Whoever may connect, as they came. Raises HelloRejected when the user is disabled or the token may be revoked."""
    if known.account is not None and known.account.disabled:
        raise HelloRejected(Refused("forbidden", "this user is disabled"), close_codes.BANNED)
    leeway_s = ctx.config.auth.leeway_s
    ages = [
        (age(known.claims, mark_ms, leeway_s), mark_ms, code) for mark_ms, code in revocation_marks(known)
    ]
    for found, _, code in ages:
        if found == "older":
            raise HelloRejected(Refused("token_invalid", "the token was revoked"), code)
    for found, mark_ms, _ in ages:
        if found == "unclear":
            # It would be more only by a clock that was set back since: nobody waits for that.
            most_ms = (leeway_s + 1) * 1000
            wait_ms = min(most_ms, max(0, mark_ms + most_ms - ctx.env.now_ms()))
            refusal = Refused("token_expired", "issued too close to a revocation", retry_after=wait_ms)
            raise HelloRejected(refusal, close_codes.TOKEN_EXPIRED)
    return known


def revocation_marks(known: Identified) -> Iterator[tuple[int, int]]:
    """The marks a token must lie behind, each with the close code of one that does not; the gravest first."""
    account, device = known.account, known.device
    if account is not None and account.revoked_before:
        yield account.revoked_before, close_codes.REVOKED
    if device is not None and device.revoked_before:
        yield device.revoked_before, close_codes.REVOKED
    if account is not None and account.generation and known.claims.device is None:
        yield account.generation, close_codes.TOKEN_INVALID


def age(claims: Claims, mark_ms: int, leeway_s: float) -> Literal["younger", "older", "unclear"]:
    """A token against the mark of a revocation. One that carries its generation is told exactly.

    Of the others, one without `iat` is old. Clocks differ by the leeway, and times of tokens are often cut to seconds:
    one issued ahead of a revocation may bear a later time than one issued behind it. What could be either is `unclear`.
    """
    if claims.generation is not None:
        return "older" if claims.generation < mark_ms else "younger"
    issued_s = claims.issued_at_s or 0.0
    if issued_s < mark_ms // 1000:
        return "older"
    return "unclear" if issued_s <= mark_ms / 1000 + leeway_s else "younger"

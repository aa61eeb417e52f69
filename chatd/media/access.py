"""Who asks, and whether they are in force: by the token of a user or a key of the host app, or by a link.

The daemon alone verifies tokens, so it is asked once for each. Whether its user is shut out and whether it was revoked
is read with every request, in the statement that finds the file.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b

from chatd.core.client_address import client_address, customer, networks
from chatd.core.file_links import verified
from chatd.core.rates import Rate, TokenBuckets, retry_after_ms
from chatd.core.restrictions import banned, is_banned
from chatd.core.users import Restriction
from chatd.env import Env
from chatd.media.http.messages import Request
from chatd.media.interface import Authenticate, Caller, Daemon
from chatd.protocol.errors import Refused
from chatd.storage.media import Asker, Standing

# Some 500 B each: 5 MB at worst.
CALLERS_MAX = 10_000
# Some 300 B each: 3 MB at worst.
ADDRESSES_MAX = 10_000
# Tokens of one address that the daemon verifies: one costs the chat 0.2 ms, and counts for minutes once it was. Behind
# one address may be an office.
VERIFIED = Rate.per_second(20, burst=200)


class Access:
    """The owners of tokens and of links. `link_key`: of this database. `proxies`: whose forwarded addresses count."""

    def __init__(self, daemon: Daemon, link_key: bytes, env: Env, proxies: Sequence[str] = ()) -> None:
        self._daemon = daemon
        self._link_key = link_key
        self._env = env
        self._proxies = networks(proxies)
        self._verified = TokenBuckets(VERIFIED, ADDRESSES_MAX)
        # By the digest of a token, those who were asked for last at the end. Tokens themselves are not kept.
        # With each, until when it is believed by the clock that nobody sets: a wall clock that was set back would let
        # a key of the host app that was revoked count for longer.
        self._callers: OrderedDict[bytes, tuple[Caller, float]] = OrderedDict()
        self._asking: dict[bytes, asyncio.Future[Caller]] = {}

    async def caller(self, request: Request) -> Caller:
        """Return the owner of the token that a request brings.

        Raises Refused for none and for one that does not count, Unavailable while the daemon does not answer.
        """
        token = token_of(request)
        digest = blake2b(token.encode(errors="surrogatepass"), digest_size=16).digest()
        known, believed_until = self._callers.get(digest, (None, 0.0))
        if known and known.expires_at > self._env.now_ms() and believed_until > self._env.monotonic():
            self._callers.move_to_end(digest)
            return known
        # A page of pictures comes at once, and asks once.
        asking = self._asking.get(digest)
        if asking is None:
            self._take(request)
            asking = self._asking[digest] = asyncio.ensure_future(self._asked(token, digest))
        return await asyncio.shield(asking)

    def _take(self, request: Request) -> None:
        """Take one of the tokens that may be verified for an address. Raises Refused."""
        forwarded = request.headers.get("x-forwarded-for")
        address = client_address(request.peer, [forwarded] if forwarded else [], self._proxies)
        bucket, now = self._verified[customer(address)], self._env.monotonic()
        if bucket.lacks(now):
            wait_ms = retry_after_ms(bucket.promise(now))
            raise Refused("rate_limited", "too many tokens", retry_after=wait_ms, scope="address")
        bucket.take(now)

    async def _asked(self, token: str, digest: bytes) -> Caller:
        try:
            caller = await self._daemon.ask(Authenticate(0, token))
        finally:
            del self._asking[digest]
        assert isinstance(caller, Caller)
        left_s = (caller.expires_at - self._env.now_ms()) / 1000
        self._callers[digest] = caller, self._env.monotonic() + left_s
        if len(self._callers) > CALLERS_MAX:
            self._callers.popitem(last=False)
        return caller

    def linked(self, path: str, query: str) -> Caller:
        """Return who a link says that asks. Raises Refused for none of this server, and for one that has ended."""
        claims = verified(self._link_key, path, query)
        if claims is None:
            raise Refused("token_invalid", "not a link to this file")
        if claims.until * 1000 <= self._env.now_ms():
            raise Refused("token_expired", "the link has ended")
        scopes = () if claims.user else ("moderation",)
        return Caller(
            id=0,
            user=claims.user,
            device=claims.device,
            allow=("read",),
            generation=claims.mark,
            expires_at=claims.until * 1000,
            scopes=scopes,
        )

    def check(self, caller: Caller, standing: Standing) -> None:
        """Raise Refused when the caller is shut out, or their token was revoked since it was verified."""
        now_ms = self._env.now_ms()
        if standing.disabled:
            raise Refused("forbidden", "this user is disabled")
        if standing.banned_until:
            restriction = Restriction("ban", standing.banned_until)
            if is_banned(restriction, now_ms):
                raise banned(restriction, now_ms)
        if mark_over(caller, standing) > caller.generation:
            raise Refused("token_invalid", "the token was revoked")


def token_of(request: Request) -> str:
    """Return the token that a request brings, as it stands. Raises Refused for none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Refused("token_invalid", "this needs a token")
    return token.strip()


def asker_of(caller: Caller) -> Asker:
    return Asker(caller.user, caller.device)


def mark_over(caller: Caller, standing: Standing) -> int:
    """Return the mark that a token must be younger than; one bound to no device is revoked with any of them."""
    if not caller.device:
        return max(standing.revoked_before, standing.generation)
    return max(standing.revoked_before, standing.device_revoked_before)

"""The Identity port: who a token of the host app speaks for."""

from collections.abc import Callable
from functools import partial

from chatd.auth.key_download import download
from chatd.auth.key_file import KeptSet
from chatd.auth.keyring import KeyRing
from chatd.auth.keys import configured_keys
from chatd.auth.token_cache import Remembered
from chatd.auth.tokens import Tokens, taken_apart
from chatd.config import model
from chatd.ports import Claims, Env


class HostIdentity:
    """Verifies tokens, asking the key URL once in a while for keys it does not know."""

    def __init__(self, tokens: Tokens, ring: KeyRing, now_s: Callable[[], float]) -> None:
        self.tokens = tokens
        self.ring = ring
        self._now_s = now_s
        self._remembered = Remembered()
        self._keys = self._key_set()  # what is remembered was verified with

    def adopt(self, other: "HostIdentity") -> bool:
        """Verify by the rules and keys of `other` from now on; keys fetched from the same URL stay known.

        Whether keys of files are others now.
        """
        other.ring.inherit(self.ring)
        before, self.tokens, self.ring = self.ring, other.tokens, other.ring
        return before.fixed != self.ring.fixed

    async def verify(self, token: str) -> Claims:
        """The claims of a valid token; Refused("token_expired") or Refused("token_invalid") otherwise.

        Raises Unavailable("overloaded", retry_after=ms) while it is not known whether there is a key for it.
        """
        if self._keys != self._key_set():
            self._remembered.forget()
            self._keys = self._key_set()
        known = self._remembered.find(token, self._now_s())
        return known if known is not None else await self._verify(token)

    async def _verify(self, token: str) -> Claims:
        presented = taken_apart(token)
        if presented.public_key_id is not None:
            await self.ring.wait_known(presented.public_key_id)
        claims = self.tokens.claims(presented, self._now_s())
        if self._keys == self._key_set():
            self._remembered.put(token, claims)
        return claims

    @property
    def has_keys(self) -> bool:
        """Whether there is any key a token can be verified with."""
        return self.tokens.has_secret or not self.ring.empty

    def _key_set(self) -> tuple[KeyRing, int]:
        return self.ring, self.ring.changes

    def mint(self, user: str, ttl_s: int, *, device: str | None = None, **claims: object) -> str:
        """A token for `user`, as `Tokens.mint`, from now on."""
        return self.tokens.mint(user, ttl_s, self._now_s(), device=device, **claims)


def host_identity(rules: model.Auth, env: Env, directory: str) -> HostIdentity:
    """The identity adapter for this configuration. Raises keys.BadKey when a key file cannot be used.

    In `directory` the last keys of `jwks_url` are kept for the next start.
    Run `ring.keep_fresh()` as a task, or await `ring.refresh()` once, to have the keys of `jwks_url` at hand.
    """
    ring = KeyRing(
        configured_keys(rules),
        partial(download, rules.jwks_url) if rules.jwks_url else None,
        env.monotonic,
        refresh_s=rules.jwks_refresh_s,
        retry_s=rules.jwks_retry_s,
        kept=KeptSet(directory, rules.jwks_url) if rules.jwks_url else None,
    )
    return HostIdentity(Tokens(rules, ring.find), ring, lambda: env.now_ms() / 1000)

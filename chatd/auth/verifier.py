"""The Identity port: who a token of the host app speaks for."""

from collections.abc import Callable
from functools import partial

from chatd.auth.interface import Claims
from chatd.auth.key_download import download
from chatd.auth.key_file import KeySetFile
from chatd.auth.keyring import Keyring
from chatd.auth.keys import configured_keys
from chatd.auth.token_cache import TokenCache
from chatd.auth.tokens import Tokens, taken_apart
from chatd.config import model
from chatd.env import Env


class TokenVerifier:
    """Verifies tokens, asking the key URL once in a while for keys it does not know."""

    def __init__(self, tokens: Tokens, keyring: Keyring, now_s: Callable[[], float]) -> None:
        self.tokens = tokens
        self.keyring = keyring
        self._now_s = now_s
        self._token_cache = TokenCache()
        self._keys = self._key_set()  # what is remembered was verified with

    def adopt(self, other: "TokenVerifier") -> bool:
        """Verify by the rules and keys of `other` from now on; keys fetched from the same URL stay known.

        Whether keys of files are others now.
        """
        other.keyring.inherit(self.keyring)
        before, self.tokens, self.keyring = self.keyring, other.tokens, other.keyring
        return before.fixed != self.keyring.fixed

    async def verify(self, token: str) -> Claims:
        """The claims of a valid token; Refused("token_expired") or Refused("token_invalid") otherwise.

        Raises Unavailable("overloaded", retry_after=ms) while it is not known whether there is a key for it.
        """
        if self._keys != self._key_set():
            self._token_cache.forget()
            self._keys = self._key_set()
        known = self._token_cache.find(token, self._now_s())
        return known if known is not None else await self._verify(token)

    async def _verify(self, token: str) -> Claims:
        presented = taken_apart(token)
        if presented.public_key_id is not None:
            await self.keyring.wait_known(presented.public_key_id)
        claims = self.tokens.claims(presented, self._now_s())
        if self._keys == self._key_set():
            self._token_cache.put(token, claims)
        return claims

    @property
    def has_keys(self) -> bool:
        """Whether there is any key a token can be verified with."""
        return self.tokens.has_secret or not self.keyring.empty

    @property
    def can_mint(self) -> bool:
        """Whether there is a secret to sign tokens with."""
        return self.tokens.can_mint

    @property
    def key_age_s(self) -> float:
        """Seconds since the key URL gave its keys, or since the start."""
        return self.keyring.age_s

    async def keep_fresh(self) -> None:
        """Fetch the keys of `jwks_url` again and again; returns when there is none."""
        await self.keyring.keep_fresh()

    def _key_set(self) -> tuple[Keyring, int]:
        return self.keyring, self.keyring.changes

    def mint(self, user: str, ttl_s: int, *, device: str | None = None, **claims: object) -> str:
        """A token for `user`, as `Tokens.mint`, from now on."""
        return self.tokens.mint(user, ttl_s, self._now_s(), device=device, **claims)


def token_verifier(rules: model.Auth, env: Env, directory: str) -> TokenVerifier:
    """The identity adapter for this configuration. Raises keys.BadKey when a key file cannot be used.

    In `directory` the last keys of `jwks_url` are kept for the next start.
    Run `keep_fresh()` as a task, or await `keyring.refresh()` once, to have the keys of `jwks_url` at hand.
    """
    keyring = Keyring(
        configured_keys(rules),
        partial(download, rules.jwks_url) if rules.jwks_url else None,
        env.monotonic,
        refresh_s=rules.jwks_refresh_s,
        retry_s=rules.jwks_retry_s,
        key_set_file=KeySetFile(directory, rules.jwks_url) if rules.jwks_url else None,
    )
    return TokenVerifier(Tokens(rules, keyring.find), keyring, lambda: env.now_ms() / 1000)

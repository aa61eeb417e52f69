"""The identity adapter for tokens of the host app."""

from collections.abc import Callable
from functools import partial

from chatd.auth.browser_sessions import mint_session, verify_session
from chatd.auth.interface import Claims
from chatd.auth.key_download import download
from chatd.auth.key_file import KeySetFile
from chatd.auth.keyring import Keyring
from chatd.auth.keys import configured_keys
from chatd.auth.token_cache import TokenCache
from chatd.auth.tokens import Tokens, parse_token
from chatd.config import model
from chatd.env import Env


class TokenVerifier:
    """The verification of tokens by the configured keys and those of a URL, with a cache."""

    def __init__(self, tokens: Tokens, keyring: Keyring, now_s: Callable[[], float]) -> None:
        self.tokens = tokens
        self.keyring = keyring
        self._now_s = now_s
        self._token_cache = TokenCache()
        self._keys = self._key_set()  # the keys that cached tokens were verified with

    def adopt(self, other: "TokenVerifier") -> bool:
        """Use the rules and keys of `other` from now on; keys fetched from the same URL stay known.

        Return whether keys from files changed.
        """
        other.keyring.inherit(self.keyring)
        before, self.tokens, self.keyring = self.keyring, other.tokens, other.keyring
        return before.fixed != self.keyring.fixed

    async def verify(self, token: str) -> Claims:
        """Return the claims of a valid token; errors as in the interface."""
        if self._keys != self._key_set():
            self._token_cache.forget()
            self._keys = self._key_set()
        known = self._token_cache.find(token, self._now_s())
        return known if known is not None else await self._verify(token)

    async def _verify(self, token: str) -> Claims:
        parsed = parse_token(token)
        if parsed.public_key_id is not None:
            await self.keyring.wait_known(parsed.public_key_id)
        claims = self.tokens.claims(parsed, self._now_s())
        if self._keys == self._key_set():
            self._token_cache.put(token, claims)
        return claims

    @property
    def has_keys(self) -> bool:
        """Whether there is any key to verify tokens with."""
        return self.tokens.has_secret or not self.keyring.empty

    @property
    def can_mint(self) -> bool:
        """Whether there is a secret to sign tokens with."""
        return self.tokens.can_mint

    @property
    def key_age_s(self) -> float:
        """Seconds since the keys of the URL were last fetched, or since the start."""
        return self.keyring.age_s

    async def keep_fresh(self) -> None:
        """Fetch the keys of `jwks_url` periodically, until cancelled; return at once when there is no URL."""
        await self.keyring.keep_fresh()

    def _key_set(self) -> tuple[Keyring, int]:
        return self.keyring, self.keyring.changes

    def mint(self, user: str, ttl_s: int, *, device: str | None = None, **claims: object) -> str:
        """Return a token for `user`, as `Tokens.mint`, valid from now on."""
        return self.tokens.mint(user, ttl_s, self._now_s(), device=device, **claims)

    def mint_session(self, user: str, ttl_s: int, *, device: str | None, generation: int) -> str:
        """Return a session for a browser, valid from now on."""
        return mint_session(self.tokens, user, ttl_s, self._now_s(), device=device, generation=generation)

    def verify_session(self, session: str) -> Claims:
        """Return the claims of a valid session; errors as in the interface."""
        return verify_session(self.tokens, session, self._now_s())


def token_verifier(rules: model.Auth, env: Env, directory: str) -> TokenVerifier:
    """Return the identity adapter of this configuration. Raises keys.BadKey when a key file cannot be used.

    In `directory` the last keys of `jwks_url` are kept for the next start.
    Run `keep_fresh()` as a task, or await `keyring.refresh()` once, to fetch the keys of `jwks_url`.
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

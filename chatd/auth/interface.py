"""The contract of an identity adapter, which verifies and mints tokens."""

from dataclasses import dataclass
from typing import Protocol, Self


@dataclass(slots=True, frozen=True)
class Claims:
    """The claims of a verified token. Times are Unix seconds."""

    user: str
    expires_at_s: float
    issued_at_s: float | None = None
    device: str | None = None
    allow: frozenset[str] = frozenset({"read", "send", "create"})
    generation: int | None = None


class Identity(Protocol):
    """The verification of tokens, and the minting of those for built-in accounts."""

    @property
    def has_keys(self) -> bool:
        """Whether there is any key to verify tokens with."""

    @property
    def can_mint(self) -> bool:
        """Whether there is a secret to sign tokens with."""

    @property
    def key_age_s(self) -> float:
        """Seconds since keys were last fetched, or since the start."""

    async def keep_fresh(self) -> None:
        """Fetch keys periodically, until cancelled; return at once when there are none to fetch."""

    def adopt(self, other: Self) -> bool:
        """Use the rules and keys of `other` from now on; return whether keys from files changed."""

    def mint(
        self, user: str, ttl_s: int, *, device: str | None = None, generation: int, **claims: object
    ) -> str:
        """Return a token for `user`, valid for `ttl_s` seconds; ValueError when it would be refused."""

    async def verify(self, token: str) -> Claims:
        """Return the claims of a valid token; Refused("token_expired") or Refused("token_invalid") otherwise.

        Raises Unavailable("overloaded", retry_after=ms) while it is not known whether there is a key for it.
        """

    def mint_session(self, user: str, ttl_s: int, *, device: str | None, generation: int) -> str:
        """Return a session for a browser, valid for `ttl_s` seconds; ValueError when there is no secret."""

    def verify_session(self, session: str) -> Claims:
        """Return the claims of a valid session, with its generation; Refused as for `verify` otherwise."""

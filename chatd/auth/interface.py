"""The contract of an identity: it knows whom a token speaks for."""

from dataclasses import dataclass
from typing import Protocol, Self


@dataclass(slots=True, frozen=True)
class Claims:
    """What a verified token says. Times are Unix seconds."""

    user: str
    expires_at_s: float
    issued_at_s: float | None = None
    device: str | None = None
    allow: frozenset[str] = frozenset({"read", "send", "create"})
    generation: int | None = None


class Identity(Protocol):
    """Knows whom a token speaks for."""

    @property
    def has_keys(self) -> bool:
        """Whether there is any key a token can be verified with."""

    @property
    def can_mint(self) -> bool:
        """Whether it can sign tokens itself."""

    @property
    def key_age_s(self) -> float:
        """Seconds since keys were last fetched, or since the start."""

    async def keep_fresh(self) -> None:
        """Fetch keys again and again; returns when there are none to fetch."""

    def adopt(self, other: Self) -> bool:
        """Verify by the rules and keys of `other` from now on; whether keys of files are others now."""

    def mint(self, user: str, ttl_s: int, *, device: str | None = None, generation: int) -> str:
        """A token for `user`; ValueError when it cannot hold this."""

    async def verify(self, token: str) -> Claims:
        """The claims of a valid token; Refused("token_expired") or Refused("token_invalid") otherwise.

        Raises Unavailable("overloaded", retry_after=ms) while it is not known whether there is a key for it.
        """

"""Built-in accounts: a password for a token (protocol.md "Plain HTTP")."""

from dataclasses import dataclass, field
from typing import Protocol

from chatd.auth.interface import Identity
from chatd.core.accounts import Amend
from chatd.protocol.errors import Refused
from chatd.storage.interface import UserStore
from chatd.writer.writer import Writer


class PasswordCheck(Protocol):
    @property
    def right(self) -> bool: ...

    @property
    def rehashed(self) -> str | None: ...


class Passwords(Protocol):
    """A checker of passwords outside the loop; Unavailable("overloaded") when too many wait."""

    async def check(self, password: str, stored: str | None) -> PasswordCheck: ...


@dataclass(slots=True, frozen=True)
class Granted:
    token: str = field(repr=False)
    expires_in_s: int


class Login:
    """The exchange of a password for a token. An unknown user costs as much time as a wrong password."""

    def __init__(
        self, store: UserStore, writer: Writer, passwords: Passwords, mint: Identity, ttl_s: int
    ) -> None:
        self._store = store
        self._writer = writer
        self._passwords = passwords
        self._mint = mint
        self._ttl_s = ttl_s

    def reconfigure(self, ttl_s: int) -> None:
        """Give tokens another lifetime from now on, in seconds."""
        self._ttl_s = ttl_s

    async def __call__(self, user: str, password: str, device: str | None) -> Granted | None:
        """Return a token, or None when user and password do not match or the account is disabled.

        The token carries the generation of the account as it was read, so a change of the password during the check
        revokes it.
        """
        account = await self._store.account(user)
        token = self._token(user, device, 0 if account is None else account.generation)
        stored = None if account is None else account.password
        check = await self._passwords.check(password, stored)
        if not check.right or account is None or account.disabled:
            return None
        if check.rehashed is not None:
            await self._writer.submit_and_wait(user, Amend(password=check.rehashed, replaces=stored))
        return Granted(token, self._ttl_s)

    def _token(self, user: str, device: str | None, generation: int) -> str:
        try:
            return self._mint.mint(user, self._ttl_s, device=device, generation=generation)
        except ValueError as error:
            raise Refused("bad_request", str(error)) from error

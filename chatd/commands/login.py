"""Built-in accounts: a password, a login link, or the session of a browser for a token (protocol.md "Plain HTTP")."""

from dataclasses import dataclass, field
from typing import Protocol

from chatd.auth.interface import Claims, Identity
from chatd.commands.connection import Identified, age, revocation_marks
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
    """A token, and the session of the browser where one was asked for."""

    token: str = field(repr=False)
    expires_in_s: int
    session: str | None = field(default=None, repr=False)


class Login:
    """The ways to a token of a built-in account. An unknown user costs as much time as a wrong password."""

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

    async def __call__(
        self, user: str, password: str, device: str | None, remember_s: int = 0
    ) -> Granted | None:
        """Return a token, or None when user and password do not match or the account is disabled.

        The token carries the generation of the account as it was read, so a change of the password during the check
        revokes it. `remember_s`: the lifetime of the session to return with it; 0 for none.
        """
        account = await self._store.account(user)
        granted = self._granted(user, device, 0 if account is None else account.generation, remember_s)
        stored = None if account is None else account.password
        check = await self._passwords.check(password, stored)
        if not check.right or account is None or account.disabled:
            return None
        if check.rehashed is not None:
            await self._writer.submit_and_wait(user, Amend(password=check.rehashed, replaces=stored))
        return granted

    async def by_link(self, user: str, device: str | None) -> Granted | None:
        """Return a token for a user whose login link was checked; None when there is no such account."""
        account = await self._store.account(user)
        if account is None or account.disabled:
            return None
        return self._granted(user, device, account.generation, 0)

    async def by_session(self, claims: Claims) -> Granted | None:
        """Return a token for the user and device of a session; None when it was revoked or the account disabled."""
        account = await self._store.account(claims.user)
        device = None if claims.device is None else await self._store.device(claims.user, claims.device)
        if account is None or account.disabled:
            return None
        marks = revocation_marks(Identified(claims, account, device))
        # It has a generation, so its age is exact.
        if any(age(claims, mark_ms, 0) != "younger" for mark_ms, _ in marks):
            return None
        return self._granted(claims.user, claims.device, account.generation, 0)

    def _granted(self, user: str, device: str | None, generation: int, remember_s: int) -> Granted:
        try:
            token = self._mint.mint(user, self._ttl_s, device=device, generation=generation)
            session = (
                self._mint.mint_session(user, remember_s, device=device, generation=generation)
                if remember_s
                else None
            )
        except ValueError as error:
            raise Refused("bad_request", str(error)) from error
        return Granted(token, self._ttl_s, session)

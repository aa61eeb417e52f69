"""The host's work on users while the daemon runs: accounts, devices, revocation, tokens, notices.

Everything takes effect at once: when a call returns it is durable, and connections it ends have been closed.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from chatd.auth.interface import Identity
from chatd.core.accounts import Amend, Revoke
from chatd.core.audit import Audit, NoteAccess
from chatd.core.restrictions import Restrict
from chatd.core.users import Account, Restriction, require_seen
from chatd.delivery.hub import Hub
from chatd.env import Env
from chatd.protocol import close_codes
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.users import DevicesRemove
from chatd.storage.interface import DecisionStore, ModerationStore, UserStore
from chatd.writer.submission import Submit, submit_and_wait


class Writes:
    """The door to the writer for callers that must not crowd out phones: only so many of their changes wait at once.

    `unscreened`: the writer itself.
    """

    def __init__(self, submit: Submit, unscreened: Submit, waiting_max: int) -> None:
        self._submit = submit
        self._unscreened = unscreened
        self.reconfigure(waiting_max)

    def reconfigure(self, waiting_max: int) -> None:
        """Let another number wait, besides those that do already."""
        self._places = asyncio.Semaphore(waiting_max)

    def use(self, submit: Submit) -> None:
        """Submit by another door from now on."""
        self._submit = submit

    async def __call__(
        self, user: str, request: Any, audit: Audit | None = None, *, screened: bool = True
    ) -> Ok:
        """Decide and store a request in the place of `user`, with its entry in the audit; return its reply.

        `screened`: what the user says is screened like what they send themselves.
        """
        async with self._places:
            return await submit_and_wait(self._submit if screened else self._unscreened, user, request, audit)


class AdminStore(UserStore, DecisionStore, Protocol):
    """The parts of a store that the host is shown."""


class Admin:
    """The changes that a host makes. `audit`: the entry that is stored with the change. `store`: for what is shown.

    `actor`: returns the user who speaks for the moderators.
    """

    def __init__(
        self,
        store: AdminStore,
        writes: Writes,
        hub: Hub,
        identity: Identity,
        env: Env,
        actor: Callable[[], str],
    ) -> None:
        self.store = store
        self.now_ms, self.actor = env.now_ms, actor
        self._writes = writes
        self._hub = hub
        self._identity = identity

    @property
    def moderation(self) -> ModerationStore:
        """The reports."""
        return self.store.moderation

    async def account(self, user: str) -> Account:
        """Return an account; Refused("not_found") when there is none."""
        account = await self.store.account(user)
        if account is None:
            raise Refused("not_found", "there is no such user")
        return account

    async def amend(
        self, user: str, change: Amend, *, seen: bool = False, audit: Audit | None = None
    ) -> None:
        """Change an account, or add it. It stays disabled and revoked if it was, unless the change says otherwise.

        `seen`: refuse a user who never connected, probably mistyped.
        """
        if seen:
            await self._require_seen(user)
        await self._writes(user, change, audit)
        if change.disabled:
            self._end(user, "", close_codes.BANNED)
        elif change.revoke:
            self._end(user, "", close_codes.REVOKED)

    async def set_password(self, user: str, password_hash: str, audit: Audit | None = None) -> int:
        """Give an account a new password, and revoke its tokens; return the new generation, as `revoke` does."""
        await self.amend(user, Amend(password=password_hash, revoke=True, existing=True), audit=audit)
        return await self._generation(user)

    async def revoke(
        self, user: str, device: str = "", *, seen: bool = False, audit: Audit | None = None
    ) -> int:
        """Refuse every token issued until now, of one device or of all, and close the connections that use them.

        Return the generation of tokens that are issued from now on: a token that carries it is valid at once, whatever
        the clocks say. `seen`: refuse a user or device that never connected.
        """
        if seen:
            await self._require_seen(user, device)
        await self._writes(user, Revoke(device), audit)
        self._end(user, device, close_codes.REVOKED)
        return await self._generation(user)

    async def restrict(
        self, user: str, restriction: Restriction | None, audit: Audit, *, seen: bool = False
    ) -> None:
        """Restrict a user, or lift what restricts them; it is in force on their connections when this returns.

        `seen`: refuse a user who never connected, probably mistyped.
        """
        if seen:
            await self._require_seen(user)
        await self._writes(user, Restrict(restriction), audit)

    async def remove_device(self, user: str, device: str, audit: Audit) -> None:
        """Unlist a device, refuse its tokens and end its connections; Refused("not_found") when it is not listed."""
        await self._writes(user, DevicesRemove(device=device), audit)

    async def token(
        self, user: str, ttl_s: int, device: str | None, allow: tuple[str, ...], audit: Audit
    ) -> str:
        """Return a token for `user`, also one whom chatd never saw, good from now on whatever was revoked before.

        Raises Refused: "not_supported" without a secret to sign with, "forbidden" for a disabled user.
        """
        account = await self.store.account(user) or Account(user)
        if not self._identity.can_mint:
            raise Refused("not_supported", "there is no auth.secret to sign tokens with")
        if account.disabled:
            raise Refused("forbidden", "this user is disabled")
        claims: dict[str, object] = {"allow": list(allow)} if allow else {}
        try:
            token = self._identity.mint(user, ttl_s, device=device, generation=account.generation, **claims)
        except ValueError as error:
            raise Refused("bad_request", f"{error}: auth.token_lifetime_max_s", field="ttl_s") from error
        await self.note(audit)
        return token

    async def decide(self, user: str, request: Any, audit: Audit) -> Ok:
        """Decide and store a request in the place of `user`; return its reply."""
        return await self._writes(user, request, audit)

    async def note(self, audit: Audit) -> None:
        """Store an entry of something that changes nothing, before its answer is given."""
        await self._writes("", NoteAccess(), audit)

    async def _require_seen(self, user: str, device: str = "") -> None:
        require_seen(user, device, await self.store.account(user), await self.store.devices(user))

    async def _generation(self, user: str) -> int:
        account = await self.store.account(user)
        return 0 if account is None else account.generation

    def _end(self, user: str, device: str, code: int) -> None:
        for session, close in self._hub.ended_by(user, device, code):
            session.close(close)

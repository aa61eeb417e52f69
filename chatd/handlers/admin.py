"""What the operator and the host app's back end may do while the daemon runs: accounts, revocation, notices.

Everything takes effect at once: when a call returns it is durable, and connections it ends have been closed.
"""

from dataclasses import replace

from chatd.core.accounts import Account
from chatd.core.admin import Notify, PutAccount, Revoke
from chatd.core.live import Live
from chatd.handlers.writer import Writer
from chatd.ports import Env, Store
from chatd.protocol import closes
from chatd.protocol.errors import Refused
from chatd.protocol.objects import Body
from chatd.protocol.replies import Ok


class Admin:
    """The verbs of the admin socket."""

    def __init__(self, store: Store, writer: Writer, live: Live, env: Env) -> None:
        self._store = store
        self._writer = writer
        self._live = live
        self._env = env

    async def accounts(self) -> list[Account]:
        return await self._store.accounts()

    async def introduce(self, user: str, name: str, avatar: str, password_hash: str | None) -> None:
        """Add an account, or change what others see of it. Who is locked out stays so; revoked is revoked.

        `password_hash` None leaves the password as it is.
        """
        known = await self._store.account(user) or Account(user, created_at=self._env.now_ms())
        # A changed name must reach phones that cache it: they compare versions.
        shown = replace(known, name=name, avatar=avatar, version=known.version + 1)
        await self._put(shown if password_hash is None else replace(shown, password=password_hash))

    async def set_password(self, user: str, password_hash: str) -> None:
        """Give an account a new password; tokens issued before are refused from now on."""
        account = await self._existing(user)
        await self._writer.carry(user, PutAccount(replace(account, password=password_hash)))
        await self.revoke(user)

    async def disable(self, user: str, disabled: bool) -> None:
        """Lock a user out, or let him in again."""
        account = await self._store.account(user) or Account(user, created_at=self._env.now_ms())
        await self._put(replace(account, disabled=disabled))

    async def revoke(self, user: str, device: str = "") -> None:
        """Refuse every token issued until now, of one device or of all, and close the connections that use them."""
        await self._writer.carry(user, Revoke(device))
        self._end(user, device, closes.REVOKED)

    async def notice(self, room: str, body: Body) -> Ok:
        """Log a text of the host app in a room."""
        return await self._writer.carry("", Notify(room, body))

    async def _put(self, account: Account) -> None:
        """Store an account as given; a disabled one loses its connections."""
        await self._writer.carry(account.user, PutAccount(account))
        if account.disabled:
            self._end(account.user, "", closes.BANNED)

    async def _existing(self, user: str) -> Account:
        account = await self._store.account(user)
        if account is None:
            raise Refused("not_found", f"there is no account {user}")
        return account

    def _end(self, user: str, device: str, code: int) -> None:
        for session in self._live.of(user):
            if not device or session.device == device:
                session.close(code)

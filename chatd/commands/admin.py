"""The verbs of the operator and of the host app's back end while the daemon runs: accounts, revocation, notices.

Everything takes effect at once: when a call returns it is durable, and connections it ends have been closed.
"""

from chatd.core.accounts import Amend, Revoke
from chatd.core.maintenance import PostNotice
from chatd.core.users import Account, require_seen
from chatd.delivery.hub import Hub
from chatd.protocol import close_codes
from chatd.protocol.envelope import Ok
from chatd.protocol.messages import Body
from chatd.storage.interface import UserStore
from chatd.writer.writer import Writer

# Some 3 ms of the loop.
ACCOUNTS_AT_ONCE = 1000


class Admin:
    """The verbs of the admin socket."""

    def __init__(self, store: UserStore, writer: Writer, hub: Hub) -> None:
        self._store = store
        self._writer = writer
        self._hub = hub

    async def accounts(self, after: str) -> list[Account]:
        """Return the next accounts behind `after` in order of user id, none at the end."""
        return await self._store.accounts(after, ACCOUNTS_AT_ONCE)

    async def put_user(self, user: str, name: str, avatar: str, password_hash: str | None) -> None:
        """Add an account, or change its name, avatar and password. It stays disabled and revoked if it was.

        `password_hash`: None leaves the password as it is.
        """
        await self._writer.submit_and_wait(user, Amend(name=name, avatar=avatar, password=password_hash))

    async def set_password(self, user: str, password_hash: str) -> int:
        """Give an account a new password, and revoke its tokens; return the new generation, as `revoke` does."""
        await self._writer.submit_and_wait(user, Amend(password=password_hash, revoke=True, existing=True))
        self._end(user, "", close_codes.REVOKED)
        return await self._generation(user)

    async def disable(self, user: str, disabled: bool, *, seen: bool = False) -> None:
        """Disable a user, or enable them again. `seen`: refuse a user who never connected, probably mistyped."""
        if seen:
            await self._require_seen(user)
        await self._writer.submit_and_wait(user, Amend(disabled=disabled))
        if disabled:
            self._end(user, "", close_codes.BANNED)

    async def revoke(self, user: str, device: str = "", *, seen: bool = False) -> int:
        """Refuse every token issued until now, of one device or of all, and close the connections that use them.

        Return the generation of tokens that are issued from now on: a token that carries it is valid at once, whatever
        the clocks say. `seen`: refuse a user or device that never connected.
        """
        if seen:
            await self._require_seen(user, device)
        await self._writer.submit_and_wait(user, Revoke(device))
        self._end(user, device, close_codes.REVOKED)
        return await self._generation(user)

    async def notice(self, room: str, body: Body) -> Ok:
        """Post a text of the host app in a room."""
        return await self._writer.submit_and_wait("", PostNotice(room, body))

    async def _require_seen(self, user: str, device: str = "") -> None:
        require_seen(user, device, await self._store.account(user), await self._store.devices(user))

    async def _generation(self, user: str) -> int:
        account = await self._store.account(user)
        return 0 if account is None else account.generation

    def _end(self, user: str, device: str, code: int) -> None:
        for session, close in self._hub.ended_by(user, device, code):
            session.close(close)

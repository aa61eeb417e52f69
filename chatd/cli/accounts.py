"""The accounts of a server, over the admin socket of a running daemon, else in the database."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from chatd.cli.admin_socket import ask, is_served, socket_path
from chatd.cli.exits import Failure
from chatd.config.model import Config

EVERY_ONE = -1  # no limit


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One account for display. `created_at` is Unix milliseconds, `password` whether it has one."""

    user: str
    name: str
    disabled: bool
    password: bool
    created_at: int


class Accounts(Protocol):
    """The accounts of one server. A change is durable when the call returns; else it raises Failure."""

    def all(self) -> Iterable[AccountLine]:
        """Return all accounts in order of user id."""
        ...

    def put(self, user: str, name: str, password_hash: str) -> None:
        """Add an account, or replace the one of this user."""
        ...

    def set_password(self, user: str, password_hash: str) -> None:
        """Give an account another password; tokens issued before are refused."""
        ...

    def disable(self, user: str, *, disabled: bool, unseen: bool = False) -> None:
        """Disable a user, or enable them again. `unseen`: also one without an account or a device here."""
        ...

    def revoke(self, user: str, device: str, *, unseen: bool = False) -> None:
        """Refuse every token issued until now, of one device or, when that is "", of all. `unseen`: as above."""
        ...


def accounts_of(config: Config, *, create: bool = False) -> Accounts:
    """Return the accounts of the server with this configuration, whether it runs or not.

    `create`: make a database where there is none. Else a call is a Failure then.
    """
    path = socket_path(config)
    # Without a daemon the database may be opened here.
    return ServedAccounts(path) if is_served(path) else StoredAccounts(config, create=create)


class ServedAccounts:
    """Accounts of a running daemon, over its admin socket."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> Iterator[AccountLine]:
        query = {"limit": "200"}
        while True:
            page = ask(self._path, "GET", f"/v1/users?{urlencode(query)}")
            for row in page["users"]:
                shown = row["user"], row["name"], row["disabled"], row["has_password"], row["created_at"]
                yield AccountLine(*shown)
            if "more" not in page:
                return
            query["more"] = page["more"]

    def put(self, user: str, name: str, password_hash: str) -> None:
        self._change("PUT", user, "", {"name": name, "password_hash": password_hash})

    def set_password(self, user: str, password_hash: str) -> None:
        self._change("PUT", user, "/password", {"password_hash": password_hash})

    def disable(self, user: str, *, disabled: bool, unseen: bool = False) -> None:
        self._change("PUT", user, "", {"disabled": disabled, "seen": not unseen})

    def revoke(self, user: str, device: str, *, unseen: bool = False) -> None:
        bound = {"device": device} if device else {}
        self._change("POST", user, "/revoke", {"seen": not unseen, **bound})

    def _change(self, method: str, user: str, below: str, content: Mapping[str, Any]) -> None:
        ask(self._path, method, f"/v1/users/{quote(user)}{below}", content)


class StoredAccounts:
    """Accounts in a database that no daemon uses; `create` makes one where there is none."""

    def __init__(self, config: Config, *, create: bool = False) -> None:
        self._config = config
        self._create = create

    def all(self) -> list[AccountLine]:
        async def read(store: Any) -> list[AccountLine]:
            return [
                AccountLine(one.user, one.name, one.disabled, one.password is not None, one.created_at)
                for one in await store.accounts("", EVERY_ONE)
            ]

        found: list[AccountLine] = self._run(read)
        return found

    def put(self, user: str, name: str, password_hash: str) -> None:
        from chatd.core.accounts import Amend

        self._decide(user, Amend(name=name, password=password_hash))

    def set_password(self, user: str, password_hash: str) -> None:
        from chatd.core.accounts import Amend

        self._decide(user, Amend(password=password_hash, revoke=True, existing=True))

    def disable(self, user: str, *, disabled: bool, unseen: bool = False) -> None:
        from chatd.core.accounts import Amend

        self._decide(user, Amend(disabled=disabled), seen=not unseen)

    def revoke(self, user: str, device: str, *, unseen: bool = False) -> None:
        from chatd.core.accounts import Revoke

        if device:
            raise Failure(
                "one device can be revoked only while the daemon runs; leave out --device to revoke all"
            )
        self._decide(user, Revoke(), seen=not unseen)

    def _decide(self, user: str, request: Any, *, seen: bool = False) -> None:
        """Change an account by the rules of a daemon. `seen`: only of a user with an account or a device."""
        from chatd.cli.stores import decide
        from chatd.core.users import require_seen

        async def change(store: Any) -> None:
            if seen:
                require_seen(user, "", await store.account(user), await store.devices(user))
            await decide(store, user, request, people=self._config.people.enabled)

        self._run(change)

    def _run(self, action: Callable[[Any], Awaitable[Any]]) -> Any:
        from chatd.cli.stores import with_store

        return with_store(self._config, action, create=self._create)

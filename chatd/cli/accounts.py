"""Changing accounts where they are: over the admin socket of a running daemon, else in the database."""

import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Protocol

from chatd.cli.exits import Failure
from chatd.config import Config

ANSWER_S = 30.0  # a daemon under load answers in one; nobody waits longer at a prompt


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One account as it is shown. `created_at` is Unix milliseconds, `password` whether it has one."""

    user: str
    name: str
    disabled: bool
    password: bool
    created_at: int


class Accounts(Protocol):
    """The accounts of one server. A change is durable when the call returns; Failure says why it is not."""

    def all(self) -> list[AccountLine]:
        """All accounts in order of user id."""
        ...

    def put(self, user: str, name: str, password_hash: str) -> None:
        """Add an account, or replace the one of this user."""
        ...

    def set_password(self, user: str, password_hash: str) -> None:
        """Give an account another password; tokens issued before are refused."""
        ...

    def disable(self, user: str, *, disabled: bool) -> None:
        """Lock a user out, or let him in again."""
        ...

    def revoke(self, user: str, device: str) -> None:
        """Refuse every token issued until now, of one device or, when that is "", of all."""
        ...


def accounts_of(config: Config) -> Accounts:
    """The accounts of the server with this configuration, whether it runs or not."""
    path = Path(config.storage.directory) / "chatd.sock"
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:  # no such file, or nobody behind it: the database is ours to open
            return StoredAccounts(config)
    return ServedAccounts(path)


class UnixConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ANSWER_S)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class ServedAccounts:
    """Accounts of a running daemon, over its admin socket."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> list[AccountLine]:
        return [AccountLine(**entry) for entry in self._ask("GET", "/users")]

    def put(self, user: str, name: str, password_hash: str) -> None:
        self._ask("POST", "/users/put", {"user": user, "name": name, "password": password_hash})

    def set_password(self, user: str, password_hash: str) -> None:
        self._ask("POST", "/users/password", {"user": user, "password": password_hash})

    def disable(self, user: str, *, disabled: bool) -> None:
        self._ask("POST", "/users/disable", {"user": user, "disabled": disabled})

    def revoke(self, user: str, device: str) -> None:
        self._ask("POST", "/revoke", {"user": user} | ({"device": device} if device else {}))

    def _ask(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> Any:
        connection = UnixConnection(self._path)
        try:
            connection.request(method, path, None if content is None else json.dumps(content))
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, HTTPException, ValueError) as error:
            raise Failure(f"the daemon did not answer on {self._path}: {error}") from None
        finally:
            connection.close()
        if response.status != 200:
            raise Failure(answer.get("message") or answer.get("code", "refused"))
        return answer


class StoredAccounts:
    """Accounts in a database that no daemon uses."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def all(self) -> list[AccountLine]:
        async def read(store: Any) -> list[AccountLine]:
            return [
                AccountLine(one.user, one.name, one.disabled, one.password is not None, one.created_at)
                for one in await store.accounts()
            ]

        found: list[AccountLine] = self._run(read)
        return found

    def put(self, user: str, name: str, password_hash: str) -> None:
        self._change(user, new=True, name=name, password=password_hash, disabled=False)

    def set_password(self, user: str, password_hash: str) -> None:
        self._change(user, revoked=True, password=password_hash)

    def disable(self, user: str, *, disabled: bool) -> None:
        self._change(user, disabled=disabled)

    def revoke(self, user: str, device: str) -> None:
        if device:
            raise Failure("one device can be revoked while the daemon runs only; without --device it is all")
        self._change(user, revoked=True)

    def _change(self, user: str, *, new: bool = False, revoked: bool = False, **changes: Any) -> None:
        from chatd.cli.stores import now_ms, put_account
        from chatd.core.accounts import Account

        async def put(store: Any) -> None:
            account = await store.account(user)
            if account is None and not new:
                raise Failure(f"there is no account {user}")
            known = account or Account(user, created_at=now_ms())
            before = {"revoked_before": now_ms()} if revoked else {}
            # A changed name must reach phones that cache it: they compare versions.
            version = known.version + ("name" in changes)
            await put_account(store, replace(known, version=version, **before, **changes))

        self._run(put)

    def _run(self, action: Callable[[Any], Awaitable[Any]]) -> Any:
        from chatd.cli.stores import with_store

        return with_store(self._config, action)

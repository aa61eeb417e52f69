"""The accounts of a server, whether it runs or not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from chatd.cli.host_api import HostApi

PAGE = 200


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One account for display. `created_at` is Unix milliseconds, `password` whether it has one."""

    user: str
    name: str
    disabled: bool
    password: bool
    created_at: int


class Accounts:
    """The accounts of one server. A change is durable when the call returns; else it raises Failure."""

    def __init__(self, api: HostApi) -> None:
        self._api = api

    def all(self) -> Iterator[AccountLine]:
        """Yield all accounts in order of user id."""
        query: dict[str, Any] = {"limit": PAGE}
        while True:
            page = self._api.ask("GET", "/v1/users", query)
            for row in page["users"]:
                shown = row["user"], row["name"], row["disabled"], row["has_password"], row["created_at"]
                yield AccountLine(*shown)
            if "more" not in page:
                return
            query["more"] = page["more"]

    def put(self, user: str, name: str, password_hash: str) -> None:
        """Add an account, or replace the one of this user."""
        self._change("PUT", user, "", {"name": name, "password_hash": password_hash})

    def set_password(self, user: str, password_hash: str) -> None:
        """Give an account another password; tokens issued before are refused."""
        self._change("PUT", user, "/password", {"password_hash": password_hash})

    def disable(self, user: str, *, disabled: bool, unseen: bool = False) -> None:
        """Disable a user, or enable them again. `unseen`: also one without an account or a device here."""
        self._change("PUT", user, "", {"disabled": disabled, "seen": not unseen})

    def revoke(self, user: str, device: str, *, unseen: bool = False) -> None:
        """Refuse every token issued until now, of one device or, when that is "", of all. `unseen`: as above."""
        bound = {"device": device} if device else {}
        self._change("POST", user, "/revoke", {"seen": not unseen, **bound})

    def _change(self, method: str, user: str, below: str, content: Mapping[str, Any]) -> None:
        self._api.ask(method, f"/v1/users/{quote(user)}{below}", content)

"""The host's API through the console: every route against every role, and against whoever has no session."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chatd.core.console_roles import Role, scopes_of_role
from chatd.http import console_access
from chatd.http.api import access
from chatd.http.api.application import TABLE
from chatd.http.api.route import OPEN, SOCKET_ONLY, Route, scopes_of
from tests.http.api.test_access import ONE_LOOP, path_of
from tests.kit import http
from tests.kit.daemon import RunningDaemon, config_for, running_daemon

ROLES: tuple[Role, ...] = ("viewer", "moderator", "admin")
REFUSED = {"forbidden", "signed_out", "wrong_host", "key_invalid", "rate_limited"}
# As a browser sends them for a page of ours; without them a program asks.
FROM_PAGE = {"Sec-Fetch-Site": "same-origin"}


class Visitor:
    """A browser that opened the console, or whose cookie is none."""

    def __init__(self, daemon: RunningDaemon, cookie: str = "") -> None:
        self.url = f"{daemon.ops_url}/console"
        self.cookie = cookie

    @classmethod
    async def let_in(cls, daemon: RunningDaemon, **asked: Any) -> "Visitor":
        visitor = cls(daemon)
        made = await daemon.api("POST", "/v1/console/links", **asked)
        assert made.status == 200, made.body
        key = made.json["link"].partition("#key=")[2]
        answer = await http.request(f"{visitor.url}/v1/session", "POST", content={"key": key})
        visitor.cookie = answer.headers["set-cookie"].partition(";")[0]
        return visitor

    async def ask(
        self, method: str, path: str, content: Any = None, headers: dict[str, str] = FROM_PAGE
    ) -> http.Answer:
        sent = {"Cookie": self.cookie, **headers}
        return await http.request(f"{self.url}{path}", method, content=content, headers=sent)

    async def code(self, route: Route, headers: dict[str, str] = FROM_PAGE) -> str:
        """The code with which a request is turned away; "" when it got past all checks of its sender."""
        content = {} if route.has_body else None
        answer = await self.ask(route.method, path_of(route), content, headers)
        code = "" if answer.status == 200 else answer.json["code"]
        return str(code) if code in REFUSED else ""


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    # Three roles ask for every route at once.
    config = config_for(tmp_path, log={"level": "error"}, api={"burst": 10_000})
    async with running_daemon(config) as running:
        yield running


async def wrong_answers(daemon: RunningDaemon) -> list[tuple[str, str, str]]:
    """(role, route, code) of every route that a role can use and should not, or the other way."""
    wrong = []
    for role in ROLES:
        visitor = await Visitor.let_in(daemon, role=role)
        scopes = scopes_of_role(role, scopes_of(TABLE))
        for route in TABLE:
            opens = route.scope == OPEN or not {route.scope, route.needed_scope}.isdisjoint(scopes)
            code = await visitor.code(route)
            if code != ("" if opens else "forbidden"):
                wrong.append((role, f"{route.method} {route.path}", code))
    return wrong


@ONE_LOOP
async def test_a_role_opens_the_routes_of_its_scopes_and_no_other(daemon: RunningDaemon) -> None:
    assert await wrong_answers(daemon) == []


@ONE_LOOP
async def test_a_scope_that_is_not_checked_is_found(
    daemon: RunningDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access.Access, "require_scope", lambda self, caller, route: None)
    assert await wrong_answers(daemon) != []


def test_a_viewer_changes_nothing_and_sees_nothing_that_people_wrote() -> None:
    for route in TABLE:
        scopes = scopes_of_role("viewer", scopes_of(TABLE))
        if route.needed_scope in scopes:
            assert route.reads, route.path
    secret = {"messages.read", "events.read", "keys.read", "moderation.read"}
    assert secret.isdisjoint(scopes_of_role("viewer", scopes_of(TABLE)))


# Name -> (whether the cookie is that of an admin; headers; the code of a read, that of a change).
ASKING = {
    "nobody": (False, FROM_PAGE, "signed_out", "signed_out"),
    "an admin": (True, FROM_PAGE, "", ""),
    "a program with the cookie": (True, {}, "", "forbidden"),
    "a page that was typed": (True, {"Sec-Fetch-Site": "none"}, "", "forbidden"),
    "a page elsewhere": (True, {"Sec-Fetch-Site": "cross-site"}, "forbidden", "forbidden"),
    "a page of another port": (True, {"Sec-Fetch-Site": "same-site"}, "forbidden", "forbidden"),
    "a page of another origin": (
        True, {**FROM_PAGE, "Origin": "http://evil.example"}, "forbidden", "forbidden"
    ),
    "another name of ours": (True, {**FROM_PAGE, "Host": "evil.example"}, "wrong_host", "wrong_host"),
}  # fmt: skip


async def wrongly_let_in(daemon: RunningDaemon) -> list[str]:
    admin = await Visitor.let_in(daemon, role="admin")
    wrong = []
    for who, (has_session, headers, of_read, of_change) in ASKING.items():
        visitor = admin if has_session else Visitor(daemon)
        for route in TABLE:
            if route.scope == SOCKET_ONLY and not of_read:
                continue
            if await visitor.code(route, headers) != (of_read if route.reads else of_change):
                wrong.append(f"{who}: {route.method} {route.path}")
    return wrong


@ONE_LOOP
async def test_only_pages_of_ours_with_a_session_change_anything(daemon: RunningDaemon) -> None:
    assert await wrongly_let_in(daemon) == []


# Name of a break -> what it replaces in chatd/http/console_access.py, and by what.
BREAKS: dict[str, tuple[str, Any]] = {
    "no session is asked for": ("problem_without_session", lambda entrance, request: None),
    "any page may ask": ("is_foreign", lambda request: False),
    "anybody may change": ("problem_of_change", lambda request: None),
    "any host is taken for ours": ("is_own_host", lambda host, public_url: True),
}


@ONE_LOOP
@pytest.mark.parametrize("broken", BREAKS)
async def test_an_open_door_is_found_out(
    daemon: RunningDaemon, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    monkeypatch.setattr(console_access, *BREAKS[broken])
    assert await wrongly_let_in(daemon) != []


async def test_the_audit_names_the_visitor(daemon: RunningDaemon) -> None:
    ann = await Visitor.let_in(daemon, name="ann", role="admin")
    assert (await ann.ask("GET", "/v1/session")).json["name"] == "ann"
    assert (await ann.ask("PUT", "/v1/users/alice", {"name": "Alice"})).status == 200
    assert (await ann.ask("GET", "/v1/users/alice")).json["name"] == "Alice"
    entries = (await ann.ask("GET", "/v1/audit?target=alice")).json["audit"]
    assert ("console:ann", "PUT /v1/users/{user}") in [(one["key"], one["action"]) for one in entries]


async def test_a_visitor_gives_no_scope_that_they_do_not_have(daemon: RunningDaemon) -> None:
    keeper = await Visitor.let_in(daemon, name="keeper", scopes=["keys", "users"])
    made = await keeper.ask("POST", "/v1/keys", {"name": "one", "scopes": ["users.read"]})
    assert made.status == 200
    refused = await keeper.ask("POST", "/v1/keys", {"name": "two", "scopes": ["tokens"]})
    assert (refused.status, refused.json["field"]) == (403, "scopes")
    key = made.json["key"]["id"]
    assert (await keeper.ask("POST", f"/v1/keys/{key}/rotate", {})).status == 200
    assert (await keeper.ask("DELETE", f"/v1/keys/{key}")).status == 200
    refused = await daemon.api("POST", "/v1/console/links", scopes=["everything"])
    assert (refused.status, refused.json["field"]) == (400, "scopes")


async def test_a_session_that_is_signed_out_changes_nothing_more(daemon: RunningDaemon) -> None:
    ann = await Visitor.let_in(daemon, role="admin")
    assert (await ann.ask("DELETE", "/v1/session")).status == 204
    assert (await ann.ask("PUT", "/v1/users/alice", {})).status == 401
    assert (await daemon.api("GET", "/v1/users")).json["users"] == []

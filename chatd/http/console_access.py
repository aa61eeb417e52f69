"""Who may ask the console: browsers of ours with a session.

Before a session is looked for, each request must name a host of ours (a page of another site could give its own name
our address) and must not come from another page. A change must come from a page of ours: a browser says so in a header
that no script can set, and sends it to loopback and over TLS, where alone the console is served.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from chatd.config.addresses import is_loopback
from chatd.core.api_keys import ApiKey
from chatd.http.answers import error_answer
from chatd.http.api.route import Caller
from chatd.protocol.errors import Refused

PREFIX = "/console"
COOKIE = "chatd_console"
READS = ("GET", "HEAD")

Endpoint = Callable[[Request], Awaitable[Response]]


class Sessions(Protocol):
    """The keys and sessions of the console (auth/console_sessions.py). `lifetime_s`: of a session, seconds."""

    @property
    def lifetime_s(self) -> int: ...

    def sign_in(self, key: str) -> str | None: ...

    def visitor(self, cookie: str) -> ApiKey | None: ...

    def sign_out(self, cookie: str) -> None: ...


class Entrance(Protocol):
    """The sessions, and the origin of a proxy in front, or ""."""

    @property
    def sessions(self) -> Sessions: ...

    @property
    def public_url(self) -> str: ...


def admitted(entrance: Entrance, endpoint: Endpoint) -> Endpoint:
    """Return the endpoint for requests to a host of ours that come from no other page."""

    async def only_admitted(request: Request) -> Response:
        return problem_at_entrance(entrance, request) or await endpoint(request)

    return only_admitted


def with_session(entrance: Entrance, endpoint: Endpoint) -> Endpoint:
    """Return the endpoint for requests with a session."""

    async def only_with_session(request: Request) -> Response:
        return problem_without_session(entrance, request) or await endpoint(request)

    return only_with_session


def problem_at_entrance(entrance: Entrance, request: Request) -> Response | None:
    if not is_own_host(request.headers.get("host", ""), entrance.public_url):
        return error_answer("wrong_host", 421)
    if request.url.path.startswith(f"{PREFIX}/v1/") and is_foreign(request):
        return error_answer("forbidden", 403)
    return None


def problem_without_session(entrance: Entrance, request: Request) -> Response | None:
    return None if entrance.sessions.visitor(cookie_of(request)) else error_answer("signed_out", 401)


def problem_of_change(request: Request) -> Response | None:
    """Return the refusal of a change that no page of ours asks for."""
    is_ours = request.method in READS or request.headers.get("sec-fetch-site") == "same-origin"
    return None if is_ours else error_answer("forbidden", 403)


class ConsoleApi:
    """The routes of the host's API below /console: a session stands in for a key, with the scopes of its role."""

    def __init__(self, entrance: Entrance, api: ASGIApp) -> None:
        self._entrance = entrance
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        problem = (
            problem_at_entrance(self._entrance, request)
            or problem_without_session(self._entrance, request)
            or problem_of_change(request)
        )
        if problem is not None:
            await problem(scope, receive, send)
            return
        path, raw_path = scope["path"].removeprefix(PREFIX), scope["raw_path"].removeprefix(PREFIX.encode())
        await self._api({**scope, "path": path, "raw_path": raw_path}, receive, send)


def caller_of(entrance: Entrance, request: Request) -> Caller:
    """Return the visitor who sends a request to the API. Raises Refused("key_invalid") without a session."""
    cookie = cookie_of(request)
    visitor = entrance.sessions.visitor(cookie)
    if visitor is None:
        raise Refused("key_invalid", "there is no session of the console")
    return Caller(visitor, lambda: entrance.sessions.visitor(cookie) is not None)


def is_own_host(host: str, public_url: str) -> bool:
    """Whether `Host` is loopback, with any port since a tunnel may lead here, or that of the configured address."""
    try:
        parts = urlsplit(f"//{host}")
        name = parts.hostname or ""
        is_plain = parts.netloc == host and "@" not in host
    except ValueError:
        return False
    return is_plain and (
        is_loopback(name) or (public_url != "" and host.lower() == urlsplit(public_url).netloc)
    )


def is_foreign(request: Request) -> bool:
    """Whether a page of another origin asks; `none` is a person, or a program."""
    headers = request.headers
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers["host"].lower()


def cookie_name(request: Request) -> str:
    """Return a name for each port: tunnels to several servers share the cookies of one loopback host."""
    port = urlsplit(f"//{request.headers['host']}").port
    return f"{COOKIE}_{port}" if port else COOKIE


def cookie_of(request: Request) -> str:
    return request.cookies.get(cookie_name(request), "")

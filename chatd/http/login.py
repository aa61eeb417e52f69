"""The routes of built-in accounts: a login, and the session that a browser keeps (protocol.md "Plain HTTP").

The session is in a cookie that no script can read, that is sent to one route only, and with requests of our own pages
only. All that it is good for is a token.
"""

from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chatd.config.addresses import is_loopback
from chatd.http.answers import address_of, bounded_body, error_answer
from chatd.protocol.login import LoginRequest, login_request
from chatd.web.site import Website
from chatd.websocket.acceptor_config import AcceptorConfig

LOGIN_BYTES_MAX = 4096  # a user, a password of 128 characters and a device take 400
COOKIE = "chatd_session"
SESSION_PATH = "v1/session"
_DAY_S = 86_400


class Granted(Protocol):
    """A token for `hello`, the seconds for which it is valid, and the session of the browser if one was asked for."""

    @property
    def token(self) -> str: ...

    @property
    def expires_in_s(self) -> int: ...

    @property
    def session(self) -> str | None: ...


class Accounts(Protocol):
    """Built-in accounts. Both raise Refused("rate_limited", retry_after=ms), Refused("bad_request") or Unavailable."""

    async def log_in(self, asked: LoginRequest, address: str, remember_s: int) -> Granted | None:
        """Return a token; None when user and password do not match, or the link is none.

        `remember_s`: the lifetime of the session to return with it; 0 for none.
        """

    async def resume(self, session: str, address: str) -> Granted | None:
        """Return a token for the user of a session; None when it is over, revoked or none."""


def login_routes(
    accounts: Callable[[], Accounts | None], acceptor: AcceptorConfig, website: Website
) -> list[Route]:
    """Return `POST /v1/login`, and `POST` and `DELETE /v1/session` for browsers."""

    async def log_in(request: Request) -> Response:
        found = accounts()
        if found is None:
            return error_answer("not_found", 404)
        asked = login_request(await bounded_body(request, LOGIN_BYTES_MAX))
        is_remembered = asked.remember and website.remember_days > 0 and _is_own_page(request, website)
        remember_s = website.remember_days * _DAY_S if is_remembered else 0
        granted = await found.log_in(asked, address_of(request, acceptor.trusted), remember_s)
        answer = _answer(granted)
        if granted is not None and granted.session is not None:
            _set_cookie(answer, request, website, granted.session, remember_s)
        return answer

    async def resume(request: Request) -> Response:
        found = accounts()
        if found is None or not website.remember_days:
            return error_answer("not_found", 404)
        if not _is_own_page(request, website):
            return error_answer("forbidden", 403)
        session = request.cookies.get(COOKIE)
        if session is None:
            return error_answer("login_failed", 401)
        return _answer(await found.resume(session, address_of(request, acceptor.trusted)))

    async def forget(request: Request) -> Response:
        if not _is_own_page(request, website):
            return error_answer("forbidden", 403)
        answer = Response(status_code=204)
        _set_cookie(answer, request, website, "", 0)
        return answer

    return [
        Route("/v1/login", log_in, methods=["POST"]),
        Route(f"/{SESSION_PATH}", resume, methods=["POST"]),
        Route(f"/{SESSION_PATH}", forget, methods=["DELETE"]),
    ]


def _answer(granted: Granted | None) -> Response:
    if granted is None:
        return error_answer("login_failed", 401)
    return JSONResponse({"token": granted.token, "expires_in": granted.expires_in_s})


def _is_own_page(request: Request, website: Website) -> bool:
    """Whether a request comes from our own page, or from no page at all.

    Origins that may connect are not enough: what a browser sends of its own accord is for our pages only.
    """
    origin = request.headers.get("origin")
    if website.origin and origin is not None and origin != website.origin:
        return False
    return request.headers.get("sec-fetch-site", "same-origin") == "same-origin"


def _set_cookie(answer: Response, request: Request, website: Website, session: str, lifetime_s: int) -> None:
    """Set the cookie, or with lifetime 0 delete it."""
    # The page itself says how it was loaded; behind a proxy our own socket does not.
    page = urlsplit(request.headers.get("origin", ""))
    is_local = page.scheme == "http" and is_loopback(page.hostname or "")
    answer.set_cookie(
        COOKIE,
        session,
        max_age=lifetime_s,
        path=website.path + SESSION_PATH,
        secure=not is_local,
        httponly=True,
        samesite="strict",
    )

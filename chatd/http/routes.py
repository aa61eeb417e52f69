"""The HTTP routes: health and login for clients; liveness, readiness and metrics for operators."""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatd.protocol.errors import ChatError, Refused, Unavailable
from chatd.protocol.login import login_request
from chatd.websocket.acceptor_config import AcceptorConfig
from chatd.websocket.client_address import UNIX_PEER, Networks, client_address
from chatd.websocket.handshake import PATH, no_upgrade
from chatd.websocket.origins import AllowedOrigins

HEALTH = b"chatd\n"  # protocol.md "Plain HTTP": exactly these bytes, so that no captive portal looks alike

LOGIN_BYTES_MAX = 4096  # a user, a password of 128 characters and a device take 400
_DRAINED_BYTES_MAX = 2 << 20  # of a body that is too large: it is read, so that no reset overtakes the answer

_SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# Pages of other origins may use all routes. A browser repeats the preflight after these seconds.
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Max-Age": "600",
}
_STATUSES = {"bad_request": 400, "login_failed": 401, "rate_limited": 429}
_CODES = {404: "not_found", 405: "method_not_allowed"}


class Granted(Protocol):
    """A token for `hello`, and the seconds for which it is valid."""

    @property
    def token(self) -> str: ...

    @property
    def expires_in_s(self) -> int: ...


# (user, password, device or None, client address) -> a token, or None when user and password do not match.
# Raises Refused("rate_limited", retry_after=ms), Refused("bad_request"), or Unavailable.
Login = Callable[[str, str, str | None, str], Awaitable[Granted | None]]

Routes = Sequence[BaseRoute]

# The conditions of readiness by name: None, or the problem. Names and texts are shown to operators.
Checks = Callable[[], Awaitable[Mapping[str, str | None]]]


def public_application(login: Callable[[], Login | None], acceptor: AcceptorConfig) -> ASGIApp:
    """Return the application of clients: `GET /v1/health`, `POST /v1/login`, a hint for WebSockets without an upgrade.

    Both arguments are read at each request, because a reload may change them; while `login` returns None
    (accounts are switched off), there is no such route.
    """

    async def health(request: Request) -> Response:
        return Response(HEALTH, media_type="text/plain")

    async def log_in(request: Request) -> Response:
        by = login()
        if by is None:
            return _error("not_found", 404)
        asked = login_request(await _bounded_body(request))
        granted = await by(asked.user, asked.password, asked.device, _address(request, acceptor.trusted))
        if granted is None:
            return _error("login_failed", 401)
        return JSONResponse({"token": granted.token, "expires_in": granted.expires_in_s})

    async def not_upgraded(request: Request) -> Response:
        headers = request.headers
        found = no_upgrade(
            request.scope["http_version"], headers.get("upgrade", ""), headers.get("connection", "")
        )
        acceptor.not_upgraded(_peer(request), meant="sec-websocket-key" in headers)
        return PlainTextResponse(found.text, found.status, found.headers)

    routes = [
        Route("/v1/health", health),
        Route("/v1/login", log_in, methods=["POST"]),
        Route(PATH, not_upgraded),
    ]
    return _SecurityHeaders(_WebPages(_routed(routes), acceptor.allowed_origins))


def ops_application(
    checks: Checks, metrics: Callable[[], tuple[bytes, str]], console: Routes = ()
) -> ASGIApp:
    """Return the application of operators: `/livez`, `/readyz` with every check, `/metrics` (content, media type).

    `console`: the routes of the console, where it is served (http/console.py).
    """

    async def live(request: Request) -> Response:
        return Response(b"ok\n", media_type="text/plain")

    async def ready(request: Request) -> Response:
        found = await checks()
        is_ready = not any(found.values())
        shown = {name: problem or "ok" for name, problem in found.items()}
        return JSONResponse({"ready": is_ready, "checks": shown}, 200 if is_ready else 503)

    async def scrape(request: Request) -> Response:
        content, media_type = metrics()
        return Response(content, media_type=media_type)

    routes: list[BaseRoute] = [Route("/livez", live), Route("/readyz", ready), Route("/metrics", scrape)]
    return _SecurityHeaders(_routed([*routes, *console]))


async def client_left(request: Request, error: Exception) -> Response:
    """Answer a client that left in the middle of its body, which is no defect; nobody reads the answer."""
    return _error("bad_request", 400)


def _routed(routes: Routes) -> ASGIApp:
    handlers = {
        ChatError: _refused,
        HTTPException: _no_route,
        ClientDisconnect: client_left,
        Exception: _defect,
    }
    application = Starlette(routes=routes, exception_handlers=handlers)  # type: ignore[arg-type]
    application.router.redirect_slashes = False  # a redirect would repeat any Host that the client made up
    return application


class _WebPages:
    """The answers to web pages: those that may connect can read them (Fetch Standard, "CORS protocol").

    Others are logged, cannot log in, and cannot read the answers.
    """

    def __init__(self, application: ASGIApp, allowed_origins: AllowedOrigins) -> None:
        self._application = application
        self._allowed_origins = allowed_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Headers(scope=scope)
        origin = request.get("origin")
        if origin is None:
            await self._application(scope, receive, send)
        elif origin not in self._allowed_origins:
            self._allowed_origins.refused(origin)
            is_harmless = scope["method"] in ("GET", "HEAD")
            answer = self._application if is_harmless else _error("forbidden", 403)
            await answer(scope, receive, send)
        elif scope["method"] == "OPTIONS" and "access-control-request-method" in request:
            await Response(status_code=204, headers={**_PREFLIGHT, **_readable(origin)})(scope, receive, send)
        else:
            await self._application(scope, receive, _with_headers(send, _readable(origin)))


def _readable(origin: str) -> dict[str, str]:
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": "Retry-After",
        "Vary": "Origin",
    }


def _with_headers(send: Send, added: Mapping[str, str]) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in added.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers


class _SecurityHeaders:
    """The same security headers for every response, errors included."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._application(scope, receive, _with_headers(send, _SECURITY_HEADERS))


async def _bounded_body(request: Request) -> bytes:
    body, size = b"", 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= LOGIN_BYTES_MAX:
            body += chunk
        elif size > _DRAINED_BYTES_MAX:
            break
    if size > LOGIN_BYTES_MAX:
        raise Refused("bad_request", f"a login takes at most {LOGIN_BYTES_MAX} bytes")
    return body


def _peer(request: Request) -> str:
    return request.client.host if request.client else UNIX_PEER


def _address(request: Request, trusted: Networks) -> str:
    return client_address(_peer(request), request.headers.getlist("X-Forwarded-For"), trusted)


async def _refused(request: Request, error: ChatError) -> Response:
    if isinstance(error, Unavailable):
        return _error("overloaded", 503, error.retry_after)
    return _error(error.code, _STATUSES.get(error.code, 400), error.retry_after)


async def _no_route(request: Request, error: HTTPException) -> Response:
    response = _error(_CODES.get(error.status_code, "bad_request"), error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _defect(request: Request, error: Exception) -> Response:
    return _error("internal", 500)  # Starlette raises it again: the server logs the traceback


def _error(code: str, status: int, retry_after_ms: int | None = None) -> Response:
    if retry_after_ms is None:
        return JSONResponse({"code": code}, status)
    seconds = str(math.ceil(retry_after_ms / 1000))
    content = {"code": code, "retry_after": retry_after_ms}
    return JSONResponse(content, status, headers={"Retry-After": seconds})

"""The HTTP applications: of clients, with health, login and the web client; of operators, with health and metrics."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatd.http.answers import error_answer, peer_of
from chatd.http.login import Accounts, login_routes
from chatd.http.web import web_files, web_routes
from chatd.protocol.errors import ChatError, Unavailable
from chatd.web.site import Website
from chatd.websocket.acceptor_config import AcceptorConfig
from chatd.websocket.handshake import PATH, no_upgrade
from chatd.websocket.origins import AllowedOrigins

HEALTH = b"chatd\n"  # protocol.md "Plain HTTP": exactly these bytes, so that no captive portal looks alike

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


Routes = Sequence[BaseRoute]

# The conditions of readiness by name: None, or the problem. Names and texts are shown to operators.
Checks = Callable[[], Awaitable[Mapping[str, str | None]]]

# The state of each process beside the daemon, which is shown and makes nothing unready.
Processes = Callable[[], Mapping[str, str]]


def public_application(
    accounts: Callable[[], Accounts | None], acceptor: AcceptorConfig, website: Website
) -> ASGIApp:
    """Return the application of clients: health, login, the web client, a hint for WebSockets without an upgrade.

    All arguments are read at each request, because a reload may change them; while `accounts` returns None
    (they are switched off), there is no login.
    """

    async def health(request: Request) -> Response:
        return Response(HEALTH, media_type="text/plain")

    async def not_upgraded(request: Request) -> Response:
        headers = request.headers
        found = no_upgrade(
            request.scope["http_version"], headers.get("upgrade", ""), headers.get("connection", "")
        )
        acceptor.not_upgraded(peer_of(request), meant="sec-websocket-key" in headers)
        return PlainTextResponse(found.text, found.status, found.headers)

    routes = [
        Route("/v1/health", health),
        Route(PATH, not_upgraded),
        *login_routes(accounts, acceptor, website),
        *web_routes(website, lambda: accounts() is not None),
    ]
    return SecurityHeaders(_WebPages(_routed(routes, web_files(website)), acceptor.allowed_origins))


def ops_application(
    checks: Checks,
    metrics: Callable[[], tuple[bytes, str]],
    console: Routes = (),
    api: ASGIApp | None = None,
    processes: Processes = dict,
) -> ASGIApp:
    """Return the application of operators: `/livez`, `/readyz` with every check, `/metrics` (content, media type).

    `console`: the routes of the console, where it is served (http/console.py). `api`: that of the host app.
    """

    async def live(request: Request) -> Response:
        return Response(b"ok\n", media_type="text/plain")

    async def ready(request: Request) -> Response:
        found = await checks()
        is_ready = not any(found.values())
        shown = {name: problem or "ok" for name, problem in found.items()}
        beside = {"processes": states} if (states := processes()) else {}
        return JSONResponse({"ready": is_ready, "checks": shown, **beside}, 200 if is_ready else 503)

    async def scrape(request: Request) -> Response:
        content, media_type = metrics()
        return Response(content, media_type=media_type)

    routes: list[BaseRoute] = [Route("/livez", live), Route("/readyz", ready), Route("/metrics", scrape)]
    if api is not None:
        routes.append(Route("/v1/{path:path}", api))
    return SecurityHeaders(_routed([*routes, *console]))


async def client_left(request: Request, error: Exception) -> Response:
    """Answer a client that left in the middle of its body, which is no defect; nobody reads the answer."""
    return error_answer("bad_request", 400)


def _routed(routes: Routes, others: ASGIApp | None = None) -> ASGIApp:
    """Return an application of these routes; `others` answers paths that have none."""
    handlers = {
        ChatError: _refused,
        HTTPException: _no_route,
        ClientDisconnect: client_left,
        Exception: _defect,
    }
    application = Starlette(routes=routes, exception_handlers=handlers)  # type: ignore[arg-type]
    application.router.redirect_slashes = False  # a redirect would repeat any Host that the client made up
    application.router.default = others or application.router.default
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
            answer = self._application if is_harmless else error_answer("forbidden", 403)
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


class SecurityHeaders:
    """The same security headers for every response, errors included."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._application(scope, receive, _with_headers(send, _SECURITY_HEADERS))


async def _refused(request: Request, error: ChatError) -> Response:
    if isinstance(error, Unavailable):
        return error_answer("overloaded", 503, error.retry_after)
    return error_answer(error.code, _STATUSES.get(error.code, 400), error.retry_after)


async def _no_route(request: Request, error: HTTPException) -> Response:
    response = error_answer(_CODES.get(error.status_code, "bad_request"), error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _defect(request: Request, error: Exception) -> Response:
    return error_answer("internal", 500)  # Starlette raises it again: the server logs the traceback

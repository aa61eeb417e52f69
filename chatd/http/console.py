"""The routes of the console, below /console/ on the operations listener: its pages, what they read, and the host's API.

Nothing but the pages is shown without a session (chatd/http/console_access.py has the checks).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from chatd.http.answers import bounded_body, error_answer, peer_of
from chatd.http.api.application import TABLE
from chatd.http.console_access import (
    PREFIX,
    ConsoleApi,
    Entrance,
    admitted,
    cookie_name,
    cookie_of,
    with_session,
)
from chatd.http.event_stream import KEEP_ALIVE, KEEP_ALIVE_S, MEDIA_TYPE, EventStream, Watcher, encoded
from chatd.http.http_protocol import STREAMING
from chatd.http.routes import Routes
from chatd.http.web import asset_response
from chatd.telemetry.log_ring import LogLine
from chatd.web.assets import Asset, asset

log = logging.getLogger(__name__)

PAGE = "index.html"
BODY_BYTES_MAX = 1024  # a key takes 40
RETRY_MS = 10_000  # for a place among the watchers
LINES = 200  # of the log in one event: some 40 KiB
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
LOOK_S = 0.5  # between looks for new lines of the log, which wake nobody: writing them costs nothing more
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)


class View(Entrance, Protocol):
    """What the console shows."""

    @property
    def figures(self) -> EventStream: ...

    @property
    def log_stream(self) -> EventStream: ...

    async def pages(self) -> Mapping[str, Asset]:
        """Return the answers of the built files by name; none while they are not built."""
        ...

    def history(self) -> dict[str, list[Any]]: ...

    def log_after(self, number: int, count: int) -> list[LogLine]: ...

    async def now(self) -> dict[str, Any]: ...

    async def connections(self, user: str) -> list[dict[str, Any]]: ...

    async def slow(self) -> list[dict[str, Any]]: ...

    def settings(self) -> list[dict[str, Any]]: ...


class Streaming(Protocol):
    """The socket of a request whose response has no end."""

    def stream(self) -> None:
        """Lift the deadline of the response."""

    def abort(self) -> None:
        """Reset the connection."""


class KeyRequest(msgspec.Struct, forbid_unknown_fields=True):
    key: str

    def __repr__(self) -> str:
        return "KeyRequest(key='********')"


def console_pages(files: Mapping[str, bytes]) -> dict[str, Asset]:
    """Return the answers of the built files of the console, by name."""
    headers = {"Cross_Origin_Resource_Policy": "same-origin", "Content_Security_Policy": POLICY}
    return {name: asset(name, content, **headers) for name, content in files.items()}


def console_routes(view: View, api: ASGIApp) -> Routes:
    """Return the routes of the console. `api`: the host's API for its visitors."""

    async def page(request: Request) -> Response:
        return _page(await view.pages(), request)

    async def sign_in(request: Request) -> Response:
        return await _signed_in(view, request)

    async def sign_out(request: Request) -> Response:
        return _signed_out(view, request)

    async def session(request: Request) -> Response:
        visitor = view.sessions.visitor(cookie_of(request))
        assert visitor is not None
        return JSONResponse({"name": visitor.name, "scopes": visitor.scopes})

    async def now(request: Request) -> Response:
        return JSONResponse(await view.now())

    async def sessions(request: Request) -> Response:
        return JSONResponse(await view.connections(request.query_params.get("user", "")))

    async def slow(request: Request) -> Response:
        return JSONResponse(await view.slow())

    async def settings(request: Request) -> Response:
        return JSONResponse(view.settings())

    async def figures(request: Request) -> Response:
        return _streamed(request, view.figures, lambda watcher: _figures(view, watcher))

    async def log_lines(request: Request) -> Response:
        level = LEVELS.get(request.query_params.get("level", "debug"))
        if level is None:
            return error_answer("bad_request", 400)
        return _streamed(request, view.log_stream, lambda watcher: _log_lines(view, level))

    reads = {
        "session": session,
        "now": now,
        "figures": figures,
        "log": log_lines,
        "sessions": sessions,
        "slow": slow,
        "config": settings,
    }
    of_api = ConsoleApi(view, api)
    return [
        Route("/console", admitted(view, _to_folder)),
        Route("/console/", admitted(view, page)),
        Route("/console/v1/session", admitted(view, sign_in), methods=["POST"]),
        Route("/console/v1/session", admitted(view, with_session(view, sign_out)), methods=["DELETE"]),
        *(
            Route(f"/console/v1/{name}", admitted(view, with_session(view, read)))
            for name, read in reads.items()
        ),
        *(Route(f"{PREFIX}{path}", of_api) for path in dict.fromkeys(route.path for route in TABLE)),
        Route("/console/{name}", admitted(view, page)),
    ]


async def _to_folder(request: Request) -> Response:
    return Response(status_code=307, headers={"Location": "console/"})  # relative: it repeats no Host


def _page(pages: Mapping[str, Asset], request: Request) -> Response:
    if not pages:
        return PlainTextResponse("the console is not built: run make web\n", 503)
    found = pages.get(request.path_params.get("name") or PAGE)
    return error_answer("not_found", 404) if found is None else asset_response(found, request)


# --- a session


async def _signed_in(view: View, request: Request) -> Response:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return error_answer("bad_request", 415)
    try:
        asked = msgspec.json.decode(await bounded_body(request, BODY_BYTES_MAX), type=KeyRequest)
    except msgspec.DecodeError:
        return error_answer("bad_request", 400)
    peer = peer_of(request)
    cookie = view.sessions.sign_in(asked.key)
    if cookie is None:
        log.warning("a wrong or expired key for the console from %s", peer)
        return error_answer("login_failed", 401)
    log.info("the console was opened from %s", peer)
    response = Response(status_code=204)
    is_secure = request.headers["host"].lower() == urlsplit(view.public_url).netloc
    # Without a path it is sent to the routes beside this one alone, whatever prefix a proxy gave them.
    response.set_cookie(
        cookie_name(request),
        cookie,
        view.sessions.lifetime_s,
        path=None,
        secure=is_secure,
        httponly=True,
        samesite="strict",
    )
    return response


def _signed_out(view: View, request: Request) -> Response:
    view.sessions.sign_out(cookie_of(request))
    response = Response(status_code=204)
    response.delete_cookie(cookie_name(request), path=None)  # type: ignore[arg-type]
    return response


# --- streams


async def _figures(view: View, watcher: Watcher) -> AsyncIterator[bytes]:
    yield encoded("history", view.history())
    async for event in watcher.events():
        yield event


async def _log_lines(view: View, level: int) -> AsyncIterator[bytes]:
    """Give the lines that are kept, then new ones; each watcher reads at its own pace, and misses what is gone."""
    number, quiet_s = 0, KEEP_ALIVE_S  # the first sign of life at once, which opens the stream
    while True:
        lines = view.log_after(number, LINES)
        number = lines[-1].number if lines else number
        if shown := [[line.number, line.level, line.text] for line in lines if line.level >= level]:
            quiet_s = 0.0
            yield encoded("lines", shown)
        elif quiet_s >= KEEP_ALIVE_S:
            quiet_s = 0.0
            yield KEEP_ALIVE
        if len(lines) < LINES:
            await asyncio.sleep(LOOK_S)
            quiet_s += LOOK_S


def _streamed(
    request: Request, stream: EventStream, events: Callable[[Watcher], AsyncIterator[bytes]]
) -> Response:
    headers = {"X-Accel-Buffering": "no", "Content-Type": MEDIA_TYPE}  # nginx would collect events
    if request.method == "HEAD":
        return Response(headers=headers)
    socket: Streaming = request.scope["state"][STREAMING]
    watcher = stream.watch(socket.abort)
    if watcher is None:
        return error_answer("overloaded", 503, RETRY_MS)
    socket.stream()
    return _EventResponse(watcher, events(watcher), headers)


class _EventResponse(StreamingResponse):
    """A response without end, whose watcher leaves with it."""

    def __init__(self, watcher: Watcher, events: AsyncIterator[bytes], headers: Mapping[str, str]) -> None:
        super().__init__(events, headers=headers)
        self._watcher = watcher

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._watcher.leave()

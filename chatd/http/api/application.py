"""The API as the application of one listener: its table of routes, and the way of a request through it."""

import logging
import re
from base64 import b32encode
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route as Path
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from chatd.core.api_keys import ApiKey
from chatd.env import Env
from chatd.http.answers import bounded_body
from chatd.http.api import (
    bots,
    erasures,
    event_feed,
    filters,
    imports,
    inbox,
    joining,
    keys,
    media,
    members,
    messages,
    moderation,
    openapi,
    people,
    problems,
    push,
    restrictions,
    rooms,
    search,
    stats,
    tokens,
    users,
    webhooks,
)
from chatd.http.api.access import Access
from chatd.http.api.decoding import asked_in_query, decoded, path_of
from chatd.http.api.ndjson import BULK_BYTES_MAX, MEDIA_TYPE, Lines, Uploads, answered, lines_of
from chatd.http.api.problems import problem_response, refusal_for
from chatd.http.api.route import BODY_BYTES_MAX, OPEN, Call, Caller, Download, Route, Services
from chatd.http.api.waiting import unless_gone
from chatd.http.http_protocol import STREAMING
from chatd.http.routes import SecurityHeaders
from chatd.protocol.errors import Refused
from chatd.telemetry.counters import Counters

log = logging.getLogger(__name__)

CHAPTERS = (
    users,
    inbox,
    people,
    tokens,
    rooms,
    members,
    joining,
    messages,
    bots,
    event_feed,
    webhooks,
    push,
    media,
    restrictions,
    moderation,
    filters,
    erasures,
    imports,
    keys,
    search,
    stats,
    problems,
    openapi,
)
TABLE: tuple[Route, ...] = tuple(route for chapter in CHAPTERS for route in chapter.ROUTES)
"""All routes."""

REQUEST_ID = "X-Request-Id"
IDS = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
ID_BYTES = 10  # 80 random bits
# A path takes them all, or one like it, with a parameter, would be taken for it.
EVERY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
CallerOf = Callable[[Request], Caller]
NOBODY = Caller(ApiKey("", "", ()))


class Api:
    """The API of one daemon, for all its listeners."""

    def __init__(self, services: Services, access: Access, env: Env, counters: Counters) -> None:
        self._services = services
        self._access = access
        self._env = env
        self._counters = counters
        self._uploads = Uploads()

    def application(self, *, on_socket: bool = False) -> ASGIApp:
        """Return the application of a listener. `on_socket`: the admin socket, where no key is needed."""
        return self.application_for(partial(self._access.caller, on_socket=on_socket))

    def application_for(self, caller_of: CallerOf) -> ASGIApp:
        """Return the application for requests whose senders `caller_of` tells; it raises Refused."""
        by_path: dict[str, dict[str, Route]] = {}
        for route in TABLE:
            by_path.setdefault(route.path, {})[route.method] = route
        paths = [
            Path(path, partial(self._serve, methods, caller_of), methods=EVERY_METHOD)
            for path, methods in by_path.items()
        ]
        handlers: dict[Any, Any] = {HTTPException: self._no_route}
        application = Starlette(routes=paths, exception_handlers=handlers)
        application.router.redirect_slashes = False
        return SecurityHeaders(application)

    async def _serve(self, methods: Mapping[str, Route], caller_of: CallerOf, request: Request) -> Response:
        """Check the sender, carry out the request, and log that it came: its route, its sender, never its content."""
        request_id, caller, result = self._request_id(request), NOBODY, "ok"
        route = methods.get("GET" if request.method == "HEAD" else request.method)
        if route is None:
            allowed = {*methods, *(("HEAD",) if "GET" in methods else ())}
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(allowed))})
        with ExitStack() as places:
            try:
                if route.scope != OPEN:
                    caller = caller_of(request)
                places.enter_context(self._access.taking_place(caller))
                self._access.require_scope(caller, route)
                call = Call(self._services, caller, route, path_of(request), request_id)
                response = await self._answer(call, request, places)
            except Exception as error:
                refusal = refusal_for(error, request_id)
                response, result = problem_response(refusal), refusal.code
        self._counters.api_requests[result] += 1
        response.headers[REQUEST_ID] = request_id
        sent = {"request": request_id, "key": caller.id}
        log.info("%s %s: %d", route.method, route.path, response.status_code, extra=sent)
        return response

    async def _answer(self, call: Call, request: Request, places: ExitStack) -> Response:
        route = call.route
        if route.has_body and request.scope["query_string"]:
            raise Refused("bad_request", "this route has no query")
        if route.bulk or route.body_bytes > BODY_BYTES_MAX:
            self._uploads.take()
            places.callback(self._uploads.free)
        if route.bulk:
            return await self._bulk(call, request, places)
        if route.has_body:
            body = await bounded_body(request, route.body_bytes, "too_large")
            call.require_valid()
            asked = decoded(body or b"{}", route.asked)
        else:
            asked = asked_in_query(request, route.asked)
        if route.waits:
            request.scope["state"][STREAMING].stream()
            answer = await unless_gone(request.receive, route.handler(call, asked))
        else:
            answer = await route.handler(call, asked)
        if isinstance(answer, Download):
            # It takes as long as the host needs.
            request.scope["state"][STREAMING].stream()
            return FileResponse(answer.path, media_type=answer.media_type)
        return Response(msgspec.json.encode(answer), media_type="application/json")

    async def _bulk(self, call: Call, request: Request, places: ExitStack) -> Response:
        lines = lines_of(await bounded_body(request, BULK_BYTES_MAX, "too_large"))
        # The answer takes as long as the disk needs.
        request.scope["state"][STREAMING].stream()
        decode = partial(decoded, kind=call.route.asked, whole="the line")
        if call.route.whole:
            call.require_valid()
            answer = await call.route.handler(call, Lines(lines, decode))
            return Response(msgspec.json.encode(answer), media_type="application/json")
        stream = answered(call, lines, decode)
        return _BulkResponse(places.pop_all(), stream, media_type=MEDIA_TYPE)

    async def _no_route(self, request: Request, error: HTTPException) -> Response:
        if error.status_code == 405:
            allowed = (error.headers or {})["Allow"]
            refusal, status = Refused("bad_request", f"this route takes {allowed}"), 405
        else:
            refusal, status = Refused("not_found", "there is no such route"), 404
        response = problem_response(refusal, status)
        response.headers.update(error.headers or {})
        response.headers[REQUEST_ID] = self._request_id(request)
        return response

    def _request_id(self, request: Request) -> str:
        """Return the id that the client gave the request, or a new one."""
        given = request.headers.get(REQUEST_ID, "")
        return given if IDS.fullmatch(given) else b32encode(self._env.random_bytes(ID_BYTES)).decode().lower()


class _BulkResponse(StreamingResponse):
    """An answer that holds the places of its request until it ends."""

    def __init__(self, places: ExitStack, content: Any, **options: Any) -> None:
        super().__init__(content, **options)
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._places:
            await super().__call__(scope, receive, send)


def route_of(method: str, path: str) -> tuple[Route, Mapping[str, str]]:
    """Return the route of a path, and the parameters in it."""
    for route in TABLE:
        found = compile_path(route.path)[0].match(unquote(path))
        if found and route.method == method:
            return route, found.groupdict()
    raise LookupError(f"no route {method} {path}")

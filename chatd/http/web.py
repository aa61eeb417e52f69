"""The routes of the web client: answers made at start, from memory."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from chatd.http.answers import error_answer
from chatd.web.assets import Asset
from chatd.web.site import Website


def web_routes(website: Website, has_accounts: Callable[[], bool]) -> list[Route]:
    """Return `GET /client.json`, the settings of the page."""

    async def settings(request: Request) -> Response:
        if not website.enabled:
            return error_answer("not_found", 404)
        content = website.client_json(login=has_accounts())
        return Response(content, media_type="application/json", headers={"Cache-Control": "no-store"})

    return [Route("/client.json", settings)]


def web_files(website: Website) -> ASGIApp:
    """Return the application for all paths without a route: a file of the web client, or 404, never the page."""

    async def files(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        name = scope["path"].removeprefix("/")
        found = website.assets.get(name) if request.method in ("GET", "HEAD") else None
        answer = error_answer("not_found", 404)
        if found is not None:
            answer = asset_response(found, request)
        elif website.problem and not name:
            answer = PlainTextResponse(f"{website.problem}\n", 503)
        await answer(scope, receive, send)

    return files


def asset_response(asset: Asset, request: Request) -> Response:
    """Return the answer of a file to this request."""
    asked = request.headers
    status, content, headers = asset.answer(asked.get("accept-encoding", ""), asked.get("if-none-match", ""))
    return Response(content, status, headers)

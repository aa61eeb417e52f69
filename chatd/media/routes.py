"""The routes of the listener for files, the answers for what fails, and the rules for pages of other origins."""

import re
from collections.abc import Mapping, Sequence

from chatd.media.http.connection import Handler
from chatd.media.http.messages import Answer, Request, error
from chatd.protocol.errors import ChatError, Unavailable

# Of codes that a request ends with; one that is not here is 403.
STATUSES: Mapping[str, int] = {
    "bad_request": 400,
    "token_expired": 401,
    "token_invalid": 401,
    "key_invalid": 401,
    "not_found": 404,
    "gone": 410,
    "conflict": 409,
    "not_ready": 409,
    "too_large": 413,
    "quota": 413,
    "not_supported": 415,
    "unreadable": 422,
    "rate_limited": 429,
    "internal": 500,
    "overloaded": 503,
    "timeout": 503,
}
# Browsers ask again before a request of another kind; Chrome keeps it for two hours at most.
PREFLIGHT_S = 7200
METHODS = "GET, HEAD, POST, PATCH, DELETE, OPTIONS"
REQUEST_HEADERS = (
    "Authorization, Content-Type, Range, If-Range, If-None-Match, Tus-Resumable, Upload-Length, Upload-Offset, "
    "Upload-Metadata, Upload-Defer-Length, Upload-Checksum, X-HTTP-Method-Override, X-Requested-With"
)
EXPOSED = (
    "Location, ETag, Content-Range, Accept-Ranges, Content-Disposition, Retry-After, Tus-Resumable, Tus-Version, "
    "Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm, Upload-Length, Upload-Offset, Upload-Defer-Length, "
    "Upload-Metadata, Upload-Expires, Chatd-File"
)
# No answer is a page, whatever somebody uploaded.
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-site",
    "Referrer-Policy": "no-referrer",
}
_PORT = re.compile(r":(?:[0-9]{1,5}|\*)\Z")


class Routes:
    """The handler of all requests. `handlers`: by the first parts of a path, as `/v1/files`; the longest counts."""

    def __init__(self, origins: Sequence[str], handlers: Mapping[str, Handler]) -> None:
        self._is_open = "*" in origins
        self._origins = frozenset(origins)
        self._any_port = frozenset(_PORT.sub("", origin) for origin in origins if origin.endswith(":*"))
        self._handlers = handlers

    async def __call__(self, request: Request) -> Answer:
        answer = self._preflight(request) or await self._answer(request)
        for name, value in SAFE.items():
            answer.headers.setdefault(name, value)
        self._admit(request, answer)
        return answer

    async def _answer(self, request: Request) -> Answer:
        parts = request.path.split("/", 4)
        handler = self._handlers.get("/".join(parts[:4])) or self._handlers.get("/".join(parts[:3]))
        if handler is None:
            return error(404, "not_found")
        try:
            return await handler(request)
        except ChatError as problem:
            return failure(problem)

    def _preflight(self, request: Request) -> Answer | None:
        if request.method != "OPTIONS" or "access-control-request-method" not in request.headers:
            return None
        headers = {"Access-Control-Max-Age": str(PREFLIGHT_S), "Access-Control-Allow-Methods": METHODS}
        return Answer(204, {**headers, "Access-Control-Allow-Headers": REQUEST_HEADERS})

    def _admit(self, request: Request, answer: Answer) -> None:
        """Let pages of the allowed origins read the answer. Tokens are sent by pages, never by browsers."""
        answer.headers.setdefault("Vary", "Origin")
        origin = request.headers.get("origin", "")
        if self._is_open or origin in self._origins or _PORT.sub("", origin) in self._any_port:
            answer.headers["Access-Control-Allow-Origin"] = origin
            answer.headers["Access-Control-Expose-Headers"] = EXPOSED


def failure(problem: ChatError) -> Answer:
    """Return the answer for a request that failed."""
    status = 503 if isinstance(problem, Unavailable) else STATUSES.get(problem.code, 403)
    answer = error(status, problem.code, problem.retry_after or 0, problem.scope or "", problem.field or "")
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer

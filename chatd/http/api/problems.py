"""Errors of the API: `application/problem+json` (RFC 9457), with the codes of protocol.md "Error codes"."""

import logging
import math
from typing import NamedTuple

import msgspec
from msgspec import UNSET, Struct, UnsetType
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from chatd.http.api.route import OPEN, Asked, Call, Route
from chatd.protocol.errors import ERRORS, HTTP_ERRORS, ChatError, Refused, Retry, Unavailable

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
ERROR_PATH = "/v1/errors/{code}"
RETRY = {**ERRORS, **HTTP_ERRORS}


class Row(NamedTuple):
    """A code: its status, and its meaning for the back end of a host."""

    status: int
    meaning: str


ROWS: dict[str, Row] = {
    "bad_request": Row(400, "a field (`field`) is missing, or not of its form"),
    "bad_cursor": Row(400, "malformed `more`"),
    "key_invalid": Row(401, "no key, one that is not known, has expired or was deleted, or one in a URL"),
    "login_failed": Row(401, "wrong user or password; of `POST /v1/login` only"),
    "token_expired": Row(401, "the time of the token is over"),
    "token_invalid": Row(401, "the token is not accepted for any other reason"),
    "auth_mismatch": Row(401, "other user or device in a refreshed token"),
    "forbidden": Row(403, "the key has not the scope, or role or claim does not allow it"),
    "refused": Row(403, "not taken by the other user, or there is no such user"),
    "rejected": Row(
        403, "kept out by the host app, a filter or the moderators; `reason` is a word for the app"
    ),
    "blocked": Row(403, "the user blocks the other"),
    "request_pending": Row(403, "the other user has not accepted yet"),
    "muted": Row(403, "the moderators silenced this user, `retry_after`"),
    "not_member": Row(403, "not in the room any more"),
    "not_found": Row(404, "there is no such route, user, device, room or key"),
    "conflict": Row(409, "the name is taken, or what was asked for changed meanwhile"),
    "room_full": Row(409, "limit of members"),
    "quota": Row(409, "as many as one user may have"),
    "not_ready": Row(409, "the file is still uploaded, or looked at: again in a moment"),
    "feed_gap": Row(409, "a number of the feed is missing: it goes on with `expected`"),
    "feed_behind": Row(409, "the feed is at `expected` here: compare when both are"),
    "edit_window": Row(409, "too late to edit or recall"),
    "aborted": Row(409, "an earlier part of the same batch failed"),
    "gone": Row(410, "room deleted"),
    "too_large": Row(413, "more than the most of something"),
    "unreadable": Row(422, "the content is not what it should be: no JSON"),
    "rate_limited": Row(429, "too often: again after `retry_after` ms; `scope` says what is bounded"),
    "internal": Row(500, "outcome unknown: retry"),
    "unknown_type": Row(501, "not known to this server"),
    "not_supported": Row(501, "needs something that is switched off"),
    "overloaded": Row(503, "the server cannot now"),
    "timeout": Row(504, "outcome unknown: retry"),
}
"""All codes; a test compares them with the table of protocol.md."""


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error. `type` is the route of its row; `detail` is English for developers. `line`: of a bulk upload."""

    type: str
    title: str
    status: int
    code: str
    retry: Retry
    retry_after: int | UnsetType = UNSET
    scope: str | UnsetType = UNSET
    field: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    detail: str | UnsetType = UNSET
    expected: int | UnsetType = UNSET
    line: int | UnsetType = UNSET


class ErrorRow(Struct, frozen=True):
    code: str
    status: int
    retry: Retry
    meaning: str


def problem_of(error: ChatError, status: int | None = None, line: int | UnsetType = UNSET) -> Problem:
    """Return an error as a problem. `status`: where it is not that of the code."""
    return Problem(
        type=ERROR_PATH.format(code=error.code),
        title=error.code.replace("_", " "),
        status=status or ROWS[error.code].status,
        code=error.code,
        retry=error.retry,
        retry_after=UNSET if error.retry_after is None else error.retry_after,
        scope=error.scope or UNSET,
        field=error.field or UNSET,
        reason=error.reason or UNSET,
        detail=error.message or UNSET,
        expected=UNSET if error.expected is None else error.expected,
        line=line,
    )


def problem_response(error: ChatError, status: int | None = None) -> Response:
    """Return an error as an answer."""
    problem = problem_of(error, status)
    headers = {"WWW-Authenticate": "Bearer"} if problem.status == 401 else {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after / 1000))
    return Response(msgspec.json.encode(problem), problem.status, headers, MEDIA_TYPE)


def refusal_for(error: Exception, request_id: str) -> ChatError:
    """Return the refusal that tells of an exception while a request is carried out; a defect is logged."""
    if isinstance(error, ChatError):
        return error
    if isinstance(error, ClientDisconnect):
        return Refused("bad_request", "the body was cut")
    log.error("a request of the API failed", exc_info=error, extra={"request": request_id})
    return Unavailable("internal", "a defect of the server")


async def error_row(call: Call, asked: Asked) -> ErrorRow:
    code = call.path["code"]
    if code not in ROWS:
        raise Refused("not_found", "there is no such code")
    return ErrorRow(code, ROWS[code].status, RETRY[code], ROWS[code].meaning)


ROUTES = (Route("GET", ERROR_PATH, OPEN, error_row, answer=ErrorRow),)

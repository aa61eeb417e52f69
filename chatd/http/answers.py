"""Parts of answers that several routes share: errors in JSON, bodies of bounded size, the address of a client."""

import math

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from chatd.core.client_address import UNIX_PEER, Networks, client_address
from chatd.protocol.errors import Refused

_DRAINED_BYTES_MAX = 2 << 20  # of a body that is too large: it is read, so that no reset overtakes the answer


def error_answer(code: str, status: int, retry_after_ms: int | None = None) -> Response:
    """Return an error of protocol.md "Plain HTTP"."""
    if retry_after_ms is None:
        return JSONResponse({"code": code}, status)
    seconds = str(math.ceil(retry_after_ms / 1000))
    content = {"code": code, "retry_after": retry_after_ms}
    return JSONResponse(content, status, headers={"Retry-After": seconds})


async def bounded_body(request: Request, bytes_max: int, code: str = "bad_request") -> bytes:
    """Return the body; Refused, with this code, when it is longer."""
    body, size = bytearray(), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= bytes_max:
            body += chunk
        elif size > bytes_max + _DRAINED_BYTES_MAX:
            break
    if size > bytes_max:
        raise Refused(code, f"the body takes at most {bytes_max} bytes")
    return bytes(body)


def peer_of(request: Request) -> str:
    """Return the address at the other end of the socket."""
    return request.client.host if request.client else UNIX_PEER


def address_of(request: Request, trusted: Networks) -> str:
    """Return the address of the client, behind trusted proxies too."""
    return client_address(peer_of(request), request.headers.getlist("X-Forwarded-For"), trusted)

"""The reasons for a failed connection, as texts for a person. Pure."""

import ssl
import time
from socket import gaierror
from urllib.parse import urlsplit

from chatd.cli.chat.wording import clock
from chatd.cli.exits import Exit, Failure
from chatd.client import ChatError, Closed, HandshakeFailed, TokenExpired, Unreachable

PATH = "/v1/ws"  # protocol.md "The WebSocket"

STATUSES = {
    401: "a proxy in front of it asks for a login",
    403: "it does not allow connections from here",
    404: f"there is no chat at that path; it usually is {PATH}",
    426: "it got no WebSocket request; a proxy in between removes the Upgrade header",
    502: "the proxy in front of it does not reach it",
    503: "it is full, or stopping; try again in a moment",
}


def no_connection(url: str, error: Unreachable | Closed) -> Failure:
    """Return the Failure of a command that got no connection, with the reason and the remedy."""
    cause = error.__cause__
    if isinstance(cause, TokenExpired):
        return Failure("the token has expired: get a new one, for example with: chatd token USER")
    if isinstance(error, Closed) and error.reason == "banned":
        until = clock(1000 * (time.time() + error.retry_after_s))
        return Failure(f"the moderators keep you out{f', until {until}' if error.retry_after_s else ''}")
    if isinstance(error, Closed):
        return Failure(f"the server refused: {cause if isinstance(cause, ChatError) else error}")
    return Failure(f"no connection to {url}: {_reason(url, cause)}", Exit.UNREACHABLE)


def _reason(url: str, cause: BaseException | None) -> str:
    host = urlsplit(url).hostname
    match cause:
        case ChatError():
            return f"it answered {cause}"
        case HandshakeFailed(status=status) if status:
            return f"it answered HTTP {status}: {STATUSES.get(status, 'it is no chat server')}"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted here: {cause.verify_message}"
        case ssl.SSLError():
            return "that port has no TLS: try ws:// in place of wss://"
        case HandshakeFailed() | ConnectionResetError() if urlsplit(url).scheme == "ws":
            return "that port has no plain HTTP: try wss:// in place of ws://"
        case gaierror():
            return f"there is no host named {host}"
    return "no server answers. Is it running? Try: chatd dev"

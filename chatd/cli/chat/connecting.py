"""Why there is no connection to a server, in words for a person. Pure."""

import ssl
from socket import gaierror
from urllib.parse import urlsplit

from chatd.cli.exits import Exit, Failure
from chatd.client import ChatError, Closed, HandshakeFailed, TokenExpired, Unreachable

PATH = "/v1/ws"  # protocol.md "The WebSocket"

STATUSES = {
    401: "something in front of it wants a login first",
    403: "it refuses to be spoken to from here",
    404: f"there is no chat at that path; it usually is {PATH}",
    426: "it got no WebSocket request; a proxy in between takes the Upgrade header away",
    502: "the proxy in front of it does not reach it",
    503: "it is full, or stopping; try again in a moment",
}


def no_connection(url: str, error: Unreachable | Closed) -> Failure:
    """The end of a command that got no connection: what is wrong, and what can be done."""
    trouble = error.__cause__
    if isinstance(trouble, TokenExpired):
        return Failure("the token has expired: get a new one, for example with: chatd token USER")
    if isinstance(error, Closed):
        return Failure(f"the server refused: {trouble if isinstance(trouble, ChatError) else error}")
    return Failure(f"no connection to {url}: {_reason(url, trouble)}", Exit.UNREACHABLE)


def _reason(url: str, trouble: BaseException | None) -> str:
    host = urlsplit(url).hostname
    match trouble:
        case ChatError():
            return f"it answered {trouble}"
        case HandshakeFailed(status=status) if status:
            return f"it answered HTTP {status}: {STATUSES.get(status, 'that is no chat server')}"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted here: {trouble.verify_message}"
        case ssl.SSLError():
            return "it does not speak TLS at that port: try ws:// in place of wss://"
        case HandshakeFailed() | ConnectionResetError() if urlsplit(url).scheme == "ws":
            return "it does not speak HTTP at that port: try wss:// in place of ws://"
        case gaierror():
            return f"there is no host named {host}"
    return "nobody answers. Is the server running? Try: chatd dev"

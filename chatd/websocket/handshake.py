"""The answer to an upgrade (protocol.md "The WebSocket"): our own checks, then those of the library. No sockets.

Limits on the number of connections are in admission.py.
"""

import logging
import re
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from websockets.datastructures import Headers
from websockets.exceptions import NegotiationError
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.utils import accept_key

PATH = "/v1/ws"
MSGPACK = Subprotocol("chatd.v1.msgpack")
JSON = Subprotocol("chatd.v1.json")

# A token in a URL ends in the logs of every proxy on the way: refused, so that nobody gets used to it.
_CREDENTIALS = frozenset({"token", "access_token"})

_SWITCHING = 101

# The library logs each refusal at info and heads at debug; only its defects are wanted.
_log = logging.getLogger(__name__)
_log.setLevel(logging.ERROR)

# The headers of nearly every client, byte for byte, beside its key: answered without the library.
_USUAL = {
    b"upgrade": frozenset({b"websocket", b"WebSocket"}),
    b"connection": frozenset({b"Upgrade", b"upgrade", b"keep-alive, Upgrade"}),
    b"sec-websocket-version": frozenset({b"13"}),
}
_TARGET = PATH.encode()
_SPOKEN = {name.encode(): name for name in (MSGPACK, JSON)}
_KEY = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==\Z")  # base64 of 16 bytes
_ACCEPTED = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: {}\r\n\r\n"
)


@dataclass
class Head:
    """The head of a request as an HTTP/1.1 parser gives it: names in lower case, white space after values kept."""

    method: bytes
    target: bytes
    headers: Sequence[tuple[bytes, bytes]]

    def values(self, name: bytes) -> list[str]:
        """Return all values of a header."""
        return [_text(value) for one, value in self.headers if one == name]

    def request(self) -> Request:
        """Return the head as a Request of the library."""
        named = Headers()
        for name, value in self.headers:
            named[name.decode("latin-1")] = _text(value)
        return Request(self.target.decode("latin-1"), named, self.method.decode("latin-1"))


def _text(value: bytes) -> str:
    """Return a value without the white space around it, which is not part of it (RFC 9110 section 5.5)."""
    return value.strip(b" \t").decode("latin-1")


@dataclass(slots=True, frozen=True)
class Answer:
    """A response as bytes, and its subprotocol; when it is no 101, the reason as a label of metrics."""

    response: bytes
    reason: str = ""
    subprotocol: Subprotocol | None = None


class Handshakes:
    """The answers to all upgrades of a daemon: usual requests without the library, all others with one object of it.

    The library means one object for each connection; here its state is cleared after each request.
    """

    def __init__(self) -> None:
        self._library = ServerProtocol(
            subprotocols=(MSGPACK, JSON), select_subprotocol=_first_spoken, logger=_log
        )

    def answer(self, head: Head, origins: Container[str] | None) -> Answer:
        """Return the answer, as far as it depends on the request alone; `origins` as in `rejection`."""
        return usual_answer(head) or self.weighed(head.request(), origins)

    def weighed(self, request: Request, origins: Container[str] | None) -> Answer:
        """Return the answer to any request, by our own checks and those of the library."""
        rejected = rejection(request.path, request.headers.get_all, origins)
        if rejected is None and request.method == "GET":
            rejected = version_rejection(request.headers.get_all("Sec-WebSocket-Version"))
        if rejected is not None:
            refused = self._library.reject(rejected.status, rejected.text)
            refused.headers.update(rejected.headers)
            return Answer(refused.serialize(), rejected.reason)
        response = self._library.accept(request)
        subprotocol = self._library.subprotocol
        self._forget()
        reason = "" if response.status_code == _SWITCHING else "handshake"
        return Answer(response.serialize(), reason, subprotocol)

    def busy(self, reason: str, retry_after_s: int) -> Answer:
        """Return a 503 with the seconds after which to try again."""
        response = self._library.reject(503, "Too many connections.\n")
        response.headers["Retry-After"] = str(retry_after_s)
        return Answer(response.serialize(), reason)

    def _forget(self) -> None:
        library = self._library
        failure: BaseException | None = library.handshake_exc
        while failure is not None:
            # A traceback refers back to the failure and the request: without it they need no garbage collection.
            failure.__traceback__ = None
            failure = failure.__context__
        library.origin = library.subprotocol = library.handshake_exc = None
        library.extensions = []


@dataclass(slots=True, frozen=True)
class Rejection:
    """HTTP status, reason as a label of metrics, and a text for the developer of the client or the proxy's operator."""

    status: int
    reason: str
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


# RFC 9110 section 15.5.22, RFC 6455 section 4.4
_UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
_PROXIES = """A proxy in between has to forward the upgrade:
  nginx   proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection "upgrade";
  Caddy   reverse_proxy does so by itself, over HTTP/1.1: without "versions h2c" in its transport.
"""
_WRONG_PATH = Rejection(404, "path", f"The WebSocket is at {PATH}.\n")
_TOKEN_IN_URL = Rejection(400, "token_in_url", "No credentials in the URL: send the token in hello.\n")
_HOST = Rejection(400, "host", "Exactly one Host header is required.\n")
_TWO_ORIGINS = Rejection(400, "origin", "More than one Origin header.\n")
_FOREIGN_ORIGIN = Rejection(403, "origin", "Web pages of this origin may not connect.\n")


def version_rejection(versions: Sequence[str]) -> Rejection | None:
    """Return the rejection of any Sec-WebSocket-Version but 13 (RFC 6455 section 4.4), or None."""
    if versions and set(versions) == {"13"}:
        return None
    found = f"is {', '.join(versions)[:40]!a}" if versions else "is missing"
    return Rejection(426, "version", f"Sec-WebSocket-Version {found}; it must be 13.\n", _UPGRADE)


def no_upgrade(http_version: str, upgrade: str, connection: str) -> Rejection:
    """Return the rejection of a request for PATH without an upgrade, by its HTTP version and these two headers."""
    if http_version == "1.0":
        problem = "HTTP/1.0 has no upgrade"
    elif upgrade.strip().lower() == "websocket":
        problem = f"the Connection header is not Upgrade but {connection[:40]!a}"
    elif upgrade:
        problem = f"the Upgrade header is not websocket but {upgrade[:40]!a}"
    else:
        problem = "the Upgrade header is missing"
    return Rejection(426, "upgrade", f"{PATH} is a WebSocket, and {problem}.\n{_PROXIES}", _UPGRADE)


def rejection(
    target: str, values_of: Callable[[str], Sequence[str]], origins: Container[str] | None
) -> Rejection | None:
    """Return the rejection of a request for `target` with these headers, or None.

    `values_of` gives all values of a header. `origins` are the web pages that may connect, compared as a
    whole (RFC 6454 section 4: scheme, host and port); None lets any page. Apps send no Origin.
    """
    path, _, query = target.partition("?")
    if path != PATH:
        return _WRONG_PATH
    if any(name.lower() in _CREDENTIALS for name, _ in parse_qsl(query, keep_blank_values=True)):
        return _TOKEN_IN_URL
    if len(values_of("Host")) != 1:
        return _HOST
    return _origin_rejection(values_of("Origin"), origins)


def usual_answer(head: Head) -> Answer | None:
    """Return the answer to a request with the usual headers (RFC 6455 section 4.2); None for all others.

    It equals the answer of `Handshakes.weighed`, but for the date, which a 101 need not have.
    """
    asked = dict(head.headers)
    subprotocol = _SPOKEN.get(asked.get(b"sec-websocket-protocol", b""))
    key = asked.get(b"sec-websocket-key", b"")
    if (
        subprotocol is None
        or head.target != _TARGET
        or head.method != b"GET"
        or len(asked) != len(head.headers)  # one is repeated
        or b"host" not in asked
        or b"origin" in asked  # a web page
        or not all(asked.get(name) in usual for name, usual in _USUAL.items())
        or not _KEY.match(key)
    ):
        return None
    return Answer(_ACCEPTED.format(accept_key(key.decode()), subprotocol).encode(), "", subprotocol)


def _origin_rejection(given: Sequence[str], origins: Container[str] | None) -> Rejection | None:
    if len(given) > 1:
        return _TWO_ORIGINS
    if given and origins is not None and given[0] not in origins:
        return _FOREIGN_ORIGIN
    return None


def _first_spoken(_: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol:
    """Return the first supported offer: clients list them by preference (protocol.md "The WebSocket")."""
    for subprotocol in offered:
        if subprotocol in (MSGPACK, JSON):
            return subprotocol
    raise NegotiationError(f"offer {MSGPACK} or {JSON}")

"""How an upgrade is answered (protocol.md "The WebSocket"): our own checks, then the library's. No sockets.

Whether there is a place for one more connection is not known here: admission.py counts them.
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

# The library's own lines: one per refusal at info, heads at debug. Only its defects are ours to see.
_log = logging.getLogger(__name__)
_log.setLevel(logging.ERROR)

# What nearly every client asks, to the letter, beside its key; the library need not take it apart.
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
    """A request as a parser of HTTP/1.1 reads it: names in lower case, white space behind values kept."""

    method: bytes
    target: bytes
    headers: Sequence[tuple[bytes, bytes]]

    def values(self, name: bytes) -> list[str]:
        """All values of a header."""
        return [_text(value) for one, value in self.headers if one == name]

    def request(self) -> Request:
        """The same in the words of the library."""
        named = Headers()
        for name, value in self.headers:
            named[name.decode("latin-1")] = _text(value)
        return Request(self.target.decode("latin-1"), named, self.method.decode("latin-1"))


def _text(value: bytes) -> str:
    """A value without the white space around it, which does not belong to it (RFC 9110 section 5.5)."""
    return value.strip(b" \t").decode("latin-1")


@dataclass(slots=True, frozen=True)
class Answer:
    """The response as bytes; when it is no 101 the reason as a word for metrics, else the subprotocol."""

    response: bytes
    reason: str = ""
    subprotocol: Subprotocol | None = None


class Handshakes:
    """Answers all upgrades of a daemon: the usual ones at a glance, others with one object of the library, which makes
    one for each connection. Nothing of a request is left in it for the next one.
    """

    def __init__(self) -> None:
        self._library = ServerProtocol(
            subprotocols=(MSGPACK, JSON), select_subprotocol=_first_spoken, logger=_log
        )

    def answer(self, head: Head, origins: Container[str] | None) -> Answer:
        """What this request gets, as far as it depends on the request; `origins` as in `rejection`."""
        return usual_answer(head) or self.weighed(head.request(), origins)

    def weighed(self, request: Request, origins: Container[str] | None) -> Answer:
        """The answer to whatever was asked, by our own checks and those of the library."""
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
        """503 with the time to come back."""
        response = self._library.reject(503, "Too many connections.\n")
        response.headers["Retry-After"] = str(retry_after_s)
        return Answer(response.serialize(), reason)

    def _forget(self) -> None:
        library = self._library
        failure: BaseException | None = library.handshake_exc
        while failure is not None:
            # It leads back to the failure and to the request, which are freed now, not by a collection.
            failure.__traceback__ = None
            failure = failure.__context__
        library.origin = library.subprotocol = library.handshake_exc = None
        library.extensions = []


@dataclass(slots=True, frozen=True)
class Rejection:
    """HTTP status, the reason as a word for metrics, and words for who develops the client or runs the proxy."""

    status: int
    reason: str
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


# RFC 9110 section 15.5.22, RFC 6455 section 4.4
_UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
_PROXIES = """A proxy in between has to hand the upgrade on:
  nginx   proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection "upgrade";
  Caddy   reverse_proxy does so by itself, over HTTP/1.1: without "versions h2c" in its transport.
"""
_WRONG_PATH = Rejection(404, "path", f"The chat speaks at {PATH}.\n")
_TOKEN_IN_URL = Rejection(400, "token_in_url", "No credentials in the URL: send the token in hello.\n")
_HOST = Rejection(400, "host", "Exactly one Host header is required.\n")
_TWO_ORIGINS = Rejection(400, "origin", "More than one Origin header.\n")
_FOREIGN_ORIGIN = Rejection(403, "origin", "Web pages of this origin may not connect.\n")


def version_rejection(versions: Sequence[str]) -> Rejection | None:
    """Why this Sec-WebSocket-Version is refused, and which there is (RFC 6455 section 4.4), or None."""
    if versions and set(versions) == {"13"}:
        return None
    said = f"is {', '.join(versions)[:40]!a}" if versions else "is missing"
    return Rejection(426, "version", f"Sec-WebSocket-Version {said}; 13 is spoken here.\n", _UPGRADE)


def no_upgrade(http_version: str, upgrade: str, connection: str) -> Rejection:
    """Why a request for the path of the WebSocket is none, by its version of HTTP and these two headers."""
    if http_version == "1.0":
        what = "HTTP/1.0 knows no upgrade"
    elif upgrade.strip().lower() == "websocket":
        what = f"Connection does not say Upgrade, but {connection[:40]!a}"
    else:
        what = f"Upgrade does not say websocket, but {upgrade[:40]!a}" if upgrade else "there is no Upgrade"
    return Rejection(426, "upgrade", f"{PATH} speaks WebSocket, and {what}.\n{_PROXIES}", _UPGRADE)


def rejection(
    target: str, values_of: Callable[[str], Sequence[str]], origins: Container[str] | None
) -> Rejection | None:
    """Why a request for `target` with these headers is refused, or None.

    `values_of` gives all values of a header. `origins` are the web pages that may connect, compared as a
    whole (RFC 6454 section 4: scheme, host and port); None lets any page. Apps send none, and need none.
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
    """The answer to a request that leaves nothing to decide (RFC 6455 section 4.2); None for all others.

    Never another one than `Handshakes.weighed` gives, but for the date, which a 101 need not have.
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
    """The first the client offers that we speak: its order is its wish (protocol.md "The WebSocket")."""
    for subprotocol in offered:
        if subprotocol in (MSGPACK, JSON):
            return subprotocol
    raise NegotiationError(f"offer {MSGPACK} or {JSON}")

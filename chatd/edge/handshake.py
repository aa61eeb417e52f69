"""Which upgrade requests are refused before their WebSocket headers are looked at (protocol.md 2.1). Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

PATH = "/v1/ws"

# A token in a URL ends in the logs of every proxy on the way: refused, so that nobody gets used to it.
_CREDENTIALS = frozenset({"token", "access_token"})


@dataclass(slots=True, frozen=True)
class Rejection:
    """HTTP status, the reason as a word for metrics, and a sentence for the developer of the client."""

    status: int
    reason: str
    text: str


_WRONG_PATH = Rejection(404, "path", f"The chat speaks at {PATH}.\n")
_TOKEN_IN_URL = Rejection(400, "token_in_url", "No credentials in the URL: send the token in hello.\n")
_HOST = Rejection(400, "host", "Exactly one Host header is required.\n")
_TWO_ORIGINS = Rejection(400, "origin", "More than one Origin header.\n")
_FOREIGN_ORIGIN = Rejection(403, "origin", "Web pages of this origin may not connect.\n")


def rejection(
    target: str, values_of: Callable[[str], Sequence[str]], origins: frozenset[str] | None
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


def _origin_rejection(given: Sequence[str], origins: frozenset[str] | None) -> Rejection | None:
    if len(given) > 1:
        return _TWO_ORIGINS
    if given and origins is not None and given[0] not in origins:
        return _FOREIGN_ORIGIN
    return None

"""Links to files: addresses that say who asks, for browsers and players that send no token (protocol.md "Media").

A link is signed, and opens nothing by itself: whoever fetches with it may have what its user may have at that moment.
It carries the mark that its user's tokens were younger than, so a revocation ends it like them. Synchronous and pure.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlencode

from msgspec import UNSET

from chatd.protocol.media import FilePlace

PREFIX = "/v1/media"
LIVE_PREFIX = f"{PREFIX}/live"
# Links of some minutes are equal, so what a browser has fetched once is not fetched again.
GRID_S = 300
# Longer than any link of this server: users of 64 characters that grow threefold, and the rest.
QUERY_MAX = 512


class LinkClaims(NamedTuple):
    """What a link says. `user`, `device`: as a token does, both "" for the host app. `until`: Unix seconds.

    `mark`: of revocations (core/users.py), 0 for none.
    """

    user: str
    device: str
    until: int
    mark: int = 0


def path_of(place: FilePlace) -> str:
    """Return the path of a file in a message, or of a live note.

    >>> path_of(FilePlace("g4fKz81QwXe2", 7, "Fz3kQ0aaaaaaaaaaaaaaaa", "s"))
    '/v1/media/g4fKz81QwXe2/7/Fz3kQ0aaaaaaaaaaaaaaaa/s'
    """
    if not place.seq:
        return f"{LIVE_PREFIX}/{place.room}/{place.file}"
    path = f"{PREFIX}/{place.room}/{place.seq}/{place.file}"
    return path if place.size is UNSET else f"{path}/{place.size}"


def own_path(file: str) -> str:
    return f"{PREFIX}/own/{file}"


def end_of(now_ms: int, valid_s: int) -> int:
    """Return until when a link counts that is made now, in Unix seconds: `valid_s`, and up to GRID_S more.

    >>> end_of(1_000_000_000, 900), end_of(1_000_199_000, 900)
    (1002000, 1002300)
    """
    return -(-(now_ms // 1000 + valid_s) // GRID_S) * GRID_S


def signed(key: bytes, path: str, claims: LinkClaims) -> str:
    """Return `path` with the query of a link."""
    content = f"{path}?{urlencode(fields_of(claims), quote_via=quote, safe='')}"
    return f"{content}&sig={signature(key, content)}"


def verified(key: bytes, path: str, query: str) -> LinkClaims | None:
    """Return what a link says, whatever the time; None for one that was not signed with `key` for this path.

    `query`: as it came, where a proxy may have written it in another way.
    """
    if not key or len(query) > QUERY_MAX:
        return None
    pairs = parse_qsl(query, keep_blank_values=True)
    found = dict(pairs)
    sig, claims = found.pop("sig", ""), claims_of(found)
    if claims is None or len(pairs) != len(found) + 1:
        return None
    content = signed(key, path, claims)
    return claims if hmac.compare_digest(content.rpartition("=")[2].encode(), sig.encode()) else None


def fields_of(claims: LinkClaims) -> dict[str, str | int]:
    fields = claims._asdict()
    return fields if claims.mark else {name: fields[name] for name in ("user", "device", "until")}


def claims_of(found: Mapping[str, str]) -> LinkClaims | None:
    """Return the claims that the fields of a query say; None for other fields."""
    if not {"user", "device", "until"} <= found.keys() <= set(LinkClaims._fields):
        return None
    numbers = found["until"], found.get("mark", "0")
    if not all(number.isascii() and number.isdecimal() and len(number) < 16 for number in numbers):
        return None
    return LinkClaims(found["user"], found["device"], *map(int, numbers))


def signature(key: bytes, content: str) -> str:
    digest = hmac.digest(key, content.encode(), "sha256")
    return urlsafe_b64encode(digest).decode().rstrip("=")

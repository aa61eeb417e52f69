"""Downloads: a path to a place, whether the asker may have it, and the answer with its headers (protocol.md "Media").

Nothing that was sent runs in a browser: a type that we made, or know to be harmless, is shown; all else is a download.
"""

import logging
import re
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from unicodedata import category
from urllib.parse import quote

from chatd.core.file_links import PREFIX
from chatd.core.files import UNKNOWN_MIME
from chatd.core.names import BREAKING, TURNING
from chatd.env import Env
from chatd.media.access import Access, asker_of
from chatd.media.http.conditions import Unsatisfiable, asked_span, lists
from chatd.media.http.messages import Answer, FilePart, Request, error
from chatd.media.inspection import MIMES
from chatd.media.interface import Caller
from chatd.protocol.errors import Refused, Unavailable
from chatd.protocol.media import FilePlace
from chatd.storage.media import MediaReads, StoredObject

METHODS = "GET, HEAD, OPTIONS"
_PLACED = re.compile(r"/([A-Za-z0-9]{12})/([1-9][0-9]{0,9})/([A-Za-z0-9_\-]{22})(?:/([ms]))?\Z", re.ASCII)
_NAMED = re.compile(r"/(own|public)/([A-Za-z0-9_\-]{22})(?:/([ms]))?\Z", re.ASCII)

# What browsers show or play and never run. Anything else is a download, whatever it says of itself.
SHOWN = frozenset().union(*MIMES.values())
# An object never changes, so nobody asks again; a link is another address soon.
FOR_EVER_S = 31_536_000
MODERATION = "moderation"
# Until a disk, or the descriptors of this process, may be there again.
RETRY_MS = 5000
# Names of files that many fetch at once; each takes longer to clean than to find.
NAMES_KEPT = 1000

Address = Callable[[str, int, Mapping[str, str]], str]
"""Returns where an object can be fetched for so many seconds, with these headers. Raises Unavailable."""

log = logging.getLogger(__name__)


class Allowed(NamedTuple):
    """A file that the asker may have. `caching`: who may keep it. `kept_s`: seconds for which it may be kept."""

    object: StoredObject
    caching: str = "private"
    kept_s: int = FOR_EVER_S


@dataclass(slots=True, frozen=True)
class Elsewhere:
    """The place of objects that are not on the disk. `seconds`: how long one of its addresses opens one at most."""

    address: Address
    seconds: int


class Downloads:
    """The handler of `/v1/media`. `source`: opens an object, or says where it can be had; raises OSError.

    `counters`: files that were fetched, known to the asker already, lost from the disk.
    """

    def __init__(
        self, access: Access, reads: MediaReads, source: Callable[[str], int] | Elsewhere, env: Env
    ) -> None:
        self._access = access
        self._reads = reads
        self.counters: Counter[str] = Counter()
        self._source = source
        self._env = env

    async def __call__(self, request: Request) -> Answer:
        """Answer one request. Raises Refused and Unavailable."""
        if request.method == "OPTIONS":
            return Answer(204, {"Allow": METHODS})
        if request.method not in ("GET", "HEAD"):
            return error(405, "not_supported", Allow=METHODS)
        return self._answer(request, await self._allowed(request))

    async def _allowed(self, request: Request) -> Allowed:
        """Return what the request asks for. Raises Refused, the same for what is not there and what is not theirs."""
        path = request.path.removeprefix(PREFIX)
        if placed := _PLACED.match(path):
            room, seq, file, size = placed.groups()
            place = FilePlace(room, int(seq), file, *((size,) if size else ()))
            caller = await self._caller(request)
            standing, found = await self._reads.placed(asker_of(caller), place)
        elif named := _NAMED.match(path):
            whose, file, size = named.groups()
            if whose == "public":
                shown = await self._reads.public(file, size or "full")
                return Allowed(existing(shown), "public")
            caller = await self._caller(request)
            of_any = not caller.user and MODERATION in caller.scopes
            standing, found = await self._reads.own(
                None if of_any else asker_of(caller), file, size or "full"
            )
            if of_any:
                # Moderators see what nobody sent to them, so it can be told afterwards.
                log.info("%s was read for the host app", file)
        else:
            raise Refused("not_found")
        self._access.check(caller, standing)
        return Allowed(existing(found), kept_s=self._kept_s(request, caller))

    async def _caller(self, request: Request) -> Caller:
        """Return who asks. Raises Refused for nobody, and for somebody whose token does not allow to read."""
        if is_link(request):
            return self._access.linked(request.path, request.query)
        caller = await self._access.caller(request)
        if caller.user and "read" not in caller.allow:
            raise Refused("forbidden", "the token does not allow to read")
        return caller

    def _kept_s(self, request: Request, caller: Caller) -> int:
        return (caller.expires_at - self._env.now_ms()) // 1000 if is_link(request) else FOR_EVER_S

    def _answer(self, request: Request, allowed: Allowed) -> Answer:
        """Return the answer for a file that may be had: the whole, a range, or that it is known."""
        stored = allowed.object
        etag = f'"{urlsafe_b64encode(stored.digest).decode().rstrip("=")}"'
        headers = {
            "ETag": etag,
            "Cache-Control": f"{allowed.caching}, max-age={allowed.kept_s}, immutable",
            "Accept-Ranges": "bytes",
        }
        if allowed.caching == "public":
            # Cards are shown by pages of the host app, too, wherever those come from. A 304 says so again: a browser
            # puts its headers in the place of those that it has kept.
            headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        asked = request.headers
        if "if-match" in asked and not lists(asked["if-match"], etag, weak=False):
            return error(412, "conflict")
        if "if-none-match" in asked and lists(asked["if-none-match"], etag, weak=True):
            self.counters["known"] += 1
            return Answer(304, headers)
        headers |= shown_as(stored)
        span = None
        if request.method == "GET" and "range" in asked:
            try:
                span = asked_span(asked["range"], asked.get("if-range", ""), etag, stored.size)
            except Unsatisfiable:
                return error(416, "bad_request", Content_Range=f"bytes */{stored.size}")
        if isinstance(self._source, Elsewhere):
            if request.method == "HEAD":
                return Answer(200, {**headers, "Content-Length": str(stored.size)})
            answer = redirect(self._source, allowed, headers)
            self.counters["fetched"] += 1
            return answer
        if span is not None:
            headers["Content-Range"] = f"bytes {span.first}-{span.last}/{stored.size}"
        first, count = (0, stored.size) if span is None else (span.first, span.length)
        part = FilePart(self._opened(self._source, stored), first, count)
        self.counters["fetched"] += request.method == "GET"
        return Answer(200 if span is None else 206, headers, part)

    def _opened(self, source: Callable[[str], int], stored: StoredObject) -> int:
        try:
            return source(stored.object)
        except FileNotFoundError:
            # After a restore without its media, or damage: `chatd media check` lists them.
            self.counters["lost"] += 1
            log.error("the object %s is not on the disk", stored.object)
            raise Refused("not_found") from None
        except OSError as error:
            log.error("an object cannot be opened: %s", error)
            raise Unavailable("overloaded", "the disk does not answer", retry_after=RETRY_MS) from error


def redirect(elsewhere: Elsewhere, allowed: Allowed, headers: Mapping[str, str]) -> Answer:
    """Return the way to a file that may be had: an address that ends with the link, and soon.

    It has no ETag, by which a browser would renew an address that has ended.
    """
    seconds = max(1, min(elsewhere.seconds, allowed.kept_s))
    said = {name: headers[name] for name in ("Content-Type", "Content-Disposition")}
    said["Cache-Control"] = f"{allowed.caching}, max-age={seconds}, immutable"
    answer = {
        "Location": elsewhere.address(allowed.object.object, seconds, said),
        "Cache-Control": f"{allowed.caching}, max-age={seconds // 2}",
    }
    if policy := headers.get("Cross-Origin-Resource-Policy"):
        answer["Cross-Origin-Resource-Policy"] = policy
    return Answer(302, answer)


def is_link(request: Request) -> bool:
    return "sig=" in request.query


def existing(found: StoredObject | None) -> StoredObject:
    if found is None:
        raise Refused("not_found")
    return found


def shown_as(stored: StoredObject) -> dict[str, str]:
    """Return the headers that say how a browser has to take a file."""
    is_shown = stored.kind != "file" and stored.mime in SHOWN
    disposition = ("inline" if is_shown else "attachment") + named(stored.name)
    return {"Content-Type": stored.mime if is_shown else UNKNOWN_MIME, "Content-Disposition": disposition}


@lru_cache(NAMES_KEPT)
def named(name: str) -> str:
    """Return the parameter of `Content-Disposition` that gives a file its name (RFC 8187); empty for none."""
    name = cleaned(name)
    return f"; filename*=UTF-8''{quote(name, safe='')}" if name else ""


def cleaned(name: str) -> str:
    """Return a name without what could mislead on another machine: control characters, turns of the direction, folders.

    >>> cleaned("../a\\tb\\u202efdp.exe")
    '..abfdp.exe'
    """
    return "".join(
        char for char in name if char not in TURNING and char not in "/\\" and category(char) not in BREAKING
    )

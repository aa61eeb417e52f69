"""The route /v1/media/live: whole pages of a note while it is spoken (protocol.md "Live notes")."""

import re
from functools import partial
from urllib.parse import parse_qs

from chatd.core.file_links import PREFIX
from chatd.media.access import Access, asker_of
from chatd.media.downloads import is_link
from chatd.media.http.messages import Answer, Request, error
from chatd.media.interface import Caller
from chatd.media.live import BadPage, LiveNote, LiveNotes
from chatd.protocol.errors import ChatError, Refused, Unavailable
from chatd.storage.media import MediaReads

METHODS = "GET, OPTIONS"
# A proxy that gathers an answer before it passes it on would end the conversation: nginx is told by the last one.
HEADERS = {"Content-Type": "audio/ogg", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
BUSY_RETRY_MS = 5000
_PATH = re.compile(r"/live/([A-Za-z0-9]{12})/([A-Za-z0-9_\-]{22})\Z", re.ASCII)
_OFFSET = re.compile(r"[0-9]{1,15}\Z", re.ASCII)


class LiveRequests:
    """The handler of listeners, of whom there are `listeners_max` at most: the rest of the connections is for files."""

    def __init__(self, access: Access, reads: MediaReads, notes: LiveNotes, listeners_max: int) -> None:
        self._access = access
        self._reads = reads
        self._notes = notes
        self._listeners_max = listeners_max

    async def __call__(self, request: Request) -> Answer:
        """Answer one request. Raises Refused and Unavailable."""
        if request.method == "OPTIONS":
            return Answer(204, {"Allow": METHODS})
        if request.method != "GET":
            return error(405, "not_supported", Allow=METHODS)
        path = _PATH.match(request.path.removeprefix(PREFIX))
        if path is None:
            raise Refused("not_found")
        room, file = path.groups()
        query, offset = offset_of(request.query)
        caller = await self._caller(request, query)
        note = await self._note(caller, room, file)
        if self._notes.listeners >= self._listeners_max:
            raise Unavailable("overloaded", "too many listen", retry_after=BUSY_RETRY_MS)
        pages = self._notes.listen(note, offset, partial(self._may_hear, caller, room, file))
        return Answer(200, dict(HEADERS), pages)

    async def _caller(self, request: Request, query: str) -> Caller:
        """Return who asks. Raises Refused for nobody, and for a token that does not allow to read."""
        if is_link(request):
            return self._access.linked(request.path, query)
        caller = await self._access.caller(request)
        if "read" not in caller.allow:
            # A key of the host app is no member of a room.
            raise Refused("forbidden" if caller.user else "not_found")
        return caller

    async def _note(self, caller: Caller, room: str, file: str) -> LiveNote:
        """Return the note that may be heard. Raises Refused, also for one that is over."""
        standing, row = await self._reads.live(asker_of(caller), room, file)
        self._access.check(caller, standing)
        if row is None:
            raise Refused("not_found")
        note = self._notes.of(row)
        if note is None:
            raise Refused("gone", "it is over")
        try:
            await self._notes.restore(note)
        except (BadPage, OSError) as problem:
            raise Refused("gone", "it cannot be heard") from problem
        return note

    async def _may_hear(self, caller: Caller, room: str, file: str) -> bool:
        """Whether a listener may still hear a note, which may be whole meanwhile."""
        try:
            standing, row = await self._reads.live(asker_of(caller), room, file)
            self._access.check(caller, standing)
        except ChatError:
            return False
        return row is not None


def offset_of(query: str) -> tuple[str, int]:
    """Return the query without the offset, which is no part of a link, and the offset. Raises Refused.

    >>> offset_of("user=u7&sig=abc&from=120")
    ('user=u7&sig=abc', 120)
    """
    text = parse_qs(query).get("from", ["0"])[-1]
    if not _OFFSET.match(text):
        raise Refused("bad_request", "not a number of bytes", field="from")
    return "&".join(pair for pair in query.split("&") if not pair.startswith("from=")), int(text)

"""Search: an index proposes messages, and each is looked at as it is now (protocol.md "Search").

A hit is what `history` would show its reader: only rooms are asked of which the asker is a member, and of each only
the part that they see. So neither a hit nor the time of a reply tells of other rooms.
"""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import UNSET

from chatd.commands.context import Context, Session
from chatd.commands.history import MINE_PART, event_views, limited
from chatd.commands.reply_size import fitting
from chatd.core.own_view import view_of
from chatd.core.searches import TAIL, Alternatives, Span, Wanted, alternatives, wanted
from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import U53_MAX
from chatd.protocol.search import Hit, SearchOk
from chatd.protocol.search import Search as Asked
from chatd.search.interface import Candidates, Search
from chatd.storage.search import Look, SearchedRoom

HITS_DEFAULT, HITS_MAX = 20, 50
# Candidates that are looked at in one go, some 3 ms of a reader, and how often; then the client asks for more.
CANDIDATES, ROUNDS = 200, 5
# Rooms of one request over all rooms, and of those that are looked at in one go.
ROOMS, ROOMS_AT_ONCE = 200, 20
# Candidates of each of these; and hits, of which no more are counted.
FEW, COUNTED = 40, 10
# More than the bytes of so many messages: all of them are counted, and one is shown.
COUNTED_BYTES = 1 << 24


class Query(NamedTuple):
    """One search, as it is carried out."""

    engine: Search
    wanted: Wanted
    tokens: Alternatives


class Part(NamedTuple):
    """What was found in a part of a room that ends at `reached`; `indexed`: how far the index has seen the room."""

    events: list[bytes]
    reached: int
    indexed: int


async def search(ctx: Context, session: Session, request: Asked) -> SearchOk:
    """Return the messages of a room that match, or the rooms that have some; the newest first."""
    if ctx.search is None:
        raise Refused("not_supported", "search is switched off here")
    singles = ctx.config.search.single_characters
    looked_for = wanted(request, session.user, singles=singles)
    query = Query(ctx.search, looked_for, alternatives(looked_for, request.text, singles=singles))
    read = over_rooms if request.room is UNSET else in_room
    reply = await fitting(
        ctx, session, lambda size: read(ctx, session, request, query, size - size // MINE_PART)
    )
    if request.room is not UNSET:
        # The rows may be younger than their leaving.
        await ctx.enter(session.user, request.room)
    return reply


async def in_room(ctx: Context, session: Session, request: Asked, query: Query, size: int) -> SearchOk:
    """Return messages of one room."""
    assert request.room is not UNSET, "one over all rooms"
    room, member = await ctx.enter(session.user, request.room)
    limit = limited(request.limit, HITS_DEFAULT, HITS_MAX)
    (below,) = place_of(request, 1) or (U53_MAX,)
    number, seq, view = room.number, room.durable_seq, view_of(member)
    low = max(view.first, room.floor + 1)
    span = Span(number, low, min(seq, below - 1))
    if request.since is not UNSET or request.until is not UNSET:
        (span,) = await ctx.store.within([span], query.wanted.since, query.wanted.until)
    part = await searched(ctx, query, SearchedRoom(room.name, span, view, seq, ()), (limit, size))
    events = await event_views(ctx, session.user, number, part.events, view)
    reply = SearchOk(hits=[Hit(event) for event in events])
    reply.behind = unseen(low, seq, part.indexed)
    if part.reached > span.low:
        reply.more = str(part.reached)
    return reply


async def over_rooms(ctx: Context, session: Session, request: Asked, query: Query, size: int) -> SearchOk:
    """Return a row for each room that has messages which match, with the newest of them."""
    limit = limited(request.limit, HITS_DEFAULT, HITS_MAX)
    everything = not ctx.config.people.enabled
    before = place_of(request, 2)
    rooms = await ctx.store.searched_rooms(session.user, before, ROOMS, everything=everything)
    reply = SearchOk(hits=[])
    for first in range(0, len(rooms), ROOMS_AT_ONCE):
        some = rooms[first : first + ROOMS_AT_ONCE]
        for room, part in zip(some, await searched_all(ctx, query, some), strict=True):
            reply.behind += unseen(room.span.low, room.seq, part.indexed)
            hit = await row(ctx, session.user, room, part.events) if part.events else None
            if hit is not None:
                size -= len(bytes(hit.event))
                if size < 0 and reply.hits:
                    return reply
                reply.hits.append(hit)
            reply.more = ".".join(map(str, room.place))
            if len(reply.hits) == limit:
                return reply
    if len(rooms) < ROOMS:
        reply.more = UNSET
    return reply


async def row(ctx: Context, user: str, room: SearchedRoom, events: Sequence[bytes]) -> Hit | None:
    """Return the row of a room; None when the user is no member of it any more."""
    try:
        entered, member = await ctx.enter(user, room.name)
    except Refused:
        return None
    (event,) = await event_views(ctx, user, entered.number, [events[0]], view_of(member))
    return Hit(event, room=room.name, count=len(events))


async def searched(
    ctx: Context, query: Query, room: SearchedRoom, page: tuple[int, int], begun: Part | None = None
) -> Part:
    """Return the messages of a room that match: as many as a page has, in events and bytes, or all.

    `begun`: what was found from the end of its span on.
    """
    (limit, size), (number, low, high) = page, room.span
    events, reached, indexed = begun or Part([], high + 1, room.seq)
    for _ in range(ROUNDS):
        part = Span(number, low, reached - 1)
        if part.high < low or len(events) >= limit:
            break
        (proposed,) = await query.engine.find(query.tokens, [part], CANDIDATES)
        look = look_of(room, part, proposed, CANDIDATES, (limit - len(events), size))
        (found,) = await ctx.store.look([look], query.wanted.matches)
        events, reached, indexed = [*events, *found.events], found.reached, min(indexed, proposed.indexed)
        size -= sum(map(len, found.events))
        if found.is_full:
            break
    return Part(events, reached, indexed)


async def searched_all(ctx: Context, query: Query, rooms: Sequence[SearchedRoom]) -> list[Part]:
    """Return what was found in each of some rooms, as far as it is counted."""
    spans = [room.span for room in rooms]
    since, until = query.wanted.since, query.wanted.until
    if since or until is not None:
        spans = await ctx.store.within(spans, since, until)
    proposed = await query.engine.find(query.tokens, spans, FEW)
    page = (COUNTED, COUNTED_BYTES)
    looks = [
        look_of(room, span, candidates, FEW, page)
        for room, span, candidates in zip(rooms, spans, proposed, strict=True)
    ]
    found = await ctx.store.look(looks, query.wanted.matches)
    parts = []
    for room, span, candidates, one in zip(rooms, spans, proposed, found, strict=True):
        part = Part(one.events, one.reached, candidates.indexed)
        parts.append(await searched(ctx, query, room._replace(span=span), page, part))
    return parts


def look_of(room: SearchedRoom, span: Span, proposed: Candidates, most: int, page: tuple[int, int]) -> Look:
    """Return the question for a part of a room. `most`: the candidates that were asked for."""
    seqs = proposed.seqs
    return Look(span, room.view, proposed.indexed, seqs, len(seqs) == most, room.seq, *page)


def unseen(low: int, seq: int, indexed: int) -> int:
    """Return the events of a room that were neither in the index nor read plainly, from `low` on.

    >>> unseen(1, 2500, 200), unseen(1, 2500, 2400)
    (1300, 0)
    """
    return max(0, seq - TAIL - max(indexed, low - 1))


def place_of(request: Asked, parts: int) -> tuple[int, ...] | None:
    """Return where a page begins, None for the first. Refused("bad_request") for a `more` that is none of ours."""
    if request.more is UNSET:
        return None
    numbers = request.more.split(".")
    if len(numbers) != parts or not all(
        part.isascii() and part.isdigit() and len(part) < 17 for part in numbers
    ):
        raise Refused("bad_request", "more is of no earlier reply", field="more")
    return tuple(map(int, numbers))

"""The past of a room: log, history, changes, messages (protocol.md "Reading history").

Every page ends at the room's last event at the time its reader was authorized: events stored later, perhaps after
the reader was removed, are not in it.
"""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, NamedTuple, TypeVar

from msgspec import UNSET, Raw, UnsetType

from chatd.commands.context import Context, Session
from chatd.commands.reply_size import fitting
from chatd.core.event_view import event_view, reacted
from chatd.core.own_view import View, view_of
from chatd.protocol.envelope import Request
from chatd.protocol.errors import Refused
from chatd.protocol.history import (
    Changes,
    CommentCount,
    Comments,
    CommentsOk,
    EventsOk,
    History,
    Log,
    Messages,
)
from chatd.protocol.limits import HISTORY_DEFAULT, HISTORY_MAX

PageRequest = TypeVar("PageRequest", bound=Request)

# This part of a page, an eighth, is for own reactions. A page with more of them is read again, smaller.
MINE_PART = 8


def cut_to_fit(
    read: Callable[[Context, Session, PageRequest, int], Coroutine[Any, Any, EventsOk]],
) -> Callable[[Context, Session, PageRequest], Coroutine[Any, Any, EventsOk]]:
    """Decorate `read`, whose last argument is the bytes of events its page may have: the reply fits a server frame."""

    @wraps(read)
    async def handler(ctx: Context, session: Session, request: PageRequest) -> EventsOk:
        return await fitting(ctx, session, lambda size: read(ctx, session, request, size - size // MINE_PART))

    return handler


def limited(asked: Any, default: int, most: int) -> int:
    """Return the number of items of a page; Refused("too_large") above `most`."""
    if asked is UNSET:
        return default
    if asked > most:
        raise Refused("too_large", f"a page has at most {most} items", field="limit")
    return int(asked)


@cut_to_fit
async def log(ctx: Context, session: Session, request: Log, size: int) -> EventsOk:
    """Return all events from `from` on, or `reset` when `from` is below the first kept or visible event."""
    room, member = await ctx.enter(session.user, request.room)
    number, seq, ordinal, floor = room.number, room.durable_seq, room.durable_ordinal, room.log_floor
    limit = limited(request.limit, ctx.config.limits.page, ctx.config.limits.page)
    first_visible = room.seen_from(member)
    if request.from_ < floor or request.from_ < first_visible:
        reply = EventsOk(events=[], reset=True, log_floor=floor, seq=seq, ordinal=ordinal)
        if first_visible > 1:
            reply.first_visible = first_visible
        return reply
    view = view_of(member)
    high = seq if request.to is UNSET else min(request.to, seq)
    page = await ctx.store.log(number, request.from_, high, limit, size)
    events = await event_views(ctx, session.user, number, page.events, view)
    return EventsOk(events=events, next=UNSET if page.next is None else page.next, seq=seq)


@cut_to_fit
async def history(ctx: Context, session: Session, request: History, size: int) -> EventsOk:
    """Return messages in current state around a place, with the interval of seq that the page covers exactly."""
    room, member = await ctx.enter(session.user, request.room)
    limit = limited(request.limit, HISTORY_DEFAULT, HISTORY_MAX)
    anchors = [a for a in (request.before, request.after, request.around) if a is not UNSET]
    if len(anchors) > 1:
        raise Refused("bad_request", "one of before, after and around", field="before")
    pages = Pages(ctx, room.number, request.post)
    view, seq = view_of(member), room.durable_seq
    first = room.seen_from(member)
    if request.around is not UNSET:
        reply = await around(pages, first, seq, request.around, limit, size)
    elif request.after is not UNSET:
        low = max(first, request.after + 1)
        reply = await page(pages, low, seq, limit, size, newest=False)
        reply.end = low <= first and reply.low is not UNSET and reply.low <= first
    else:
        high = seq if request.before is UNSET else min(seq, request.before - 1)
        reply = await page(pages, first, high, limit, size, newest=True)
    reply.events = await event_views(ctx, session.user, pages.number, reply.events, view)
    reply.seq = seq
    return reply


class Pages(NamedTuple):
    """The messages of the room `number`, or only its comments on `post`."""

    ctx: Context
    number: int
    post: int | UnsetType = UNSET


async def page(pages: Pages, low: int, high: int, limit: int, size: int, *, newest: bool) -> EventsOk:
    """Return one page of low..high. An empty range covers nothing: the reply has `low` > `high`."""
    if low > high:
        return EventsOk(events=[], low=low, high=max(high, 0), end=newest)
    if not limit:
        # The lower half of a page of one.
        return EventsOk(events=[], low=high + 1, high=high)
    store = pages.ctx.store
    if pages.post is UNSET:
        rows = await store.history(pages.number, low, high, limit, size, newest=newest)
    else:
        rows = await store.comments(pages.number, pages.post, (low, high), limit, size, newest=newest)
    return EventsOk(events=[Raw(blob) for blob in rows.events], low=rows.low, high=rows.high, end=rows.end)


async def around(pages: Pages, first: int, seq: int, anchor: int, limit: int, size: int) -> EventsOk:
    """Return about half of the page below `anchor`, and the rest from it on; half of the bytes for each."""
    anchor = min(max(anchor, first), seq + 1)
    # None below it when half of the bytes might not hold one message.
    below = limit // 2 if size // 2 >= pages.ctx.config.limits.body_bytes else 0
    older = await page(pages, first, anchor - 1, below, size // 2, newest=True)
    newer = await page(pages, anchor, seq, limit - below, size // 2, newest=False)
    low = older.low if anchor > first else anchor
    high = newer.high if anchor <= seq else anchor - 1
    return EventsOk(events=[*older.events, *newer.events], low=low, high=high, end=older.end)


async def comments(ctx: Context, session: Session, request: Comments) -> CommentsOk:
    """Return how many comments there are on posts of a channel; posts without any are left out."""
    room, _ = await ctx.enter(session.user, request.room)
    found = await ctx.store.comment_counts(room.number, request.seqs)
    return CommentsOk(counts=[CommentCount(seq, count) for seq, count in sorted(found.items())])


@cut_to_fit
async def changes(ctx: Context, session: Session, request: Changes, size: int) -> EventsOk:
    """Return the messages of an interval that changed after `since`."""
    room, member = await ctx.enter(session.user, request.room)
    number, seq, view = room.number, room.durable_seq, view_of(member)
    low, high = max(request.low, view.first), min(request.high, seq)
    if low > high:
        return EventsOk(events=[], seq=seq)
    rows = await ctx.store.changes(number, low, high, request.since, size)
    events = await event_views(ctx, session.user, number, rows.events, view)
    return EventsOk(events=events, next=UNSET if rows.next is None else rows.next, seq=seq)


@cut_to_fit
async def messages(ctx: Context, session: Session, request: Messages, size: int) -> EventsOk:
    """Return the messages of these numbers, as far as they exist and are visible."""
    room, member = await ctx.enter(session.user, request.room)
    number, seq, view = room.number, room.durable_seq, view_of(member)
    wanted = [asked for asked in request.seqs if view.first <= asked <= seq]
    blobs = await ctx.store.messages(number, wanted, size) if wanted else []
    return EventsOk(events=await event_views(ctx, session.user, number, blobs, view))


async def event_views(
    ctx: Context, user: str, number: int, events: list[bytes] | list[Raw], view: View
) -> list[Raw]:
    """Return stored events for one reader: own reactions added, what they may not see emptied."""
    blobs = [bytes(event) for event in events]
    seqs = reacted(blobs)
    own = await ctx.store.mine(number, user, seqs) if seqs else {}
    return [Raw(event_view(blob, own, view)) for blob in blobs]

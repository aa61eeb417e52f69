"""The room list of an account, in pages (protocol.md "SyncPage" and "sync")."""

from dataclasses import dataclass, replace

from msgspec import UNSET, UnsetType

from chatd.commands.context import Context, Informed, Session
from chatd.commands.reply_size import fitting, page_bytes
from chatd.core.cursors import ALL, More, Position, cursor_of, position_of
from chatd.core.maintenance import RefreshSummaries
from chatd.core.sections import in_force, named, registered
from chatd.core.sync_query import BadgeRule, SyncQuery
from chatd.protocol import limits
from chatd.protocol.connection import Hello
from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import U53_MAX
from chatd.protocol.rooms import RoomSummary, SummaryOk
from chatd.protocol.sync import Sync, SyncOk, SyncPage
from chatd.storage.views import SyncRows


def first_query(ctx: Context, user: str, request: Hello) -> SyncQuery:
    """Return the query of the page in a hello reply: everything, or the changes since the client's cursor."""
    rooms = limits.SUMMARIES_FIRST if request.rooms is UNSET else request.rooms
    wanted = PageOptions(min(rooms, ctx.config.limits.page), request.previews, request.events)
    query = fresh(ctx, user, stored_position(ctx, request), wanted, in_force(ctx.sections, request.features))
    return with_badge(ctx, query) if has_push(ctx, request) else query


def has_push(ctx: Context, request: Hello) -> bool:
    """Whether push is in force on a connection."""
    return "push" in ctx.features and "push" in request.features


def with_badge(ctx: Context, query: SyncQuery) -> SyncQuery:
    return replace(query, badge=BadgeRule(ctx.env.now_ms(), ctx.config.push.members_all))


async def sync(ctx: Context, session: Session, request: Sync) -> SyncOk | Informed:
    """Return the next page of a round, or the first page of a new one."""
    wanted = PageOptions(page_limit(ctx, request), request.previews, request.events)
    if request.more is not UNSET:
        query = continued(ctx, session.user, More.unpack(request.more), wanted)
    else:
        query = fresh(
            ctx, session.user, position_in(ctx, request.cursor), wanted, session.subscriptions.sections
        )
        query = with_badge(ctx, query) if session.subscriptions.badge else query
    reply = await fitting(ctx, session, lambda size: asked(ctx, session, replace(query, page_bytes=size)))
    until = reached(ctx, reply)
    return reply if until is None else Informed(reply, until)


async def asked(ctx: Context, session: Session, query: SyncQuery) -> SyncOk:
    """Read the page of `query`; rooms that a commit changed meanwhile are read again."""
    rows = await ctx.store.sync(query)
    if ctx.hub.recent_commits.concerns(rows.stamp, session.user, session.subscriptions.rooms):
        rows = replace(rows, rooms=await refreshed(ctx, session, rows.rooms))
    page = page_of(ctx, query, rows)
    return SyncOk(
        cursor=page.cursor,
        rooms=page.rooms,
        gone=page.gone,
        more=page.more,
        full=page.full,
        totals=page.totals,
        sections=page.sections,
        full_sections=page.full_sections,
        users=page.users,
    )


async def refreshed(ctx: Context, session: Session, rooms: list[RoomSummary]) -> list[RoomSummary]:
    """Return these summaries as of the last published commit, without rooms the user left meanwhile.

    The newest event of a room that changed is left out: this connection was pushed it. So it is where the user took
    something out of their view.
    """
    shown = [SummaryOk(summary=summary) for summary in rooms]
    await ctx.writer.submit_and_wait(session.user, RefreshSummaries(shown))
    names = {subscribers.name for subscribers in session.subscriptions.rooms.values()}
    for before, after in zip(rooms, shown, strict=True):
        if (before.first_visible, before.deleted) != (after.summary.first_visible, after.summary.deleted):
            continue
        if before.time == after.summary.time:
            after.summary.preview = before.preview
        if before.seq == after.summary.seq:
            after.summary.events = before.events
    return [reply.summary for reply in shown if reply.summary.room in names or reply.summary.request]


@dataclass(slots=True, frozen=True)
class PageOptions:
    """The number of rooms of a page, and what it shows of each, as far as the client said."""

    rooms: int
    previews: bool | UnsetType
    events: int | UnsetType


def stored_position(ctx: Context, request: Hello) -> Position | None:
    """Return the position of a reconnecting client; None, for a full round, when its cursor does not fit here."""
    if request.epoch != ctx.store.epoch:
        return None
    try:
        return position_in(ctx, request.cursor)
    except Refused:
        return None


def position_in(ctx: Context, cursor: str | UnsetType) -> Position | None:
    """Return the position that a round starts from; None when everything must be listed."""
    return None if cursor is UNSET else position_of(cursor, ctx.store.epoch, ctx.store.stamp)


def fresh(ctx: Context, user: str, start: Position | None, wanted: PageOptions, sections: int) -> SyncQuery:
    """Return the query of the first page of a round. By default there are previews when everything is listed."""
    previews = None if wanted.previews is UNSET else wanted.previews
    events = 0 if wanted.events is UNSET else wanted.events
    since, covered = start or (None, 0)
    query = query_of(ctx, user, since, wanted.rooms, previews, events)
    return replace(query, sections=sections, full_sections=sections & ~covered) if sections else query


def continued(ctx: Context, user: str, more: More, wanted: PageOptions) -> SyncQuery:
    """Return the query of the next page of a round, with the options of the first unless the client gives others."""
    previews = more.previews if wanted.previews is UNSET else wanted.previews
    events = more.events if wanted.events is UNSET else wanted.events
    since = None if more.since == ALL else more.since
    query = query_of(ctx, user, since, wanted.rooms, previews, events)
    return replace(
        query,
        after=(more.pinned, more.time, more.number),
        first_stamp=more.first_stamp,
        sections=registered(ctx.sections, more.sections),
        full_sections=more.full_sections,
    )


def query_of(
    ctx: Context, user: str, since: int | None, rooms: int, previews: bool | None, events: int
) -> SyncQuery:
    return SyncQuery(
        user=user,
        since=since,
        limit=rooms,
        previews=previews,
        events=min(events, limits.EVENTS_INLINE_MAX),
        events_bytes=limits.EVENTS_INLINE_BYTES,
        page_bytes=page_bytes(ctx),
        shown_to=ctx.config.privacy.shown_to,
        people=ctx.rooms.rules if ctx.rooms.rules.enabled else None,
    )


def page_limit(ctx: Context, request: Sync) -> int:
    asked = ctx.config.limits.page if request.rooms is UNSET else request.rooms
    if asked > ctx.config.limits.page:
        raise Refused("too_large", f"a page has at most {ctx.config.limits.page} rooms", field="rooms")
    return asked


def reached(ctx: Context, page: SyncPage | SyncOk) -> Position | None:
    """Return the position that a round has reached with its last page; None for the pages before it."""
    return None if page.cursor is UNSET else position_of(page.cursor, ctx.store.epoch, U53_MAX)


def page_of(ctx: Context, query: SyncQuery, rows: SyncRows) -> SyncPage:
    """Return rows as a page: with `more`, or on the last page with the cursor of the round's first commit."""
    first_stamp = query.first_stamp or rows.stamp
    page = SyncPage(rooms=rows.rooms, gone=rows.gone or UNSET, full=rows.since is None)
    page.sections = rows.sections or UNSET
    page.users = rows.users or UNSET
    # When neither a room nor a row changed, the totals did not either.
    if rows.since is None or rows.rooms or rows.gone or rows.sections:
        page.totals = rows.totals or UNSET
    if rows.after is None:
        page.cursor = cursor_of(ctx.store.epoch, first_stamp, query.sections)
        if rows.full_sections:
            page.full_sections = [*named(ctx.sections, rows.full_sections)]
    else:
        since = ALL if rows.since is None else rows.since
        previews = rows.since is None if query.previews is None else query.previews
        sections = query.sections, rows.full_sections
        page.more = More(since, first_stamp, *rows.after, previews, query.events, *sections).pack()
    return page

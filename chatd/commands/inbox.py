"""The numbers of a list of rooms, explained and proved (protocol.md "The inbox")."""

import asyncio

from msgspec import UNSET, UnsetType

from chatd.commands.context import Context, Session
from chatd.commands.history import limited
from chatd.core.sync_query import BadgeRule
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import ChatError, Refused
from chatd.protocol.inbox import BadgeOk, PositionRow, Reads, ReadsOk, Unread, UnreadOk, Verify, VerifyOk
from chatd.protocol.read_state import Read, ReadOk


async def unread(ctx: Context, session: Session, request: Unread) -> Ok:
    """Return the messages that the unread number of a room counts, or the rooms of which the badge is the sum."""
    limit = limited(request.limit, ctx.config.limits.page, ctx.config.limits.page)
    after = place(request.more)
    if request.room is UNSET:
        rule = BadgeRule(ctx.env.now_ms(), ctx.config.push.members_all)
        page = await ctx.store.counting_rooms(session.user, rule, after, limit)
        return BadgeOk(badge=page.badge, rooms=list(page.rooms), more=more(page.after))
    room, _ = await ctx.enter(session.user, request.room)
    found = await ctx.store.unread_messages(room.number, session.user, after, limit)
    await ctx.enter(session.user, request.room)
    assert found is not None  # whoever left since is refused
    return UnreadOk(
        read=found.read,
        unread=found.unread,
        unread_mentions=found.unread_mentions,
        ordinal=found.ordinal,
        seqs=list(found.seqs),
        mentions=list(found.mentions),
        more=UNSET if found.is_last else more(found.seqs[-1]),
    )


async def reads(ctx: Context, session: Session, request: Reads) -> ReadsOk:
    """Move read positions in many rooms; those that the user is not in are left out."""
    asked = [Read(room=row.room, seq=row.seq) for row in request.rooms]
    replies = await asyncio.gather(*[read(ctx, session.user, one) for one in asked])
    return ReadsOk(rooms=[row for row in replies if row is not None])


async def read(ctx: Context, user: str, request: Read) -> PositionRow | None:
    try:
        reply = await ctx.writer.submit_and_wait(user, request)
    except ChatError as error:
        if error.retry == "never":
            return None
        raise
    assert isinstance(reply, ReadOk)
    assert reply.ordinal is not UNSET
    return PositionRow(request.room, reply.read, reply.unread, reply.unread_mentions, reply.ordinal)


async def verify(ctx: Context, session: Session, request: Verify) -> VerifyOk:
    """Say whether the list of a client has the numbers of the server's. It walks as many rows as a hello."""
    session.admit_user(session.user, take=True)
    everything = "people" not in ctx.features
    rooms, digest = await ctx.store.inbox_digest(session.user, everything=everything)
    return VerifyOk(equal=(request.rooms, request.digest) == (rooms, digest))


def place(more: object) -> int:
    """Return the place that a page continues behind."""
    if more is UNSET:
        return 0
    if not (isinstance(more, str) and more.isascii() and more.isdigit() and len(more) < 16):
        raise Refused("bad_request", "not a `more` of this request", field="more")
    return int(more)


def more(place: int) -> str | UnsetType:
    return str(place) if place else UNSET

"""Looking at rooms: room.get, members.list (protocol.md "Rooms and members"). Changing them is the writer's."""

from msgspec import UNSET

from chatd.core.cursors import after_user
from chatd.handlers.context import Context, Session
from chatd.handlers.history import limited
from chatd.protocol.errors import Refused
from chatd.protocol.replies import MembersOk, SummaryOk
from chatd.protocol.requests import MembersList, RoomGet


async def get(ctx: Context, session: Session, request: RoomGet) -> SummaryOk:
    """The room as the user sees it now."""
    room, _ = await ctx.enter(session.user, request.room)
    summary = await ctx.store.summary(room.number, session.user)
    if summary is None:
        raise Refused("not_member", "not in this room any more")
    return SummaryOk(summary=summary)


async def members(ctx: Context, session: Session, request: MembersList) -> MembersOk:
    """One page of the members, in order of user id."""
    room, _ = await ctx.enter(session.user, request.room)
    limit = limited(request.limit, ctx.config.limits.page, ctx.config.limits.page)
    rows, count = await ctx.store.members(
        room.number,
        after=after_user(request.more),
        prefix=request.prefix,
        role=None if request.role is UNSET else request.role,
        limit=limit,
    )
    return MembersOk(members=rows, more=rows[-1].user if len(rows) == limit else UNSET, count=count)

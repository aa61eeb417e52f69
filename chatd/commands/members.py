"""The list of members (protocol.md "Rooms and members"). Changes of members are decided in core."""

from msgspec import UNSET

from chatd.commands.context import Context, Session
from chatd.commands.history import limited
from chatd.core.cursors import after_user
from chatd.protocol.members import MembersList, MembersOk


async def members(ctx: Context, session: Session, request: MembersList) -> MembersOk:
    """Return one page of the members, in order of user id."""
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

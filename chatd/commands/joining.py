"""The lists of invites and requests to join (protocol.md "Entering groups"). What changes them is decided in core."""

from msgspec import UNSET, UnsetType

from chatd.commands.context import Context, Session
from chatd.commands.history import limited
from chatd.core.invites import makers_seen, shown_invite
from chatd.protocol.errors import Refused
from chatd.protocol.joining import InvitesList, InvitesOk, JoinRow, JoinsList, JoinsOk


async def invites(ctx: Context, session: Session, request: InvitesList) -> InvitesOk:
    """Return one page of the invites of a group, the newest first; a plain member sees their own."""
    room, member = await ctx.enter(session.user, request.room, "add")
    limit = limited(request.limit, ctx.config.limits.page, ctx.config.limits.page)
    after = place_of(request.more, -(1 << 62))
    found = await ctx.store.joining.invites_of(room.number, makers_seen(member), after, limit)
    page = ctx.config.groups.invite_url
    more = f"{-found[-1].created_at}:{found[-1].invite}" if len(found) == limit else UNSET
    return InvitesOk(invites=[shown_invite(one, page) for one in found], more=more)


async def joins(ctx: Context, session: Session, request: JoinsList) -> JoinsOk:
    """Return one page of the requests that wait, the oldest first."""
    room, _ = await ctx.enter(session.user, request.room, "decide")
    limit = limited(request.limit, ctx.config.limits.page, ctx.config.limits.page)
    found = await ctx.store.joining.asked(room.number, place_of(request.more, 0), limit)
    rows = [
        JoinRow(room.name, one.user, "asked", by=one.by or UNSET, text=one.text, time=one.time)
        for one in found
    ]
    return JoinsOk(joins=rows, more=f"{found[-1].time}:{found[-1].user}" if len(found) == limit else UNSET)


def place_of(more: str | UnsetType, first: int) -> tuple[int, str]:
    """Return the place behind which a page goes on: (time, id)."""
    if more is UNSET:
        return first, ""
    time, colon, id = more.partition(":")
    if not colon or not time.removeprefix("-").isdecimal() or len(time) > 17:
        raise Refused("bad_cursor", "not of a page of this list", field="more")
    return int(time), id

"""The lists of invites and requests to join (protocol.md "Entering groups"). What changes them is decided in core."""

from collections.abc import Sequence

from msgspec import UNSET, UnsetType

from chatd.commands.context import Context, Session
from chatd.commands.history import limited
from chatd.core.invites import makers_seen, shown_invite
from chatd.core.joining import Join
from chatd.core.room import Member, Room
from chatd.protocol.errors import Refused
from chatd.protocol.joining import InvitesList, InvitesOk, JoinRow, JoinsList, JoinsOk

# Before the newest invite, whose time is counted downwards.
NEWEST = -(1 << 62)


async def invites(ctx: Context, session: Session, request: InvitesList) -> InvitesOk:
    """Return one page of the invites of a group."""
    room, member = await ctx.enter(session.user, request.room, "add")
    limit = limited(request.limit, ctx.config.limits.page, ctx.config.limits.page)
    return await list_invites(ctx, room, member, request.more, limit)


async def joins(ctx: Context, session: Session, request: JoinsList) -> JoinsOk:
    """Return one page of the requests that wait."""
    room, _ = await ctx.enter(session.user, request.room, "decide")
    limit = limited(request.limit, ctx.config.limits.page, ctx.config.limits.page)
    return await list_joins(ctx, room, request.more, limit)


async def list_invites(
    ctx: Context, room: Room, member: Member, more: str | UnsetType, limit: int
) -> InvitesOk:
    """Return up to `limit` invites of a group, the newest first; a plain member sees their own."""
    after = place_of(more, NEWEST)
    found = await ctx.store.joining.invites_of(
        room.number, makers_seen(member), after, limit, ctx.env.now_ms()
    )
    page = ctx.config.groups.invite_url
    next = f"{-found[-1].created_at}:{found[-1].invite}" if len(found) == limit else UNSET
    return InvitesOk(invites=[shown_invite(one, page) for one in found], more=next)


async def list_joins(ctx: Context, room: Room, more: str | UnsetType, limit: int) -> JoinsOk:
    """Return up to `limit` requests, the oldest first."""
    since, shown = place_of(more, 0)
    if shown and not shown.isdecimal():
        raise Refused("bad_cursor", "not of a page of this list", field="more")
    found = await ctx.store.joining.asked(room.number, since, int(shown or 0), limit)
    rows = [
        JoinRow(room.name, one.user, "asked", by=one.by or UNSET, text=one.text, time=one.time)
        for one in found
    ]
    return JoinsOk(joins=rows, more=behind(found, since, int(shown or 0)) if len(found) == limit else UNSET)


def behind(found: Sequence[Join], since: int, shown: int) -> str:
    """Return the place behind a page: the last time, and how many of that time were shown; a user id is too long."""
    last = found[-1].time
    count = sum(one.time == last for one in found)
    return f"{last}:{count + (shown if last == since else 0)}"


def place_of(more: str | UnsetType, first: int) -> tuple[int, str]:
    """Return the place at which a page goes on: a time, and what follows it in `more`."""
    if more is UNSET:
        return first, ""
    time, colon, rest = more.partition(":")
    digits = time.removeprefix("-")
    if not (colon and digits.isascii() and digits.isdecimal() and len(more) <= 48):
        raise Refused("bad_cursor", "not of a page of this list", field="more")
    return int(time), rest

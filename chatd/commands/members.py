"""The lists of members (protocol.md "Rooms and members"). Changes of members are decided in core."""

from typing import NamedTuple

from msgspec import UNSET

from chatd.commands.context import Context, Session
from chatd.commands.history import limited
from chatd.core.cursors import after_user
from chatd.core.governance import hides_from
from chatd.core.room import Member, Room
from chatd.protocol.groups import MembersGet
from chatd.protocol.members import MemberFilter, MemberRow, MembersList, MembersOk


async def members(ctx: Context, session: Session, request: MembersList) -> MembersOk:
    """Return one page of the members, or of those who are banned, in order of user id."""
    role: MemberFilter | None = None if request.role is UNSET else request.role
    room, member = await ctx.enter(session.user, request.room, action_of(role))
    limit = limited(request.limit, ctx.config.limits.page, ctx.config.limits.page)
    page = MembersPage(after_user(request.more), request.prefix, role, limit)
    rows, count = await shown_members(ctx, room, member, page)
    more = rows[-1].user if len(rows) == limit else UNSET
    return MembersOk(members=rows, more=more, count=count)


def action_of(role: MemberFilter | None) -> str:
    """Return what a member must be allowed to do for this part of a list."""
    return "remove" if role == "banned" else "view"


class MembersPage(NamedTuple):
    """A page of a list of members: those behind the user id `after` whose id begins with `prefix`."""

    after: str
    prefix: str
    role: MemberFilter | None
    limit: int


async def shown_members(
    ctx: Context, room: Room, member: Member, page: MembersPage
) -> tuple[list[MemberRow], int]:
    """Return members of a room that `member` is shown, and the number of all."""
    after, prefix, role, limit = page
    number, now_ms = room.number, ctx.env.now_ms()
    own: list[MemberRow] = []
    if hides_from(room, member) and role in (None, "member"):
        # Of their kind they see themselves.
        own = await ctx.store.named_members(number, [member.user], now_ms)
        own = [row for row in own if row.user > after and row.user.startswith(prefix)]
        limit = limit if role is None else 0
        role = "staff"
    rows, count = await ctx.store.members(
        number, after=after, prefix=prefix, role=role, limit=limit, now_ms=now_ms
    )
    return sorted(rows + own, key=lambda row: row.user)[: page.limit], count


async def get(ctx: Context, session: Session, request: MembersGet) -> MembersOk:
    """Return those of some users who are members, in order of user id."""
    room, member = await ctx.enter(session.user, request.room)
    rows = await ctx.store.named_members(room.number, request.users, ctx.env.now_ms())
    if hides_from(room, member):
        rows = [row for row in rows if is_shown(row, session.user)]
    return MembersOk(members=rows, count=room.size)


def is_shown(row: MemberRow, user: str) -> bool:
    """Whether `user`, a plain member of a room that hides its members, sees this one."""
    return row.role != "member" or row.user == user

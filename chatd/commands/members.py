"""The lists of members (protocol.md "Rooms and members"). Changes of members are decided in core."""

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
    role = shown_part(room, member, role)
    rows, count = await ctx.store.members(
        room.number, after=after_user(request.more), prefix=request.prefix, role=role, limit=limit
    )
    more = rows[-1].user if len(rows) == limit else UNSET
    return MembersOk(members=without_ended_bans(rows, ctx.env.now_ms()), more=more, count=count)


def action_of(role: MemberFilter | None) -> str:
    """Return what a member must be allowed to do for this part of a list."""
    return "remove" if role == "banned" else "view"


def shown_part(room: Room, member: Member, role: MemberFilter | None) -> MemberFilter | None:
    """Return the part of a list that `member` is shown, of what they ask for."""
    return "staff" if hides_from(room, member) and role in (None, "member") else role


def without_ended_bans(rows: list[MemberRow], now_ms: int) -> list[MemberRow]:
    return [row for row in rows if not 0 < row.banned_until <= now_ms]


async def get(ctx: Context, session: Session, request: MembersGet) -> MembersOk:
    """Return those of some users who are members, in order of user id."""
    room, member = await ctx.enter(session.user, request.room)
    rows = await ctx.store.named_members(room.number, request.users)
    if hides_from(room, member):
        rows = [row for row in rows if is_shown(row, session.user)]
    return MembersOk(members=rows, count=room.size)


def is_shown(row: MemberRow, user: str) -> bool:
    """Whether `user`, a plain member of a room that hides its members, sees this one."""
    return row.role != "member" or row.user == user

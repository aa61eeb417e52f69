"""Commands about readers, rooms on screen, typing and presence (protocol.md "focus", "typing", "watch")."""

from contextlib import suppress

from msgspec import UNSET

from chatd.commands.context import Context, Session
from chatd.commands.history import limited
from chatd.core.cursors import after_user
from chatd.core.governance import hides_from
from chatd.core.may_post import check_may_post, is_bound
from chatd.core.permissions import authorize
from chatd.core.room import Member, Room
from chatd.core.room_summary import receipt_of
from chatd.core.visibility import marks_shown
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import ChatError, Refused
from chatd.protocol.presence import Focus, FocusedRoom, FocusOk, State, Typing, UserState, Watch, WatchOk
from chatd.protocol.read_state import Readers, ReadersOk


async def readers(ctx: Context, session: Session, request: Readers) -> ReadersOk:
    """Return the members who could see `seq` and read it, as far as receipts are shown here."""
    room, member = await ctx.enter(session.user, request.room)
    if request.seq < member.first_visible:
        raise Refused("not_found", "no such message", field="seq")
    limit = limited(request.limit, ctx.config.limits.page, ctx.config.limits.page)
    if not sees_receipts(ctx, session, room):
        return ReadersOk(count=0, readers=[])
    rows, count = await ctx.store.readers(
        room.number,
        request.seq,
        after=after_user(request.more),
        limit=limit,
        unseen=room.kept_from(session.user),
        unread=request.unread,
    )
    if hides_from(room, member):
        return ReadersOk(count=count, readers=[])
    more = rows[-1].user if len(rows) == limit else UNSET
    return ReadersOk(count=count, readers=rows, more=more)


async def focus(ctx: Context, session: Session, request: Focus) -> FocusOk:
    """Replace the set of rooms on screen. Rooms the user is not in are left out, also of the reply."""
    if len(request.rooms) > ctx.config.limits.focus:
        raise Refused("too_large", f"at most {ctx.config.limits.focus} rooms in focus", field="rooms")
    entered = []
    for name in dict.fromkeys(request.rooms):
        with suppress(ChatError):
            entered.append((await ctx.enter(session.user, name))[0])
    # The user may have left one while another was loaded.
    present = [room for room in entered if room.number in session.subscriptions.rooms]
    ctx.hub.set_focus(session, frozenset(room.number for room in present))
    return FocusOk(rooms=[focused(ctx, session, room) for room in present])


def focused(ctx: Context, session: Session, room: Room) -> FocusedRoom:
    """Return the row of a room on screen: its head, and its receipts when they are pushed there."""
    row = FocusedRoom(room.name, room.durable_seq)
    few = room.scale <= ctx.config.delivery.receipts_members
    if few and sees_receipts(ctx, session, room) and not hides_from(room, room.members[session.user]):
        unseen = room.kept_from(session.user)
        row.receipts = [
            receipt_of(member)
            for member in room.showing_receipts(but=session.user)
            if member.user not in unseen
        ]
    return row


def sees_receipts(ctx: Context, session: Session, room: Room) -> bool:
    """Whether the user sees receipts of others in this room; one who hides their own sees none."""
    shown_to = ctx.config.privacy.shown_to
    if room.is_channel or (room.direct and room.keeps_marks):
        return False
    return session.receipts and marks_shown(shown_to, direct=room.direct, written=room.durable_written)


async def typing(ctx: Context, session: Session, request: Typing) -> Ok:
    """Push to those who have the room on screen; in channels and rooms above `typing_members` to nobody."""
    room, member = await ctx.enter(session.user, request.room)
    if room.scale <= ctx.config.delivery.typing_members and may_show_typing(room, member, ctx.env.now_ms()):
        ctx.typing_sink.typing(session, room.number, request.what, room.kept_from(session.user))
    return Ok()


def may_show_typing(room: Room, member: Member, now_ms: int) -> bool:
    """Whether others may see it: not of one who may not write here, or whom others are not shown, and in a direct room
    not before both may, and have heard of each other.
    """
    if not room.gates and not is_bound(room, member):
        return True
    if hides_from(room, member):
        return False
    with suppress(ChatError):
        authorize(room, member.user, "edit")
        check_may_post(room, member, now_ms)
        return not room.gates or room.is_listed(member)
    return False


async def watch(ctx: Context, session: Session, request: Watch) -> WatchOk:
    """Replace the set of watched users; those the user may not see are `offline`, and never pushed."""
    if len(request.users) > ctx.config.limits.watch:
        raise Refused("too_large", f"at most {ctx.config.limits.watch} watched users", field="users")
    asked = list(dict.fromkeys(request.users))
    # First, so that changes during the check concern this session.
    ctx.presence.watch(session, asked)
    check = await ctx.watch_rights.check(session.user, asked)
    certain = [user for user in asked if user not in check.outdated]
    ctx.presence.show(session, certain, check.known)
    shown = ctx.presence.shown(session)
    states = ctx.presence.states(shown)
    seen = {user: check.last_seen[user] for user in shown if user in check.last_seen}
    return WatchOk(users=[state_of(user, states.get(user, "offline"), seen.get(user)) for user in asked])


def state_of(user: str, state: State, last_seen: int | None) -> UserState:
    row = UserState(user, state)
    if last_seen is not None and state == "offline":
        row.last_seen = last_seen
    return row

"""Who reads, types and is there: readers, focus, typing, watch (protocol.md "focus", "typing", "watch")."""

from contextlib import suppress

from msgspec import UNSET

from chatd.commands.context import Context, Session
from chatd.commands.history import limited
from chatd.core.cursors import after_user
from chatd.core.room import Room
from chatd.core.room_summary import receipt_of
from chatd.core.visibility import marks_shown
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import ChatError, Refused
from chatd.protocol.presence import Focus, FocusedRoom, FocusOk, State, Typing, UserState, Watch, WatchOk
from chatd.protocol.read_state import Readers, ReadersOk


async def readers(ctx: Context, session: Session, request: Readers) -> ReadersOk:
    """Who could see `seq` and read up to it or beyond, as far as receipts are shown here."""
    room, member = await ctx.enter(session.user, request.room)
    if request.seq < member.first_visible:
        raise Refused("not_found", "no such message", field="seq")
    limit = limited(request.limit, ctx.config.limits.page, ctx.config.limits.page)
    if not sees_receipts(ctx, session, room):
        return ReadersOk(count=0, readers=[])
    rows, count = await ctx.store.readers(
        room.number, request.seq, after=after_user(request.more), limit=limit
    )
    more = rows[-1].user if len(rows) == limit else UNSET
    return ReadersOk(count=count, readers=rows, more=more)


async def focus(ctx: Context, session: Session, request: Focus) -> FocusOk:
    """Replace the set of rooms on screen. Rooms the user is not in are passed over: the reply has the others."""
    if len(request.rooms) > ctx.config.limits.focus:
        raise Refused("too_large", f"at most {ctx.config.limits.focus} rooms in focus", field="rooms")
    entered = []
    for name in dict.fromkeys(request.rooms):
        with suppress(ChatError):
            entered.append((await ctx.enter(session.user, name))[0])
    # They may have left one while another was loaded.
    present = [room for room in entered if room.number in session.subscriptions.rooms]
    ctx.hub.set_focus(session, frozenset(room.number for room in present))
    return FocusOk(rooms=[focused(ctx, session, room) for room in present])


def focused(ctx: Context, session: Session, room: Room) -> FocusedRoom:
    """A room that comes on screen: where it is, and who read how far when receipts are pushed there."""
    row = FocusedRoom(room.name, room.durable_seq)
    few = room.size <= ctx.config.delivery.receipts_members
    if few and sees_receipts(ctx, session, room):
        row.receipts = [receipt_of(member) for member in room.showing_receipts(but=session.user)]
    return row


def sees_receipts(ctx: Context, session: Session, room: Room) -> bool:
    """Does the user see how far others got in this room, as far as they show it? Not who hides their own."""
    shown_to = ctx.config.privacy.shown_to
    return session.receipts and marks_shown(shown_to, direct=room.direct, written=room.durable_written)


async def typing(ctx: Context, session: Session, request: Typing) -> Ok:
    """Tell those who look at the room; in rooms above `typing_members` nobody."""
    room, _ = await ctx.enter(session.user, request.room)
    if room.size <= ctx.config.delivery.typing_members:
        ctx.typing_sink.typing(session, room.number)
    return Ok()


async def watch(ctx: Context, session: Session, request: Watch) -> WatchOk:
    """Replace the set of watched users; those who are not shown stay `offline` and are never told of."""
    if len(request.users) > ctx.config.limits.watch:
        raise Refused("too_large", f"at most {ctx.config.limits.watch} watched users", field="users")
    asked = list(dict.fromkeys(request.users))
    ctx.presence.watch(session, asked)  # first, so that whatever changes meanwhile concerns it
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

"""Rooms and messages as the host reads and changes them: in the place of a user, or in its own."""

from base64 import b32encode
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from msgspec import UnsetType
from msgspec.structs import replace

from chatd.commands import history, joining
from chatd.commands.admin import Writes
from chatd.commands.context import Context
from chatd.commands.members import MembersPage, action_of, shown_members
from chatd.commands.reply_size import page_bytes
from chatd.core.audit import Audit
from chatd.core.own_view import view_of
from chatd.core.permissions import HOST, authorize
from chatd.core.restrictions import check_spoken
from chatd.core.room import Member, Room
from chatd.core.sync_query import BadgeRule
from chatd.protocol.codec import with_host_data
from chatd.protocol.envelope import Ok, Request
from chatd.protocol.errors import Refused
from chatd.protocol.history import EventsOk
from chatd.protocol.joining import InvitesOk, JoinsOk
from chatd.protocol.members import MemberFilter, MemberRow
from chatd.storage.inbox import BadgePage, UnreadPage
from chatd.storage.views import HostRoom

Normal = TypeVar("Normal", bound=Request)

# Keys that the server makes have a colon, so that they are none of a client's.
KEY_PREFIX = "api:"
KEY_BYTES = 10  # 80 random bits


@dataclass(slots=True, frozen=True)
class Place:
    """The place of a page of messages: the newest ones, or those before, after or around a `seq`."""

    before: int | None = None
    after: int | None = None
    around: int | None = None


class HostRooms:
    """The host's view of rooms. `user`, everywhere: in whose place; HOST of core/permissions.py for the host itself."""

    def __init__(self, ctx: Context, writes: Writes) -> None:
        self._ctx = ctx
        self._writes = writes

    def new_key(self) -> str:
        """Return a key for a change that is repeated by its name, not by a key."""
        return KEY_PREFIX + b32encode(self._ctx.env.random_bytes(KEY_BYTES)).decode().lower()

    def normal(self, request: Normal) -> Normal:
        """Return a request without empty parts, its host data decoded and checked. Raises Refused."""
        return cast("Normal", with_host_data(request, True, self._ctx.config.limits.body_bytes))

    async def decide(self, user: str, request: Any, audit: Audit, *, screened: bool = True) -> Ok:
        """Decide and store a request in the place of `user`, with its entry in the audit; return its reply.

        `screened`: judge what others will read, as in the place of a phone. What the host says itself never is.
        """
        account = await self._ctx.store.account(user) if user != HOST else None
        if account is not None and account.disabled:
            raise Refused("forbidden", "this user is disabled", field="as")
        if account is not None and account.restriction is not None:
            check_spoken(account.restriction, request, self._ctx.env.now_ms())
        return await self._writes(user, request, audit, screened=screened and user != HOST)

    async def room(self, user: str, name: str) -> HostRoom:
        """Return a room that `user` may see. Raises Refused."""
        await self._enter(user, name)
        found = await self._ctx.store.host_room(name)
        if found is None:
            raise Refused("not_found", "no such room")
        return found

    async def members(
        self, user: str, name: str, after: str, limit: int, role: MemberFilter | None
    ) -> tuple[list[MemberRow], int]:
        """Return up to `limit` members of a room that `user` is shown, behind `after`, in order of user id, and the
        number of all.
        """
        room, member = await self._enter(user, name, action_of(role))
        found = await shown_members(self._ctx, room, member, MembersPage(after, "", role, limit))
        await self._enter(user, name, action_of(role))
        return found

    async def invites(self, user: str, name: str, more: str | UnsetType, limit: int) -> InvitesOk:
        """Return a page of the invites of a room, the newest first."""
        room, member = await self._enter(user, name, "add")
        return await joining.list_invites(self._ctx, room, member, more, limit)

    async def joins(self, user: str, name: str, more: str | UnsetType, limit: int) -> JoinsOk:
        """Return a page of the requests to join a room, the oldest first."""
        room, _ = await self._enter(user, name, "decide")
        return await joining.list_joins(self._ctx, room, more, limit)

    async def badge(self, user: str, after: int, limit: int) -> BadgePage:
        """Return the badge of `user`, and some of the rooms it is the sum of."""
        rule = BadgeRule(self._ctx.env.now_ms(), self._ctx.config.push.members_all)
        return await self._ctx.store.counting_rooms(user, rule, after, limit)

    async def unread(self, user: str, name: str, after: int, limit: int) -> UnreadPage:
        """Return some of the messages that are unread for `user` in a room. Raises Refused."""
        room, _ = await self._enter(user, name)
        found = await self._ctx.store.unread_messages(room.number, user, after, limit)
        if found is None:
            raise Refused("not_found", "this user is no member of the room", field="room")
        return found

    async def messages(self, user: str, name: str, place: Place, limit: int) -> EventsOk:
        """Return a page of messages in current state, as `history` of protocol.md does."""
        room, member = await self._enter(user, name)
        number, view, seq, ctx = room.number, view_of(member), room.durable_seq, self._ctx
        first, pages = view.first, history.Pages(ctx, number)
        size = page_bytes(ctx)
        if place.around is not None:
            found = await history.around(pages, first, seq, place.around, limit, size)
        elif place.after is not None:
            low = max(first, place.after + 1)
            found = await history.page(pages, low, seq, limit, size, newest=False)
        else:
            high = seq if place.before is None else min(seq, place.before - 1)
            found = await history.page(pages, first, high, limit, size, newest=True)
        events = await history.event_views(ctx, user, number, found.events, view)
        await self._enter(user, name)
        return replace(found, events=events, seq=seq)

    async def _enter(self, user: str, name: str, action: str = "view") -> tuple[Room, Member]:
        if user != HOST:
            return await self._ctx.enter(user, name, action)
        return authorize(await self._ctx.rooms.get(name), HOST, action)

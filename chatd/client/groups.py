"""Groups and channels that govern themselves, and the ways into them (protocol.md, "Governed groups" and "Entering
groups").
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from .core.conversations import Added, Invite, Join, Member, join_from, member_from
from .room_calls import RoomCalls, given


class Group(RoomCalls):
    """The part of a room that is about its rules and its members. What the role of the user does not allow raises
    `Forbidden`."""

    __slots__ = ()

    # Rules.

    @property
    def policy(self) -> Mapping[str, Any]:
        """The rules that are not the default of the kind of the room (protocol.md, "Policy")."""
        return self._seen.summary.policy or {}

    async def set_policy(self, **rules: object) -> None:
        """Change rules, such as `post="admin"`; those that are not named stay."""
        await self._mutate("room.update", policy=rules)

    async def announce(self, seq: int) -> None:
        """Make message `seq` the announcement of the group; 0: there is none any more."""
        await self._mutate("announce", target=seq)

    # Members.

    async def fetch_members(self, users: Iterable[str]) -> list[Member]:
        """Return those of these users, at most 100, who are members."""
        reply = await self._call("members.get", users=list(users))
        return [member_from(entry) for entry in reply["members"]]

    async def add(self, users: Iterable[str]) -> Added:
        """Add members, at most 100, or offer them the room; return what became of them."""
        reply = await self._mutate("members.add", users=list(users))
        return Added(reply.get("not_added", ()), reply.get("offered", ()), reply.get("requested", False))

    async def remove(self, users: Iterable[str]) -> None:
        """Remove members, at most 100."""
        await self._mutate("members.remove", users=list(users))

    async def ban(self, users: Iterable[str], *, until: int = 0, recall: bool = False) -> None:
        """Remove users and let them not come back before `until`, in ms, or ever; with `recall` what they wrote in the
        last 24 hours is recalled."""
        await self._mutate("members.remove", users=list(users), ban=True, **given(until=until, recall=recall))

    async def unban(self, users: Iterable[str]) -> None:
        """Let users come back."""
        await self._mutate("members.unban", users=list(users))

    async def silence(self, users: Iterable[str], until: int) -> None:
        """Let members write nothing until a time in ms; 1: for ever, 0: they may write again."""
        await self._mutate("members.silence", users=list(users), until=until)

    async def set_nickname(self, nickname: str, *, user: str = "") -> None:
        """Set the own name in this group; an admin takes that of another `user` away with an empty one."""
        await self._mutate("members.nickname", nickname=nickname, **given(user=user))

    async def set_roles(self, roles: Mapping[str, str]) -> None:
        """Give members the role `member`, `admin` or `owner`; the group is handed over with two of them at once."""
        users = [{"user": user, "role": role} for user, role in roles.items()]
        await self._mutate("members.role", users=users)

    # Entering.

    async def join(self, text: str = "") -> bool:
        """Enter the room, accept an offer of it, or ask to enter with a `text` to its admins; False: an admin
        decides."""
        reply = await self._mutate("room.join", **given(text=text))
        return not reply.get("requested", False)

    async def invite(
        self, *, expires_at: int = 0, uses_max: int = 0, approve: bool = False, label: str = ""
    ) -> Invite:
        """Make an invite, which works for 7 days, or until `expires_at` in ms."""
        asked = given(expires_at=expires_at, uses_max=uses_max, approve=approve, label=label)
        return Invite.from_packet((await self._mutate("invites.create", **asked))["invite"])

    async def invites(self) -> AsyncIterator[Invite]:
        """Yield the invites that are not revoked, the newest first: of a plain member the own ones."""
        async for entry in self._pages("invites.list", "invites"):
            yield Invite.from_packet(entry)

    async def revoke(self, invite: str = "", *, by: str = "") -> None:
        """Revoke an invite, or all of a user, or all of the room."""
        await self._mutate("invites.revoke", **given(invite=invite, by=by))

    async def joins(self) -> AsyncIterator[Join]:
        """Yield who asks to enter, the oldest first; `summary.joins` is their number."""
        async for entry in self._pages("joins.list", "joins"):
            yield join_from(entry)

    async def decide(self, users: Iterable[str], *, accept: bool, ban: bool = False) -> list[str]:
        """Let users in who asked, or not, and with `ban` never; return who goes on waiting, as they are in too many
        rooms."""
        reply = await self._mutate("joins.decide", users=list(users), accept=accept, **given(ban=ban))
        return reply.get("not_added", [])

    async def _pages(self, kind: str, key: str) -> AsyncIterator[Any]:
        more = ""
        while True:
            reply = await self._call(kind, **given(more=more))
            for entry in reply[key]:
                yield entry
            more = reply.get("more", "")
            if not more:
                return

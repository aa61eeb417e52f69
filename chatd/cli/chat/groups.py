"""Groups and channels in a terminal: who is here, ways in, forwards, search. Without terminal or socket."""

import re
from collections.abc import Awaitable, Callable

from chatd.cli.chat.typed import InvalidCommand
from chatd.cli.chat.wording import Line, clean, clock, message_line, note_line
from chatd.client import Client, NotFound, Room, RoomChanged
from chatd.client.core.messages import message_from

LISTED_MAX = 50  # members listed by /who
INVITE = re.compile(r"[A-Za-z0-9_-]{22}")
ROOM = re.compile(r"[cdg][A-Za-z0-9]{11}")
KINDS = {"c": "channel", "d": "with", "g": "group"}


class GroupsView:
    """One room as a group or a channel. `show` shows a line."""

    def __init__(self, client: Client, room: Room, show: Callable[[Line], None]) -> None:
        self._client = client
        self._room = room
        self._show = show
        self._silenced_until = 0

    async def begin(self) -> None:
        """Show the announcement of the room, and whether the user may write."""
        if seq := self._room.summary.announcement:
            for message in await self._room.fetch([seq]):
                self._show((("announcement ", "note"), *message_line(message, self._client.user)))
        self.changed(RoomChanged(self._room.id))

    def changed(self, change: RoomChanged) -> None:
        """Say that the user was silenced in this room, or may write again."""
        until = self._room.summary.silenced_until if change.room == self._room.id else self._silenced_until
        if until != self._silenced_until:
            when = "" if until == 1 else f" until {clock(until)}"
            self._note(f"you are silenced in this room{when}" if until else "you may write again")
        self._silenced_until = until

    # Commands.

    async def who(self, rest: str) -> None:
        listed = 0
        async for member in self._room.members():
            if listed == LISTED_MAX:
                self._note("and more")
                return
            listed += 1
            presence = self._client.presence.get(member.user)
            state = f", {presence.state}" if presence else ""
            known_as = f" “{clean(member.nickname)}”" if member.nickname else ""
            self._show(((clean(member.user), "other"), (f"{known_as} ({member.role}{state})", "faint")))

    async def rooms(self, rest: str) -> None:
        """List the rooms, the latest first."""
        summaries = [room.summary for room in self._client.rooms.values()]
        for summary in sorted(summaries, key=lambda summary: -summary.time):
            name = clean(summary.peer or summary.title or summary.room)
            unread = self._client.room(summary.room).unread
            news = f", {unread} unread" if unread else ""
            kind = f"{KINDS.get(summary.room[:1], 'group')} "
            self._show(((kind, "faint"), (name, "other"), (f" ({summary.room}{news})", "faint")))

    async def invite(self, rest: str) -> None:
        """Make an invite, perhaps one that so many may use."""
        if rest and not rest.isdecimal():
            raise InvalidCommand("usage: /invite [HOW MANY MAY USE IT]")
        invite = await self._room.invite(uses_max=int(rest or 0))
        self._note(f"until {clock(invite.expires_at)}: {clean(invite.url or f'/join {invite.invite}')}")

    async def join(self, rest: str) -> None:
        """Enter a group or follow a channel by its id, or by an invite; behind it, a text to the admins."""
        what, _, text = rest.partition(" ")
        if INVITE.fullmatch(what):
            try:
                room = await self._client.use_invite(what, text.strip())
            except NotFound:
                raise InvalidCommand("this invite does not work, or no longer") from None
        elif ROOM.fullmatch(what):
            joined = await self._client.join(what, text.strip())
            room = joined.id if joined else ""
        else:
            raise InvalidCommand("usage: /join ROOM or INVITE [TEXT TO THE ADMINS]")
        self._note(f"you are in: open it with --room {room}" if room else "an admin decides")

    async def forward(self, rest: str) -> None:
        """Forward a message of this room to a user, or into a room."""
        first, _, place = rest.partition(" ")
        place = place.strip()
        if not (first.startswith("#") and first[1:].isdecimal()) or not place or " " in place:
            raise InvalidCommand("usage: /forward #NUMBER USER or ROOM")
        known = self._client.rooms.get(place)
        target = known or await self._client.direct(place)
        await target.forward(self._room, [int(first[1:])])
        self._note(f"forwarded to {clean(place)}")

    async def comments(self, rest: str) -> None:
        """Show the comments on a post of this channel, or write one. Whoever asks enters the group of its comments."""
        number, _, text = rest.partition(" ")
        group = self._room.summary.comments
        if not group or not (number.startswith("#") and number[1:].isdecimal()):
            raise InvalidCommand("usage, in a channel with comments: /comments #NUMBER [TEXT]")
        post, room = int(number[1:]), self._client.rooms.get(group) or await self._client.join(group)
        if room is None:
            raise InvalidCommand("an admin decides whether you may comment here")
        if text.strip():
            await room.send(text.strip(), comments_on=post)
        for message in (await room.comments(post)).messages:
            self._show(message_line(message, self._client.user))

    async def search(self, rest: str) -> None:
        """Show the messages of this room that hold these words."""
        if not rest:
            raise InvalidCommand("usage: /search WORDS")
        found = await self._client.search(rest, room=self._room.id)
        for hit in reversed(found.hits):
            self._show(message_line(message_from(self._room.id, hit.event), self._client.user))
        self._note("and older ones" if found.more else f"{len(found.hits)} found")

    async def find(self, rest: str) -> None:
        """Show the listed groups and channels with this title, or this tag behind a #."""
        if not rest.lstrip("#"):
            raise InvalidCommand("usage: /find NAME or #TAG")
        tagged = rest.startswith("#")
        found = await self._client.find_rooms("" if tagged else rest, tag=rest[1:] if tagged else "")
        for card in found.rooms:
            about = f" {clean(card.about)}" if card.about else ""
            self._show(
                (
                    (clean(card.title), "other"),
                    (f" {card.kind}, {card.members} in it{about} ({card.room})", "faint"),
                )
            )
        self._note("and more" if found.more else f"{len(found.rooms)} found")

    def _note(self, text: str) -> None:
        self._show(note_line(text))


GroupsCommand = Callable[[GroupsView, str], Awaitable[None]]

# Name: its function, arguments and meaning.
GROUPS_COMMANDS: dict[str, tuple[GroupsCommand, str, str]] = {
    "who": (GroupsView.who, "", "who is in this room"),
    "rooms": (GroupsView.rooms, "", "your chats, groups and channels"),
    "join": (GroupsView.join, "ROOM or INVITE", "enter a group, or follow a channel"),
    "invite": (GroupsView.invite, "[USES]", "make an invite into this room"),
    "forward": (GroupsView.forward, "#NUMBER USER", "forward a message to a user, or into a room"),
    "comments": (
        GroupsView.comments,
        "#NUMBER [TEXT]",
        "comments on a post of this channel, or one of yours",
    ),
    "search": (GroupsView.search, "WORDS", "find messages of this room"),
    "find": (GroupsView.find, "NAME or #TAG", "find groups and channels to join"),
}

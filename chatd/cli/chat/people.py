"""Friends, blocks, message requests, reports and bots in a terminal: what is told of them, and the commands.

Without terminal or socket.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any

from chatd.cli.chat.typed import InvalidCommand
from chatd.cli.chat.wording import BADGES, clean
from chatd.client import (
    REASONS,
    ChatError,
    Client,
    Closed,
    Contact,
    ContactsChanged,
    Room,
    RoomChanged,
    kind_of,
)

CARDS_MAX = 100  # users of one request

STATES = {"friend": "a friend", "sent": "you asked to be friends", "received": "asks to be friends"}


class PeopleView:
    """The other users around one room. `note` shows a line."""

    def __init__(self, client: Client, room: Room, note: Callable[[str], None]) -> None:
        self._client = client
        self._room = room
        self._note = note
        self._known: dict[str, Contact] = {}
        self._met: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        # The rooms that are known to be message requests.
        self._requests: set[str] = set()

    def begin(self) -> None:
        """Show what waits for an answer."""
        self.contacts_changed(ContactsChanged(tuple(self._client.contacts)), is_new=False)
        for room in self._client.rooms:
            self.room_changed(RoomChanged(room))

    def contacts_changed(self, change: ContactsChanged, *, is_new: bool = True) -> None:
        """Show what became of these users; of those known from before, only what waits for an answer."""
        for user in change.users:
            before = self._known.pop(user, Contact(user))
            after = self._client.contacts.get(user, Contact(user))
            self._known[user] = after
            if is_new or after.state == "received":
                for line in news_of(before, after):
                    self._note(line)

    def room_changed(self, change: RoomChanged) -> None:
        """Show that a stranger wrote, once."""
        summary = self._client.room(change.room).summary
        if summary.request and change.room not in self._requests:
            user = clean(summary.peer)
            here = change.room == self._room.id
            todo = "/accept, /decline, or answer" if here else f"read it with --with {user}"
            self._note(f"{user} wrote to you and is no friend of yours: {todo}")
        (self._requests.add if summary.request else self._requests.discard)(change.room)

    def is_blocked(self, user: str) -> bool:
        return self._client.contacts.get(user, Contact(user)).blocked

    async def meet(self, users: Iterable[str]) -> None:
        """Fetch the cards of users that were not met yet, so that it is known who is a bot."""
        new = [user for user in dict.fromkeys(users) if user not in self._met][:CARDS_MAX]
        self._met.update(new)
        if new:
            with suppress(ChatError, Closed, TimeoutError):
                await self._client.fetch_users(new)

    def meet_soon(self, user: str) -> None:
        """Meet a user who just wrote, and say so if they are no person."""

        async def meeting() -> None:
            await self.meet([user])
            if self.kind_of(user) != "person":
                self._note(f"{clean(user)} is{BADGES[self.kind_of(user)]}")

        if user not in self._met:
            task = asyncio.create_task(meeting())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def kind_of(self, user: str) -> str:
        """Return `person`, `bot` or `official`."""
        return kind_of(self._client.users.get(user))

    # Commands.

    async def report(self, rest: str) -> None:
        """Tell the moderators of a message, a user, or of whom or what this room is."""
        about, wish = self._subject(rest)
        reason, _, text = wish.partition(" ")
        if reason not in REASONS:
            raise InvalidCommand(
                f"usage: /report [#NUMBER or @USER] REASON [TEXT]; the reasons are {', '.join(REASONS)}"
            )
        report = await self._client.report(reason, text=text.strip(), **about)
        again = " before, and waits for a moderator" if report.duplicate else ""
        self._note(f"reported{again}: {clean(report.name)}")

    async def friend(self, rest: str) -> None:
        """List friends and requests; with a user, ask them, or accept what they asked."""
        if rest:
            user = one_user(rest)
            contact = await self._client.request_friend(user)
            if contact.state == "sent":
                self._note(f"{clean(contact.user)} was asked")
            return
        known = [contact for contact in self._client.contacts.values() if contact.state in STATES]
        for contact in known:
            self._note(f"{clean(contact.user)}: {STATES[contact.state]}{note_of(contact)}")
        if not known:
            self._note("you have no friends here yet: /friend USER asks somebody")

    async def accept(self, rest: str) -> None:
        """Accept a friend request, or without a user the message request that this room is."""
        if rest:
            user = one_user(rest)
            await self._client.accept_friend(user)
        else:
            await self._client.accept_room(self._requested())
            self._note("accepted")

    async def decline(self, rest: str) -> None:
        """Decline a friend request, or without a user the message request that this room is."""
        if rest:
            user = one_user(rest)
            await self._client.decline_friend(user)
        else:
            await self._client.decline_room(self._requested())

    async def unfriend(self, rest: str) -> None:
        """End a friendship, or take an own request back."""
        user = one_user(rest)
        is_sent = self._client.contacts.get(user, Contact(user)).state == "sent"
        await (self._client.cancel_friend(user) if is_sent else self._client.remove_friend(user))

    async def block(self, rest: str) -> None:
        user = self._named(rest)
        await self._client.set_contact(user, blocked=True)

    async def unblock(self, rest: str) -> None:
        user = self._named(rest)
        await self._client.set_contact(user, blocked=False)

    def _subject(self, rest: str) -> tuple[dict[str, Any], str]:
        """Return the keys that name what is reported, and the rest of the line."""
        first, _, more = rest.partition(" ")
        if first.startswith("#") and first[1:].isdecimal():
            return {"room": self._room.id, "seq": int(first[1:])}, more.strip()
        if first.startswith("@"):
            return {"user": one_user(first[1:])}, more.strip()
        peer = self._room.summary.peer
        return {"user": peer} if peer else {"room": self._room.id}, rest

    def _requested(self) -> str:
        if not self._room.summary.request:
            raise InvalidCommand("this room is no message request; name a user whose friend request you mean")
        return self._room.id

    def _named(self, rest: str) -> str:
        """Return the user that is named, else the other one of a direct room."""
        return one_user(rest or self._room.summary.peer)


def one_user(typed: str) -> str:
    """Return the user that was typed; InvalidCommand when it is none, or several."""
    if not typed or " " in typed:
        raise InvalidCommand("name one user")
    return typed


def news_of(before: Contact, after: Contact) -> list[str]:
    """Return what is worth telling of a contact that changed."""
    user = clean(after.user)
    if before.blocked != after.blocked:
        return [f"you block {user}" if after.blocked else f"you no longer block {user}"]
    if before.state == after.state:
        return []
    words = {
        "received": f"{user} asks to be friends{note_of(after)}: /accept {user} or /decline {user}",
        "friend": f"{user} and you are friends now",
        "none": f"{user} and you are friends no longer" if before.state == "friend" else "",
    }
    said = words.get(after.state, "")
    return [said] if said else []


def note_of(contact: Contact) -> str:
    """Return the text of a request, as the end of a line."""
    return f" ({clean(contact.note)})" if contact.note else ""


PeopleCommand = Callable[[PeopleView, str], Awaitable[None]]

# Name: its function, arguments and meaning.
PEOPLE_COMMANDS: dict[str, tuple[PeopleCommand, str, str]] = {
    "friend": (PeopleView.friend, "[USER]", "ask a user to be friends; without one, list friends"),
    "unfriend": (PeopleView.unfriend, "USER", "end a friendship, or take a request back"),
    "accept": (PeopleView.accept, "[USER]", "accept a friend request, or the messages of this stranger"),
    "decline": (PeopleView.decline, "[USER]", "decline it; they are not told"),
    "block": (PeopleView.block, "[USER]", "take nothing from a user any more"),
    "report": (
        PeopleView.report,
        "REASON [TEXT]",
        "tell the moderators of this chat; before the reason: #NUMBER of a message, or @USER",
    ),
    "unblock": (PeopleView.unblock, "[USER]", "take it again"),
}

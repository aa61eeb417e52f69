"""Friends, blocks, circles, privacy and cards, as the app of a client has them (protocol.md, "People")."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, cast

from .core.contacts import (
    Audience,
    Circle,
    Contact,
    ContactReply,
    Privacy,
    is_untouched,
    packet_of,
    privacy_from,
)
from .core.errors import ChatError, Closed, Conflict, Unreachable
from .core.packets import Packet, UserEntry, UsersReply
from .core.people import CONTACTS
from .engine import Engine


class People:
    """The part of a client that is about other people.

    A request that acts on a contact names the row that it acted on: when that changed meanwhile, on another device or
    by the other user, it raises `Conflict` with `field` `seen`, and `contacts` has the row as it is now. All raise
    `NotSupported` where people are switched off.
    """

    _engine: Engine

    # The local state.

    @property
    def features(self) -> list[str]:
        """The feature words in force, as of the last hello; without `people` nothing here is (protocol.md, "hello")."""
        return self._engine.account.features

    @property
    def audiences(self) -> Mapping[str, list[str]]:
        """Default, widest and narrowest audience of the capabilities for which the host has set others (protocol.md,
        "Privacy")."""
        return self._engine.account.audiences

    @property
    def contacts(self) -> Mapping[str, Contact]:
        """The other users as this one has them: friends, requests, blocks, remarks (protocol.md, "Contacts and
        circles")."""
        return self._engine.account.contacts

    @property
    def friend_requests(self) -> int:
        """The number of friend requests that wait for an answer of this user."""
        return sum(contact.state == "received" for contact in self.contacts.values())

    @property
    def circles(self) -> Mapping[int, Circle]:
        """The own circles by number; `circles_of` says who is in them."""
        circles = self._row("circles") or []
        return {entry["number"]: Circle(**entry) for entry in circles}

    @property
    def privacy(self) -> Privacy:
        """The users whom this one lets do what, as far as they chose (protocol.md, "Privacy")."""
        return privacy_from(self._row("privacy") or {})

    @property
    def profile(self) -> UserEntry | None:
        """The own card, whole; None while this user never changed it (protocol.md, "Cards")."""
        row: dict[str, Any] | None = self._row("profile")
        return None if row is None else cast(UserEntry, {"user": self._engine.account.user, **row})

    @property
    def users(self) -> Mapping[str, UserEntry]:
        """The cards of others that are kept here; one with `stale` is to be fetched again when it is shown."""
        return self._engine.account.users

    # Friends.

    async def request_friend(self, user: str, *, note: str = "", via: str = "") -> Contact:
        """Ask a user to be friends; of two who ask each other, both are at once."""
        wish = {"note": note, "via": via}
        return await self._act("friend.request", user, **{name: text for name, text in wish.items() if text})

    async def accept_friend(self, user: str) -> Contact:
        """Accept a request."""
        return await self._act("friend.accept", user)

    async def decline_friend(self, user: str) -> Contact:
        """Decline a request; who asked is not told."""
        return await self._act("friend.decline", user)

    async def cancel_friend(self, user: str) -> Contact:
        """Take an own request back."""
        return await self._act("friend.cancel", user)

    async def remove_friend(self, user: str) -> Contact:
        """End a friendship."""
        return await self._act("friend.remove", user)

    async def set_contact(
        self,
        user: str,
        *,
        remark: str | None = None,
        circles: Iterable[int] | None = None,
        following: bool | None = None,
        blocked: bool | None = None,
    ) -> Contact:
        """Set the remark, the circles, the follow or the block of a user; what is not named stays.

        It is repeated once when only something else of the contact changed meanwhile.
        """
        numbers = None if circles is None else list(circles)
        asked = {"remark": remark, "circles": numbers, "following": following, "blocked": blocked}
        change = {name: value for name, value in asked.items() if value is not None}
        before = self.contacts.get(user, Contact(user))
        try:
            return await self._act("contact.set", user, **change)
        except Conflict as error:
            now = self.contacts.get(user, Contact(user))
            if error.field != "seen" or now.stamp == before.stamp or not is_untouched(change, before, now):
                raise
        return await self._act("contact.set", user, **change)

    # Circles and privacy.

    async def set_circle(self, name: str, number: int | None = None) -> Circle:
        """Make a circle, or rename the one with this number; return it."""
        asked = {"name": name} if number is None else {"name": name, "number": number}
        reply = await self._engine.call({"type": "circle.set", **asked})
        return Circle(**reply["circle"])

    async def delete_circle(self, number: int) -> None:
        """Delete a circle; nobody is in it any more."""
        await self._engine.call({"type": "circle.delete", "number": number})

    async def set_privacy(self, rules: Mapping[str, Audience]) -> Privacy:
        """Replace the rules of these capabilities; return all."""
        packets = {capability: packet_of(rule) for capability, rule in rules.items()}
        reply = await self._engine.call({"type": "privacy.set", "rules": packets})
        return privacy_from(reply["privacy"])

    # Cards.

    async def set_profile(self, **change: object) -> UserEntry:
        """Change the own card (protocol.md, "profile.set"); return it."""
        reply = await self._engine.call({"type": "profile.set", **change})
        profile: UserEntry = reply["profile"]
        self._engine.account.keep_users([profile])
        return profile

    async def fetch_users(self, users: Iterable[str]) -> list[UserEntry]:
        """Fetch the cards of at most 100 users into `users`, as far as those are new, and return them without pages."""
        asked = list(dict.fromkeys(users))
        rest = asked
        while rest:
            versions = [self._card(user).get("version", 0) for user in rest]
            packet: Packet = {"type": "users.get", "users": rest, "versions": versions}
            reply: UsersReply = await self._engine.call(packet)
            self._engine.account.keep_users(reply["users"])
            # Not all fit into a frame: those behind `more` are asked for again.
            rest = rest[rest.index(reply["more"]) + 1 :] if "more" in reply else []
        return [self._card(user) for user in asked]

    async def fetch_card(self, user: str, *, seen_as: str | int | None = None) -> UserEntry:
        """Return the card of a user with its page; with `seen_as` the own one, as a `stranger`, a `friend` or a circle
        sees it."""
        asked: Packet = {"type": "users.get", "users": [user], "page": True}
        if seen_as is not None:
            asked["as"] = seen_as
        reply: UsersReply = await self._engine.call(asked)
        card = reply["users"][0] if reply["users"] else UserEntry(user=user)
        if seen_as is None:
            self._engine.account.keep_users([card])
        return card

    async def find_user(self, handle: str) -> UserEntry | None:
        """Return the user with this handle, if there is one who lets themself be found."""
        reply: UsersReply = await self._engine.call({"type": "users.find", "handle": handle})
        self._engine.account.keep_users(reply["users"])
        return reply["users"][0] if reply["users"] else None

    # Message requests: rooms whose summary has `request`.

    async def accept_room(self, room: str) -> None:
        """Let who wrote in a message request go on."""
        await self._engine.call({"type": "room.accept", "room": room})

    async def decline_room(self, room: str, *, block: bool = False) -> None:
        """Decline a message request, and with `block` its author; who wrote is not told."""
        packet: Packet = {"type": "room.decline", "room": room}
        await self._engine.call({**packet, "block": True} if block else packet)

    # Internal.

    def _row(self, name: str) -> Any:
        return self._engine.account.rows.section("account").get(name)

    def _stamp(self, user: str) -> int:
        """Return the stamp of the row of a user, also of one that is gone; 0 without one."""
        row = self._engine.account.rows.row(CONTACTS, user)
        return row["stamp"] if row else 0

    def _card(self, user: str) -> UserEntry:
        return self.users.get(user, {"user": user})

    async def _act(self, kind: str, user: str, **wish: object) -> Contact:
        """Ask for a step on a contact, as of the row that is here."""
        seen = self._stamp(user)
        try:
            reply: ContactReply = await self._engine.call({"type": kind, "user": user, **wish, "seen": seen})
        except Conflict as error:
            # The row that changed is to be here when the app hears of it.
            if error.field == "seen" and self._stamp(user) == seen:
                with suppress(ChatError, Closed, Unreachable):
                    await self._engine.sync()
            raise
        self._engine.account.take_contact(reply["contact"])
        return self.contacts.get(user) or Contact(user, reply["contact"].get("stamp", 0))

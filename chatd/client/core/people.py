"""The part of an account that is about other people: contacts, privacy, cards (protocol.md, "People"); pure.

Contacts, circles, privacy and the own card are account rows, which the one cursor keeps in step. Cards of others are no
rows: they come with full rounds, once a day those that changed, and when somebody asks for them.
"""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from .account import Account, AccountDelegate
from .changes import (
    AccountChanged,
    Change,
    CirclesChanged,
    ContactsChanged,
    PrivacyChanged,
    ProfileChanged,
    UsersChanged,
)
from .contacts import CardsMark, Contact, ContactEntry, contact_from, row_from
from .files import MediaOffer
from .packets import HelloReply, Packet, SyncPage, UserEntry, UsersReply
from .records import Tables

CARDS_MS = 24 * 3600 * 1000
"""Milliseconds between two questions for the cards that changed."""

CONTACTS = "contacts"

CONVERSATIONS = ("groups", "drafts", "channels", "search", "discovery")
"""The feature words of groups that are asked to be entered, of drafts, channels, search and discovery."""

OWN_CHANGES: dict[str, Change] = {
    "circles": CirclesChanged(),
    "privacy": PrivacyChanged(),
    "profile": ProfileChanged(),
}
"""The rows of the section `account` with a change of their own."""


class PeopleAccount(Account):
    """The local copy of an account with people. `cards`: the time of the last question for cards that changed, and the
    stamp from which the next one goes on."""

    asked = (*Account.asked, "people", "reports", "bots", "push", "media", *CONVERSATIONS)

    def __init__(self, delegate: AccountDelegate, messages_kept: int) -> None:
        super().__init__(delegate, messages_kept)
        self.features: list[str] = []
        self.audiences: dict[str, list[str]] = {}
        self.push: Mapping[str, Any] | None = None
        self.media: MediaOffer | None = None
        self.contacts: dict[str, Contact] = {}
        self.users: dict[str, UserEntry] = {}
        self.cards: CardsMark | None = None

    # Packets of the server.

    def take_hello(self, reply: HelloReply) -> None:
        epoch = self.epoch
        super().take_hello(reply)
        if epoch != self.epoch:
            self._set_cards(None)
        self.features = list(reply.get("features", ()))
        self._store("account", "features")
        self.audiences = reply.get("audiences", {})
        self._store("account", "audiences")
        self.push = reply.get("push")
        self.media = cast("MediaOffer | None", reply.get("media"))

    def take_sync(self, page: SyncPage) -> str:
        self.keep_users(page.get("users", ()))
        # The plates of this round are newer than its first rows, so the next question may begin there.
        stamps = [row["stamp"] for rows in page.get("sections", {}).values() for row in rows]
        if stamps and self.cards is None:
            self._set_cards({"at": 0, "stamp": max(stamps)})
        return super().take_sync(page)

    def take_push(self, packet: Packet) -> None:
        super().take_push(packet)
        if packet.get("type") == "profiles":
            known = [entry for entry in packet.get("users", ()) if entry["user"] in self.users]
            old = [self.users[entry["user"]] for entry in known if self._is_older(entry)]
            self.keep_users([{**card, "stale": True} for card in old])

    def take_contact(self, entry: ContactEntry) -> None:
        """Take a contact as a reply has it; one without a stamp never was."""
        if "stamp" in entry:
            self._changed_rows(self.rows.take({CONTACTS: [row_from(entry)]}))

    # Cards.

    def keep_users(self, users: Iterable[UserEntry]) -> None:
        """Keep the plates of these cards."""
        plates = {entry["user"]: plate_of(entry) for entry in users}
        changed = {user: plate for user, plate in plates.items() if plate != self.users.get(user)}
        self.users.update(changed)
        for user in changed:
            self._store("users", user)
        if changed:
            self._delegate.on_change(UsersChanged(tuple(changed)))

    def cards_due(self, now_ms: int) -> Packet | None:
        """Return the question for cards that changed, if it is due.

        The next one is due in a day, whatever becomes of this.
        """
        if self.cards is None or "people" not in self.features:
            return None
        at, stamp = self.cards["at"] or now_ms, self.cards["stamp"]
        is_due = now_ms - at >= CARDS_MS
        self._set_cards({"at": now_ms if is_due else at, "stamp": stamp})
        return {"type": "users.get", "since": stamp} if is_due else None

    def take_cards(self, reply: UsersReply) -> Packet | None:
        """Take cards that changed; return the question for more of them."""
        self.keep_users(reply.get("users", ()))
        if "more" in reply:
            return {"type": "users.get", "more": reply["more"]}
        if self.cards is not None:
            self._set_cards({"at": self.cards["at"], "stamp": reply.get("stamp", self.cards["stamp"])})
        return None

    # Storing.

    def restore(self, tables: Tables) -> None:
        super().restore(tables)
        account = tables.get("account", {})
        self.features, self.cards = account.get("features", []), account.get("cards")
        self.audiences = account.get("audiences", {})
        self.users = dict(tables.get("users", {}))
        for user in self.rows.section(CONTACTS):
            self._take_row(user)

    def _value(self, table: str, key: str) -> object:
        return self.users.get(key) if table == "users" else super()._value(table, key)

    def _changed_rows(self, places: Iterable[tuple[str, str]]) -> None:
        users = []
        for section, name in places:
            self._store("account_rows", f"{section} {name}")
            if section == CONTACTS:
                self._take_row(name)
                users.append(name)
            else:
                self._delegate.on_change(OWN_CHANGES.get(name) or AccountChanged(section, name))
        if users:
            self._delegate.on_change(ContactsChanged(tuple(users)))

    def _take_row(self, user: str) -> None:
        row = self.rows.row(CONTACTS, user)
        self.contacts.pop(user, None)
        self.owner.blocked.discard(user)
        if row is not None and "value" in row:
            contact = self.contacts[user] = contact_from(row)
            if contact.blocked:
                self.owner.blocked.add(user)

    def _set_cards(self, cards: CardsMark | None) -> None:
        if cards != self.cards:
            self.cards = cards
            self._store("account", "cards")

    def _is_older(self, entry: UserEntry) -> bool:
        return self.users[entry["user"]].get("version", 0) < entry.get("version", 0)


def plate_of(card: UserEntry) -> UserEntry:
    """Return a card without the part that is shown to some only, as it is kept."""
    kept = {name: value for name, value in card.items() if name not in ("page", "common")}
    return cast(UserEntry, kept)

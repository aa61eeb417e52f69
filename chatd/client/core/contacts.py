"""The objects of people (protocol.md, "People"): contacts, circles, privacy; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

from .packets import AccountRow


class CardsMark(TypedDict):
    """The place of a client in the changes of cards: asked at this time (ms), up to this stamp."""

    at: int
    stamp: int


class ContactEntry(TypedDict):
    """A contact in a reply (protocol.md, "Contact"), with the keys of `Contact`."""

    user: str
    stamp: NotRequired[int]


class ContactReply(TypedDict):
    """The reply to `contact.set` and `friend.*`."""

    contact: ContactEntry
    duplicate: NotRequired[bool]


STATES = frozenset({"sent", "received", "friend"})
"""The states of a contact that are not `none`, as which any other is taken (protocol.md, "Forward compatibility")."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Another user as the owner of the account has them (protocol.md, "Contacts and circles").

    `state`: `none`, `friend`, or `sent` or `received` while a request is pending. `since`: of that state, and
    `expires_at`: the end of a pending request, in Unix milliseconds. `remark`: the owner's name for them. `circles`:
    the numbers of circles, see `circles_of`.
    """

    user: str
    stamp: int = 0
    state: str = "none"
    since: int = 0
    expires_at: int = 0
    note: str = ""
    via: str = ""
    remark: str = ""
    circles: tuple[int, ...] = ()
    following: bool = False
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle of the owner. `since`: a contact with a lower `stamp` belongs to an earlier circle of this number."""

    number: int
    name: str
    since: int = 0


@dataclass(frozen=True, slots=True)
class Audience:
    """A rule: it lets through everybody up to `to`; `deny` and `allow` are numbers of circles, and go before it."""

    to: str
    allow: tuple[int, ...] = ()
    deny: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Privacy:
    """The rules of the owner by capability; one without a rule has the audience of the host. `locked`: only the host
    may change them."""

    rules: Mapping[str, Audience]
    locked: bool = False


CONTACT_KEYS = frozenset(Contact.__slots__) - {"user", "stamp"}


def contact_from(row: AccountRow) -> Contact:
    """Return the contact of a row that is not deleted; unknown keys are ignored."""
    held: Any = row.get("value")
    known = {name: held[name] for name in CONTACT_KEYS if name in held}
    known["circles"] = tuple(known.get("circles", ()))
    known["state"] = known["state"] if known.get("state") in STATES else "none"
    return Contact(row["name"], row["stamp"], **known)


def row_from(entry: ContactEntry) -> AccountRow:
    """Return the row of a contact as a reply has it; with `user` and `stamp` alone it is deleted."""
    value = {name: held for name, held in entry.items() if name not in ("user", "stamp")}
    row: AccountRow = {"name": entry["user"], "stamp": entry.get("stamp", 0)}
    if value:
        row["value"] = value
    return row


def circle_from(value: Mapping[str, Any]) -> Circle:
    """Return the circle of a row, or of a reply; unknown keys are ignored."""
    return Circle(value["number"], value["name"], value.get("since", 0))


def circles_of(contact: Contact, circles: Mapping[int, Circle]) -> list[int]:
    """Return the numbers of the circles of the owner that a contact is in."""
    return [
        number for number in contact.circles if number in circles and circles[number].since <= contact.stamp
    ]


def privacy_from(value: Mapping[str, Any]) -> Privacy:
    """Return the rules of the row `privacy`, or of a reply."""
    rules = {
        capability: Audience(rule["to"], tuple(rule.get("allow", ())), tuple(rule.get("deny", ())))
        for capability, rule in value.get("rules", {}).items()
    }
    return Privacy(rules, value.get("locked", False))


def packet_of(audience: Audience) -> dict[str, object]:
    """Return a rule as it is sent, without empty lists."""
    packet: dict[str, object] = {"to": audience.to}
    lists = {"allow": audience.allow, "deny": audience.deny}
    return packet | {name: list(numbers) for name, numbers in lists.items() if numbers}


def is_untouched(names: Iterable[str], before: Contact, now: Contact) -> bool:
    """Whether two states of a contact have the same under all of these names."""
    return all(getattr(before, name) == getattr(now, name) for name in names)

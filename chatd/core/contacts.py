"""What one user has of another, and the row in which they see it (protocol.md "Contacts and circles").

A pair of users has two contacts, one for each side. Decisions find both in `reads.records_of(Contact)` by (owner, user)
when their request has the need `contacts` (writer/needs.py), and change them with `put`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

from msgspec import UNSET, to_builtins

from chatd.core.read_set import ReadSet
from chatd.core.sections import CONTACTS, ChangedRow
from chatd.core.write_set import WriteSet
from chatd.protocol.codec import encode
from chatd.protocol.friends import ContactRow, ContactState, ContactValue


class State(IntEnum):
    """The state of one side, as it is stored. DECLINED is shown as `none`: a decline is told to nobody."""

    NONE = 0
    SENT = 1
    RECEIVED = 2
    DECLINED = 3
    FRIEND = 4


@dataclass(slots=True, frozen=True)
class Contact:
    """A record: what `owner` has of `user`. Times are Unix milliseconds, 0 for none.

    `circles`: bit n for the circle of that number. `quiet`: until then requests of `user` are not shown; `tries`: how
    often such a time began. `expires`: the end of the pending request, or else of the quiet time. `known`: whether they
    had something in common when `user` asked. `stamp`: of the last change that the owner may see, 0 for none.
    """

    owner: str
    user: str
    state: State = State.NONE
    blocked: bool = False
    following: bool = False
    circles: int = 0
    remark: str = ""
    note: str = ""
    via: str = ""
    since: int = 0
    expires: int = 0
    quiet: int = 0
    tries: int = 0
    known: bool = False
    stamp: int = 0

    @property
    def is_friend(self) -> bool:
        return self.state is State.FRIEND

    @property
    def matters(self) -> bool:
        """Whether its row is kept: its owner sees something, or once did, or it changes by itself."""
        return bool(self.stamp or self.state or self.expires)


# A declined request looks to its receiver as if there were none.
SHOWN_STATES: dict[State, ContactState] = {
    State.SENT: "sent",
    State.RECEIVED: "received",
    State.FRIEND: "friend",
}


def contact_of(owner: str, user: str, reads: ReadSet) -> Contact:
    """Return the contact of this owner, an empty one where there is none."""
    return reads.records_of(Contact).get((owner, user)) or Contact(owner, user)


def put(contact: Contact, writes: WriteSet, reads: ReadSet) -> Contact:
    """Store a contact and return it, with the stamp of this commit when its owner sees another one than before."""
    before = contact_of(contact.owner, contact.user, reads)
    value = shown(contact)
    if value != shown(before):
        contact = replace(contact, stamp=writes.stamp)
        row = None if value is None else encode(value)
        writes.add(ChangedRow(contact.owner, CONTACTS, contact.user, row))
    if contact != before:
        reads.records_of(Contact)[contact.owner, contact.user] = contact
        writes.add(contact)
    return contact


def shown(contact: Contact) -> ContactValue | None:
    """Return the contact as its owner sees it; None when there is nothing to see."""
    state = SHOWN_STATES.get(contact.state)
    if state is None and not (contact.remark or contact.following or contact.blocked):
        return None
    pending = contact.state in (State.SENT, State.RECEIVED)
    return ContactValue(
        state=state or "none",
        since=contact.since if state else UNSET,
        expires_at=contact.expires if pending else UNSET,
        note=contact.note if pending and contact.note else UNSET,
        via=contact.via if state and contact.via else UNSET,
        remark=contact.remark or UNSET,
        circles=[*numbers(contact.circles)] or UNSET,
        following=contact.following,
        blocked=contact.blocked,
    )


def row_of(contact: Contact) -> ContactRow:
    """Return the contact for a reply to its owner."""
    value = shown(contact)
    fields = {} if value is None else to_builtins(value)
    return ContactRow(user=contact.user, stamp=contact.stamp, **fields)


def numbers(bits: int) -> Iterator[int]:
    """Yield the numbers of the circles in `bits`.

    >>> [*numbers(0b1010)]
    [1, 3]
    """
    return (number for number in range(bits.bit_length()) if bits >> number & 1)

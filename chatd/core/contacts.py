"""What one user has of another, and the row in which they see it (protocol.md "Contacts and circles").

A pair of users has two contacts, one for each side. Decisions find both in `reads.records_of(Contact)` by (owner, user)
when their request has the need `contacts` (writer/needs.py), and change them with `put`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from msgspec import UNSET, Struct
from msgspec.structs import replace

from chatd.core.read_set import ReadSet, pair
from chatd.core.sections import CONTACTS, ChangedRow
from chatd.core.standings import befriend, unfriend
from chatd.core.write_set import WriteSet
from chatd.protocol.codec import encode
from chatd.protocol.friends import ContactRow, ContactState


class State(IntEnum):
    """The state of one side, as it is stored. DECLINED is shown as `none`: a decline is told to nobody."""

    NONE = 0
    SENT = 1
    RECEIVED = 2
    DECLINED = 3
    FRIEND = 4


class Contact(Struct, frozen=True, gc=False):
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


@dataclass(slots=True)
class Tally:
    """The number of contacts of one user, of each kind that has a limit.

    `strangers`: those whose requests wait although they had nothing in common, the oldest first, as far as this batch
    may need them. `rows`: all, also those that show nothing.
    """

    sent: int = 0
    received: int = 0
    friends: int = 0
    following: int = 0
    blocked: int = 0
    rows: int = 0
    strangers: list[str] = field(default_factory=list)

    def count(self, contact: Contact, by: int) -> None:
        """Count a contact by 1, or take it out by -1."""
        self.sent += by * (contact.state is State.SENT)
        self.received += by * (contact.state is State.RECEIVED)
        self.friends += by * contact.is_friend
        self.following += by * contact.following
        self.blocked += by * contact.blocked
        self.rows += by * contact.matters


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
    if contact == before:
        return contact
    value = shown(contact)
    if value != shown(before):
        contact = replace(contact, stamp=writes.stamp)
        writes.add(changed_row(contact, value))
    if contact.is_friend != before.is_friend:
        change_friendship(contact, writes, reads)
    reads.records_of(Contact)[contact.owner, contact.user] = contact
    writes.add(contact)
    if tally := reads.records_of(Tally).get(contact.owner):
        tally.count(before, -1)
        tally.count(contact, 1)
    return contact


def change_friendship(contact: Contact, writes: WriteSet, reads: ReadSet) -> None:
    """Change what two users may write to each other in their direct room, which the need `direct_rooms` reads."""
    room = reads.pairs.get(pair(contact.owner, contact.user))
    if room is not None:
        (befriend if contact.is_friend else unfriend)(room, writes)


def rows_again(contact: Contact, writes: WriteSet, reads: ReadSet) -> None:
    """Let a contact change without its owner's notice; one that this batch has stored already is stored again."""
    reads.records_of(Contact)[contact.owner, contact.user] = contact
    if contact.stamp == writes.stamp:
        writes.add(contact, changed_row(contact, shown(contact)))


def changed_row(contact: Contact, value: ContactRow | None) -> ChangedRow:
    return ChangedRow(contact.owner, CONTACTS, contact.user, None if value is None else encode(value))


def tally_of(user: str, reads: ReadSet) -> Tally:
    return reads.records_of(Tally).setdefault(user, Tally())


def shown(contact: Contact) -> ContactRow | None:
    """Return the contact as its owner sees it; None when there is nothing to see."""
    state = SHOWN_STATES.get(contact.state)
    if state is None and not (contact.remark or contact.following or contact.blocked):
        return None
    pending = contact.state in (State.SENT, State.RECEIVED)
    return ContactRow(
        state=state or "none",
        since=contact.since if state else UNSET,
        expires_at=contact.expires if pending else UNSET,
        note=contact.note if pending and contact.note else UNSET,
        via=contact.via if state and contact.via else UNSET,
        remark=contact.remark or UNSET,
        circles=[*numbers(contact.circles)] if contact.circles else UNSET,
        following=contact.following,
        blocked=contact.blocked,
    )


def row_of(contact: Contact) -> ContactRow:
    """Return the contact for a reply to its owner."""
    return replace(shown(contact) or ContactRow(), user=contact.user, stamp=contact.stamp)


def numbers(bits: int) -> Iterator[int]:
    """Yield the numbers of the circles in `bits`.

    >>> [*numbers(0b1010)]
    [1, 3]
    """
    return (number for number in range(bits.bit_length()) if bits >> number & 1)

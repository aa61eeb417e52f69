"""The steps of an erasure. Each may be repeated: it takes away what is there. Synchronous and pure.

A step is one submission of the job (jobs/erasure.py) and touches at most some hundred rows. What it is about stands in
the request, and what is there is read for it: a step that comes twice, or again after a crash, finds nothing to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chatd.core import removal
from chatd.core.accounts import account_of, put_account
from chatd.core.bots import DeletedBot
from chatd.core.contacts import Contact, contact_of, put
from chatd.core.erasures import Erasure, Messages, Reports, put_erasure
from chatd.core.files import KnownFile, drop, give_away
from chatd.core.governance import hides_members
from chatd.core.held_files import card_holders, hold, wallpaper_holder
from chatd.core.members import ensure_owner
from chatd.core.messages import count_reaction, summarise_reactions
from chatd.core.profiles import Card, card_of, put_card
from chatd.core.read_set import ReadSet
from chatd.core.removal import ErasedReactions, Stretch
from chatd.core.room import Room
from chatd.core.sections import ChangedRow
from chatd.core.users import Account, user_revoked
from chatd.core.write_set import Reaction, WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.messages import Event


@dataclass(slots=True, frozen=True)
class Erase:
    """Begin the erasure of a person: from this commit on nobody comes in as them.

    One that is under way, or done and not reopened, is left as it is when it was asked for in the same way. `asked`:
    of one from a list (Unix ms), which is carried out unless a later one is known; 0 for now.
    """

    person: str
    messages: Messages = "recall"
    reports: Reports = "keep"
    asked: int = 0


@dataclass(slots=True, frozen=True)
class EraseEvents:
    """Take away what these events in a room say, all of `person` in a stretch of its log. `recall`: also messages."""

    room: str
    person: str
    seqs: Sequence[int]
    recall: bool
    stretch: Stretch


@dataclass(slots=True, frozen=True)
class EraseReactions:
    """Clear these reactions (seq, emoji) of `person` in a room."""

    room: str
    person: str
    given: Sequence[tuple[int, str]]


@dataclass(slots=True, frozen=True)
class EraseMembership:
    """Let `person` leave a group, and forget how they had set a room."""

    room: str
    person: str


@dataclass(slots=True, frozen=True)
class EraseContacts:
    """Take away what `person` has of these users, and they of them but that they block them."""

    person: str
    others: Sequence[str]


@dataclass(slots=True, frozen=True)
class EraseProfile:
    """Empty the account and the card of `person`, their settings as a bot, and these account rows (section, name)."""

    person: str
    rows: Sequence[tuple[str, str]]


@dataclass(slots=True, frozen=True)
class EraseFiles:
    """Take away these files of `person`, and what these holders hold for them.

    A file that something else holds still, as a report or a message that is kept, is nobody's from then on.
    """

    person: str
    files: Sequence[str]
    holders: Sequence[str]


@dataclass(slots=True, frozen=True)
class EraseRows:
    """Take away rows of one table by its statements (storage/sqlite/erasure.py), as many as one commit may."""

    person: str
    table: str
    reports: Reports


@dataclass(slots=True, frozen=True)
class ErasedRows:
    """A record: rows of `table` are taken away."""

    person: str
    table: str
    reports: Reports


@dataclass(slots=True, frozen=True)
class PurgeRoom:
    """Take away what a deleted room held, as much of it as one commit may."""

    room: str


def erase(user: str, request: Erase, writes: WriteSet, reads: ReadSet) -> Ok:
    known = reads.records_of(Erasure).get(request.person)
    if known is not None and is_known(known, request):
        return Ok()
    if known is not None and not known.done:
        raise Refused("conflict", "this person is being erased in another way")
    asked = request.asked or writes.now
    new = Erasure(request.person, asked, request.messages, request.reports, due=asked)
    put_erasure(new, writes, reads)
    shut_out(request.person, writes, reads)
    return Ok()


def is_known(known: Erasure, request: Erase) -> bool:
    """Whether an erasure has nothing to add to the last one."""
    if request.asked:
        return request.asked <= known.asked
    is_same = (request.messages, request.reports) == (known.messages, known.reports)
    return is_same and not known.is_over


def shut_out(person: str, writes: WriteSet, reads: ReadSet) -> None:
    account = user_revoked(account_of(person, writes, reads), writes.now)
    put_account(replace(account, disabled=True), writes, reads)


def blank(account: Account) -> Account:
    """Return a closed account of which only is left what keeps somebody out: marks, and a restriction."""
    return Account(
        account.user,
        version=account.version,
        disabled=True,
        generation=account.generation,
        revoked_before=account.revoked_before,
        created_at=account.created_at,
        restriction=account.restriction,
    )


def erase_events(user: str, request: EraseEvents, writes: WriteSet, reads: ReadSet) -> Ok:
    room = reads.rooms.get(request.room)
    if room is None or not request.seqs:
        return Ok()
    if request.recall:
        found = [reads.messages.get((room.number, seq)) for seq in request.seqs]
        own = [one for one in found if one is not None and one.event.user == request.person]
        removal.erase(room, request.person, own, request.stretch, writes, reads)
    writes.add(ErasedReactions(room.number, request.person, request.seqs))
    return Ok()


def erase_reactions(user: str, request: EraseReactions, writes: WriteSet, reads: ReadSet) -> Ok:
    room = reads.rooms.get(request.room)
    if room is None:
        return Ok()
    for seq in dict.fromkeys(seq for seq, _ in request.given):
        message = reads.messages.get((room.number, seq))
        given = [emoji for at, emoji in request.given if at == seq]
        writes.add(*(Reaction(room.number, seq, request.person, emoji, set=False) for emoji in given))
        if message is not None:
            for emoji in given:
                count_reaction(message, request.person, emoji, False)
            summarise_reactions(room, message, writes)
    return Ok()


def erase_membership(user: str, request: EraseMembership, writes: WriteSet, reads: ReadSet) -> Ok:
    room = reads.rooms.get(request.room)
    if room is None or room.known(request.person) is None:
        return Ok()
    member = writes.touch_known(room, request.person)
    hold(wallpaper_holder(request.person, room), "", writes, reads)
    member.muted_until, member.pinned, member.hidden = 0, False, 0
    member.folder, member.unread_mark = 0, False
    member.notify, member.extras = "", b""
    if not room.direct and request.person in room.members:
        leave(room, request.person, writes, reads)
    return Ok()


def leave(room: Room, person: str, writes: WriteSet, reads: ReadSet) -> None:
    """End a membership as `room.leave` does."""
    is_logged = room.scale <= reads.rules.large_members and not hides_members(room)
    writes.remove_member(room, person, "left")
    writes.refreshed[room.number, "*"] = room
    if is_logged:
        writes.append(room, Event(seq=0, kind="left", user=person, users=[person]))
    ensure_owner(room, person, writes)


def erase_contacts(user: str, request: EraseContacts, writes: WriteSet, reads: ReadSet) -> Ok:
    for other in request.others:
        mine, theirs = contact_of(request.person, other, reads), contact_of(other, request.person, reads)
        put(Contact(request.person, other, stamp=mine.stamp), writes, reads)
        put(Contact(other, request.person, blocked=theirs.blocked, stamp=theirs.stamp), writes, reads)
    return Ok()


def erase_profile(user: str, request: EraseProfile, writes: WriteSet, reads: ReadSet) -> Ok:
    account = account_of(request.person, writes, reads)
    for holder in card_holders(request.person):
        hold(holder, "", writes, reads)
    if card_of(request.person, reads) != Card(request.person):
        account = put_card(blank(account), Card(request.person), writes, reads)
    elif account != blank(account):
        # Phones that cache a profile compare versions.
        account = replace(blank(account), version=account.version + 1)
    put_account(account, writes, reads)
    writes.add(DeletedBot(request.person))
    writes.add(*(ChangedRow(request.person, section, name, None) for section, name in request.rows))
    return Ok()


def erase_files(user: str, request: EraseFiles, writes: WriteSet, reads: ReadSet) -> Ok:
    for holder in request.holders:
        hold(holder, "", writes, reads)
    for name in request.files:
        known = reads.records_of(KnownFile).get(name)
        if known is None or known.file.owner != request.person:
            continue
        if known.uses:
            give_away(known, writes, reads)
        else:
            drop(known, writes, reads)
    return Ok()


def erase_rows(user: str, request: EraseRows, writes: WriteSet, reads: ReadSet) -> Ok:
    writes.add(ErasedRows(request.person, request.table, request.reports))
    return Ok()


def purge_room(user: str, request: PurgeRoom, writes: WriteSet, reads: ReadSet) -> Ok:
    room = reads.rooms.get(request.room)
    if room is not None and room.deleted_by is not None:
        removal.purge(room, writes, reads)
    return Ok()

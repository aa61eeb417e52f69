"""The messages of an import (imports.py). Synchronous and pure."""

from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from msgspec import UNSET, Struct, UnsetType, structs

from chatd.core.attachments import Resolved, Resolver, attach
from chatd.core.cards import check_card, check_spans
from chatd.core.imports import Imported, is_erased, past
from chatd.core.messages import check_body, note_written
from chatd.core.read_set import ReadSet, Rules
from chatd.core.room import Member, Room
from chatd.core.write_set import NewEvent, Reaction, WriteSet
from chatd.protocol.codec import encode
from chatd.protocol.emoji import normal_form
from chatd.protocol.errors import Refused
from chatd.protocol.limits import EMOJI_BYTES_MAX, REACTIONS_MAX
from chatd.protocol.messages import MESSAGE, Body, Event, LooseAttachment, ReactionCount

# Keys with a colon are none of a client's.
KEY_PREFIX = "i:"
KEY_BYTES = 16


def key_of(name: str) -> str:
    """Return the key under which a message is stored that has this name elsewhere.

    >>> key_of("1546215120.504800")
    'i:BXpaFNpIzVHAzyrNXOI6Rw'
    """
    digest = sha256(name.encode()).digest()[:KEY_BYTES]
    return KEY_PREFIX + urlsafe_b64encode(digest).decode().rstrip("=")


class Ref(NamedTuple):
    """A message, by its author and the key under which it is stored."""

    user: str
    key: str


class PastMessage(Struct, frozen=True, kw_only=True):
    """A message as it is now elsewhere. `line`: where it stands in an upload. `key`: from `key_of`. Times are Unix ms.

    `edited`: when it was changed last, 0 for never. `reactions`: users by emoji.
    """

    line: int
    user: str
    key: str
    time: int
    body: Body
    reply_to: Ref | None = None
    thread: Ref | None = None
    edited: int = 0
    recalled: bool = False
    reactions: Mapping[str, Collection[str]] = {}


@dataclass(slots=True, frozen=True)
class ImportMessages:
    """Add messages to the log of a room that was imported, in this order."""

    room: str
    messages: Sequence[PastMessage]


@dataclass(slots=True)
class KnownLog:
    """The log of a room as an import looks at it: the seq of messages by author and key, and the time of its end."""

    seqs: dict[tuple[str, str], int]
    time: int


def import_messages(user: str, request: ImportMessages, writes: WriteSet, reads: ReadSet) -> Imported:
    done = Imported()
    room = reads.rooms.get(request.room)
    if room is None or room.deleted_by is not None:
        done.left_out += [("room_deleted", one.line) for one in request.messages]
        return done
    log = reads.records_of(KnownLog)[room.number]
    last = writes.steps.get(room.number, [None])[-1]
    if isinstance(last, NewEvent) and last.event.time is not UNSET:
        log.time = max(log.time, last.event.time)
    for one in request.messages:
        if (one.user, one.key) in log.seqs:
            done.duplicates += 1
            continue
        if reason := note_author(room, one.user, writes, reads):
            done.left_out.append((reason, one.line))
            continue
        found = with_files(one, done, writes, reads)
        body = fitting(one, found.body, done, reads.rules)
        if body is not None:
            seq = add_message(room, one, linked(body, one, log, done), log, done, writes, reads)
            attach(one.user, found, room, seq, writes, reads)
    return done


def with_files(one: PastMessage, done: Imported, writes: WriteSet, reads: ReadSet) -> Resolved:
    """Return the body of a message with the facts of its files, without those that its author has not uploaded."""
    found, kept = Resolved(one.body), []
    if one.recalled:
        return found
    resolver = Resolver(one.user, (), found, writes, reads)
    for attachment in one.body.attachments or ():
        if isinstance(attachment, LooseAttachment):
            # The message it would be forwarded from is one of elsewhere.
            attachment = structs.replace(attachment, from_=UNSET)
        try:
            kept.append(resolver.resolve(attachment))
        except Refused:
            done.mended.append(("file_unknown", one.line))
    if kept != (one.body.attachments or []):
        found.body = structs.replace(one.body, attachments=kept or UNSET)
    with_shared(one, found, done, writes, reads)
    return found


def with_shared(one: PastMessage, found: Resolved, done: Imported, writes: WriteSet, reads: ReadSet) -> None:
    """Take a card that is none from a body, whose text stands for it, and spans that are none."""
    body = found.body
    if body.card is not UNSET:
        shown = Resolved(body)
        try:
            check_card(body.card, reads.rules.image_hosts)
            card = Resolver(one.user, (), shown, writes, reads).resolve_card(body.card)
            found.body = structs.replace(found.body, card=card)
            found.files += shown.files
        except Refused:
            found.body = structs.replace(found.body, card=UNSET)
            done.mended.append(("card_dropped", one.line))
    if body.spans is not UNSET:
        try:
            check_spans(body.spans, body)
        except Refused:
            found.body = structs.replace(found.body, spans=UNSET)
            done.mended.append(("spans_dropped", one.line))


def note_author(room: Room, user: str, writes: WriteSet, reads: ReadSet) -> str:
    """Have `user` known to a room; return the reason for which they cannot be, "" without one."""
    if is_erased(user, reads):
        return "erased"
    if room.known(user) is None:
        if room.direct:
            return "not_of_two"
        gone = Member(
            user, "member", 0, first_visible=1, read=room.seq, read_ordinal=room.ordinal, gone="left"
        )
        writes.add_former(room, gone)
    return ""


def fitting(one: PastMessage, body: Body, done: Imported, rules: Rules) -> Body | None:
    """Return the body of a message, its text cut where it is too long; None when it is left out."""
    if one.recalled:
        return body
    # What the host says is forwarded is.
    origin, body = body.forwarded, structs.replace(body, forwarded=UNSET)
    try:
        try:
            check_body(body, rules, files=True)
        except Refused as refused:
            if refused.code != "too_large" or body.text is UNSET:
                raise
            text = body.text.encode()
            over = len(encode(body)) - rules.body_bytes
            # A shorter text has no more bytes in its header.
            cut = text[: max(0, len(text) - over)].decode(errors="ignore")
            body = structs.replace(body, text=cut or UNSET, spans=UNSET)
            check_body(body, rules, files=True)
            done.mended.append(("text_cut", one.line))
    except Refused as refused:
        reason = "body_too_large" if refused.code == "too_large" else "body_empty"
        done.left_out.append((reason, one.line))
        return None
    return body if origin is UNSET else structs.replace(body, forwarded=origin)


def linked(body: Body, one: PastMessage, log: KnownLog, done: Imported) -> Body:
    """Return a body with the seqs of the messages that it names, as far as they are here."""
    if one.recalled or (one.reply_to is None and one.thread is None):
        return body
    found: dict[str, int | UnsetType] = {}
    for name, ref in (("reply_to", one.reply_to), ("thread", one.thread)):
        if ref is None:
            continue
        if ref in log.seqs:
            found[name] = log.seqs[ref]
        else:
            done.mended.append((f"{name}_unknown", one.line))
    return structs.replace(body, **found)


def add_message(
    room: Room, one: PastMessage, body: Body, log: KnownLog, done: Imported, writes: WriteSet, reads: ReadSet
) -> int:
    """Add a message to the log, silent and in its current state; return its seq."""
    time = log.time = past(one.time, log.time, one.line, done, writes)
    event = Event(seq=0, kind=MESSAGE, user=one.user, time=time, key=one.key)
    if one.recalled:
        event = structs.replace(event, recalled=True)
    else:
        event.body = body
        if one.edited:
            event.edited = min(max(one.edited, time), writes.now)
    writes.touch(room)
    room.time = max(room.time, time)
    if room.direct:
        note_written(room, one.user, writes, reads.rules.shown_to)
    given = {} if one.recalled or not one.reactions else reactions(room, one, done, writes, reads)
    if given:
        event.reactions = [ReactionCount(emoji, len(users)) for emoji, users in given.items()]
    writes.append(room, event, key=one.key, past=True)
    for emoji, users in given.items():
        writes.add(*(Reaction(room.number, event.seq, user, emoji, set=True) for user in users))
    log.seqs[one.user, one.key] = event.seq
    done.messages += 1
    return event.seq


def reactions(
    room: Room, one: PastMessage, done: Imported, writes: WriteSet, reads: ReadSet
) -> dict[str, dict[str, None]]:
    """Return the users by emoji, in normal form, without those that the protocol does not allow."""
    found: dict[str, dict[str, None]] = {}
    for given, users in one.reactions.items():
        emoji = normal_form(given) if len(given.encode()) <= EMOJI_BYTES_MAX else None
        if emoji is None or (emoji not in found and len(found) >= REACTIONS_MAX):
            done.mended.append(("reaction_unknown" if emoji is None else "reactions_many", one.line))
            continue
        known = [user for user in users if not note_author(room, user, writes, reads)]
        if len(known) < len(users):
            done.mended.append(("reaction_of_stranger", one.line))
        if known:
            found.setdefault(emoji, {}).update(dict.fromkeys(known))
    return found

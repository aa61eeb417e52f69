"""Files in messages: which a message may hold, and what becomes of one that no message holds any more.

A body names a file of this server by its url. What else an attachment says of it, but its name and its `alt`, is
written here, from the facts of the file: so no message lies about a file, and facts never change. Forwarding makes a
file of the forwarder's own on the same objects, so that each owner is charged, and may take theirs away.
Synchronous and pure.
"""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from msgspec import UNSET, UnsetType, structs

from chatd.core.cards import pictures, with_pictures
from chatd.core.files import (
    File,
    FileChange,
    KnownFile,
    account_of,
    add_file,
    charge,
    check_quota,
    drop,
    file_of,
    put,
)
from chatd.core.own_view import sees
from chatd.core.permissions import member_of
from chatd.core.read_set import ReadSet
from chatd.core.room import Room
from chatd.core.write_set import WriteSet
from chatd.protocol.cards import Card
from chatd.protocol.errors import Refused
from chatd.protocol.media import SCHEME, Place
from chatd.protocol.messages import Attachment, Body, LooseAttachment

# Keys of an attachment that only the server writes, of its own files.
FACTS = ("kind", "sizes", "waveform", "expires_at")
# What a player shows before it has fetched anything.
CLAIMS = ("width", "height", "duration", "preview", "waveform")
# Kinds of files that a card shows.
SHOWN = ("picture", "sticker")
# One that is not known yet may be soon.
NOT_READY_RETRY_MS = 1000


@dataclass(slots=True, frozen=True)
class AttachedAt:
    """A message, by room number and seq, holds a file. Decisions keep those that were read current."""

    room: int
    seq: int
    file: str


@dataclass(slots=True, frozen=True)
class DetachedAt:
    """A message does not hold a file any more."""

    room: int
    seq: int
    file: str


@dataclass(slots=True, frozen=True)
class SharedObjects:
    """A file has the same renditions as `source`."""

    file: str
    source: str


@dataclass(slots=True)
class FileIds:
    """Ids of files, drawn for those that a batch may make."""

    ids: list[str]


@dataclass(slots=True)
class Resolved:
    """A body as it is stored, and its files. `forwarded`: those that it makes, each of a file, with its attachment."""

    body: Body
    files: list[KnownFile] = field(default_factory=list)
    forwarded: list[tuple[KnownFile, Attachment]] = field(default_factory=list)


def named_files(body: Body | UnsetType) -> Iterator[str]:
    """Yield the ids of the files of this server that a body names."""
    if body is UNSET:
        return
    if body.attachments is not UNSET:
        for one in body.attachments:
            if name := file_of(one.url):
                yield name
    if body.card is not UNSET:
        yield from (name for _, url in pictures(body.card) if (name := file_of(url)))


def forwards(body: Body | UnsetType) -> Iterator[tuple[str, Place]]:
    """Yield the files that a body forwards, each with the message that it is forwarded from."""
    if body is not UNSET and body.attachments is not UNSET:
        for one in body.attachments:
            if isinstance(one, LooseAttachment) and one.from_ is not UNSET and one.url.startswith(SCHEME):
                yield file_of(one.url), one.from_


def without_files(body: Body) -> None:
    """Refuse a body that names files of this server, where nobody attaches them."""
    if any(True for _ in named_files(body)):
        raise Refused("bad_request", "no files of this server here", field="body.attachments")


def resolve(
    user: str, body: Body, room: Room, writes: WriteSet, reads: ReadSet, held: Container[str] = ()
) -> Resolved:
    """Return a body of `user` as it is stored. It changes nothing.

    `held`: the files that the message holds already. Raises Refused: `not_found` for a file that is not theirs to send,
    `not_ready`, `quota`.
    """
    found = resolve_files(user, body, writes, reads, held)
    check_space(user, room, found, held, reads)
    return found


def resolve_files(
    user: str,
    body: Body,
    writes: WriteSet,
    reads: ReadSet,
    held: Container[str] = (),
    source: Place | UnsetType = UNSET,
) -> Resolved:
    """Do the same, whatever the files take. `source`: the message from which all of them are forwarded."""
    found = Resolved(body)
    resolver = Resolver(user, held, found, writes, reads)
    if body.attachments is not UNSET:
        attachments: list[Attachment] = []
        for place, one in enumerate(body.attachments):
            try:
                attachments.append(resolver.resolve(one, source))
            except Refused as refused:
                refused.field = f"body.attachments[{place}].{refused.field}"
                raise
        if any(before is not after for before, after in zip(body.attachments, attachments, strict=True)):
            found.body = structs.replace(body, attachments=attachments)
    if body.card is not UNSET:
        card = resolver.resolve_card(body.card, source)
        if card is not body.card:
            found.body = structs.replace(found.body, card=card)
    return found


@dataclass(slots=True, frozen=True)
class Resolver:
    """The files of one body of `user`, each noted in `found` as it is resolved."""

    user: str
    held: Container[str]
    found: Resolved
    writes: WriteSet
    reads: ReadSet

    def resolve_card(self, card: Card, source: Place | UnsetType = UNSET) -> Card:
        """Return a card with the addresses of its pictures as it is stored, and note its files."""
        urls: dict[str, str] = {}
        for name, url in pictures(card):
            if not file_of(url):
                continue
            try:
                resolved = self.resolve(Attachment(url=url, mime=""), source)
                if resolved.kind not in SHOWN:
                    raise Refused("not_found", "no such picture")
            except Refused as refused:
                refused.field = f"body.card.{name}"
                raise
            if resolved.url != url:
                urls[name] = resolved.url
        return with_pictures(card, urls) if urls else card

    def resolve(self, one: Attachment, source: Place | UnsetType = UNSET) -> Attachment:
        """Return one attachment as it is stored, and note its file."""
        if not one.url.startswith(SCHEME):
            return of_elsewhere(one)
        user, reads = self.user, self.reads
        if not reads.rules.media.enabled:
            raise Refused("not_supported", "this server stores no files", field="url")
        name = file_of(one.url)
        if source is UNSET and isinstance(one, LooseAttachment):
            source = one.from_
        known = reads.records_of(KnownFile).get(name)
        if source is not UNSET:
            known = forwarded(user, known, source, reads)
        elif known is None or not may_attach(user, known, self.held):
            raise Refused("not_found", "no such file", field="url")
        file = known.file
        due_at = file.due_at if name in self.held else kept_until(known, self.writes, reads)
        # The name is that of the message, which was screened.
        said = {"name": one.name, "alt": one.alt, **claims(file, one)}
        attachment = structs.replace(file.facts, expires_at=due_at or UNSET, **said)
        if source is UNSET or file.owner == user or known.is_sticker:
            self.found.files.append(known)
            return attachment
        attachment = structs.replace(attachment, url=SCHEME + reads.records_of(FileIds)["new"].ids.pop())
        self.found.forwarded.append((known, attachment))
        return attachment


def claims(file: File, one: Attachment) -> dict[str, Any]:
    """Return what the author says of sound or video that was not opened here."""
    if file.kind not in ("voice", "video"):
        return {}
    return {name: getattr(one, name) for name in CLAIMS if getattr(file.facts, name) is UNSET}


def of_elsewhere(one: Attachment) -> Attachment:
    """Return an attachment that lies elsewhere, without what only this server says of files."""
    if isinstance(one, LooseAttachment) and one.from_ is not UNSET:
        raise Refused("bad_request", "only files of this server are forwarded", field="from")
    said = [name for name in FACTS if getattr(one, name) is not UNSET]
    return structs.replace(one, **dict.fromkeys(said, UNSET)) if said else one


def may_attach(user: str, known: KnownFile, held: Container[str]) -> bool:
    """Whether a message of `user` may hold a file. Raises Refused("not_ready") for one that it soon may."""
    file = known.file
    if file.state == "ready" and (known.is_sticker or file.file in held):
        return True
    if file.owner != user or file.purpose != "message" or file.state not in ("uploading", "ready"):
        return False
    if file.state == "uploading":
        raise not_ready("url")
    return True


def not_ready(field: str) -> Refused:
    return Refused(
        "not_ready", "the file is not whole, or not inspected", retry_after=NOT_READY_RETRY_MS, field=field
    )


def forwarded(user: str, known: KnownFile | None, source: Place, reads: ReadSet) -> KnownFile:
    """Return a file that `user` sees in a message. Nobody learns of one that they do not see."""
    try:
        room = reads.rooms.get(source.room)
        member = member_of(room, user)
    except Refused:
        room = None
    if known is None or room is None or not sees(member, source.seq):
        raise Refused("not_found", "no such file in such a message", field="from")
    check_leaves(room)
    place = (room.number, source.seq, known.file.file)
    if known.file.state != "ready" or place not in reads.records_of(AttachedAt):
        raise Refused("not_found", "no such file in such a message", field="from")
    return known


def check_leaves(room: Room) -> None:
    """Refuse to take a message out of a room whose rules keep them there."""
    if room.details.policy.no_forward is True:
        raise Refused("forbidden", "messages of this room are not forwarded", field="from")


def check_space(user: str, room: Room, found: Resolved, held: Container[str], reads: ReadSet) -> None:
    """Refuse files that are more than their room, or, of forwarded ones, their new owner may keep."""
    copied = sum(known.file.charged for known, _ in found.forwarded)
    if copied and user:
        check_quota(account_of(user), copied, reads.rules.media.user_bytes, "user", reads)
    added = copied + sum(known.file.charged for known in found.files if known.file.file not in held)
    if added:
        check_quota(room_account(room.number), added, reads.rules.media.room_bytes, "room", reads)


def attach(user: str, found: Resolved, room: Room, seq: int, writes: WriteSet, reads: ReadSet) -> None:
    """Let a message hold the files of its body."""
    for known, attachment in found.forwarded:
        new, facts = file_of(attachment.url), structs.replace(attachment, alt=UNSET, expires_at=UNSET)
        file = replace(known.file, file=new, owner=user, key=None, created_at=writes.now, facts=facts, room=0)
        found.files.append(add_file(file, writes, reads))
        writes.add(FileChange(SharedObjects(new, known.file.file)))
    places = reads.records_of(AttachedAt)
    for known in found.files:
        place = AttachedAt(room.number, seq, known.file.file)
        if (place.room, place.seq, place.file) in places:
            continue
        places[place.room, place.seq, place.file] = place
        known.uses += 1
        charge(room_account(room.number), known.file.charged, 1, writes, reads)
        writes.add(FileChange(place))
        due_at = kept_until(known, writes, reads)
        if known.file.due_at != due_at:
            put(known, replace(known.file, due_at=due_at), writes)


def kept_until(known: KnownFile, writes: WriteSet, reads: ReadSet) -> int:
    """Return until when a file is kept that is sent now, 0 for ever; a sticker is, as long as it is offered."""
    kept_ms = 0 if known.is_sticker else reads.rules.media.kept_ms.get(known.file.kind, 0)
    return kept_ms and writes.now + kept_ms


def detach(room: int, seq: int, files: Iterable[str], writes: WriteSet, reads: ReadSet) -> None:
    """Take files out of a message. One that nothing holds any more goes."""
    places, rows = reads.records_of(AttachedAt), reads.records_of(KnownFile)
    for name in dict.fromkeys(files):
        if places.pop((room, seq, name), None) is None:
            continue
        known = rows[name]
        charge(room_account(room), -known.file.charged, -1, writes, reads)
        writes.add(FileChange(DetachedAt(room, seq, name)))
        release(known, writes, reads)


def release(known: KnownFile, writes: WriteSet, reads: ReadSet) -> None:
    """Note that a file has lost one of its uses."""
    known.uses -= 1
    if not known.uses and known.file.state == "ready":
        drop(known, writes, reads)


def exchange(
    user: str, before: Iterable[str], found: Resolved, room: Room, seq: int, writes: WriteSet, reads: ReadSet
) -> None:
    """Let a message hold the files of its new body in place of those `before`."""
    attach(user, found, room, seq, writes, reads)
    after = {known.file.file for known in found.files}
    detach(room.number, seq, [name for name in before if name not in after], writes, reads)


def room_account(room: int) -> str:
    """Return the account that the files in the messages of a room are charged on."""
    return f"r:{room}"

"""Files that something other than a message holds: pictures of cards and rooms, wallpapers, reports, stickers.

A holder is named by its kind: `avatar:u:USER`, `cover:u:USER`, `wallpaper:u:USER:ROOM`, `avatar:r:ROOM`,
`scheduled:u:USER:KEY`, `report:NUMBER`, `sticker:NAME`, with rooms by number. Synchronous and pure.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from msgspec import UnsetType

from chatd.core.attachments import not_ready, release
from chatd.core.extras import WALLPAPER, extra, put_extra
from chatd.core.files import STICKER, FileChange, KnownFile, file_of, put
from chatd.core.read_set import ReadSet
from chatd.core.room import Room
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.media import SCHEME, Purpose

REPORT = "report:"


@dataclass(slots=True, frozen=True)
class Holding:
    """The files of one holder, as they were read for a batch. Decisions keep it current."""

    files: tuple[str, ...] = ()


@dataclass(slots=True, frozen=True)
class Held:
    """Something holds a file."""

    holder: str
    file: str


@dataclass(slots=True, frozen=True)
class Released:
    """Something does not hold a file any more."""

    holder: str
    file: str


@dataclass(slots=True, frozen=True)
class PutSticker:
    """The host app offers a picture to everybody under a name; `file`: "" for none any more."""

    name: str
    file: str


def card_holders(user: str) -> tuple[str, str]:
    """Return the holders of the avatar and the cover of a user."""
    return f"avatar:u:{user}", f"cover:u:{user}"


def avatar_holder(room: Room) -> str:
    """Return the holder of the avatar of a room."""
    return f"avatar:r:{room.number}"


def wallpaper_holder(user: str, room: Room) -> str:
    """Return the holder of the wallpaper behind a room, which its user alone sees."""
    return f"wallpaper:u:{user}:{room.number}"


def check_picture(
    url: str | UnsetType | None, purpose: Purpose, owners: Collection[str], field: str, reads: ReadSet
) -> None:
    """Refuse a picture that is a file of this server and not one of its owners for that purpose, or not ready."""
    name = file_of(url) if isinstance(url, str) else ""
    if not name:
        return
    if not reads.rules.media.enabled:
        raise Refused("not_supported", "this server stores no files", field=field)
    known = reads.records_of(KnownFile).get(name)
    file = None if known is None else known.file
    is_theirs = file is not None and file.owner in owners and file.purpose == purpose
    if file is None or not is_theirs or file.state not in ("uploading", "ready"):
        raise Refused("not_found", f"no such file for a {purpose}", field=field)
    if file.state == "uploading":
        raise not_ready(field)


def scheduled_holder(user: str, key: str) -> str:
    """Return the holder of the files of a message that is to be sent later."""
    return f"scheduled:u:{user}:{key}"


def hold(holder: str, url: str, writes: WriteSet, reads: ReadSet) -> None:
    """Let `holder` hold the file that `url` names, and no other."""
    hold_all(holder, [file_of(url)], writes, reads)


def hold_all(holder: str, files: Iterable[str], writes: WriteSet, reads: ReadSet) -> None:
    """Let `holder` hold those of these files that were read, and no other."""
    holdings, rows = reads.records_of(Holding), reads.records_of(KnownFile)
    wanted = tuple(name for name in dict.fromkeys(files) if name in rows)
    before = holdings.get(holder, Holding()).files
    holdings[holder] = Holding(wanted)
    for file in wanted:
        if file not in before:
            add(holder, rows[file], writes)
    for file in before:
        if file not in wanted:
            writes.add(FileChange(Released(holder, file)))
            release(rows[file], writes, reads)


def add(holder: str, known: KnownFile, writes: WriteSet) -> None:
    known.uses += 1
    known.holders = (*known.holders, holder)
    writes.add(FileChange(Held(holder, known.file.file)))
    if known.file.due_at and not holder.startswith(REPORT):
        put(known, replace(known.file, due_at=0), writes)


def has_wallpaper(room: Room, user: str) -> bool:
    """Whether a present or former member has a wallpaper that this server stores."""
    member = room.known(user)
    return member is not None and file_of(extra(member, WALLPAPER) or "") != ""


def drop_wallpaper(room: Room, user: str, writes: WriteSet, reads: ReadSet) -> None:
    """Take the wallpaper from a member who leaves, if this server stores it: nobody sees it any more."""
    if has_wallpaper(room, user):
        hold(wallpaper_holder(user, room), "", writes, reads)
        put_extra(writes.touch_known(room, user), WALLPAPER, None)


def release_all(known: KnownFile, writes: WriteSet, reads: ReadSet) -> None:
    """Take a file from everything that holds it, but messages; it is dropped by the caller."""
    for holder in known.holders:
        writes.add(FileChange(Released(holder, known.file.file)))
        reads.records_of(Holding)[holder] = Holding()
    known.uses -= len(known.holders)
    known.holders = ()


def put_sticker(user: str, request: PutSticker, writes: WriteSet, reads: ReadSet) -> Ok:
    """Offer a picture of the host app to everybody; Refused("not_found") for what is no sticker of it."""
    if request.file:
        known = reads.records_of(KnownFile).get(request.file)
        if known is None or known.file.kind != "sticker":
            raise Refused("not_found", "no such sticker", field="file")
        check_picture(SCHEME + request.file, "message", ("",), "file", reads)
    hold(STICKER + request.name, SCHEME + request.file if request.file else "", writes, reads)
    return Ok()

"""The needs of decisions on files."""

from collections.abc import Iterable, Mapping, Sequence

from chatd.core.accounts import Amend
from chatd.core.attachments import AttachedAt, FileIds, forwards, named_files, room_account
from chatd.core.channels import RemoveFollowers
from chatd.core.erasure_steps import EraseFiles, EraseMembership, EraseProfile, PurgeRoom
from chatd.core.files import (
    FILE_ID_BYTES,
    STICKER,
    BeginFile,
    BlockedDigest,
    CollectFiles,
    ContinueFile,
    DropFile,
    FileOfKey,
    FinishFile,
    ForgetDeleted,
    KnownFile,
    OpenUploads,
    RefuseFile,
    TakeDown,
    Usage,
    account_of,
    file_id,
    file_of,
)
from chatd.core.held_files import (
    Holding,
    PutSticker,
    avatar_holder,
    card_holders,
    has_wallpaper,
    wallpaper_holder,
)
from chatd.core.imports import ImportUser
from chatd.core.moderation import ForgetReports
from chatd.core.push_preferences import PREFERENCES
from chatd.core.read_set import ReadSet
from chatd.core.retention import OldMessages, PurgeOld
from chatd.core.room import Room
from chatd.core.uploads import OPEN_UPLOADS_MS
from chatd.core.write_set import Message, NewEvent
from chatd.protocol.codec import decode_page
from chatd.protocol.members import MembersRemove, RoomLeave
from chatd.protocol.messages import MESSAGE, Event
from chatd.protocol.rooms import Preferences, RoomDelete, RoomUpdate
from chatd.protocol.users import ProfileSet
from chatd.storage.files import FileQuery
from chatd.writer.account_needs import read_account_rows
from chatd.writer.sources import Need, Sources, Submitted


async def begun(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read whether keys of uploads were used, what their owners keep, and how many uploads they have open."""
    owners = {asked.request.owner for asked in batch}
    query = FileQuery(
        keys={(asked.request.owner, asked.request.key) for asked in batch if asked.request.key},
        accounts={account_of(owner) for owner in owners},
        uploading=owners,
        begun_since=sources.env.now_ms() - OPEN_UPLOADS_MS,
    )
    await read_files(sources, query, reads)


async def named(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the files that requests name, and whether their bytes are blocked."""
    finished = [asked.request for asked in batch if isinstance(asked.request, FinishFile)]
    digests = {request.source for request in finished}
    digests.update(one.digest for request in finished for one in request.objects if one.variant == "full")
    await read_files(sources, FileQuery({asked.request.file for asked in batch}, digests=digests), reads)


async def sent(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the files that bodies name, whether they are where they are forwarded from, and what is kept already."""
    if not reads.rules.media.enabled:
        return
    wanted, places, accounts = set[str](), set[tuple[int, int, str]](), set[str]()
    count = 0
    for asked in batch:
        body, room = asked.request.body, reads.rooms.get(asked.request.room)
        names = [*named_files(body)]
        if not names or room is None:
            continue
        wanted.update(names)
        accounts |= {account_of(asked.user), room_account(room.number)}
        for name, place in forwards(body):
            count += 1
            source = reads.rooms.get(place.room)
            if source is not None:
                places.add((source.number, place.seq, name))
    if wanted:
        await read_files(sources, FileQuery(wanted, accounts=accounts, places=places), reads)
        draw_ids(count, sources, reads)


def draw_ids(count: int, sources: Sources, reads: ReadSet) -> None:
    """Draw ids for so many files that the batch may make."""
    ids = [file_id(sources.env.random_bytes(FILE_ID_BYTES)) for _ in range(count)]
    reads.records_of(FileIds).setdefault("new", FileIds([])).ids += ids


async def forwarded(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the messages that are forwarded, the files they hold, and whether their authors let themselves be named."""
    places: dict[tuple[int, int], Room] = {}
    authors, accounts = set[str](), set[str]()
    asked_for: list[tuple[Room, Sequence[int]]] = []
    for asked in batch:
        request = asked.request
        room, source = reads.rooms.get(request.room), reads.rooms.get(request.from_)
        if room is not None and source is not None and source.member(asked.user) is not None:
            places.update({(source.number, seq): source for seq in request.seqs})
            asked_for.append((source, request.seqs))
            accounts |= {account_of(asked.user), room_account(room.number)}
    if not places:
        return
    names: dict[tuple[int, int], list[str]] = {}
    credited = {asked.request.from_ for asked in batch if asked.request.credit}
    for place, event in (await sources.store.messages_at(places.keys())).items():
        reads.messages.setdefault(place, Message(places[place], event))
        names[place] = [*named_files(event.body)]
        if places[place].name in credited and isinstance(event.user, str):
            authors.add(event.user)
    if held := {(*place, name) for place in names for name in names[place]}:
        await read_files(
            sources, FileQuery({name for *_, name in held}, accounts=accounts, places=held), reads
        )
        copied = (names.get((source.number, seq), ()) for source, seqs in asked_for for seq in seqs)
        draw_ids(sum(map(len, copied)), sources, reads)
    if authors:
        await read_account_rows(sources, {(author, PREFERENCES) for author in authors}, reads)


async def removed(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read files that may have to go, with some of the messages that hold them."""
    wanted = {name for asked in batch for name in names_of(asked.request)}
    await read_files(sources, FileQuery(wanted, is_removal=True), reads)


def names_of(request: CollectFiles | ForgetDeleted | TakeDown) -> Iterable[str]:
    return (request.file,) if isinstance(request, TakeDown) else request.files


async def stickers(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the stickers that are about to change."""
    files = {asked.request.file for asked in batch if asked.request.file}
    holders = {STICKER + asked.request.name for asked in batch}
    await read_files(sources, FileQuery(files, holders=holders), reads)


async def pictures(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the pictures that requests name, and those of the cards, rooms and wallpapers that they change."""
    files, holders = set[str](), set[str]()
    for asked in batch:
        urls, changed = pictures_of(asked, reads)
        files.update(file for url in urls if (file := file_of(url)))
        holders.update(changed)
    if files or holders:
        await read_files(sources, FileQuery(files, holders=holders), reads)


def pictures_of(asked: Submitted, reads: ReadSet) -> tuple[Iterable[str], Iterable[str]]:
    """Return the addresses of pictures that a request gives, and the holders whose picture it changes."""
    request, user = asked.request, asked.user
    name = getattr(request, "room", "")
    room = reads.rooms.get(name) if isinstance(name, str) else None
    if isinstance(request, EraseProfile):
        return (), card_holders(request.person)
    if isinstance(request, RoomDelete):
        return (), () if room is None else (avatar_holder(room),)
    if isinstance(request, RoomLeave | MembersRemove | RemoveFollowers):
        users = [user] if isinstance(request, RoomLeave) else request.users
        return (), () if room is None else wallpapers_of(room, users)
    if isinstance(request, EraseMembership):
        return (), () if room is None else (wallpaper_holder(request.person, room),)
    if isinstance(request, Preferences):
        given = [request.wallpaper] if isinstance(request.wallpaper, str) else []
        return given, (wallpaper_holder(user, room),) if given and room is not None else ()
    page = getattr(request, "page", None)
    cover = decode_page(page).cover if isinstance(page, bytes) and page else getattr(request, "cover", None)
    given = [url for url in (getattr(request, "avatar", None), cover) if isinstance(url, str)]
    if isinstance(request, RoomUpdate):
        return given, (avatar_holder(room),) if given and room is not None else ()
    is_card = isinstance(request, ProfileSet | Amend | ImportUser) and (given or page is not None)
    return given, card_holders(user) if is_card else ()


def wallpapers_of(room: Room, users: Iterable[str]) -> list[str]:
    """Return the holders of the wallpapers that these users have behind a room."""
    return [wallpaper_holder(user, room) for user in users if has_wallpaper(room, user)]


async def purged(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read some messages with files of rooms that are purged, and what else holds files there."""
    rooms = [room for asked in batch if (room := reads.rooms.get(asked.request.room)) is not None]
    holders = [avatar_holder(room) for room in rooms]
    holders += [holder for room in rooms for holder in wallpapers_of(room, room.former)]
    await read_files(sources, FileQuery(rooms={room.number for room in rooms}, holders=holders), reads)


async def old(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the messages that are kept no longer, as far as they count, and their files."""
    stretches = {
        room.number: (room, asked.request.low, asked.request.high)
        for asked in batch
        if (room := reads.rooms.get(asked.request.room)) is not None
    }
    for number, (room, low, high) in stretches.items():
        rows = await sources.store.erasures.countable(number, low, high)
        countable = [
            NewEvent(
                room,
                Event(row.seq, MESSAGE, user=row.user, ordinal=row.ordinal),
                b"",
                mentions=row.mentions,
                ignored=row.ignored,
            )
            for row in rows
        ]
        reads.records_of(OldMessages)[number] = OldMessages(low, high, countable)
    spans = {(number, low, high) for number, (_, low, high) in stretches.items()}
    await read_files(sources, FileQuery(spans=spans), reads)


async def erased(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the files and holders of persons who are erased."""
    files = {name for asked in batch for name in asked.request.files}
    holders = {name for asked in batch for name in asked.request.holders}
    await read_files(sources, FileQuery(files, holders=holders), reads)


async def forgotten_reports(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the files of reports that are forgotten."""
    await read_files(sources, FileQuery(reports_before=max(one.request.before for one in batch)), reads)


async def heard(sources: Sources, batch: Sequence[Submitted], reads: ReadSet) -> None:
    """Read the messages that were heard."""
    rooms = {asked.request.room: reads.rooms.get(asked.request.room) for asked in batch}
    targets = {
        (room.number, asked.request.seq): room
        for asked in batch
        if (room := rooms[asked.request.room]) is not None and asked.user in room.members
    }
    for place, event in (await sources.store.messages_at(targets.keys()) if targets else {}).items():
        reads.messages.setdefault(place, Message(targets[place], event))


async def read_held(sources: Sources, targets: Iterable[tuple[int, int]], reads: ReadSet) -> None:
    """Read the files of messages that were read for the batch, by (room number, seq): they may lose them."""
    places = {
        (*place, name)
        for place in targets
        if place in reads.messages
        for name in named_files(reads.messages[place].event.body)
    }
    if places:
        await read_files(sources, FileQuery({name for *_, name in places}, places=places), reads)


async def read_files(sources: Sources, query: FileQuery, reads: ReadSet) -> None:
    """Read what decisions on files look at, besides what was read for the batch before."""
    found = await sources.store.file_rows.known(query)
    files = reads.records_of(KnownFile)
    for name, known in found.files.items():
        # One object for each file, which all decisions of the batch keep current.
        files.setdefault(name, known)
    reads.records_of(FileOfKey).update({key: FileOfKey(file) for key, file in found.keys.items()})
    reads.records_of(Usage).update(found.usage)
    reads.records_of(OpenUploads).update(
        {owner: OpenUploads(count) for owner, count in found.uploading.items()}
    )
    for holder, held in found.holdings.items():
        reads.records_of(Holding).setdefault(holder, Holding(held))
    reads.records_of(AttachedAt).update({place: AttachedAt(*place) for place in found.attached})
    reads.records_of(BlockedDigest).update({digest: BlockedDigest(digest) for digest in found.blocked})


NEEDS_OF_FILES: Mapping[type, tuple[Need, ...]] = {
    BeginFile: (begun,),
    FinishFile: (named,),
    RefuseFile: (named,),
    DropFile: (named,),
    ContinueFile: (named,),
    CollectFiles: (removed,),
    ForgetDeleted: (removed,),
    TakeDown: (removed,),
    PutSticker: (stickers,),
    PurgeRoom: (purged,),
    PurgeOld: (old,),
    EraseFiles: (erased,),
    ForgetReports: (forgotten_reports,),
}

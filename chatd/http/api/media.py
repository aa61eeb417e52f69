"""Files: those of a user, those that have to go, what all of them take, and the key of links (docs/media.md)."""

from collections.abc import Sequence

from msgspec import UNSET, Struct, UnsetType

from chatd.http.api.route import Asked, Call, Done, More, Page, Route
from chatd.protocol.media import FileId, OwnFile


class UserFilesAnswer(Struct, frozen=True, kw_only=True):
    """The files of a user, the newest first. `used`: the bytes that they are charged."""

    files: Sequence[OwnFile]
    used: int
    more: More | UnsetType = UNSET


class DeleteFile(Asked, frozen=True, kw_only=True):
    """`block`: the same bytes are refused from now on, whoever uploads them."""

    block: bool = False


class UsedKind(Struct, frozen=True):
    kind: str
    files: int
    bytes: int


class UsedBy(Struct, frozen=True):
    """A user or a room with what is charged to them; the name "" is the host app."""

    name: str
    bytes: int
    files: int


class UsageAnswer(Struct, frozen=True, kw_only=True):
    """`uploading`: files that are not whole. `bytes`: on the disk; `free_bytes`: of them, those that go soon.

    `kinds`: by kind, with the bytes that owners are charged. `users`, `rooms`: those that have most.
    """

    files: int
    uploading: int
    bytes: int
    free_bytes: int
    kinds: list[UsedKind]
    users: list[UsedBy]
    rooms: list[UsedBy]


async def get_user_files(call: Call, asked: Page) -> UserFilesAnswer:
    user = call.path["user"]
    found = await call.services.media.of_user(user, asked.more, asked.limit, call.audit(user))
    return UserFilesAnswer(files=found.files, used=found.used, more=found.next or UNSET)


async def delete_file(call: Call, asked: DeleteFile) -> Done:
    file = call.path["file"]
    await call.services.media.take_down(file, call.audit(file), block=asked.block)
    return Done()


async def get_usage(call: Call, asked: Asked) -> UsageAnswer:
    found = await call.services.media.usage()
    return UsageAnswer(
        files=found.files,
        uploading=found.uploading,
        bytes=found.bytes,
        free_bytes=found.free_bytes,
        kinds=[UsedKind(*one) for one in found.kinds],
        users=[UsedBy(*one) for one in found.users],
        rooms=[UsedBy(*one) for one in found.rooms],
    )


class PutSticker(Asked, frozen=True, kw_only=True):
    """`file`: one of kind `sticker` that a key of the API uploaded."""

    file: FileId


class Sticker(Struct, frozen=True):
    name: str
    file: str


class StickersAnswer(Struct, frozen=True):
    """In order of their names."""

    stickers: list[Sticker]


async def get_stickers(call: Call, asked: Asked) -> StickersAnswer:
    return StickersAnswer([Sticker(*one) for one in await call.services.media.stickers()])


async def put_sticker(call: Call, asked: PutSticker) -> Done:
    name = call.path["sticker"]
    await call.services.media.put_sticker(name, asked.file, call.audit(name))
    return Done()


async def delete_sticker(call: Call, asked: Asked) -> Done:
    name = call.path["sticker"]
    await call.services.media.put_sticker(name, "", call.audit(name))
    return Done()


async def rotate_links(call: Call, asked: Asked) -> Done:
    await call.services.media.rotate_links(call.audit("links"))
    return Done()


ROUTES = (
    Route("GET", "/v1/users/{user}/files", "media", get_user_files, Page, UserFilesAnswer),
    Route("DELETE", "/v1/files/{file}", "media", delete_file, DeleteFile),
    Route("GET", "/v1/media/usage", "media", get_usage, Asked, UsageAnswer),
    Route("GET", "/v1/stickers", "media", get_stickers, Asked, StickersAnswer),
    Route("PUT", "/v1/stickers/{sticker}", "media", put_sticker, PutSticker),
    Route("DELETE", "/v1/stickers/{sticker}", "media", delete_sticker),
    Route("POST", "/v1/media/links/rotate", "media", rotate_links),
)

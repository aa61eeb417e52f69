"""Files of this server: links, lists, heard voice messages (protocol.md "Media")."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from chatd.protocol.envelope import Ok, Push, Request
from chatd.protocol.identifiers import U53, Milliseconds, Room, Seq, Word
from chatd.protocol.limits import FILES_PAGE_DEFAULT, FILES_PAGE_MAX, LINKS_MAX

SCHEME = "media:"
"""Of the URL of a file of this server; its id follows."""

FileId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_\-]{22}\Z")]
"""128 random bits in base64url, made by the server."""

FileKind = Literal["picture", "video", "voice", "sticker", "file"]
Purpose = Literal["message", "avatar", "cover", "wallpaper"]
Size = Literal["m", "s"]
"""A smaller rendition: at most 1280 and 320 pixels."""
Variant = Literal["full", Size]
"""A rendition of a file."""

Waveform = Annotated[str, Meta(pattern=r"^[0-9a-v]{64}\Z")]
"""Loudness from the beginning to the end, a digit of base 32 each."""

LiveState = Literal["live", "done", "cut", "cancelled"]


class Place(Struct, frozen=True, forbid_unknown_fields=True):
    """A message."""

    room: Room
    seq: Seq


class MediaOffer(Struct, frozen=True):
    """What a device learns in the reply to hello. `url`: where files are sent and fetched."""

    url: str
    file_bytes: U53
    voice_ms: U53


class FilePlace(Struct, frozen=True, forbid_unknown_fields=True):
    """A file in a message; for `seq` 0 a live note in the room. `size`: of a smaller rendition."""

    room: Room
    seq: U53
    file: FileId
    size: Size | UnsetType = UNSET


class FileLink(Request, tag="file.link", frozen=True, kw_only=True):
    """Ask for addresses that open files for a while without a token."""

    places: Annotated[list[FilePlace], Meta(min_length=1, max_length=LINKS_MAX)]


class Link(Struct, frozen=True, omit_defaults=True):
    """`url` opens the file until `expires_at`, as long as this user may see it."""

    room: str
    seq: U53
    file: str
    url: str
    expires_at: Milliseconds
    size: Size | UnsetType = UNSET


class FileLinkOk(Ok, tag="ok", kw_only=True):
    links: list[Link]


class FileList(Request, tag="file.list", frozen=True, kw_only=True):
    """Ask for the own files, the newest first."""

    more: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=FILES_PAGE_MAX)] = FILES_PAGE_DEFAULT


class OwnFile(Struct, omit_defaults=True, frozen=True):
    """`size`: the bytes that it counts. `attached`: whether a message, a card or a room holds it."""

    file: str
    kind: FileKind
    size: U53
    created_at: Milliseconds
    name: str | UnsetType = UNSET
    attached: bool = False


class FileListOk(Ok, tag="ok", kw_only=True):
    """`quota`: 0 for any number of bytes."""

    files: list[OwnFile]
    used: U53
    quota: U53
    more: Word | UnsetType = UNSET


class StickerList(Request, tag="sticker.list", frozen=True, kw_only=True):
    """Ask for the stickers that the host app offers to everybody, in order of their names."""

    more: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=FILES_PAGE_MAX)] = FILES_PAGE_DEFAULT


class Sticker(Struct, frozen=True):
    """A picture of kind `sticker` that everybody may send, under the name that the host app gave it."""

    name: str
    file: str


class StickerListOk(Ok, tag="ok", kw_only=True):
    stickers: list[Sticker]
    more: Word | UnsetType = UNSET


class Played(Request, tag="played", frozen=True, kw_only=True):
    """Note that a voice message was heard."""

    room: Room
    seq: Seq


class VoicePush(Push, tag="voice"):
    """The state of a voice note that is heard while it is spoken; ephemeral."""

    room: str
    user: str
    file: str
    state: LiveState

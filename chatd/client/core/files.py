"""Files of messages (protocol.md, "Media"): their addresses, what an upload says of itself, and refusals; pure."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from mimetypes import guess_type
from typing import Any, Literal, NotRequired, TypedDict

from .errors import ChatError, error_from
from .http import Head
from .packets import Body, ErrorReply

FileKind = Literal["picture", "video", "voice", "sticker", "file"]
Purpose = Literal["message", "avatar", "cover", "wallpaper"]
Size = Literal["", "m", "s"]
"""A smaller rendition, of those that `sizes` of an attachment names; empty: the file itself."""

Attachment = Mapping[str, Any]
"""A file of a message: `url`, `mime`, and what the server says of it (protocol.md, "Attachment")."""

UPLOAD_KEPT_MS = 2 * 24 * 3600 * 1000
"""Milliseconds for which the server keeps an upload that nobody goes on with."""

SCHEME = "media:"

CODES = {
    400: "bad_request",
    401: "token_invalid",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    413: "too_large",
    415: "not_supported",
    422: "unreadable",
    429: "rate_limited",
    500: "internal",
}
"""The meaning of a status whose answer has no code: it has no body, or is of a proxy."""

PASSING = frozenset({423, 429, 460})
"""The statuses, besides 500 and above, of what may be different in a moment."""


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """An own file that is ready to be sent, within a day. `size`: the bytes that were uploaded."""

    id: str
    kind: FileKind
    name: str
    mime: str
    size: int
    alt: str = ""

    @property
    def url(self) -> str:
        """The address, for `avatar` and the like."""
        return SCHEME + self.id

    def described(self, alt: str) -> "UploadedFile":
        """Return it with a text for those who do not see it."""
        return replace(self, alt=alt)

    @property
    def attachment(self) -> Attachment:
        """The attachment that a message names it by; the server writes the rest (protocol.md, "Files in messages")."""
        named = {"name": self.name, "alt": self.alt}
        return {"url": self.url, "mime": self.mime, **{key: value for key, value in named.items() if value}}


class UploadRecord(TypedDict):
    """An upload of a file of this device, as it is kept until it is done. `modified` in ns, `began` in ms."""

    path: str
    size: int
    modified: int
    kind: str
    purpose: str
    name: str
    began: int


class MediaOffer(TypedDict):
    """What the server takes of files: where, most bytes of one, most milliseconds of a voice note."""

    url: str
    file_bytes: int
    voice_ms: int


class FileEntry(TypedDict):
    """An own file; `size`: the bytes that it counts (protocol.md, "file.list")."""

    file: str
    kind: str
    size: int
    created_at: int
    name: NotRequired[str]
    attached: NotRequired[bool]


class FileListReply(TypedDict):
    """The reply to `file.list`."""

    files: list[FileEntry]
    used: int
    quota: int
    more: NotRequired[str]


class StickerEntry(TypedDict):
    """A picture that everybody may send, and the name that the host app gave it."""

    name: str
    file: str


class StickerListReply(TypedDict):
    """The reply to `sticker.list`."""

    stickers: list[StickerEntry]
    more: NotRequired[str]


class FileLink(TypedDict):
    """An address that opens a file until it ends."""

    room: str
    seq: int
    file: str
    url: str
    expires_at: int
    size: NotRequired[str]


class FileLinkReply(TypedDict):
    """The reply to `file.link`."""

    links: list[FileLink]


def file_of(url: str) -> str:
    """Return the id of a file of the server; empty for any other address."""
    return url.removeprefix(SCHEME) if url.startswith(SCHEME) else ""


def with_files(content: str | Body, files: Iterable[UploadedFile | Attachment]) -> str | Body:
    """Return what a message says, with files behind its attachments."""
    more = [file.attachment if isinstance(file, UploadedFile) else file for file in files]
    if not more:
        return content
    body = {"text": content} if isinstance(content, str) else dict(content)
    if not body.get("text", " "):
        del body["text"]
    return {**body, "attachments": [*body.get("attachments", ()), *more]}


def kind_for(name: str) -> FileKind:
    """Return the kind that suits a file of this name; what is none is refused, and can be sent as a `file`."""
    main = mime_of(name).partition("/")[0]
    return (
        "picture"
        if main == "image" and not name.lower().endswith(".svg")
        else "video"
        if main == "video"
        else "file"
    )


def mime_of(name: str) -> str:
    """Return the type that the name of a file says."""
    return guess_type(name)[0] or "application/octet-stream"


def metadata(fields: Mapping[str, str]) -> str:
    """Return the header `Upload-Metadata`; empty values are left out (tus, "Upload-Metadata")."""
    words = [f"{name} {b64encode(value.encode()).decode()}" for name, value in fields.items() if value]
    return ",".join(words)


def place_of(room: str, seq: int, file: str, size: Size = "") -> str:
    """Return the path of a file in a message; with no room, of an own one (protocol.md, "Fetching")."""
    place = f"{room}/{seq}/{file}" if room else f"own/{file}"
    return f"/v1/media/{place}{f'/{size}' if size else ''}"


def refusal_from(head: Head, body: object) -> ChatError:
    """Return the exception of an answer that is no success; `retry` says whether it may be different in a moment."""
    said = body if isinstance(body, dict) else {}
    code = said.get("code") or CODES.get(head.status, "overloaded" if head.status > 500 else "bad_request")
    retry = "after_auth" if head.status == 401 else "later" if is_passing(head.status) else "never"
    packet: ErrorReply = {"code": str(code), "retry": retry}
    if isinstance(after := said.get("retry_after"), int):
        packet["retry_after"] = after
    elif seconds := head.number("retry-after"):
        packet["retry_after"] = 1000 * seconds
    for name in ("scope", "field"):
        if isinstance(value := said.get(name), str):
            packet[name] = value
    return error_from(packet)


def is_passing(status: int) -> bool:
    """Whether what this status says may be different in a moment."""
    return status in PASSING or status >= 500

"""The protocol tus 1.0 (https://tus.io/protocols/resumable-upload): headers become requests, states become headers.

Nothing here waits or knows files. Extensions: creation, creation-with-upload, creation-defer-length, checksum,
expiration, termination.
"""

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from email.utils import formatdate
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from chatd.core.files import File
from chatd.media.http.messages import Answer, Request
from chatd.protocol.complaints import FORMS, Words, refusal_of
from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import Key, Room, User
from chatd.protocol.media import FileId, FileKind, Purpose

PREFIX = "/v1/files"
VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination"
BODY = "application/offset+octet-stream"
# The first is the one that every server has; the second that of all other digests here.
DIGESTS = ("sha1", "sha256")
LENGTH_MAX = 2**53 - 1
_NUMBER = re.compile(r"[0-9]{1,16}\Z")

Action = Literal["offer", "begin", "look", "append", "drop"]
# By whether a path names an upload, and the method.
ACTIONS: Mapping[tuple[bool, str], Action] = {
    (False, "OPTIONS"): "offer",
    (False, "POST"): "begin",
    (True, "OPTIONS"): "offer",
    (True, "HEAD"): "look",
    (True, "PATCH"): "append",
    (True, "DELETE"): "drop",
}


class Metadata(Struct, frozen=True):
    """What an app says of a file. Other names in it are for its own use."""

    key: Key
    kind: FileKind
    purpose: Purpose = "message"
    filename: Annotated[str, Meta(max_length=256)] = ""
    filetype: Annotated[str, Meta(max_length=128)] = ""
    sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")] = ""
    owner: User | Literal[""] = ""
    live: Room | Literal[""] = ""


WORDS = Words({name: FORMS[name] for name in (Key, User, Room)}, {"kind": FileKind, "purpose": Purpose})


class Target(NamedTuple):
    """What a request is about. `file`: "" for none yet."""

    action: Action
    file: str


class Part(NamedTuple):
    """An append. `length`: of the upload, where it is told only now. `digest`: name and value, of the body."""

    offset: int
    length: int | None
    digest: tuple[str, bytes] | None


class State(NamedTuple):
    """Where an upload stands. `said`: for `Chatd-File`, "" while bytes are missing. `expires_at`: Unix ms, 0: never."""

    offset: int
    length: int | None
    said: str = ""
    expires_at: int = 0


def target_of(request: Request) -> Target | Answer:
    """Return what a request wants, or the answer to one that is none of this protocol."""
    file = request.path.removeprefix(PREFIX).removeprefix("/")
    method = request.headers.get("x-http-method-override", request.method).upper()
    action = ACTIONS.get((bool(file), method))
    if action is None:
        return Answer(405, {"Allow": ", ".join(name for named, name in ACTIONS if named == bool(file))})
    if action != "offer" and request.headers.get("tus-resumable") != VERSION:
        return Answer(412, {"Tus-Version": VERSION})
    if file and not _is_file(file):
        raise Refused("not_found", "no such upload")
    return Target(action, file)


def _is_file(text: str) -> bool:
    try:
        msgspec.convert(text, FileId)
    except msgspec.ValidationError:
        return False
    return True


def metadata_of(header: str) -> Metadata:
    """Return what Upload-Metadata says. Raises Refused.

    >>> metadata_of("key QVpxa1E3bVBmUg==,kind cGljdHVyZQ==,is_new").kind
    'picture'
    """
    found: dict[str, str] = {}
    for pair in filter(None, header.split(",")):
        name, _, value = pair.strip().partition(" ")
        try:
            # Those that are not ours may be anything.
            found[name] = b64decode(value, validate=True).decode(
                "utf-8" if name in Metadata.__struct_fields__ else "latin-1"
            )
        except ValueError:
            raise Refused("bad_request", "not base64 of UTF-8", field=name[:32]) from None
    try:
        return msgspec.convert(found, Metadata)
    except msgspec.ValidationError as problem:
        raise refusal_of(str(problem), "Upload-Metadata", WORDS) from None


def said_of(file: File) -> str:
    """Return for Upload-Metadata what the server keeps of it; names that are the client's own are not kept."""
    words = {
        "key": file.key or "",
        "kind": file.kind,
        "purpose": "" if file.purpose == "message" else file.purpose,
        "filename": file.facts.name or "",
        "filetype": file.facts.mime,
        "sha256": file.source.hex(),
    }
    return ",".join(f"{name} {b64encode(word.encode()).decode()}" for name, word in words.items() if word)


def length_of(headers: Mapping[str, str]) -> int | None:
    """Return the length that a new upload announces, None for one that is told later. Raises Refused."""
    if "upload-defer-length" in headers and "upload-length" not in headers:
        if headers["upload-defer-length"] != "1":
            raise Refused("bad_request", "it is 1, or not there", field="Upload-Defer-Length")
        return None
    if "upload-defer-length" in headers or "upload-length" not in headers:
        raise Refused("bad_request", "one of Upload-Length, Upload-Defer-Length", field="Upload-Length")
    return number_of(headers, "Upload-Length")


def number_of(headers: Mapping[str, str], name: str) -> int:
    text = headers.get(name.lower(), "")
    if not _NUMBER.match(text) or int(text) > LENGTH_MAX:
        raise Refused("bad_request", "not a number of bytes", field=name)
    return int(text)


def has_body(headers: Mapping[str, str]) -> bool:
    """Whether a request carries bytes of an upload."""
    return headers.get("content-type", "").partition(";")[0].strip().lower() == BODY


def part_of(headers: Mapping[str, str]) -> Part:
    """Return what an append announces. Raises Refused."""
    if not has_body(headers):
        raise Refused("not_supported", f"the type of an append is {BODY}", field="Content-Type")
    length = number_of(headers, "Upload-Length") if "upload-length" in headers else None
    return Part(number_of(headers, "Upload-Offset"), length, digest_of(headers))


def digest_of(headers: Mapping[str, str]) -> tuple[str, bytes] | None:
    """Return the name and the value of a checksum. Raises Refused."""
    if "upload-checksum" not in headers:
        return None
    name, _, value = headers["upload-checksum"].partition(" ")
    try:
        digest = b64decode(value, validate=True)
    except ValueError:
        digest = b""
    if name not in DIGESTS or len(digest) != hashlib.new(name, usedforsecurity=False).digest_size:
        raise Refused("bad_request", f"a checksum is one of {', '.join(DIGESTS)}", field="Upload-Checksum")
    return name, digest


def offer(file_bytes: int) -> Answer:
    """Return the answer to OPTIONS."""
    headers = {
        "Tus-Resumable": VERSION,
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(file_bytes),
        "Tus-Checksum-Algorithm": ",".join(DIGESTS),
    }
    return Answer(204, headers)


def headers_of(state: State) -> dict[str, str]:
    """Return the headers that tell where an upload stands."""
    headers = {"Tus-Resumable": VERSION, "Upload-Offset": str(state.offset), "Cache-Control": "no-store"}
    if state.said:
        headers["Chatd-File"] = state.said
    elif state.expires_at:
        headers["Upload-Expires"] = formatdate(state.expires_at // 1000, usegmt=True)
    return headers


def looked(state: State, file: File) -> Answer:
    """Return the answer to HEAD."""
    headers = {**headers_of(state), "Upload-Metadata": said_of(file)}
    if state.length is None:
        headers["Upload-Defer-Length"] = "1"
    else:
        headers["Upload-Length"] = str(state.length)
    return Answer(200, headers)

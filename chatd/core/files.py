"""Decisions on files: begin, finish, attach, detach, drop (protocol.md "Media"). Synchronous and pure.

A name is in the database before a byte has it, and a file is whole on the disk before its row says so. Only decisions
change what refers to a file and what a user is charged, so nothing is counted twice and nothing has to be swept.
"""

from dataclasses import dataclass
from typing import Literal

from chatd.protocol.media import FileKind, Purpose
from chatd.protocol.messages import Attachment

State = Literal["uploading", "ready", "refused"]


@dataclass(slots=True, frozen=True)
class File:
    """A record: the row of a file. `owner`: "" for the host app. `key`: None once it may be used again.

    `charged`: bytes. `length`: of the upload, None until it is known. `source`: SHA-256 of the upload, empty before.
    `facts`: the attachment that it will be, None before; `code`: why it was refused. `room`: number, 0 for none.
    Times: Unix ms; `due_at`: when the collector looks at it, 0 for never.
    """

    file: str
    owner: str
    key: str | None
    kind: FileKind
    purpose: Purpose
    state: State
    charged: int
    created_at: int
    due_at: int
    length: int | None = None
    source: bytes = b""
    facts: Attachment | None = None
    code: str = ""
    room: int = 0


# --- requests of the parts of the daemon


@dataclass(slots=True, frozen=True)
class BeginFile:
    """Make the row of an upload named `file`, unless its owner used `key` before: the reply then names that one.

    `length`: None: reserve the most that the kind may have. `name`, `mime`: as the uploader says.
    """

    file: str
    owner: str
    key: str
    kind: FileKind
    purpose: Purpose
    length: int | None
    name: str = ""
    mime: str = ""
    digest: bytes = b""
    room: str = ""


@dataclass(slots=True, frozen=True)
class NewObject:
    """An object that is on the disk under its name."""

    variant: str
    object: str
    mime: str
    size: int
    digest: bytes


@dataclass(slots=True, frozen=True)
class FinishFile:
    """All of a file was taken and inspected: it may be sent from now on. Repeating it changes nothing."""

    file: str
    facts: Attachment
    objects: tuple[NewObject, ...]
    source: bytes
    length: int


@dataclass(slots=True, frozen=True)
class RefuseFile:
    file: str
    code: str


@dataclass(slots=True, frozen=True)
class DropFile:
    """The owner, or the host app where `owner` is None, wants a file gone that nothing holds."""

    file: str
    owner: str | None


@dataclass(slots=True, frozen=True)
class ContinueFile:
    """An upload goes on: the time until it is given up starts again."""

    file: str


@dataclass(slots=True, frozen=True)
class TakeDown:
    """The operator takes a file out of every place; `block`: and refuses the same bytes from now on."""

    file: str
    block: bool


@dataclass(slots=True, frozen=True)
class CollectFiles:
    """Look at files that are due: given up, not sent in time, beyond retention. At most 200 at once."""

    files: tuple[str, ...]


@dataclass(slots=True, frozen=True)
class ForgetDeleted:
    """These objects and unfinished files are gone from the disk: forget their rows."""

    objects: tuple[str, ...]
    files: tuple[str, ...]

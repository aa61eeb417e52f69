"""The contract between the daemon, which owns the rows, and the process that owns the bytes (docs/media.md).

Frames carry one message each, tagged; the process asks, and the daemon answers by the same `id`, or `Failed`. Whatever
the process says is checked like what a client says: the daemon verifies tokens itself.
"""

from typing import Protocol

from msgspec import Struct

from chatd.core.files import NewObject
from chatd.protocol.media import FileKind, LiveState, Purpose
from chatd.protocol.messages import Attachment

INCOMING, OBJECTS, SET_ASIDE = "incoming", "objects", "set-aside"
"""Folders of the directory: uploads that are not whole, objects by the first byte of their name, and what a restore
found and no row names."""


# --- what the process asks


class Authenticate(Struct, frozen=True, tag=True):
    """Whose is this token? Answered by `Caller`."""

    id: int
    token: str

    def __repr__(self) -> str:
        return f"Authenticate(id={self.id})"


class Begin(Struct, frozen=True, tag=True, kw_only=True):
    """Make the row of an upload. Answered by `Begun`, also for a `key` that was used before.

    `owner`: asked by an API key, for this user; "" by the user of the token. `length`: None where it is not known yet.
    `room`: of a live voice note.
    """

    id: int
    token: str
    key: str
    kind: FileKind
    purpose: Purpose = "message"
    length: int | None = None
    name: str = ""
    mime: str = ""
    digest: bytes = b""
    room: str = ""
    owner: str = ""

    def __repr__(self) -> str:
        return f"Begin(id={self.id}, kind={self.kind!r}, length={self.length})"


class Finish(Struct, frozen=True, tag=True, kw_only=True):
    """All of a file was taken, and inspected. Answered by `Done` when that is stored.

    `facts`: as the attachment says them; its url is the scheme alone. `source`: SHA-256 of what was
    uploaded, `length` its bytes.
    """

    id: int
    file: str
    facts: Attachment
    stored: tuple[NewObject, ...]
    source: bytes
    length: int


class Refuse(Struct, frozen=True, tag=True):
    """A file was taken and is not wanted. `code`: unreadable, too_large, not_supported, rejected, bad_request."""

    id: int
    file: str
    code: str


class Drop(Struct, frozen=True, tag=True):
    """The owner of a file wants it gone, which no message may hold. Answered by `Done`."""

    id: int
    file: str
    token: str

    def __repr__(self) -> str:
        return f"Drop(id={self.id}, file={self.file!r})"


class Continue(Struct, frozen=True, tag=True):
    """An upload goes on, so its time starts again; said at most once in ten minutes of each. Not answered."""

    file: str


class Deleted(Struct, frozen=True, tag=True):
    """Of a `Delete`, these objects and unfinished files are gone from the disk, durably, or were not there: their rows
    may go. Not answered."""

    objects: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class Live(Struct, frozen=True, tag=True):
    """The state of a live voice note changed. Not answered."""

    file: str
    state: LiveState


class Condition(Struct, frozen=True, tag=True):
    """What operators are to see, once in a few seconds. `fences`: those that the kernel lacks. `problem`: "" for none.

    `counters`: as metrics, since the process started.
    """

    fences: tuple[str, ...] = ()
    problem: str = ""
    free_bytes: int = 0
    inspectors: int = 0
    waiting: int = 0
    connections: int = 0
    counters: dict[str, int] = {}


Question = Authenticate | Begin | Finish | Refuse | Drop
FromProcess = Question | Continue | Deleted | Live | Condition


# --- what the daemon says


class Caller(Struct, frozen=True, tag=True, kw_only=True):
    """The owner of a token, which counts until `expires_at` (Unix ms). `user` is "" for an API key with `scopes`.

    `generation`: the mark of the user (core/users.py) that the token is known to be younger than: as its claims say, or
    as it stood when the daemon compared the token with it. It is older than any revocation from then on.
    """

    id: int
    user: str
    device: str = ""
    allow: tuple[str, ...] = ()
    generation: int = 0
    expires_at: int = 0
    scopes: tuple[str, ...] = ()


class Begun(Struct, frozen=True, tag=True, kw_only=True):
    """`expires_at`: Unix ms. `length`: as the first begin of this key said."""

    id: int
    file: str
    expires_at: int
    length: int | None = None


class Done(Struct, frozen=True, tag=True):
    id: int


class Failed(Struct, frozen=True, tag=True):
    """`code`: of the table of errors. `retry_after`: milliseconds, 0 for none."""

    id: int
    code: str
    retry_after: int = 0
    scope: str = ""
    field: str = ""


class Delete(Struct, frozen=True, tag=True):
    """Delete these objects, and what there is of unfinished uploads; each is answered in turn by one `Deleted`."""

    objects: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class Drain(Struct, frozen=True, tag=True):
    """Take no more; sync what came, and end."""


Answer = Caller | Begun | Done
ToProcess = Answer | Failed | Delete | Drain


class Daemon(Protocol):
    """The daemon as the process sees it; in tests and in the simulation without one."""

    async def ask(self, request: Question) -> Answer:
        """Return the answer. `id` is filled in. Raises Refused for `Failed`, Unavailable without one in 5 s."""

    def tell(self, message: Continue | Deleted | Live | Condition) -> None:
        """Say something that is not answered."""

"""The audit of the host's API: who changed what, and who read what is private. Synchronous and pure.

The entry of a change is stored in the commit of the change: a submission brings it along (chatd/writer/writer.py).
"""

from dataclasses import dataclass, replace

from msgspec import UNSET

from chatd.core.read_set import ReadSet
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.messages import WriteOk
from chatd.protocol.rooms import SummaryOk

# In place of a key, for the admin socket.
SOCKET = "socket"


@dataclass(slots=True, frozen=True)
class Audit:
    """A record: one change, or one read. `key`: the id of the API key, or SOCKET.

    `action`: the route, as `PUT /v1/users/{user}`. `target`: the user, room or key it is about. `request`: the id of
    the HTTP request. `acted_as`: the user in whose place it was done, "" for the host itself. `number` and `time` (Unix
    ms) come with the commit.
    """

    key: str
    action: str
    target: str
    request: str
    acted_as: str = ""
    time: int = 0
    number: int = 0


@dataclass(slots=True, frozen=True)
class NoteAccess:
    """Store nothing but the entry of its submission."""


@dataclass(slots=True, frozen=True)
class ForgetAudit:
    """Forget the oldest entries from before this time (Unix ms), as many as one commit may delete."""

    before: int


@dataclass(slots=True, frozen=True)
class ForgottenAudit:
    """A record: the oldest entries from before this time are deleted."""

    before: int


def stored_entry(audit: Audit, reply: Ok, now: int) -> Audit:
    """Return the entry as it is stored; one without a target is about the room that the request made."""
    if audit.target or not isinstance(reply, WriteOk | SummaryOk) or reply.summary is UNSET:
        return replace(audit, time=now)
    return replace(audit, time=now, target=reply.summary.room)


def note_access(user: str, request: NoteAccess, writes: WriteSet, reads: ReadSet) -> Ok:
    return Ok()


def forget_audit(user: str, request: ForgetAudit, writes: WriteSet, reads: ReadSet) -> Ok:
    writes.add(ForgottenAudit(request.before))
    return Ok()

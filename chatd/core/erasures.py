"""The erasure of a person, as it is stored: what was asked for, how far it is, and its receipt. Synchronous and pure.

An erasure ends when nothing is left that it has to take away. It is checked after a day and after 30: what a defect, a
restored backup or another system brought back is erased again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from msgspec import Struct

from chatd.core.event_feed import changed_account
from chatd.core.read_set import DAY_MS, ReadSet
from chatd.core.users import Account
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused

Messages = Literal["recall", "keep"]
Reports = Literal["drop", "keep"]

# After the end of an erasure: a nightly import of the host has run by then, and a backup cycle.
CHECKS_MS = (DAY_MS, 30 * DAY_MS)


class Place(Struct, frozen=True, omit_defaults=True):
    """One place of a receipt. `how`: `emptied` rows stay without content, `removed` ones do not.

    `kept`: what stays, and `until` when (Unix ms).
    """

    place: str
    erased: int = 0
    how: str = ""
    kept: int = 0
    until: int = 0


@dataclass(slots=True, frozen=True)
class Erasure:
    """A record: the last erasure of one person. Times are Unix milliseconds, 0 for not yet.

    `due`: when there is something to do next, 0 for nothing. `found`: what the last check found. `reopened`: when the
    host opened the id again. `receipt`: until it is done, what was there at the beginning.
    """

    user: str
    asked: int
    messages: Messages = "recall"
    reports: Reports = "keep"
    done: int = 0
    due: int = 0
    checked: int = 0
    found: int = 0
    reopened: int = 0
    receipt: Sequence[Place] = ()

    @property
    def is_over(self) -> bool:
        """Whether another one may begin: the host opened the id again."""
        return self.reopened > 0


@dataclass(slots=True, frozen=True)
class NoteErasure:
    """Store how far the erasure of `erasure.user` is, unless another one has begun since."""

    erasure: Erasure


def check_after(erasure: Erasure) -> int:
    """Return when an erasure that is done has to be checked next, 0 when not any more."""
    return next((erasure.done + ms for ms in CHECKS_MS if erasure.done + ms > erasure.checked), 0)


def note_erasure(user: str, request: NoteErasure, writes: WriteSet, reads: ReadSet) -> Ok:
    now, new = reads.records_of(Erasure).get(request.erasure.user), request.erasure
    if now is not None and now.asked == new.asked:
        put_erasure(replace(new, reopened=now.reopened), writes, reads)
        if new.done and not now.done:
            writes.add(changed_account(new.user, "erased"))
    return Ok()


def put_erasure(erasure: Erasure, writes: WriteSet, reads: ReadSet) -> None:
    reads.records_of(Erasure)[erasure.user] = erasure
    writes.add(erasure)


def reopened(account: Account, writes: WriteSet, reads: ReadSet) -> Account:
    """Return the account that the host is about to change: a new one where its person was erased.

    Tokens from before stay refused. Raises Refused("conflict") while the erasure is under way.
    """
    erasure = reads.records_of(Erasure).get(account.user)
    if erasure is None or erasure.is_over:
        return account
    if not erasure.done:
        raise Refused("conflict", "this person is being erased; ask again when it is done")
    put_erasure(replace(erasure, reopened=writes.now, due=0), writes, reads)
    return replace(account, disabled=False, created_at=writes.now, restriction=None)

"""Moving in: the lines of an upload in their order, in commits that keep phones waiting shortly (docs/import.md)."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct, field

from chatd.commands.admin import Writes
from chatd.core.audit import Audit
from chatd.core.imports import Imported, ImportMembers, ImportRoom, ImportUser, PastMember
from chatd.core.past_messages import ImportMessages, PastMessage
from chatd.core.permissions import HOST
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused

# Rows that are stored together: some 10 ms of the one writer.
ROWS_AT_ONCE = 500


class User(NamedTuple):
    """A line with a user."""

    user: str
    request: ImportUser


class InRoom(NamedTuple):
    """A line with something in the room that has this name elsewhere."""

    room: str
    row: PastMember | PastMessage


class Wrong(NamedTuple):
    """A line that says nothing. `detail`: in English, for developers."""

    line: int
    reason: str
    detail: str = ""


class Mended(NamedTuple):
    """What was changed in the line that follows."""

    line: int
    reason: str


Line = User | ImportRoom | InRoom | Wrong | Mended


class Noted(Struct, frozen=True, omit_defaults=True):
    """The number of lines with one reason, and the first of them."""

    count: int = 0
    first: int = 0
    detail: str = ""


class Tally(Struct):
    """The outcome of an import so far: what is new, what was here, what was changed to fit or left out."""

    lines: int = 0
    users: int = 0
    rooms: int = 0
    members: int = 0
    messages: int = 0
    duplicates: int = 0
    mended: dict[str, Noted] = field(default_factory=dict)
    left_out: dict[str, Noted] = field(default_factory=dict)

    def add(self, done: Imported) -> None:
        """Add the outcome of some lines."""
        for name in ("users", "rooms", "members", "messages", "duplicates"):
            setattr(self, name, getattr(self, name) + getattr(done, name))
        for reason, line in done.mended:
            note(self.mended, reason, line)
        for reason, line in done.left_out:
            note(self.left_out, reason, line)

    def leave_out(self, wrong: Wrong) -> None:
        note(self.left_out, wrong.reason, wrong.line, wrong.detail)


def note(notes: dict[str, Noted], reason: str, line: int, detail: str = "") -> None:
    known = notes.get(reason)
    if known is None or line < known.first:
        notes[reason] = Noted(1 if known is None else known.count + 1, line, detail)
    else:
        notes[reason] = Noted(known.count + 1, known.first, known.detail)


class ImportStore(Protocol):
    """The part of a store that imports use."""

    async def imported_rooms(self, names: Collection[str]) -> dict[str, str]: ...


class Imports:
    """The door for what moves in."""

    def __init__(self, store: ImportStore, writes: Writes) -> None:
        self._store = store
        self._writes = writes

    async def run(self, lines: Iterable[Line], audit: Callable[[str], Audit]) -> Tally:
        """Carry out lines. `audit`: returns the entry for what they do to a target.

        Raises Unavailable, with a part of them carried out: the same lines are sent again then.
        """
        tally = Tally()
        waiting: list[Line] = []
        kind, rows = None, 0
        for line in lines:
            if isinstance(line, Mended):
                note(tally.mended, line.reason, line.line)
                continue
            tally.lines += 1
            if isinstance(line, Wrong):
                tally.leave_out(line)
                continue
            this = type(line.row) if isinstance(line, InRoom) else type(line)
            if waiting and (this is not kind or rows >= ROWS_AT_ONCE):
                await self._store_together(waiting, audit, tally)
                waiting, rows = [], 0
            waiting.append(line)
            kind, rows = this, rows + rows_of(line)
        await self._store_together(waiting, audit, tally)
        return tally

    async def _store_together(
        self, lines: Sequence[Line], audit: Callable[[str], Audit], tally: Tally
    ) -> None:
        """Store lines of one kind; those of one room are one request."""
        asked: list[tuple[int, Awaitable[Ok]]] = []
        rooms: dict[str, list[PastMember | PastMessage]] = {}
        for line in lines:
            if isinstance(line, User):
                asked.append((line.request.line, self._write(line.user, line.request, audit(line.user))))
            elif isinstance(line, ImportRoom):
                asked.append((line.line, self._write(HOST, line, audit(""))))
            elif isinstance(line, InRoom):
                rooms.setdefault(line.room, []).append(line.row)
        here = await self._store.imported_rooms([*rooms]) if rooms else {}
        for name, rows in rooms.items():
            if name not in here:
                for row in rows:
                    tally.leave_out(Wrong(row.line, "unknown_room"))
                continue
            asked.append((rows[0].line, self._in_room(here[name], rows, audit)))
        for (first, _), answer in zip(
            asked, await asyncio.gather(*(one for _, one in asked), return_exceptions=True), strict=True
        ):
            if isinstance(answer, Refused):
                tally.leave_out(Wrong(first, answer.code, answer.message))
            elif isinstance(answer, BaseException):
                raise answer
            else:
                assert isinstance(answer, Imported)
                tally.add(answer)

    def _in_room(
        self, room: str, rows: Sequence[PastMember | PastMessage], audit: Callable[[str], Audit]
    ) -> Awaitable[Ok]:
        if isinstance(rows[0], PastMember):
            members = [row for row in rows if isinstance(row, PastMember)]
            return self._write(HOST, ImportMembers(room, members), audit(room))
        messages = [row for row in rows if isinstance(row, PastMessage)]
        # An entry for each of a few messages would be as much as they are: the upload itself has one.
        return self._write(HOST, ImportMessages(room, messages), None)

    def _write(self, user: str, request: object, audit: Audit | None) -> Awaitable[Ok]:
        return self._writes(user, request, audit, screened=False)


def rows_of(line: Line) -> int:
    """Return about how many rows a line becomes."""
    if isinstance(line, ImportRoom):
        return 1 + len(line.joining)
    if isinstance(line, InRoom) and isinstance(line.row, PastMessage) and line.row.reactions:
        return 1 + sum(map(len, line.row.reactions.values()))
    return 1

"""Exports of what is kept of a person, as they are stored. Synchronous and pure."""

from dataclasses import dataclass

from chatd.core.erasures import Erasure
from chatd.core.read_set import DAY_MS, ReadSet
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused

# Long enough to fetch it, short enough that no copy of a person lies around.
KEPT_MS = 7 * DAY_MS


@dataclass(slots=True, frozen=True)
class Export:
    """A record: the last export of one person. Times are Unix ms, `done` 0 while it is written. `file`: its name."""

    user: str
    asked: int
    done: int = 0
    file: str = ""
    bytes: int = 0

    @property
    def until(self) -> int:
        """The end of its file; 0 while it is written."""
        return self.done and self.done + KEPT_MS


@dataclass(slots=True, frozen=True)
class DroppedExport:
    """A record: the export of a person is forgotten; its file is gone."""

    user: str


@dataclass(slots=True, frozen=True)
class AskExport:
    """Begin an export of a person, unless one is under way."""

    person: str


@dataclass(slots=True, frozen=True)
class EndExport:
    """Note that the file of an export is whole."""

    export: Export


@dataclass(slots=True, frozen=True)
class DropExport:
    """Forget the export of a person, whose file is gone."""

    person: str


def ask_export(user: str, request: AskExport, writes: WriteSet, reads: ReadSet) -> Ok:
    erasure = reads.records_of(Erasure).get(request.person)
    if erasure is not None and not erasure.is_over:
        raise Refused("gone", "this person was erased")
    known = reads.records_of(Export).get(request.person)
    if known is None or known.done:
        # The file of the one before is removed when the new one is whole.
        new = Export(request.person, writes.now, file="" if known is None else known.file)
        reads.records_of(Export)[request.person] = new
        writes.add(new)
    return Ok()


def end_export(user: str, request: EndExport, writes: WriteSet, reads: ReadSet) -> Ok:
    """Refused("gone") when it was dropped meanwhile: its person was erased."""
    known = reads.records_of(Export).get(request.export.user)
    if known is None or known.asked != request.export.asked:
        raise Refused("gone", "the export was dropped")
    writes.add(request.export)
    return Ok()


def drop_export(user: str, request: DropExport, writes: WriteSet, reads: ReadSet) -> Ok:
    reads.records_of(Export).pop(request.person, None)
    writes.add(DroppedExport(request.person))
    return Ok()

"""Retention: messages that are older than their room or the server keeps them go (protocol.md "Retention").

A job looks for them and asks for some a commit. In groups and channels the beginning of the log goes, whatever it is:
so one number says what is left. In direct rooms what was written before one of the two chose how long messages are kept
stays, unless the operator keeps nothing that long. Synchronous and pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chatd.core import removal
from chatd.core.read_set import ReadSet
from chatd.core.write_set import NewEvent, WriteSet
from chatd.protocol.envelope import Ok


@dataclass(slots=True, frozen=True)
class PurgeOld:
    """Take away the events from `low` to `high`, all older than `retain_s`; `of_room`: that is its own rule."""

    room: str
    low: int
    high: int
    retain_s: int
    of_room: bool


@dataclass(slots=True, frozen=True)
class OldMessages:
    """The countable messages from `low` to `high`, in ascending order, read for a decision."""

    low: int
    high: int
    countable: Sequence[NewEvent]


def purge_old(user: str, request: PurgeOld, writes: WriteSet, reads: ReadSet) -> Ok:
    """Purge, unless the room changed its rule since the job looked."""
    room = reads.rooms.get(request.room)
    if room is None or room.deleted_by is not None:
        return Ok()
    old = reads.records_of(OldMessages)[room.number]
    keeps = request.of_room and (room.retain_s != request.retain_s or room.details.kept >= request.low)
    if not keeps and (old.low, old.high) == (request.low, request.high):
        removal.purge_stretch(room, old.low, old.high, old.countable, writes, reads)
    return Ok()

"""What is stored of the delivery of events: positions of their receivers, and entries that were set aside. Pure."""

from dataclasses import dataclass

from chatd.core.event_feed import Position, cursor_of, position_of
from chatd.core.read_set import ReadSet
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.identifiers import U53_MAX

# Of one receiver: beyond it the oldest are dropped. A receiver that refuses so many is not one entry away from health.
PARKED_MAX = 1000


@dataclass(slots=True, frozen=True)
class Consumer:
    """A record: a receiver of the feed. `cursor`: everything up to it was delivered. `state`: JSON, of the delivery."""

    name: str
    cursor: str
    state: bytes


@dataclass(slots=True, frozen=True)
class Parked:
    """A record: an entry, by its id, that `consumer` refused while it took others.

    `status`: of the last answer, 0 for none; its text may repeat what was sent, so it is not stored. `time`: Unix ms.
    """

    consumer: str
    entry: str
    status: int
    time: int = 0


@dataclass(slots=True, frozen=True)
class Unparked:
    """A record: the entry was delivered after all, or is given up."""

    consumer: str
    entry: str


@dataclass(slots=True, frozen=True)
class ForgottenParked:
    """A record: entries that were set aside, and are not in the feed any more."""


@dataclass(slots=True, frozen=True)
class SaveConsumers:
    """Store how far receivers came, and the entries that they passed."""

    consumers: tuple[Consumer, ...]
    parked: tuple[Parked, ...] = ()


@dataclass(slots=True, frozen=True)
class Unpark:
    """Forget that an entry was set aside."""

    consumer: str
    entry: str


@dataclass(slots=True, frozen=True)
class ForgetParked:
    """Forget entries that were set aside, and are not in the feed any more."""


def save_consumers(user: str, request: SaveConsumers, writes: WriteSet, reads: ReadSet) -> Ok:
    writes.add(*request.consumers, *request.parked)
    return Ok()


def forget_parked(user: str, request: ForgetParked, writes: WriteSet, reads: ReadSet) -> Ok:
    writes.add(ForgottenParked())
    return Ok()


def unpark(user: str, request: Unpark, writes: WriteSet, reads: ReadSet) -> Ok:
    writes.add(Unparked(request.consumer, request.entry))
    return Ok()


def before(entry: str) -> str:
    """Return the cursor that an entry follows, by its id. Raises Refused("bad_cursor").

    >>> before("k7Qd-3412-1")
    'k7Qd-3412-0'
    """
    epoch, place = position_of(entry)
    ahead = Position(place.stamp, place.n - 1) if place.n else Position(max(place.stamp, 1) - 1, U53_MAX)
    return cursor_of(epoch, ahead)

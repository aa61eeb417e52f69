"""A notification that waits to be sent: a few words about where it comes from, and no text."""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from chatd.core.push import Address, AlertKind, Kind, Outcome
from chatd.core.push_events import Topic as EventTopic

Topic = EventTopic | AlertKind | Literal["read", "badge"]


class AppKey(NamedTuple):
    """An app at a push service, by which rates and failures are counted."""

    platform: str
    app: str


class Key(NamedTuple):
    """Of two with the same key the newer one replaces the older. `room`: its number, 0 for none. `by`: of an alert."""

    user: str
    device: str
    room: int
    topic: Topic
    by: str = ""


@dataclass(slots=True)
class Pending:
    """A notification that waits, is looked at, or is under way to the push service.

    `first` to `seq`: the events it tells of, the newest of which came at `time` (Unix ms). `stamp`: the oldest of their
    commits. `due`: monotonic seconds. `tries`: failed ones. `number`: of its
    delivery, once it was taken; `address`: where it was sent, and whether without a sound.
    """

    key: Key
    app: AppKey
    kind: Kind
    first: int
    seq: int
    time: int
    stamp: int
    due: float
    tries: int = 0
    number: int = 0
    address: Address | None = None
    is_quiet: bool = False

    @property
    def is_named(self) -> bool:
        """Whether the recipient is named: these are dropped last."""
        return self.kind == "mention"


class Ended(NamedTuple):
    """A notification that is over. `detail`: the word of the push service."""

    pending: Pending
    outcome: Outcome
    detail: str = ""


def joined(older: Pending, newer: Pending) -> Pending:
    """Return one that tells of both. A mention stays one, and nothing that was due is put off."""
    return replace(
        newer,
        kind=older.kind if older.is_named else newer.kind,
        first=min(older.first, newer.first),
        seq=max(older.seq, newer.seq),
        time=max(older.time, newer.time),
        stamp=min(older.stamp, newer.stamp),
        due=min(older.due, newer.due),
    )

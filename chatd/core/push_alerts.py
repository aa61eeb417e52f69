"""Alerts: what users are to be told of on their devices and is of no message. Synchronous and pure.

They are stored with the commit that causes them, where push is switched on, until push has told them.
"""

from dataclasses import dataclass

from chatd.core.push import AlertKind
from chatd.core.read_set import ReadSet
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok


@dataclass(slots=True, frozen=True)
class Alert:
    """A record: tell `user` of what `author` did. `time`: Unix ms. `room`: its number, 0 for none."""

    user: str
    kind: AlertKind
    author: str
    time: int
    room: int = 0


@dataclass(slots=True, frozen=True)
class ToldAlerts:
    """A record, and the request for it: the alerts up to commit `until` are told."""

    until: int


def alert(user: str, kind: AlertKind, author: str, writes: WriteSet, reads: ReadSet, room: int = 0) -> None:
    """Have a user told of what somebody else did, where push is switched on. `room`: its number, 0 for none."""
    if reads.rules.push and user != author:
        writes.add(Alert(user, kind, author, writes.now, room))


def forget_told(user: str, request: ToldAlerts, writes: WriteSet, reads: ReadSet) -> Ok:
    writes.add(request)
    return Ok()

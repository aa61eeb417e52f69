"""Alerts: what users are to be told of on their devices and no log of a room has. Synchronous and pure.

They are stored with the commit that causes them, where push is switched on, until push has told them.
"""

from dataclasses import dataclass

from chatd.core.push import Kind
from chatd.core.read_set import ReadSet
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok


@dataclass(slots=True, frozen=True)
class Alert:
    """A record: tell `user` of what `author` did. `time`: Unix ms."""

    user: str
    kind: Kind
    author: str
    time: int


@dataclass(slots=True, frozen=True)
class ToldAlerts:
    """A record, and the request for it: the alerts up to commit `until` are told."""

    until: int


def alert(user: str, kind: Kind, author: str, writes: WriteSet, reads: ReadSet) -> None:
    """Have a user told, where push is switched on."""
    if reads.rules.push:
        writes.add(Alert(user, kind, author, writes.now))


def forget_told(user: str, request: ToldAlerts, writes: WriteSet, reads: ReadSet) -> Ok:
    writes.add(request)
    return Ok()

"""A decision that is made to see whether it refuses, and ends where it would begin to change something.

A decision checks everything first, and then changes rooms and members only through its write set, so the first change
shows that nothing is refused. Its read set must be its own: decisions note in it what they are about to store.
"""

from collections.abc import Callable
from typing import Any, NoReturn

from chatd.core.read_set import ReadSet
from chatd.core.room import Room
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok


class _NotRefused(Exception):
    """The decision began to change something."""


class _Rehearsal(WriteSet):
    """A write set that takes nothing: one of these comes before every change of a room, of a member, or of a list."""

    def add(self, *records: object) -> NoReturn:
        raise _NotRefused

    def spend(self, kind: str, user: str, count: int) -> NoReturn:
        raise _NotRefused

    def add_step(self, room: Room, step: Any) -> NoReturn:
        raise _NotRefused

    def _mark_dirty(self, room: Room) -> NoReturn:
        raise _NotRefused


def rehearse(
    decide: Callable[[str, Any, WriteSet, ReadSet], Ok], user: str, request: Any, reads: ReadSet, now_ms: int
) -> None:
    """Raise Refused when `decide` would refuse this."""
    try:
        decide(user, request, _Rehearsal(now_ms, 0), reads)
    except _NotRefused:
        return

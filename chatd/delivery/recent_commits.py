"""What the last commits were about: for a connection that read its snapshot before it had a seat."""

from collections import deque
from collections.abc import Container
from dataclasses import dataclass

from chatd.core.write_set import Work

KEPT = 64  # commits: at a thousand a second more than the time a hello takes to read


@dataclass(slots=True, frozen=True)
class Told:
    """One commit that was told: its number, the rooms it changed, the users whose account, device or place in a room
    it did: what the store stamps with the number, and a sync looks for.
    """

    stamp: int
    rooms: frozenset[int]
    users: frozenset[str]


class Recent:
    """The commits told last. Note them in order, each before or while it is told."""

    def __init__(self) -> None:
        self._told: deque[Told] = deque(maxlen=KEPT)

    @property
    def stamp(self) -> int:
        """The number of the commit told last, 0 for none."""
        return self._told[-1].stamp if self._told else 0

    def note(self, work: Work) -> None:
        """`work` is being told; one that stored nothing leaves no trace."""
        if work.empty:
            return
        users = {*(user for _, user in work.members), *(change.user for change in work.accounts)}
        self._told.append(Told(work.stamp, frozenset(work.rooms), frozenset(users)))

    def concerns(self, since: int, user: str, rooms: Container[int]) -> bool:
        """Was anything told of `user` or of these rooms that a snapshot of commit `since` does not hold?

        True also when that is too long ago to know.
        """
        for told in reversed(self._told):
            if told.stamp <= since:
                return False
            if user in told.users or any(number in rooms for number in told.rooms):
                return True
        return len(self._told) == KEPT and self._told[0].stamp > since + 1

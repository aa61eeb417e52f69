"""What the last commits were about: for a connection that read its snapshot before it was subscribed."""

from collections import deque
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

from chatd.core.sections import ChangedRow
from chatd.core.users import Account, DeviceSeen
from chatd.core.write_set import WriteSet

# Records with a `user`, whose rows a hello or a sync reads; those of this package.
OF_USERS: tuple[type[Any], ...] = (Account, DeviceSeen, ChangedRow)
KEPT = 64  # commits: at a thousand a second more than the time a hello takes to read


@dataclass(slots=True, frozen=True)
class CommitSummary:
    """One commit that was told: its number, the rooms it changed, the users whose account, device, account rows or
    place in a room it did: what the store stamps with the number, and a sync looks for.
    """

    stamp: int
    rooms: frozenset[int]
    users: frozenset[str]


class RecentCommits:
    """The commits told last. Note them in order, each before or while it is told.

    `of_users`: the types of records that concern the user they name.
    """

    def __init__(self, of_users: Sequence[type[Any]] = OF_USERS) -> None:
        self._of_users = of_users
        self._commits: deque[CommitSummary] = deque(maxlen=KEPT)

    @property
    def stamp(self) -> int:
        """The number of the commit told last, 0 for none."""
        return self._commits[-1].stamp if self._commits else 0

    def note(self, writes: WriteSet) -> None:
        """`writes` is being told; one that stored nothing leaves no trace."""
        if writes.empty:
            return
        users = {user for _, user in writes.members}
        for kind in self._of_users if writes.records else ():
            users.update(record.user for record in writes.records_of(kind))
        self._commits.append(CommitSummary(writes.stamp, frozenset(writes.rooms), frozenset(users)))

    def concerns(self, since: int, user: str, rooms: Container[int]) -> bool:
        """Was anything told of `user` or of these rooms that a snapshot of commit `since` does not hold?

        True also when that is too long ago to know.
        """
        for commit in reversed(self._commits):
            if commit.stamp <= since:
                return False
            if user in commit.users or any(number in rooms for number in commit.rooms):
                return True
        return len(self._commits) == KEPT and self._commits[0].stamp > since + 1

"""Summaries of the last published commits, for a connection that read a snapshot before it was subscribed.

The race that they decide is explained in commands/hello.py.
"""

from collections import deque
from collections.abc import Container
from dataclasses import dataclass

from chatd.core.sections import ChangedRow
from chatd.core.users import Account, DeviceSeen
from chatd.core.write_set import WriteSet

# Records of users that a hello or a sync reads.
OF_USERS: tuple[type[Account | DeviceSeen | ChangedRow], ...] = (Account, DeviceSeen, ChangedRow)
# Commits: at a thousand a second more than the time a hello takes to read.
KEPT = 64


@dataclass(slots=True, frozen=True)
class CommitSummary:
    """A published commit: its number, the rooms it changed, and the users whose account, device, account rows or
    membership it changed. These are the rows that the store stamps with the number, and that a sync looks for.
    """

    stamp: int
    rooms: frozenset[int]
    users: frozenset[str]


class RecentCommits:
    """The last published commits. Note them in order, each before its first push."""

    def __init__(self) -> None:
        self._commits: deque[CommitSummary] = deque(maxlen=KEPT)

    @property
    def stamp(self) -> int:
        """The number of the last published commit, 0 for none."""
        return self._commits[-1].stamp if self._commits else 0

    def note(self, writes: WriteSet) -> None:
        """Note a commit that is about to be published; one that stored nothing is left out."""
        if writes.empty:
            return
        users = {user for _, user in writes.members}
        for kind in OF_USERS if writes.records else ():
            users.update(record.user for record in writes.records_of(kind))
        self._commits.append(CommitSummary(writes.stamp, frozenset(writes.rooms), frozenset(users)))

    def concerns(self, since: int, user: str, rooms: Container[int]) -> bool:
        """Whether a commit after `since` about `user` or one of these rooms was published.

        True also when `since` is too long ago to know.
        """
        for commit in reversed(self._commits):
            if commit.stamp <= since:
                return False
            if user in commit.users or any(number in rooms for number in commit.rooms):
                return True
        return len(self._commits) == KEPT and self._commits[0].stamp > since + 1

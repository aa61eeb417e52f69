"""Summaries of the last published commits, for a connection that read a snapshot before it was subscribed.

The race that they decide is explained in commands/hello.py.
"""

from collections import deque
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

from chatd.core.sections import ChangedRow
from chatd.core.users import Account, DeviceSeen
from chatd.core.write_set import WriteSet

# Records of this package with a `user`, whose rows a hello or a sync reads.
OF_USERS: tuple[type[Any], ...] = (Account, DeviceSeen, ChangedRow)
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
    """The last published commits. Note them in order, each before its first push.


    `of_users`: the types of records that concern the user they name.
    """

    def __init__(self, of_users: Sequence[type[Any]] = OF_USERS) -> None:
        self._of_users = of_users
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
        for kind in self._of_users if writes.records else ():
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

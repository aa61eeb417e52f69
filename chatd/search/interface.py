"""The contract of an index of messages. It proposes, and what is stored decides: a candidate may be recalled by now,
or hold less than was asked for; and an index may be behind, empty, or not there.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from chatd.core.searches import Alternatives, Span


class Candidates(NamedTuple):
    """`seqs`: of messages that may match, the newest first. `indexed`: the last event that the index has seen there.

    What changed behind `indexed`, and what is new, is not among the candidates.
    """

    indexed: int
    seqs: Sequence[int]


class IndexStatus(NamedTuple):
    """The state of an index. `rooms`: those of which it has seen something; `behind`: those of which it knows that
    there is more. `bytes`: on the disk. `is_complete`: whether it has caught up since it started. `problem`: why it
    does not go on, "" when it does.
    """

    is_complete: bool = False
    rooms: int = 0
    behind: int = 0
    bytes: int = 0
    problem: str = ""


class Search(Protocol):
    """An index of messages by the tokens of core/searches.py."""

    async def find(self, tokens: Alternatives, spans: Sequence[Span], limit: int) -> Sequence[Candidates]:
        """Return for each span up to `limit` messages that have one of each of the alternatives. Without an index
        there are none.
        """

    def on_commit(self, rooms: Collection[int]) -> None:
        """Note that these rooms have moved."""


class KeptIndex(Search, Protocol):
    """An index that something fills."""

    @property
    def status(self) -> IndexStatus: ...

    def rebuild(self) -> bool:
        """Have the index made anew; return whether somebody is there to do it."""

    async def close(self) -> None:
        """End what fills it; return when it is over."""

"""The contract of an index of messages. It proposes, and what is stored decides: a candidate may be recalled by now,
or hold less than was asked for; and an index may be behind, empty, or not there.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol


class Span(NamedTuple):
    """The events `low`..`high` of one room, both inclusive."""

    room: int
    low: int
    high: int


class Candidates(NamedTuple):
    """`seqs`: of messages that may match, the newest first. `indexed`: the last event that the index has seen there.

    What changed behind `indexed`, and what is new, is not among the candidates.
    """

    indexed: int
    seqs: Sequence[int]


class IndexStatus(NamedTuple):
    """The state of an index. `rooms`: those of which it has seen something; `behind`: those of which it knows that
    there is more. `bytes`: on the disk. `is_complete`: whether it has caught up since it started.
    """

    is_complete: bool = False
    rooms: int = 0
    behind: int = 0
    messages: int = 0
    bytes: int = 0


class Search(Protocol):
    """An index of messages by the tokens of core/words.py, and by author and content (core/searches.py)."""

    async def find(self, tokens: Collection[str], spans: Sequence[Span], limit: int) -> Sequence[Candidates]:
        """Return for each span up to `limit` messages that have all these tokens. Without an index there are none."""

    def on_commit(self, heads: Sequence[tuple[int, int]]) -> None:
        """Note that these rooms reach to these events now, as (room, seq)."""

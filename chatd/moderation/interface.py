"""The contract of filters that are ready to look through texts."""

from collections.abc import Sequence
from typing import Protocol

from chatd.core.filters import Filter, Hit


class Filters(Protocol):
    """All lists together. They never change: other lists are other filters."""

    def find(self, text: str) -> Sequence[Hit]:
        """Return the places in `text` where a rule acts, in no order."""
        ...


class Compile(Protocol):
    """Makes filters of lists, in a thread: 50,000 words take a tenth of a second."""

    def __call__(self, lists: Sequence[Filter]) -> Filters:
        """Return the filters. Raises Refused: "bad_request" for a rule that is none, "not_supported" without them."""
        ...

"""What was mended in a chat trace, and what was left out of it: counted, and told once for all lines."""

from __future__ import annotations

import sys

SHOWN_MAX = 12  # kinds of a verdict: more say nothing more


class Mending:
    """Counts by what was done, in words, with the place of the first. A place is `line 7` or a file."""

    def __init__(self) -> None:
        self._mended: dict[str, tuple[int, str]] = {}
        self._left_out: dict[str, tuple[int, str]] = {}

    def mend(self, what: str, place: object) -> None:
        """Something was put right: `what` says what was wrong."""
        _count(self._mended, what, place)

    def leave_out(self, what: str, place: object) -> None:
        """A line is not in the trace: `what` says why."""
        _count(self._left_out, what, place)

    @property
    def left_out(self) -> int:
        """How many lines are not in the trace."""
        return sum(count for count, _ in self._left_out.values())

    def lines(self) -> list[str]:
        """The account, most frequent first; empty when all was well."""
        return [*_told("mended", self._mended), *_told("left out", self._left_out)]

    def tell(self, name: str) -> None:
        """Write the account of the file `name` to standard error."""
        for line in self.lines():
            print(f"bench: {name}: {line}", file=sys.stderr)


def _count(counts: dict[str, tuple[int, str]], what: str, place: object) -> None:
    count, first = counts.get(what, (0, str(place)))
    counts[what] = (count + 1, first)


def _told(verb: str, counts: dict[str, tuple[int, str]]) -> list[str]:
    ordered = sorted(counts.items(), key=lambda one: -one[1][0])[:SHOWN_MAX]
    return [f"{verb} {count:,}: {what} (the first: {first})" for what, (count, first) in ordered]

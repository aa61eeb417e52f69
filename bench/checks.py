"""Was anything lost, doubled, reordered, sent astray or changed: counters, and comparisons of what was kept.

Pure. A log is compared with the trace, a replica with the log; what phones see live is counted as it happens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from bench.client.replica import Fate, Position

EXAMPLES_MAX = 20  # enough to see a pattern, few enough to read


class Said(NamedTuple):
    key: str
    user: str
    text: str


class Entry(NamedTuple):
    """One event of a log: its place, its identity, and what was said when it is a message."""

    seq: int
    identity: int
    said: Said | None


@dataclass
class Tally:
    lost: int = 0  # in the trace but not in the log, or in the log but not in a replica
    duplicated: int = 0  # one key twice in the log, or an event pushed twice on one connection
    reordered: int = 0  # an author's messages in another order, or a push below an earlier one
    misrouted: int = 0  # pushed to somebody who is not a member, or a reply nobody asked for
    altered: int = 0  # another text or author than the trace, or a replica unlike the log
    unacked: int = 0  # never acknowledged
    examples: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not any(self.counts().values())

    def counts(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in COUNTERS}

    def add(self, counter: str, example: str, count: int = 1) -> None:
        setattr(self, counter, getattr(self, counter) + count)
        if len(self.examples) < EXAMPLES_MAX:
            self.examples.append(f"{counter}: {example}")

    def merge(self, other: Tally) -> None:
        for name, count in other.counts().items():
            setattr(self, name, getattr(self, name) + count)
        self.examples = (self.examples + other.examples)[:EXAMPLES_MAX]

    def live(self, fate: Fate, place: str) -> None:
        if fate is Fate.DUPLICATE:
            self.add("duplicated", f"{place} was pushed twice on one connection")
        elif fate is Fate.LATE:
            self.add("reordered", f"{place} was pushed after a later one")


COUNTERS = ("lost", "duplicated", "reordered", "misrouted", "altered", "unacked")


class LogBook:
    """The log of one room as the server tells it at the end, from its first place on."""

    def __init__(self, room: str, entries: Sequence[Entry]) -> None:
        self.room = room
        self.entries = entries
        self.last = len(entries)
        self._sums = list(accumulate((entry.identity for entry in entries), initial=0))

    def identity(self, start: int, end: int) -> int:
        """The sum of the identities of the events after `start` up to `end`."""
        return self._sums[end] - self._sums[start]


def check_dense(book: LogBook, tally: Tally) -> bool:
    """The log has every place once and in order; counts holes as lost, repetitions as duplicated."""
    seqs = [entry.seq for entry in book.entries]
    wanted = list(range(1, book.last + 1))
    if seqs == wanted:
        return True
    seen = set(seqs)
    if repeated := len(seqs) - len(seen):
        tally.add("duplicated", f"the log of {book.room} repeats {repeated} places", repeated)
    if holes := max(seqs) - len(seen):
        tally.add("lost", f"the log of {book.room} has {holes} holes", holes)
    if seqs != sorted(seqs):
        tally.add("reordered", f"the log of {book.room} is not ascending")
    return False


def check_log(
    book: LogBook, acked: Mapping[str, int], written: Callable[[str], tuple[int, Said] | None], tally: Tally
) -> None:
    """Every acknowledged message is in the log once, where its ack said, unchanged, and each author's are in order.

    `acked`: places by key; `written`: by key the message as it was written, and its number among those of its author,
    None for one that is not of this run, which counts as misrouted.
    """
    seen: set[str] = set()
    newest: dict[str, int] = {}
    for entry in book.entries:
        said, place = entry.said, f"{book.room} {entry.seq}"
        if said is None:
            continue
        found = written(said.key)
        if found is None:
            tally.add("misrouted", f"{place} by {said.user} is not of this run")
        elif said.key in seen:
            tally.add("duplicated", f"{said.key} by {said.user} is stored again as {place}")
        else:
            seen.add(said.key)
            number, wanted = found
            if said != wanted or acked.get(said.key, entry.seq) != entry.seq:
                tally.add("altered", f"{place} is not what {wanted.user} wrote, or not where the ack said")
            if number < newest.get(said.user, -1):
                tally.add("reordered", f"{said.key} by {said.user} stands after their later ones ({place})")
            newest[said.user] = max(number, newest.get(said.user, -1))
    for key in acked.keys() - seen:
        tally.add("lost", f"{key} was acknowledged as {acked[key]} and is not in the log of {book.room}")


def check_replica(user: str, position: Position, book: LogBook, tally: Tally) -> None:
    missing = book.last - position.applied
    if missing > 0:
        text = f"{user} misses {missing} events of {book.room} from {position.applied + 1} on"
        tally.add("lost", text, missing)
    if missing < 0:
        tally.add("altered", f"{user} has events of {book.room} that the log does not have")
    elif position.identity != book.identity(position.start, position.applied):
        tally.add("altered", f"{user} has other events of {book.room} than the log")


def deliveries(users: Mapping[str, Position], book: LogBook) -> int:
    """How many messages reached somebody who did not write them."""
    written: dict[str, list[int]] = {user: [] for user in users}
    messages = [0]
    for entry in book.entries:
        messages.append(messages[-1] + (entry.said is not None))
        if entry.said is not None and entry.said.user in written:
            written[entry.said.user].append(entry.seq)
    total = 0
    for user, position in users.items():
        end = min(position.applied, book.last)
        own = sum(1 for seq in written[user] if position.start < seq <= end)
        total += messages[end] - messages[position.start] - own
    return total

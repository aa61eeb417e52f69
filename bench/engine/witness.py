"""What one receiver has seen of one room: every place once, in order, and each word as it was written. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from bench.checks import Tally
from bench.codec import Packet
from bench.engine.script import Letter, Script, Texts


class Witness:
    """Follows the log of a room from `applied` on; what does not fit is counted in the tally.

    What is missing is not counted here: it may still come, and the authors know what they wrote, see `stage.Report`.
    """

    def __init__(self, script: Script, texts: Texts, tally: Tally, name: str) -> None:
        self.applied = 0
        self._next: dict[int, int] = {}  # author -> the number his next message has
        self._skipped: set[tuple[int, int]] = set()  # author and number
        self._gaps: set[int] = set()
        self._script = script
        self._texts = texts
        self._tally = tally
        self._name = name

    def resume(self, applied: int, numbers: Mapping[int, int]) -> None:
        """Goes on behind this place of the log, with so many messages of each author seen."""
        self.applied = applied
        self._next = dict(numbers)
        self._skipped.clear()
        self._gaps.clear()

    @property
    def gap(self) -> int:
        """The first place that is missing below `applied`; 0 when there is none."""
        return min(self._gaps, default=0)

    @property
    def gaps(self) -> int:
        """How many places are missing below `applied`."""
        return len(self._gaps)

    def event(self, event: Packet, *, repaired: bool = False) -> Letter | None:
        """One event; its letter when it is a message of this run that was not seen before.

        `repaired`: it came by `log`, so that it may be known already, and a gap may be closed.
        """
        if not self._place(event["seq"], repaired):
            return None
        letter = self._script.letter(event.get("key", ""))
        if letter is None:
            return None
        text, author = event.get("body", {}).get("text"), event.get("user")
        if text != self._texts.of(letter.author, letter.number) or author != self._script.user(letter.author):
            self._tally.add("altered", f"{self._name} {event['seq']} is not what was written")
        self._number(letter, repaired)
        return letter

    def own(self, seq: int, letter: Letter) -> None:
        """An acknowledgement, which stands where the event would have been."""
        if self._place(seq, False):
            self._number(letter, False)

    def heard(self) -> Counter[int]:
        """How many messages of each author were seen."""
        skipped = Counter(author for author, _ in self._skipped)
        return Counter({author: number - skipped[author] for author, number in self._next.items()})

    def _place(self, seq: int, repaired: bool) -> bool:
        if seq == self.applied + 1:
            self.applied = seq
            return True
        if seq > self.applied:
            self._gaps.update(range(self.applied + 1, seq))
            self.applied = seq
            return True
        if seq in self._gaps:
            self._gaps.discard(seq)
            if not repaired:
                self._tally.add("reordered", f"{self._name} {seq} came after {self.applied}")
            return True
        if not repaired:
            self._tally.add("duplicated", f"{self._name} {seq} came again after {self.applied}")
        return False

    def _number(self, letter: Letter, repaired: bool) -> None:
        author, number, _, _ = letter
        wanted = self._next.get(author, 0)
        if number >= wanted:
            self._skipped.update((author, skipped) for skipped in range(wanted, number))
            self._next[author] = number + 1
        elif (author, number) in self._skipped:
            self._skipped.discard((author, number))
            if not repaired:
                self._tally.add("reordered", f"{self._name}: {number} of {author} behind his later ones")
        else:
            self._tally.add("duplicated", f"{self._name}: {number} of {author} is there twice")

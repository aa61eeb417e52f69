"""The view one receiver has of one room: every place once, in order, and each word as it was written. Pure."""

from collections import Counter
from collections.abc import Mapping

from bench.checks import Tally
from bench.codec import Packet
from bench.engine.script import MessageId, Script, Texts


class SequenceChecker:
    """Follows the log of a room from `applied` on; what does not fit is counted in the tally.

    Missing messages are not counted here: they may still come, and the authors know what they wrote (`Report`).
    """

    def __init__(self, script: Script, texts: Texts, tally: Tally, name: str) -> None:
        self.applied = 0
        self._next: dict[int, int] = {}  # author -> the number of their next message
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
        return len(self._gaps)

    def event(self, event: Packet, *, repaired: bool = False) -> MessageId | None:
        """One event; its message when it is a message of this run that was not seen before.

        `repaired`: it came by `log`, so that it may be known already, and a gap may be closed.
        """
        if not self._place(event["seq"], repaired):
            return None
        message = self._script.message(event.get("key", ""))
        if message is None:
            return None
        said = event.get("body", {}).get("text"), event.get("user")
        author = message.author
        if said != (self._texts.of(author, message.number), self._script.user(author)):
            self._tally.add("altered", f"{self._name} {event['seq']} is not what was written")
        self._number(message, repaired)
        return message

    def own(self, seq: int, message: MessageId) -> None:
        """An acknowledgement, which stands where the event would have been."""
        if self._place(seq, False):
            self._number(message, False)

    def heard(self) -> Counter[int]:
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

    def _number(self, message: MessageId, repaired: bool) -> None:
        author, number, _, _ = message
        wanted = self._next.get(author, 0)
        if number >= wanted:
            self._skipped.update((author, skipped) for skipped in range(wanted, number))
            self._next[author] = number + 1
        elif (author, number) in self._skipped:
            self._skipped.discard((author, number))
            if not repaired:
                self._tally.add("reordered", f"{self._name}: {number} of {author} behind later ones")
        else:
            self._tally.add("duplicated", f"{self._name}: {number} of {author} is there twice")

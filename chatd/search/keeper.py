"""The keeping of an index: opened, filled, asked, and made anew when it is damaged, deleted or unwanted."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import apsw

from chatd.core.searches import Span
from chatd.search.feeder import Feeder
from chatd.search.files import delete
from chatd.search.index import Index, IndexLost
from chatd.search.interface import Candidates, IndexStatus
from chatd.search.source import AnyConnection

log = logging.getLogger(__name__)


class Keeper:
    """One index with its two connections.

    `step` may run in another thread than everything else, but not while `mend` does.
    """

    def __init__(self, path: Path, epoch: str, now_ms: Callable[[], int], *, singles: bool) -> None:
        self._path = path
        self._epoch = epoch
        self._singles = singles
        self._now_ms = now_ms
        # Why it has to be made anew; "" for no reason.
        self._unwanted = ""
        # Why it is not filled; "" when it is.
        self.problem = ""
        self._open()

    def _open(self) -> None:
        """Open the index, an empty one where there is none of use."""
        try:
            self._writing = self._opened()
        except IndexLost as error:
            if self._path.exists():
                log.warning("%s is made anew: %s", self._path.name, error)
            delete(self._path)
            self._writing = self._opened()
        self._reading = self._opened()
        self._feeder = Feeder(self._writing, self._now_ms)

    def _opened(self) -> Index:
        return Index(self._path, self._epoch, singles=self._singles)

    def close(self) -> None:
        self._reading.close()
        self._writing.close()

    def rebuild(self) -> None:
        """Have the index made anew, with the next step."""
        self._unwanted = "somebody asked for it"

    def note(self, rooms: Sequence[int]) -> None:
        """Note that these rooms have moved."""
        self._feeder.note(rooms)

    @property
    def folder(self) -> Path:
        return self._path.parent

    def step(self, source: AnyConnection) -> bool:
        """Do a little of what there is to do; return whether there is more."""
        try:
            return self._feeder.step(source)
        except (apsw.CorruptError, apsw.NotADBError) as error:
            self._unwanted = str(error)
            return True

    def mend(self) -> bool:
        """Make the index anew where that is needed; return whether it was."""
        why = self._unwanted or ("" if self._writing.is_there else "the file is gone")
        if why:
            log.warning("%s is made anew: %s", self._path.name, why)
            self._unwanted = ""
            self.close()
            delete(self._path)
            self._open()
        return bool(why)

    def find(self, tokens: Sequence[Sequence[str]], span: Span, limit: int) -> Candidates:
        """Return the candidates of one span."""
        try:
            seq, _ = self._reading.positions([span.room]).get(span.room, (0, 0))
            return Candidates(seq, self._reading.find(tokens, span, limit) if seq else ())
        except (apsw.CorruptError, apsw.NotADBError) as error:
            self._unwanted = str(error)
            return Candidates(0, ())

    @property
    def status(self) -> IndexStatus:
        feeder, reading = self._feeder, self._reading
        return IndexStatus(feeder.is_complete, reading.rooms(), feeder.behind, reading.bytes, self.problem)

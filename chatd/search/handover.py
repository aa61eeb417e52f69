"""The hand-over to an index that is kept by another process: questions and news one way, answers the other.

The process knows nothing that has to outlive it. While there is none, or it does not answer in time, there are no
candidates, and a search reads the newest messages alone.
"""

import asyncio
from collections.abc import Collection, Sequence
from typing import Protocol

from msgspec import Struct

from chatd.config.model import Log
from chatd.core.searches import Alternatives, Span
from chatd.protocol.process_frames import decode
from chatd.search.interface import Candidates, IndexStatus

# The time in which an index answers, of which it needs some milliseconds.
ANSWER_S = 2.0
# Commits are told together: few large changes cost an index less than many small ones, and until then what is new is
# read plainly.
COLLECT_S = 1.0
UNKNOWN = Candidates(0, ())


class IndexSettings(Struct, frozen=True):
    """The part of the configuration that an index needs. `epoch`: the history of the database."""

    database: str
    file: str
    epoch: str
    singles: bool
    min_free_bytes: int
    log: Log = Log()


class Ask(Struct, frozen=True, tag="ask"):
    number: int
    tokens: Sequence[Sequence[str]]
    spans: list[Span]
    limit: int


class Moved(Struct, frozen=True, tag="moved"):
    """These rooms have moved."""

    rooms: list[int]


class Rebuild(Struct, frozen=True, tag="rebuild"):
    """The index is to be made anew."""


class Answer(Struct, frozen=True, tag="answer"):
    number: int
    found: list[Candidates]


class Told(Struct, frozen=True, tag="told"):
    """The state of the index, every second in which it changed."""

    status: IndexStatus


ToIndex = Ask | Moved | Rebuild
FromIndex = Answer | Told


class Link(Protocol):
    """The way to a process, which is started again whenever it ends."""

    def write(self, content: object) -> bool:
        """Write to the process; False when it takes no more."""

    @property
    def is_awaited(self) -> bool:
        """Whether the process is up, or will be in a moment: what is written is kept until then."""

    async def close(self) -> None:
        """End the process; return when it is over."""


class RemoteIndex:
    """A `Search` whose index another process keeps. `link` is set before the first question."""

    link: Link

    def __init__(self, settings: IndexSettings) -> None:
        self.settings = settings
        self.status = IndexStatus()
        self._asked: dict[int, tuple[asyncio.Future[list[Candidates]], Ask]] = {}
        self._number = 0
        self._moved: set[int] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def find(self, tokens: Alternatives, spans: Sequence[Span], limit: int) -> Sequence[Candidates]:
        none = [UNKNOWN] * len(spans)
        if not spans or not self.link.is_awaited:
            return none
        self._number += 1
        ask = Ask(self._number, tokens, list(spans), limit)
        future: asyncio.Future[list[Candidates]] = asyncio.get_running_loop().create_future()
        self._asked[ask.number] = future, ask
        try:
            if not self.link.write(ask):
                return none
            async with asyncio.timeout(ANSWER_S):
                return await future
        except TimeoutError:
            return none
        finally:
            del self._asked[ask.number]

    def on_commit(self, rooms: Collection[int]) -> None:
        if not self._moved and rooms:
            self._timer = asyncio.get_running_loop().call_later(COLLECT_S, self._tell)
        self._moved.update(rooms)

    def rebuild(self) -> bool:
        """Have the index made anew; return whether somebody is there to do it."""
        return self.link.is_awaited and self.link.write(Rebuild())

    async def close(self) -> None:
        """End the process."""
        if self._timer is not None:
            self._timer.cancel()
        await self.link.close()

    def _tell(self) -> None:
        # One that is not up walks all rooms when it begins; one that takes no more is told again.
        moved, self._moved = self._moved, set()
        if self.link.is_awaited and not self.link.write(Moved(sorted(moved))):
            self.on_commit(moved)

    # A Role of server/children.py

    def on_content(self, payload: bytes) -> None:
        """Take what the process says. Raises ValueError for anything else."""
        said: FromIndex = decode(payload, FromIndex)
        if isinstance(said, Told):
            self.status = said.status
        elif said.number in self._asked:
            future, ask = self._asked[said.number]
            if not future.done():
                future.set_result(bounded(said.found, ask))

    def on_end(self) -> None:
        """Answer for a process that ended."""
        self.status = IndexStatus()
        for future, ask in self._asked.values():
            if not future.done():
                future.set_result([UNKNOWN] * len(ask.spans))


def bounded(found: Sequence[Candidates], ask: Ask) -> list[Candidates]:
    """Return the answer of another process to a question. Raises ValueError when it is none."""
    if len(found) != len(ask.spans):
        raise ValueError("an answer to something else")
    for candidates, span in zip(found, ask.spans, strict=True):
        seqs = candidates.seqs
        is_within = all(span.low <= seq <= span.high for seq in seqs) and len(seqs) <= ask.limit
        if not is_within or list(seqs) != sorted(set(seqs), reverse=True) or candidates.indexed < 0:
            raise ValueError("candidates beyond their bounds")
    return list(found)

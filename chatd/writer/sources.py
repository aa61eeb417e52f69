"""The sources that needs read from, and the form of a need."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chatd.core.read_set import Counted, ReadSet, UnreadSpan
from chatd.core.screening import Screened
from chatd.env import Env
from chatd.storage.interface import DecisionStore
from chatd.writer.room_loader import RoomLoader


class Submitted(Protocol):
    """A submission. `counted`: the events that a read passes, when they were counted outside the batch.

    `screened`: how screening has it not carried out as it came.
    """

    user: str
    request: Any
    counted: tuple[UnreadSpan, Counted] | None
    screened: Screened | None


@dataclass(slots=True, frozen=True)
class Sources:
    """The sources that needs are read from."""

    store: DecisionStore
    env: Env
    rooms: RoomLoader


Need = Callable[[Sources, Sequence[Submitted], ReadSet], Awaitable[None]]

"""What phones find around them, and how one differs from another."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from tests.simulation.choices import Lane
from tests.simulation.history import Conversation, Slice, Snapshot
from tests.simulation.loop import SimLoop
from tests.simulation.network import Network
from tests.simulation.transport import NetworkConditions


class Environment(Protocol):
    """What phones find around them."""

    loop: SimLoop
    network: Network
    trace: hashlib.blake2b
    conversations: list[Conversation]
    slices: list[Slice]
    snapshots: list[Snapshot]

    def token(self, user: str, device: str) -> tuple[str, float]:
        """A token of the host app, and when it was issued."""

    def conditions(self, lane: Lane) -> NetworkConditions:
        """What the next connection will suffer."""

    def note(self, who: str, text: str) -> None:
        """One line of the story."""

    def boot(self) -> int:
        """Which start of the daemon this is."""


@dataclass(slots=True)
class Quirks:
    """What this phone does differently. `stale`: sometimes comes with an old cursor; `eager`: hello at once."""

    text: bool = False
    deflate: bool = False
    eager: bool = False
    stale: bool = False
    inline: int = 0
    page: int = 30
    words: tuple[str, ...] = ()  # for account rows; more after an update of the app

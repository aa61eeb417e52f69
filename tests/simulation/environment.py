"""The environment of clients, and how one client differs from another."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from tests.simulation.choices import Lane
from tests.simulation.history import Conversation, Slice, Snapshot
from tests.simulation.loop import SimLoop
from tests.simulation.network import Network
from tests.simulation.transport import NetworkConditions


class Environment(Protocol):
    """The environment of clients."""

    loop: SimLoop
    network: Network
    trace: hashlib.blake2b
    conversations: list[Conversation]
    slices: list[Slice]
    snapshots: list[Snapshot]
    # Those that some client was shown.
    channels: list[str]

    def token(self, user: str, device: str) -> tuple[str, float]:
        """Return a token of the host app, and the time when it was issued."""

    def conditions(self, lane: Lane) -> NetworkConditions:
        """Return the faults of the next connection."""

    def note(self, who: str, text: str) -> None:
        """Add one line to the story."""

    def boot(self) -> int:
        """Return the number of starts of the daemon."""


@dataclass(slots=True)
class Quirks:
    """The peculiarities of one client. `stale`: it sometimes comes with an old cursor; `eager`: it says hello at
    once."""

    text: bool = False
    deflate: bool = False
    eager: bool = False
    stale: bool = False
    inline: int = 0
    page: int = 30
    # Feature words for account rows; more after an update of the app.
    words: tuple[str, ...] = ()

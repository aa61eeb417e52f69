"""The contract of a bus."""

from typing import Protocol

from chatd.core.write_set import WriteSet


class Bus(Protocol):
    """The way of committed batches to other processes. Best effort: it never blocks and never raises.

    A lost batch only makes others slower, never wrong: everything can be read again from the store.
    """

    def publish(self, writes: WriteSet) -> None: ...

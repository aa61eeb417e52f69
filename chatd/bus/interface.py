"""The contract of a bus: it carries committed events to other processes."""

from typing import Protocol

from chatd.core.write_set import WriteSet


class Bus(Protocol):
    """Carries committed batches to other processes. Best effort: never blocks, never raises.

    A lost batch only makes others slower, never wrong: everything can be read again from the store.
    """

    def publish(self, writes: WriteSet) -> None: ...

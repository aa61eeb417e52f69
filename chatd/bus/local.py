"""One process: whoever is live is live here, so a committed batch needs no carrying."""

from chatd.core.write_set import WriteSet


class LocalBus:
    """The Bus of a single process: there is nobody else to tell."""

    def publish(self, writes: WriteSet) -> None:
        """Nothing to do: the fan-out of this process has the batch already."""

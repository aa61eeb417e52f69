"""The bus of a single process: all connections are here, so a committed batch need not be carried anywhere."""

from chatd.core.write_set import WriteSet


class LocalBus:
    """The bus of a single process."""

    def publish(self, writes: WriteSet) -> None:
        """Do nothing: the fan-out of this process has the batch already."""

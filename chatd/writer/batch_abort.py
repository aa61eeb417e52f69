"""The abort rule of batch frames (protocol.md "Batches"): a failed send takes the later sends to its room along."""


class BatchAbort:
    """The sends of one batch frame, numbered from 1, and the first of each room that failed for now."""

    __slots__ = ("_count", "_failed")

    def __init__(self) -> None:
        self._count = 0
        self._failed: dict[str, int] = {}

    def next(self) -> int:
        """Return the place of one more send."""
        self._count += 1
        return self._count

    def fail(self, room: str, place: int) -> None:
        """Note that the send at `place` failed with a `retry` other than never."""
        self._failed[room] = min(place, self._failed.get(room, place))

    def aborts(self, room: str, place: int) -> bool:
        """Whether an earlier send to `room` failed."""
        return self._failed.get(room, place) < place

"""A writer in memory that keeps reports, for decisions on them without a store."""

from typing import Any

from chatd.core.moderation import Filed, LastNumber, Neighbourhood
from chatd.core.read_set import ReadSet
from tests.kit.memory_writer import Asked, MemoryWriter


class Moderators(MemoryWriter):
    """A writer with reports; `left`: how many each user may still make."""

    def __init__(self, *rooms: Any) -> None:
        super().__init__(*rooms)
        self.filed: dict[int, Filed] = {}

    def gather(self, asked: list[Asked]) -> ReadSet:
        reads = super().gather(asked)
        reads.records_of(Filed).update(self.filed)
        reads.records_of(LastNumber)["last"] = LastNumber(max(self.filed, default=0))
        for (number, seq), blob in self.messages.items():
            for user in {user for user, _ in asked}:
                reads.records_of(Neighbourhood)[number, seq, user] = Neighbourhood(blob)
        return reads

    def commit(self) -> None:
        super().commit()
        for filed in self.writes.records_of(Filed):
            self.filed[filed.number] = filed

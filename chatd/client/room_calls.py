"""A room as a place that requests are about, which the parts of rooms.py have in common."""

from collections.abc import Mapping

from .core.packets import Ack, Body, Decoded, Packet
from .core.replica import Replica
from .engine import Engine
from .sender import Receipt


class RoomCalls:
    """The requests about one room of one client."""

    __slots__ = ("_engine", "id")

    def __init__(self, engine: Engine, room: str) -> None:
        self._engine = engine
        self.id = room

    def __repr__(self) -> str:
        return f"Room({self.id!r})"

    @property
    def _replica(self) -> Replica:
        return self._engine.account.replica(self.id)

    @property
    def _seen(self) -> Replica:
        return self._engine.account.peek(self.id)

    async def _write(self, kind: str, **fields: object) -> Receipt:
        """Deliver a mutation by the outbox."""
        key = self._engine.settings.env.key()
        return await self._engine.deliver({"type": kind, "room": self.id, "key": key, **fields})

    async def _call(self, kind: str, **fields: object) -> Decoded:
        return await self._engine.call({"type": kind, "room": self.id, **fields})

    async def _mutate(self, kind: str, **fields: object) -> Ack:
        return await self._engine.mutate({"type": kind, "room": self.id, **fields})


def body_of(content: str | Body) -> Body:
    """Return the body of a text, or a copy of a body."""
    return {"text": content} if isinstance(content, str) else dict(content)


def given(**fields: object) -> Packet:
    """Return the fields that are neither empty nor 0."""
    return {name: value for name, value in fields.items() if value}


def named(fields: Mapping[str, object]) -> Packet:
    """Return the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}

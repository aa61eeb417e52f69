"""A few people who do everything that is stored, drawn from one seed: the workload under which disks are broken."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from chatd.core.admin import Amend, SeeDevice
from chatd.protocol import requests as ask
from chatd.protocol.errors import ChatError, Unavailable
from chatd.protocol.objects import SentBody
from chatd.protocol.replies import Ok, WriteOk
from tests.kit.indoors import Indoors

PEOPLE = ("ann", "bob", "eve", "joe", "kim", "lee")
MONTH_S = 31 * 86_400.0
BURST = 12  # sends asked for at once: some of them share a commit

# Small enough that a minute of work folds operations, and has a room where joins are not logged.
SECTIONS: dict[str, dict[str, Any]] = {
    "rates": {"enabled": False},
    "storage": {"operations_kept": 6},
    "delivery": {"large_members": 5},
}


class Acknowledged(NamedTuple):
    """A message that was stored as number `seq` of its room, which people knew after commit `stamp`."""

    user: str
    request: ask.Send
    seq: int
    stamp: int


class Bustle:
    """Asks the writer of a house for this and that. `told` is called with each commit that people know of."""

    def __init__(self, house: Indoors, seed: int, told: Callable[[int], None]) -> None:
        self.house = house
        self.writer = house.inside.writer
        self.acknowledged: list[Acknowledged] = []
        self.refused: list[ChatError] = []
        self._chance = random.Random(seed)
        self._told = told
        self._keys = 0
        self._seed = seed
        self._rooms: list[str] = []
        self._steps: tuple[Callable[[], Awaitable[None]], ...] = (
            *(self.sends,) * 6,
            self.bursts,
            self.bursts,
            self.edits,
            self.recalls,
            self.reacts,
            self.reads,
            self.reads,
            self.comes_or_goes,
            self.comes_or_goes,
            self.repeats,
            self.changes_settings,
            self.is_seen,
            self.time_passes,
        )

    async def opens(self) -> None:
        """The rooms: a group, a public one that grows large, a direct one."""
        for public in (False, True):
            made = await self.asks(
                "ann",
                ask.RoomCreate(key=self.key(), kind="group", title="t", users=["bob", "eve"], public=public),
            )
            self._rooms.append(str(made.summary.room))  # type: ignore[union-attr]
        direct = await self.asks("ann", ask.RoomDirect(user="bob"))
        self._rooms.append(str(direct.summary.room))  # type: ignore[union-attr]

    async def steps(self, count: int) -> None:
        for _ in range(count):
            self.house.env.advance(1)
            await self._chance.choice(self._steps)()

    async def asks(self, user: str, request: Any) -> Ok | None:
        """Ask one thing; the answer, None for a refusal, which is kept."""
        try:
            reply = await self.writer.carry(user, request)
        except ChatError as error:
            self.refused.append(error)
            return None
        self._told(self.writer.published)
        if isinstance(request, ask.Send) and isinstance(reply, WriteOk) and not reply.duplicate:
            assert isinstance(reply.seq, int)
            self.acknowledged.append(Acknowledged(user, request, reply.seq, self.writer.published))
        return reply

    def key(self) -> str:
        self._keys += 1
        return f"key-{self._seed}-{self._keys:08}"

    def somewhere(self) -> tuple[str, str]:
        return self._chance.choice(PEOPLE[:3]), self._chance.choice(self._rooms)

    def target(self) -> tuple[str, str, int]:
        """A message that was acknowledged: its author, room and number."""
        said = self._chance.choice(self.acknowledged)
        return said.user, said.request.room, said.seq

    async def sends(self) -> None:
        user, room = self.somewhere()
        text = "x" * self._chance.choice((1, 80, 700, 5000))
        mentions = self._chance.choice(([], [], ["bob"], ["*"]))
        body = SentBody(text=text, mentions=mentions) if mentions else SentBody(text=text)
        await self.asks(user, ask.Send(room=room, key=self.key(), body=body))

    async def bursts(self) -> None:
        await asyncio.gather(*(self.sends() for _ in range(self._chance.randrange(2, BURST))))

    async def edits(self) -> None:
        if self.acknowledged:
            user, room, seq = self.target()
            body = SentBody(text=f"edited {self._keys}")
            await self.asks(user, ask.Edit(room=room, key=self.key(), target=seq, body=body))

    async def recalls(self) -> None:
        if self.acknowledged:
            user, room, seq = self.target()
            await self.asks(user, ask.Recall(room=room, key=self.key(), target=seq))

    async def reacts(self) -> None:
        if self.acknowledged:
            user, room, seq = self.target()
            wanted = self._chance.random() < 0.7
            await self.asks(user, ask.React(room=room, key=self.key(), target=seq, emoji="👍", set=wanted))

    async def reads(self) -> None:
        user, room = self.somewhere()
        await self.asks(user, ask.Read(room=room, seq=self._chance.randrange(1, 40)))

    async def comes_or_goes(self) -> None:
        user = self._chance.choice(PEOPLE[3:])
        kind = self._chance.choice((ask.RoomJoin, ask.RoomJoin, ask.RoomLeave))
        await self.asks(user, kind(room=self._rooms[1], key=self.key()))

    async def repeats(self) -> None:
        """Send again what was acknowledged: the answer is the number it has."""
        if self.acknowledged:
            said = self._chance.choice(self.acknowledged)
            reply = await self.asks(said.user, said.request)
            assert reply is None or reply.seq == said.seq  # type: ignore[attr-defined]

    async def changes_settings(self) -> None:
        title = f"title {self._keys}"
        await self.asks("ann", ask.RoomUpdate(room=self._rooms[0], key=self.key(), title=title))

    async def is_seen(self) -> None:
        user = self._chance.choice(PEOPLE)
        await self.asks(user, SeeDevice(device="a-device-of-24-characters", app="app"))
        await self.asks(user, Amend(name=f"{user} {self._keys}"))

    async def time_passes(self) -> None:
        """A month goes by, and what upkeep does by itself."""
        self.house.env.advance(MONTH_S)
        try:
            await self.house.inside.upkeep.fold()
        except Unavailable as error:
            self.refused.append(error)
            return
        self._told(self.writer.published)

"""The `PushStore` on SQLite: its reads have a connection of their own, so that they delay nobody else."""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from chatd.core.push_registrations import Registration
from chatd.storage.push import (
    Look,
    LookQuery,
    PlanPage,
    PlanQuery,
    PushStore,
    Recipient,
    StoredAlert,
    Unplanned,
)
from chatd.storage.sqlite import push, push_reading
from chatd.storage.sqlite.read_pool import ReadPool
from chatd.telemetry.loop_share import with_cpu_s
from chatd.telemetry.troubles import Troubles

# Of a read beside itself: two changes of thread, and the tasks that wait for it; no clock of one thread shows them.
HOP_S = 0.0001

P = ParamSpec("P")
T = TypeVar("T")


class PushReads(PushStore):
    """The reads on a connection of their own, which is opened when push is switched on."""

    def __init__(self, path: Path, troubles: Troubles) -> None:
        self._path = path
        self._troubles = troubles
        self._read_pool: ReadPool | None = None
        self._cpu_s: Callable[[], float] = lambda: 0.0
        self._spend: Callable[[float], None] = lambda cpu_s: None

    async def open(self, cpu_s: Callable[[], float], spend: Callable[[float], None]) -> None:
        self._cpu_s, self._spend = cpu_s, spend
        self._read_pool = self._read_pool or await ReadPool.open(self._path, 1, self._troubles)

    async def close(self) -> None:
        read_pool, self._read_pool = self._read_pool, None
        if read_pool is not None:
            await read_pool.close()

    async def _run(
        self, read: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        assert self._read_pool is not None, "open it first"
        found, spent_s = await self._read_pool.run(with_cpu_s(self._cpu_s, read), *args, **kwargs)
        self._spend(spent_s + HOP_S)
        return found

    async def plan(self, query: PlanQuery) -> PlanPage:
        return await self._run(push_reading.plan, query)

    async def look(self, queries: Sequence[LookQuery], now_ms: int, members_all: int) -> list[Look]:
        return await self._run(push_reading.look, queries, now_ms, members_all)

    async def recipients(self, room: int, users: Sequence[str]) -> list[Recipient]:
        return await self._run(push_reading.recipients, room, users)

    async def unplanned(self, stamp: int, after: int, limit: int) -> tuple[list[Unplanned], int]:
        return await self._run(push_reading.unplanned, stamp, after, limit)

    async def alerts(self, after: tuple[int, int], limit: int) -> list[StoredAlert]:
        return await self._run(push_reading.alerts, after, limit)

    async def device_names(self, user: str) -> list[str]:
        return await self._run(push_reading.device_names, user)

    async def registrations(self, user: str) -> list[Registration]:
        return await self._run(push.registrations, user)

    async def badge(self, user: str, now_ms: int, members_all: int) -> int:
        return (await self._run(push.badges, [user], now_ms, members_all))[user]

    async def room_names(self, numbers: Sequence[int]) -> dict[int, str]:
        return await self._run(push_reading.room_names, numbers)

    async def number_of(self, room: str) -> int:
        return await self._run(push_reading.number_of, room)

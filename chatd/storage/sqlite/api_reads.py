"""The reads of the host's API that nobody else makes: on `api`, `filters` and `imports`."""

from collections.abc import Collection

from chatd.core.api_keys import ApiKey
from chatd.core.audit import Audit
from chatd.core.filters import Filter
from chatd.core.past_messages import KnownLog
from chatd.storage.sqlite import api, filters, imports
from chatd.storage.sqlite.read_pool import ReadPool
from chatd.storage.views import HostRoom, UserRoom


class ApiReads:
    """The base of `SqliteStore` with these reads."""

    _read_pool: ReadPool

    async def api_keys(self) -> list[ApiKey]:
        return await self._read_pool.run(api.keys)

    async def user_rooms(self, user: str, after: int, limit: int) -> list[UserRoom]:
        return await self._read_pool.run(api.rooms, user, after, limit)

    async def host_room(self, name: str) -> HostRoom | None:
        return await self._read_pool.run(api.room, name)

    async def audit(self, target: str, below: int, limit: int, acted_as: str = "") -> list[Audit]:
        return await self._read_pool.run(api.audit, target, below, limit, acted_as)

    async def oldest_audit(self) -> int:
        return await self._read_pool.run(api.oldest_audit)

    async def filters(self) -> list[Filter]:
        return await self._read_pool.run(filters.filters)

    async def imported_rooms(self, names: Collection[str]) -> dict[str, str]:
        return await self._read_pool.run(imports.imported_rooms, names)

    async def known_log(self, room: int, keys: Collection[tuple[str, str]]) -> KnownLog:
        return await self._read_pool.run(imports.known_log, room, keys)

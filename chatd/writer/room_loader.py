"""The only place where rooms come into memory: one load per room at a time, shared by the writer and by readers.

That is safe because a batch touches loaded rooms only: no commit can change a room while it is being loaded.
"""

import asyncio
from collections.abc import Collection

from chatd.core.room import Room
from chatd.core.room_cache import RoomCache
from chatd.core.users import Account
from chatd.core.write_set import WriteSet
from chatd.env import Env
from chatd.protocol.errors import Unavailable
from chatd.storage.interface import DecisionStore

NOT_LOADED = Unavailable("internal", "the room could not be loaded")


class RoomLoader:
    """The room cache with its loader."""

    def __init__(self, store: DecisionStore, env: Env, cache: RoomCache) -> None:
        self._store = store
        self._env = env
        self._loading: dict[str, asyncio.Future[None]] = {}
        self.cache = cache

    async def get(self, name: str) -> Room | None:
        """Return the room of this name, loaded if need be; None when there is none."""
        room = self.cache.get(name, self._env.monotonic())
        if room is None:
            await self.load((name,))
            room = self.cache.get(name, self._env.monotonic())
        return room

    async def of(self, user: str, name: str) -> Room | None:
        """Return the room of this name, loaded if need be, when `user` is or was in it; else None.

        A request for a room of others costs the same look at the store whether the room is in memory, only stored, or
        does not exist, and loads nothing: its time says nothing about rooms.
        """
        if not self.known(user, name) and not await self._store.placed([(user, name, False)]):
            return None
        return await self.get(name)

    def known(self, user: str, name: str) -> bool:
        """Whether the room is in memory, and `user` is or was in it."""
        room = self.cache.rooms.get(name)
        return room is not None and room.known(user) is not None

    def committed(self, writes: WriteSet) -> None:
        """Put created rooms into the cache, and preferences of accounts into their members. A commit hook."""
        for room in writes.created:
            self.cache.put(room, self._env.monotonic())
        for account in writes.records_of(Account):
            self.cache.set_receipts(account.user, account.receipts)

    async def load(self, names: Collection[str]) -> None:
        """Bring the rooms of these names into the cache, as far as they exist."""
        now = self._env.monotonic()
        missing = [name for name in names if self.cache.get(name, now) is None]
        under_way = {self._loading[name] for name in missing if name in self._loading}
        mine = [name for name in missing if name not in self._loading]
        if mine:
            await self._load(mine)
        for future in under_way:
            await asyncio.shield(future)

    async def _load(self, names: list[str]) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._loading.update(dict.fromkeys(names, done))
        try:
            rooms = await self._store.load_rooms(names)
        except BaseException as error:
            # Whoever waits for this load must not take a failure for a room that does not exist.
            done.set_exception(error if isinstance(error, Unavailable) else NOT_LOADED)
            done.exception()  # marks it as retrieved: perhaps nobody waits
            raise
        else:
            for room in rooms.values():
                self.cache.put(room, self._env.monotonic())
            done.set_result(None)
        finally:
            for name in names:
                del self._loading[name]
            if not self._loading:
                self.cache.changed_receipts.clear()

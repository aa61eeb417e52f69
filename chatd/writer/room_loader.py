"""The only place where rooms come into memory: one load per room at a time, shared by the writer and by readers.

That is safe because a batch touches loaded rooms only: no commit can change a room while it is being loaded.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator

from chatd.core.message_requests import relate
from chatd.core.read_set import PeopleRules, pair
from chatd.core.room import Room
from chatd.core.room_cache import RoomCache
from chatd.core.room_steps import MemberJoined, outgrown
from chatd.core.sections import ChangedRow
from chatd.core.users import Account
from chatd.core.write_set import WriteSet
from chatd.env import Env
from chatd.protocol.errors import Unavailable
from chatd.storage.interface import DecisionStore

# The account rows by which users say who may do what.
AUDIENCES = ("privacy", "circles")
NOT_LOADED = Unavailable("internal", "the room could not be loaded")


class RoomLoader:
    """The room cache with its loader. `rules`: those in force. `bots`: whether bots are switched on."""

    def __init__(
        self, store: DecisionStore, env: Env, cache: RoomCache, rules: PeopleRules, *, bots: bool = False
    ) -> None:
        self._store = store
        self._env = env
        self._loading: dict[str, asyncio.Future[None]] = {}
        # Rooms whose people are being read.
        self._reading: list[list[Room]] = []
        self.rules = rules
        self.cache = cache
        self._bots = bots

    async def start(self) -> None:
        """Find out who is a bot, before any room is loaded."""
        if self._bots:
            self.cache.automated = await self._store.automated()

    def reconfigure(self, rules: PeopleRules) -> None:
        """Put other rules in force; whom they concern is read again."""
        if rules != self.rules:
            outdate(self.cache.rooms.values())
        self.rules = rules

    async def get(self, name: str) -> Room | None:
        """Return the room of this name, loaded if need be; None when there is none."""
        room = self.cache.get(name, self._env.monotonic())
        if room is None or (self.rules.enabled and room.is_outdated):
            await self.load((name,))
            room = self.cache.get(name, self._env.monotonic())
        return room

    async def of(self, user: str, name: str, *, joins: bool = False) -> Room | None:
        """Return the room of this name, loaded if need be, when `user` is or was in it, or `joins` a public one.

        A request for a room of others costs the same look at the store whether the room is in memory, only stored, or
        does not exist, and loads nothing: its time says nothing about rooms.
        """
        if not self.known(user, name) and not await self._store.placed([(user, name, joins)]):
            return None
        room = await self.get(name)
        if room is not None and room.is_channel:
            await self.load_followers([(name, user)])
            room = await self.get(name)
        return room

    async def load_followers(self, places: Collection[tuple[str, str]]) -> None:
        """Bring the users at these (channel, user) into memory as far as they are or were in it; other rooms have all.

        Rows that were read before anything was forgotten may be older than what was: they are read again.
        """
        while missing := {
            (room.number, user): room
            for name, user in places
            if user and (room := self.cache.rooms.get(name)) is not None
            if room.is_channel and room.known(user) is None
        }:
            forgotten = self.cache.forgotten
            found = await self._store.channels.followers(missing.keys())
            if self.cache.forgotten == forgotten:
                for place, member in found.items():
                    missing[place].put(member)
                return

    def known(self, user: str, name: str) -> bool:
        """Whether the room is in memory, and `user` is or was in it."""
        room = self.cache.rooms.get(name)
        return room is not None and room.known(user) is not None

    def committed(self, writes: WriteSet) -> None:
        """Put created rooms into the cache, and preferences of accounts into their members. A commit hook."""
        for room in writes.created:
            self.cache.put(room, self._env.monotonic())
        if self.cache.automated:
            for room in writes.rooms.values():
                if room.is_channel:
                    self.cache.note_bots(room)
        for account in writes.records_of(Account):
            self.cache.set_receipts(account.user, account.receipts)
            if self._bots:
                self.cache.set_automated(account.user, automated=account.is_automated)
        if self.rules.enabled:
            outdate(self._concerned(writes))

    def _concerned(self, writes: WriteSet) -> Iterator[Room]:
        """Yield the loaded rooms whose gates or blocks a batch may have changed."""
        for (owner, user), (_, after) in (writes.ties or {}).items():
            yield from self.cache.direct_rooms(owner, user)
            yield from self.cache.rooms_of_block(owner, user, blocked=after.blocked)
            # Nobody knows yet which blocks these know of.
            for room in (room for rooms in self._reading for room in rooms):
                if room.member(owner) and room.member(user):
                    yield room
        closing = {account.user for account in writes.records_of(Account)}
        for account in writes.records_of(Account):
            yield from self.cache.rooms_of_closing(account.user, closed=account.disabled)
        rows = {row.user for row in writes.records_of(ChangedRow) if row.name in AUDIENCES}
        for user in closing | rows:
            yield from self.cache.direct_rooms(user)
        if writes.moves:
            for steps in writes.steps.values():
                yield from {
                    step.room.number: step.room for step in steps if isinstance(step, MemberJoined)
                }.values()
            for user in {*writes.memberships, *self._regrouped(writes)}:
                yield from (room for room in self.cache.direct_rooms(user) if room.by_groups)

    def _regrouped(self, writes: WriteSet) -> Iterator[str]:
        """Yield the users of groups that make acquaintances no longer, or again."""
        for steps in writes.steps.values():
            room = outgrown(steps, self.rules.small_group_members)
            yield from () if room is None else room.users

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
        if self.rules.enabled:
            await self._relate(names)

    async def _relate(self, names: Collection[str]) -> None:
        """Read the people of those of these rooms that are outdated, until none is.

        They are in the cache by now, so that a commit during the read outdates them again.
        """
        while outdated := [
            room for name in names if (room := self.cache.rooms.get(name)) is not None and room.is_outdated
        ]:
            changes = {room.number: room.people_changes for room in outdated}
            pairs = [
                (room.number, pair(*room.users) if room.direct and room.size > 1 else None)
                for room in outdated
            ]
            self._reading.append(outdated)
            try:
                people = await self._store.room_relations(pairs, self.rules)
            finally:
                self._reading = [rooms for rooms in self._reading if rooms is not outdated]
            for room in outdated:
                relate(room, people[room.number], changes[room.number], self.rules.bounds)
                if not room.is_outdated:
                    self.cache.note_blocks(room)

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


def outdate(rooms: Iterable[Room]) -> None:
    """Note that the people of these rooms may have changed."""
    for room in rooms:
        room.people_changes += 1

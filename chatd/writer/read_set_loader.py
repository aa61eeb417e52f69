"""What a batch needs to know before core decides: read here, in few calls, for all submissions together."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from chatd.core import admin
from chatd.core.allowances import Allowances
from chatd.core.read_set import Counted, ReadSet, Rules, Tail, UnreadSpan, pair
from chatd.core.room import Member, Room
from chatd.core.unread_counts import COUNTED_EVENTS_MAX, span_of_read, tail_of
from chatd.core.users import Account
from chatd.core.write_set import Message, WriteSet
from chatd.ports import Env, Store
from chatd.protocol import requests
from chatd.protocol.emoji import normal_form
from chatd.writer.room_loader import RoomLoader

Operation = (requests.Edit, requests.Recall, requests.React, requests.Pin, admin.SummariseReactions)
AccountBound = (requests.Preferences, requests.DevicesRemove, admin.Amend, admin.Revoke)
DeviceBound = (requests.DevicesRemove, admin.RecordDevice, admin.Revoke)


class Submitted(Protocol):
    """A submission. `counted`: what a read passes, when that was counted outside the batch."""

    user: str
    request: Any
    counted: tuple[UnreadSpan, Counted] | None


def optimistic(request: Any) -> bool:
    """A send is stored without looking its key up first: the unique index notices the rare repetition."""
    return isinstance(request, requests.Send)


class ReadSetLoader:
    """Loads the read set of a batch, and brings memory in step after its commit."""

    def __init__(
        self, store: Store, env: Env, rooms: RoomLoader, rules: Rules, allowances: Allowances
    ) -> None:
        self._store = store
        self._env = env
        self.rooms = rooms
        self.rules = rules
        self._allowances = allowances

    def reconfigure(self, rules: Rules) -> None:
        """Decide by other rules from now on."""
        self.rules = rules

    async def load(self, batch: Sequence[Submitted], *, known_keys: bool) -> ReadSet:
        """The read set of `batch`. With `known_keys` also the keys of sends."""
        await self._rooms_of(batch)
        reads = ReadSet(self.rules, self.rooms.cache.rooms)
        reads.allowances, reads.now_s = self._allowances, self._env.monotonic()
        # A send needs its room and nothing else, and most of what is asked are sends.
        others = batch if known_keys else [asked for asked in batch if not optimistic(asked.request)]
        if others:
            await self._messages(others, reads)
            await self._keys(others, reads)
            await self._tails(others, reads)
            await self._new_rooms(others, reads)
            await self._people(others, reads)
        return reads

    async def _rooms_of(self, batch: Sequence[Submitted]) -> None:
        """Load the rooms that are named by somebody who has to do with them; strangers load none."""
        wanted, asked_from_outside = set(), set()
        for asked in batch:
            for name in named_rooms(asked.request):
                if not asked.user or self.rooms.known(
                    asked.user, name
                ):  # the maintenance of a room asks as nobody
                    wanted.add(name)
                else:
                    joins = isinstance(asked.request, requests.RoomJoin)
                    asked_from_outside.add((asked.user, name, joins))
        if asked_from_outside:
            wanted.update(name for _, name, _ in await self._store.placed(asked_from_outside))
        if wanted:
            await self.rooms.load(wanted)

    async def _messages(self, batch: Sequence[Submitted], reads: ReadSet) -> None:
        """Messages that operations act on, with the reactions that are asked about."""
        targets: dict[tuple[int, int], Room] = {}
        reactions: set[tuple[int, int, str, str]] = set()
        for asked in batch:
            request = asked.request
            room = reads.rooms.get(request.room) if isinstance(request, Operation) else None
            if room is not None and is_or_was_member(asked.user, room):
                targets[room.number, request.target] = room
                if isinstance(request, requests.React):
                    for emoji in {request.emoji, normal_form(request.emoji) or request.emoji}:
                        reactions.add((room.number, request.target, asked.user, emoji))
        if not targets:
            return
        for place, event in (await self._store.messages_at(targets.keys())).items():
            reads.messages[place] = Message(targets[place], event)
        for number, seq, user, emoji in await self._store.reactions_set(reactions) if reactions else ():
            if (number, seq) in reads.messages:
                reads.messages[number, seq].mine.add((user, emoji))

    async def _keys(self, batch: Sequence[Submitted], reads: ReadSet) -> None:
        """Keys used before."""
        wanted = set()
        for asked in batch:
            request = asked.request
            if isinstance(request, requests.RoomMutation):
                room = reads.rooms.get(request.room)
                if room is not None and is_or_was_member(asked.user, room):
                    wanted.add((room.number, asked.user, request.key))
        if wanted:
            reads.keyed = await self._store.keyed(wanted)

    async def _tails(self, batch: Sequence[Submitted], reads: ReadSet) -> None:
        """What lies after read positions that stop short of the newest event, as far as one batch may count it."""
        wanted: dict[UnreadSpan, tuple[Room, Member, int]] = {}
        left = COUNTED_EVENTS_MAX
        for asked in batch:
            request = asked.request
            room = reads.rooms.get(request.room) if isinstance(request, requests.Read) else None
            if room is None:
                continue
            seq, member = request.seq, room.member(asked.user)
            if seq >= room.seq:  # also of who is no member yet: he may become one in this batch
                reads.tails[room.number, asked.user, seq] = Tail(room.ordinal, 0, 0)
            elif member is not None and seq > member.read:
                span = span_of_read(room, member, seq)
                if asked.counted is not None and asked.counted[0][2:] == (member.read, seq):
                    reads.tails[room.number, asked.user, seq] = tail_of(room, member, *asked.counted)
                elif span in wanted or span.events <= left:
                    left -= 0 if span in wanted else span.events
                    wanted[span] = (room, member, seq)
                else:
                    reads.postponed.append(asked)
        for span, counted in (await self._store.counted(wanted.keys()) if wanted else {}).items():
            room, member, seq = wanted[span]
            reads.tails[room.number, member.user, seq] = tail_of(room, member, span, counted)

    async def _new_rooms(self, batch: Sequence[Submitted], reads: ReadSet) -> None:
        """Rooms that creations would repeat, and numbers and names for those they make."""
        for asked in batch:
            request = asked.request
            if isinstance(request, requests.RoomCreate):
                name = await self._store.room_of_key(asked.user, request.key)
                room = await self.rooms.get(name) if name is not None else None
                if room is not None:
                    reads.created[asked.user, request.key] = room
            elif isinstance(request, requests.RoomDirect):
                place = pair(asked.user, request.user)
                name = await self._store.room_of_pair(*place)
                room = await self.rooms.get(name) if name is not None else None
                if room is not None:
                    reads.pairs[place] = room
            else:
                continue
            chance = int.from_bytes(self._env.random_bytes(8), "big")
            reads.fresh.append((await self._store.next_room_number(), chance))

    async def _people(self, batch: Sequence[Submitted], reads: ReadSet) -> None:
        """Accounts and devices that are about to change, and the accounts of who is about to enter a room."""
        newcomers = {user for asked in batch for user in joining(asked)}
        users = newcomers | {asked.user for asked in batch if isinstance(asked.request, AccountBound)}
        devices = {place for asked in batch for place in devices_of(asked)}
        if users or devices:
            known = await self._store.people(users, devices, newcomers)
            reads.accounts, reads.devices = known.accounts, known.devices
            reads.memberships = known.memberships
        await self._other_devices(batch, reads)

    async def _other_devices(self, batch: Sequence[Submitted], reads: ReadSet) -> None:
        """The devices beside those that are to be listed and are not yet: the oldest may have to go."""
        seen = {
            (asked.user, asked.request.device)
            for asked in batch
            if isinstance(asked.request, admin.RecordDevice)
        }
        fresh = {place[0] for place in seen if place not in reads.devices or not reads.devices[place].listed}
        for device in await self._store.listed(fresh) if fresh else ():
            reads.devices[device.user, device.device] = device
            reads.listed.setdefault(device.user, []).append(device.device)

    def on_commit(self, writes: WriteSet) -> None:
        """Bring memory in step with a batch that is durable now."""
        writes.mark_durable()
        self._allowances.charge(writes, self._env.monotonic())
        for room in writes.created:
            self.rooms.cache.put(room, self._env.monotonic())
        for change in writes.accounts:
            if isinstance(change, Account):
                self.rooms.cache.set_receipts(change.user, change.receipts)


def is_or_was_member(user: str, room: Room) -> bool:
    """Is or was he a member? For strangers nothing is read: they used no key here, and see no message.

    The maintenance of a room asks as nobody.
    """
    return not user or room.known(user) is not None


def joining(asked: Submitted) -> Iterable[str]:
    """The users who may become members by what is asked."""
    request = asked.request
    if isinstance(request, requests.RoomCreate):
        return [asked.user, *request.users]
    if isinstance(request, requests.RoomDirect):
        return [asked.user, request.user]
    if isinstance(request, requests.RoomJoin):
        return [asked.user]
    return request.users if isinstance(request, requests.MembersAdd) else ()


def devices_of(asked: Submitted) -> Iterable[tuple[str, str]]:
    """The devices, each with its user, that what is asked is about."""
    request = asked.request
    if isinstance(request, admin.RecordLastSeen | admin.ForgetDevices):
        return request.devices
    return [(asked.user, request.device)] if isinstance(request, DeviceBound) else ()


def named_rooms(request: Any) -> Iterable[str]:
    """The rooms a request names."""
    if isinstance(request, requests.Delivered):
        return [row.room for row in request.rooms]
    name = getattr(request, "room", None)
    return [name] if isinstance(name, str) else []

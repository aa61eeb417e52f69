"""Histories written into a store, one commit a call: what core would decide, without the rules of core."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from msgspec import UNSET

from chatd.core.read_set import DirectPair, ReadSet, Rules
from chatd.core.removal import SUPERSEDING, SupersededEdits, purge_stretch
from chatd.core.room import Member, Room
from chatd.core.unread_counts import count_ignored, count_out, count_own, span_of_read, tail_of
from chatd.core.write_set import Message, NewEvent, Reaction, WriteSet
from chatd.protocol.codec import encode
from chatd.protocol.identifiers import room_name
from chatd.protocol.members import Role
from chatd.protocol.messages import Body, Event, ReactionCount
from chatd.storage.interface import Store
from tests.kit.env import START_MS

# The time between commits, so that times show the order of events.
STEP_MS = 1000


class HistoryBuilder:
    """Rooms in memory as core keeps them, and a clock that moves one second a commit."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = START_MS
        self.keys = 0

    def writes(self) -> WriteSet:
        """Return an empty write set, to be committed next."""
        self.now += STEP_MS
        return WriteSet(now=self.now, stamp=self.store.stamp + 1)

    async def commit(self, writes: WriteSet) -> None:
        count_out(writes)
        await self.store.commit(writes)

    async def group(self, *users: str, key: str | None = None) -> Room:
        """Create a group; the first user owns it."""
        room = Room(await self.store.next_room_number(), "", "group", users[0], self.now, client_key=key)
        room.client_digest = None if key is None else 1
        return await self._made(room, users)

    async def direct(self, a: str, b: str) -> Room:
        return await self._made(Room(await self.store.next_room_number(), "", "direct", a, self.now), (a, b))

    async def _made(self, room: Room, users: tuple[str, ...]) -> Room:
        writes = self.writes()
        room.name = room_name(room.kind[0], room.number)
        self.open(writes, room, users)
        await self.commit(writes)
        return room

    def open(self, writes: WriteSet, room: Room, users: Iterable[str]) -> None:
        """Add `room` to a write set."""
        writes.created.append(room)
        writes.touch(room)
        for user in users:
            role: Role = "owner" if user == room.creator and not room.direct else "member"
            writes.add_member(room, Member(user, role, writes.now, first_visible=1, read=0, read_ordinal=0))
        if room.direct:
            low, high = sorted(users)
            writes.add(DirectPair(low, high, room.number))
        writes.append(room, Event(seq=0, kind="created", user=room.creator, users=list(users)))

    def say(
        self,
        writes: WriteSet,
        room: Room,
        user: str,
        text: str = "hello",
        *,
        key: str | None = None,
        silent: bool = False,
        mentions: tuple[str, ...] = (),
    ) -> Event:
        """Add a message to a write set."""
        self.keys += 1
        key = key or f"key-{self.keys:08}"
        ignored: tuple[str, ...] = room.ignored_by.get(user, ())
        event = Event(seq=0, kind="message", user=user, key=key, body=Body(text=text))
        writes.touch(room).time = writes.now
        if room.direct:
            room.written |= 1 if user == room.creator else 2
        if not silent:
            room.ordinal += 1
            event.ordinal = room.ordinal
            count_own(room, room.members[user], writes)
            for blocker in ignored:
                count_ignored(room, room.members[blocker], writes)
            for named in room.members if "*" in mentions else mentions:
                if named != user and named not in ignored:
                    writes.touch_member(room, named).mentions += 1
        writes.append(room, event, key=key, digest=self.keys, mentions=mentions)
        writes.ignore(room, ignored)
        return event

    async def post(self, room: Room, user: str, text: str = "hello", **options: object) -> Event:
        """Commit one message."""
        writes = self.writes()
        event = self.say(writes, room, user, text, **options)  # type: ignore[arg-type]
        await self.commit(writes)
        return event

    async def post_many(self, room: Room, user: str, count: int, text: str = "hello") -> None:
        """Commit many messages at once."""
        writes = self.writes()
        for _ in range(count):
            self.say(writes, room, user, text)
        await self.commit(writes)

    @contextmanager
    def _operation(self, writes: WriteSet, message: Message, operation: Event) -> Iterator[Event]:
        yield message.event
        operation.target = message.event.seq
        writes.append(message.room, operation)
        if operation.kind in SUPERSEDING:
            writes.add(SupersededEdits(message.room.number, operation.target, operation.seq))
        message.event.changed = operation.seq
        writes.rewrite(message)

    async def message(self, room: Room, seq: int) -> Message:
        """Return a stored message, to be changed."""
        found = await self.store.messages_at([(room.number, seq)])
        return Message(room, found[room.number, seq])

    async def edit(self, room: Room, user: str, target: int, text: str) -> None:
        writes, message = self.writes(), await self.message(room, target)
        operation = Event(seq=0, kind="edit", user=user, body=Body(text=text))
        with self._operation(writes, message, operation) as event:
            event.body, event.edited = Body(text=text), writes.now
        await self.commit(writes)

    async def recall(self, room: Room, user: str, target: int) -> None:
        writes, message = self.writes(), await self.message(room, target)
        with self._operation(writes, message, Event(seq=0, kind="recall", user=user)) as event:
            event.body, event.recalled = UNSET, True
        await self.commit(writes)

    async def react(self, room: Room, user: str, target: int, emoji: str, *, clear: bool = False) -> None:
        writes, message = self.writes(), await self.message(room, target)
        operation = Event(seq=0, kind="reaction", user=user, emoji=emoji, set=not clear)
        with self._operation(writes, message, operation) as event:
            event.reactions = UNSET if clear else [ReactionCount(emoji, 1)]
        writes.add(Reaction(room.number, target, user, emoji, not clear))
        await self.commit(writes)

    async def read(self, room: Room, user: str, seq: int, *, delivered: int | None = None) -> None:
        """Move a read position, as the decision does."""
        span = span_of_read(room, room.members[user], seq)
        tail = tail_of(room, room.members[user], span, (await self.store.counted([span]))[span])
        writes = self.writes()
        if room.direct:
            writes.touch(room)
        member = writes.touch_member(room, user)
        member.read, member.read_ordinal = seq, tail.ordinal
        member.own_unread, member.mentions = tail.own, tail.mentions
        member.delivered = seq if delivered is None else delivered
        await self.commit(writes)

    async def join(self, room: Room, user: str) -> None:
        writes = self.writes()
        seat = Member(user, "member", writes.now, room.seq + 1, read=room.seq, read_ordinal=room.ordinal)
        writes.add_member(room, seat)
        writes.append(room, Event(seq=0, kind="joined", user=user, users=[user]))
        await self.commit(writes)

    async def leave(self, room: Room, user: str) -> None:
        writes = self.writes()
        writes.remove_member(room, user, "left")
        writes.append(room, Event(seq=0, kind="left", user=user, users=[user]))
        await self.commit(writes)

    async def purge(self, room: Room, low: int, high: int) -> None:
        """Take away a stretch of a room, as retention does."""
        rows = await self.store.erasures.countable(room.number, low, high)
        countable = [
            NewEvent(
                room, Event(row.seq, "message", user=row.user, ordinal=row.ordinal), b"",
                mentions=row.mentions, ignored=row.ignored,
            )
            for row in rows
        ]  # fmt: skip
        writes = self.writes()
        purge_stretch(room, low, high, countable, writes, ReadSet(Rules(), {room.name: room}))
        await self.commit(writes)

    async def delete(self, room: Room) -> None:
        writes = self.writes()
        writes.touch(room).deleted_by = room.creator
        for user in list(room.members):
            writes.remove_member(room, user, "deleted")
        await self.commit(writes)

    async def settings(self, room: Room, **settings: object) -> None:
        """Change a room, as `room.update` does."""
        writes = self.writes()
        writes.touch(room)
        for name, value in settings.items():
            setattr(room, name, encode(value) if name == "data" else value)
        writes.append(room, Event(seq=0, kind="settings", user=room.creator))
        await self.commit(writes)

    async def prefer(self, room: Room, user: str, **preferences: object) -> None:
        writes = self.writes()
        for name, value in preferences.items():
            setattr(writes.touch_member(room, user), name, value)
        await self.commit(writes)

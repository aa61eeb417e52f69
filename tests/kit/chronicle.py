"""Writes histories into a store, one commit a sentence: what core would decide, without core's rules."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from msgspec import UNSET

from chatd.core.room import Member, Room
from chatd.core.unread_counts import count_out, count_own, span_of_read, tail_of
from chatd.core.write_set import Message, Reaction, Work
from chatd.ports import Store
from chatd.protocol.codec import encode
from chatd.protocol.identifiers import room_name
from chatd.protocol.objects import Body, Event, ReactionCount, Role
from tests.kit.env import START_MS

STEP_MS = 1000  # between commits: times tell the order of events


class Chronicle:
    """Rooms in memory as core keeps them, and a clock that moves one second a commit."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = START_MS
        self.keys = 0

    def work(self) -> Work:
        """An empty batch, to be committed next."""
        self.now += STEP_MS
        return Work(now=self.now, stamp=self.store.stamp + 1)

    async def commit(self, work: Work) -> None:
        count_out(work)
        await self.store.commit(work)

    async def group(self, *users: str, key: str | None = None) -> Room:
        """A group; the first user owns it."""
        room = Room(await self.store.next_room_number(), "", "group", users[0], self.now, client_key=key)
        room.client_digest = None if key is None else 1
        return await self._made(room, users)

    async def direct(self, a: str, b: str) -> Room:
        return await self._made(Room(await self.store.next_room_number(), "", "direct", a, self.now), (a, b))

    async def _made(self, room: Room, users: tuple[str, ...]) -> Room:
        work = self.work()
        room.name = room_name(room.kind[0], room.number)
        self.open(work, room, users)
        await self.commit(work)
        return room

    def open(self, work: Work, room: Room, users: Iterable[str]) -> None:
        """Make `room` part of a batch."""
        work.created.append(room)
        work.touch(room)
        for user in users:
            role: Role = "owner" if user == room.creator and not room.direct else "member"
            work.add_member(room, Member(user, role, work.now, first_visible=1, read=0, read_ordinal=0))
        if room.direct:
            low, high = sorted(users)
            work.pairs.append((low, high, room.number))
        work.append(room, Event(seq=0, kind="created", user=room.creator, users=list(users)))

    def say(
        self,
        work: Work,
        room: Room,
        user: str,
        text: str = "hello",
        *,
        key: str | None = None,
        silent: bool = False,
        mentions: tuple[str, ...] = (),
    ) -> Event:
        """Make a message part of a batch."""
        self.keys += 1
        key = key or f"key-{self.keys:08}"
        event = Event(seq=0, kind="message", user=user, key=key, body=Body(text=text))
        work.touch(room).time = work.now
        if room.direct:
            room.written |= 1 if user == room.creator else 2
        if not silent:
            room.ordinal += 1
            event.ordinal = room.ordinal
            count_own(room, room.members[user], work)
            for named in room.members if "*" in mentions else mentions:
                if named != user:
                    work.touch_member(room, named).mentions += 1
        return work.append(room, event, key=key, digest=self.keys, mentions=mentions)

    async def post(self, room: Room, user: str, text: str = "hello", **options: object) -> Event:
        """One message, one commit."""
        work = self.work()
        event = self.say(work, room, user, text, **options)  # type: ignore[arg-type]
        await self.commit(work)
        return event

    async def posts(self, room: Room, user: str, count: int, text: str = "hello") -> None:
        """Many messages, one commit."""
        work = self.work()
        for _ in range(count):
            self.say(work, room, user, text)
        await self.commit(work)

    @contextmanager
    def _operation(self, work: Work, message: Message, operation: Event) -> Iterator[Event]:
        yield message.event
        operation.target = message.event.seq
        work.append(message.room, operation)
        message.event.changed = operation.seq
        work.rewrite(message)

    async def message(self, room: Room, seq: int) -> Message:
        """A stored message, to be changed."""
        found = await self.store.messages_at([(room.number, seq)])
        return Message(room, found[room.number, seq])

    async def edit(self, room: Room, user: str, target: int, text: str) -> None:
        work, message = self.work(), await self.message(room, target)
        operation = Event(seq=0, kind="edit", user=user, body=Body(text=text))
        with self._operation(work, message, operation) as event:
            event.body, event.edited = Body(text=text), work.now
        await self.commit(work)

    async def recall(self, room: Room, user: str, target: int) -> None:
        work, message = self.work(), await self.message(room, target)
        with self._operation(work, message, Event(seq=0, kind="recall", user=user)) as event:
            event.body, event.recalled = UNSET, True
        work.recalled.append((room.number, target))
        await self.commit(work)

    async def react(self, room: Room, user: str, target: int, emoji: str, *, clear: bool = False) -> None:
        work, message = self.work(), await self.message(room, target)
        operation = Event(seq=0, kind="reaction", user=user, emoji=emoji, set=not clear)
        with self._operation(work, message, operation) as event:
            event.reactions = UNSET if clear else [ReactionCount(emoji, 1)]
        work.reactions.append(Reaction(room.number, target, user, emoji, not clear))
        await self.commit(work)

    async def read(self, room: Room, user: str, seq: int, *, delivered: int | None = None) -> None:
        """Move a read position, as the reading decision does."""
        span = span_of_read(room, room.members[user], seq)
        tail = tail_of(room, room.members[user], span, (await self.store.counted([span]))[span])
        work = self.work()
        if room.direct:
            work.touch(room)
        member = work.touch_member(room, user)
        member.read, member.read_ordinal = seq, tail.ordinal
        member.own_unread, member.mentions = tail.own, tail.mentions
        member.delivered = seq if delivered is None else delivered
        await self.commit(work)

    async def join(self, room: Room, user: str) -> None:
        work = self.work()
        seat = Member(user, "member", work.now, room.seq + 1, read=room.seq, read_ordinal=room.ordinal)
        work.add_member(room, seat)
        work.append(room, Event(seq=0, kind="joined", user=user, users=[user]))
        await self.commit(work)

    async def leave(self, room: Room, user: str) -> None:
        work = self.work()
        work.remove_member(room, user, "left")
        work.append(room, Event(seq=0, kind="left", user=user, users=[user]))
        await self.commit(work)

    async def delete(self, room: Room) -> None:
        work = self.work()
        work.touch(room).deleted_by = room.creator
        for user in list(room.members):
            work.remove_member(room, user, "deleted")
        await self.commit(work)

    async def settings(self, room: Room, **settings: object) -> None:
        """Change a room, as `room.update` does."""
        work = self.work()
        work.touch(room)
        for name, value in settings.items():
            setattr(room, name, encode(value) if name == "data" else value)
        work.append(room, Event(seq=0, kind="settings", user=room.creator))
        await self.commit(work)

    async def prefer(self, room: Room, user: str, **preferences: object) -> None:
        work = self.work()
        for name, value in preferences.items():
            setattr(work.touch_member(room, user), name, value)
        await self.commit(work)

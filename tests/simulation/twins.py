"""Twin worlds: one history, lived twice, with one difference that a user must not be able to tell.

In one world somebody blocks them, in the other the host closes that account; or somebody declines what they ask for,
and in the other world never looks at it. Everything else is the same: who did what before, and what the user tries
afterwards. Every byte that the daemon sends them has to be the same, too, in the same order. Both worlds make the same
number of commits, so stamps and cursors are compared as they are, and so are ids; only times are compared to a tenth of
a second, because a room whose people changed is read again when it is next used.
"""

import asyncio
import random
import shutil
import struct
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Literal

import msgpack

from chatd.core.accounts import Amend
from chatd.protocol.errors import Refused
from chatd.protocol.friends import ContactSet, FriendDecline
from chatd.protocol.rooms import RoomDecline
from tests.kit.env import START_MS
from tests.simulation.choices import Choices
from tests.simulation.client import SimClient
from tests.simulation.history import Packet
from tests.simulation.replaced import simulated
from tests.simulation.scenario import Scenario
from tests.simulation.template import memory
from tests.simulation.trial import collector_rests
from tests.simulation.world import LOOK_S, World

Pair = Literal["blocks", "closes", "declines", "ignores"]
# The two worlds of a pair differ in this.
BLOCK: tuple[Pair, Pair] = ("blocks", "closes")
DECLINE: tuple[Pair, Pair] = ("declines", "ignores")

CALM = Scenario(frozenset(), (0, 1, 2), 1, 0, 0.0, 7, people=True)
# Between two steps everything has come to rest, presence that is gathered for 2 s too.
STEP_S = 4.0
# How long the disk takes for anything.
DISK_S = 0.001
# Of times, in packets and of them.
TENTH_MS = 100
BEFORE, AFTER = 8, 12
# The one who is blocked, closed, asked; the one who is watched; a third one.
ANN, BOB, CAT = "user0", "user1", "user2"
# A commit that concerns ANN alone.
SOMETHING_ELSE = ContactSet(user=CAT, remark="C")


class Recorder:
    """The frames that one client is sent, each behind its time."""

    def __init__(self) -> None:
        self.frames: list[tuple[float, bytes]] = []

    def update(self, stamped: bytes) -> None:
        (at,) = struct.unpack("<d", stamped[:8])
        self.frames.append((at, stamped[8:]))


class Watched:
    """The environment of one client, which records what it is sent."""

    def __init__(self, world: World, recorder: Recorder) -> None:
        self._world = world
        self.trace = recorder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world, name)


class Twin(World):
    """One of two worlds. `different`: what ANN does, or the host."""

    def __init__(self, seed: int, root: Path, different: Pair) -> None:
        super().__init__(Choices(), root, chosen=CALM)
        self.chance = random.Random(seed)
        self.different = different
        self.recorder = Recorder()
        self.loop.takes_s = lambda: DISK_S

    async def live(self) -> None:
        await self.chaos.up()
        await asyncio.sleep(LOOK_S)
        await self._set_up()
        ann, bob, cat = self.clients
        bob.environment = Watched(self, self.recorder)  # type: ignore[assignment]
        bob.connection.link.reset()  # type: ignore[union-attr]
        for _ in range(BEFORE):
            await self.step(self.before(ann, bob, cat))
        await self.step(self.apart(ann))
        for _ in range(AFTER):
            await self.step(self.probe(bob, cat))
        await self.machine.leave()

    async def step(self, act: Callable[[], Any]) -> None:
        """Do one thing, and wait until the next round second of this world."""
        result = act()
        if isinstance(result, Awaitable):
            await result
        now = self.loop.time()
        await asyncio.sleep(STEP_S - now % STEP_S)

    def before(self, ann: SimClient, bob: SimClient, cat: SimClient) -> Callable[[], Any]:
        """Return one thing that ANN, BOB or CAT do before the worlds part."""
        group = self.rooms[0]
        befriends = [
            asks(one, type="friend.request", user=other.user)
            for one, other in ((ann, bob), (bob, ann), (bob, ann), (bob, ann))
        ]
        things = [
            *befriends,
            asks(ann, type="contact.set", user=BOB, following=True),
            asks(bob, type="contact.set", user=ANN, following=True, remark="A"),
            asks(bob, type="room.direct", user=ANN),
            writes(self, bob),
            writes(self, bob),
            writes(self, ann),
            asks(ann, type="room.direct", user=BOB),
            asks(ann, type="profile.set", name="Ann", handle="ann.k", bio="Two wheels."),
            asks(ann, type="privacy.set", rules=self.rules()),
            asks(bob, type="watch", users=[ANN, CAT]),
            lambda: ann.post({"type": "send", "room": group, "key": self.key(), "body": {"text": "words"}}),
        ]
        if self.different in DECLINE:
            # What is asked and answered is another story.
            things = [thing for thing in things if thing is not befriends[0]]
        return self.chance.choice(things)

    def rules(self) -> Packet:
        to = self.chance.choice(("friends", "acquaintances", "everyone"))
        return {self.chance.choice(("write", "page", "add", "call", "find", "knock")): {"to": to}}

    def apart(self, ann: SimClient) -> Callable[[], Awaitable[None]]:
        """Return the one thing that differs, which is one commit in both worlds."""
        room = self.direct(BOB) or "d00000000000"
        pending: Any = self.chance.choice((FriendDecline(user=BOB), RoomDecline(room=room)))

        async def change() -> None:
            match self.different:
                case "blocks":
                    await self.decided(ContactSet(user=BOB, blocked=True))
                    ann.rest()
                case "closes":
                    await self.decided(Amend(disabled=True))
                    ann.rest()
                case "declines":
                    try:
                        await self.decided(pending)
                    except Refused:
                        # Nothing waits: the two worlds are one.
                        await self.decided(SOMETHING_ELSE)
                case "ignores":
                    await self.decided(SOMETHING_ELSE)

        return change

    async def decided(self, request: Any) -> None:
        process = self.machine.process
        assert process is not None
        await process.carry_out(process.daemon.app.writer.submit_and_wait(ANN, request))

    def direct(self, user: str) -> str | None:
        other = {client.user: client for client in self.clients}[user]
        return other.storage.directs.get(ANN)

    def probe(self, bob: SimClient, cat: SimClient) -> Callable[[], Any]:
        """Return one thing by which BOB may try to find out."""
        group, room = self.rooms[0], bob.storage.directs.get(ANN, self.rooms[0])
        seq = self.chance.randrange(1, 4)
        act = {"room": room, "target": seq}
        fresh = {"kind": "group", "title": "t", "users": [ANN, CAT]}
        tries: list[Callable[[], Any]] = [
            *(
                asks(bob, type=f"friend.{kind}", user=ANN)
                for kind in ("request", "accept", "cancel", "remove")
            ),
            asks(bob, type="contact.set", user=ANN, remark="B", following=True),
            asks(bob, type="room.direct", user=ANN),
            *(writes(self, bob),) * 3,
            lambda: bob.post({"type": "edit", "key": self.key(), "body": {"text": "other"}, **act}),
            lambda: bob.post({"type": "react", "key": self.key(), "emoji": "👍", "set": True, **act}),
            lambda: bob.post({"type": "recall", "key": self.key(), **act}),
            lambda: bob.post({"type": "members.add", "key": self.key(), "room": group, "users": [ANN]}),
            lambda: bob.post({"type": "room.create", "key": self.key(), **fresh}),
            asks(bob, type="watch", users=[ANN, CAT]),
            asks(bob, type="users.get", users=[ANN, CAT]),
            asks(bob, type="users.get", users=[ANN], page=True),
            asks(bob, type="users.find", handle="ann.k"),
            asks(bob, type="readers", room=room, seq=seq),
            asks(bob, type="read", room=room, seq=seq),
            asks(bob, type="focus", rooms=[room, group]),
            asks(bob, type="room.get", room=room),
            asks(bob, type="members.list", room=group),
            asks(bob, type="history", room=room, limit=20),
            lambda: bob.connection.link.reset(),  # type: ignore[union-attr]
            lambda: reinstall(bob),
            asks(cat, type="contact.set", user=BOB, following=True),
            lambda: cat.post({"type": "send", "room": group, "key": self.key(), "body": {"text": "hm"}}),
        ]
        return self.chance.choice(tries)

    def key(self) -> str:
        return f"{self.chance.randrange(10**22):022}"


def asks(client: SimClient, **packet: Any) -> Callable[[], None]:
    return lambda: client.connection.ask(packet) if client.ready else None  # type: ignore[union-attr]


def writes(world: Twin, client: SimClient) -> Callable[[], None]:
    """Return a message in the direct room of ANN and BOB, once it is there."""
    key, other = world.key(), BOB if client.user == ANN else ANN

    def write() -> None:
        if room := client.storage.directs.get(other):
            client.post({"type": "send", "room": room, "key": key, "body": {"text": "hello"}})

    return write


def reinstall(client: SimClient) -> None:
    """Begin anew as another device, which is sent everything."""
    directs = client.storage.directs
    client.connection.link.reset()  # type: ignore[union-attr]
    client.new_device()
    client.storage.directs = directs


def lived(seed: int, different: Pair) -> list[tuple[int, bytes]]:
    """Return the frames that BOB is sent in one world, and when, in tenths of a second."""
    root = Path(tempfile.mkdtemp(prefix="chatd-twin-", dir=memory()))
    try:
        with simulated():
            world = Twin(seed, root, different)
            try:
                world.loop.run_until_complete(world.live())
            finally:
                world.machine.clear()
                world.loop.close()
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return [(round(at * 10), in_tenths(frame)) for at, frame in world.recorder.frames]


def in_tenths(frame: bytes) -> bytes:
    """Return a frame with its times in tenths of a second; one that is no packet as it is."""
    try:
        return bytes(msgpack.packb(coarse(msgpack.unpackb(frame))))
    except ValueError:
        return frame


def coarse(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: coarse(kept) for name, kept in value.items()}
    if isinstance(value, list):
        return [coarse(kept) for kept in value]
    is_time = isinstance(value, int) and value >= START_MS
    return (value + TENTH_MS // 2) // TENTH_MS * TENTH_MS if is_time else value


def difference(
    seed: int, pair: tuple[Pair, Pair], broken: Callable[[], AbstractContextManager[Any]] = nullcontext
) -> str:
    """Return the first frames that differ between the two worlds of a seed; empty when there are none."""
    with collector_rests(), broken():
        one, other = (lived(seed, different) for different in pair)
    for first, second in zip(one, other, strict=False):
        if first != second:
            return f"seed {seed}: {first} when ANN {pair[0]}, {second} when {pair[1]}"
    return "" if len(one) == len(other) else f"seed {seed}: {len(one)} frames, and {len(other)}"

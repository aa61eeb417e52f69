"""A few users who do everything that is stored, drawn from one seed: the workload under which disks are broken."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from msgspec import UNSET

from chatd.config.people import Bounds
from chatd.core.accounts import Amend, RecordDevice
from chatd.core.push import Address
from chatd.core.push_registrations import Registration
from chatd.protocol.drafts import Draft, DraftBody, Schedule
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import ChatError
from chatd.protocol.friends import ContactSet, FriendAccept, FriendDecline, FriendRemove, FriendRequest
from chatd.protocol.groups import Policy
from chatd.protocol.inbox import Clear, Delete
from chatd.protocol.members import RoomJoin, RoomLeave
from chatd.protocol.messages import Edit, React, Recall, Send, SentBody, WriteOk
from chatd.protocol.read_state import Read
from chatd.protocol.rooms import Preferences, RoomCreate, RoomDirect, RoomUpdate
from chatd.protocol.users import ProfileSet
from tests.kit.inprocess import InProcessServer

PEOPLE = ("ann", "bob", "eve", "joe", "kim", "lee")
MONTH_S = 31 * 86_400.0
# The most sends at once: some of them share a commit.
BURST = 12

EVERYONE = Bounds(default="everyone")
# Small enough that a minute of work folds operations, and has a room in which joins are not logged.
SECTIONS: dict[str, dict[str, Any]] = {
    "rates": {"enabled": False},
    "storage": {"operations_kept": 6},
    "delivery": {"large_members": 5},
    "people": {"enabled": True, "privacy": {"add": EVERYONE, "write": EVERYONE}},
    "events": {"enabled": True, "reads": True},
}


class Acknowledged(NamedTuple):
    """A message that was stored as number `seq` of its room, and acknowledged after commit `stamp`."""

    user: str
    request: Send
    seq: int
    stamp: int


class RandomWorkload:
    """Random requests to the writer of a server. `told` is called with each commit that was acknowledged."""

    def __init__(self, server: InProcessServer, seed: int, told: Callable[[int], None]) -> None:
        self.server = server
        self.writer = server.app.writer
        self.acknowledged: list[Acknowledged] = []
        self.refused: list[ChatError] = []
        self._chance = random.Random(seed)
        self._told = told
        self._keys = 0
        self._seed = seed
        self._rooms: list[str] = []
        # A room that keeps messages for an hour: what is said there is not looked for again.
        self._brief = ""
        self._steps: tuple[Callable[[], Awaitable[None]], ...] = (
            *(self.send,) * 6,
            self.burst,
            self.burst,
            self.edit,
            self.recall,
            self.react,
            self.read,
            self.read,
            self.join_or_leave,
            self.join_or_leave,
            self.repeat,
            self.change_settings,
            self.see_device,
            self.pass_month,
            self.befriend,
            self.befriend,
            self.keep,
            self.write_later,
            self.write_later,
            self.draft,
            self.tidy,
            self.tidy,
            self.write_briefly,
        )

    async def open(self) -> None:
        """Create the rooms: a group, a public one that grows large, a direct one."""
        for public in (False, True):
            made = await self.request(
                "ann",
                RoomCreate(key=self.key(), kind="group", title="t", users=["bob", "eve"], public=public),
            )
            self._rooms.append(str(made.summary.room))  # type: ignore[union-attr]
        made = await self.request(
            "ann",
            RoomCreate(key=self.key(), kind="group", title="t", users=["bob"], policy=Policy(retain_s=3600)),
        )
        self._brief = str(made.summary.room)  # type: ignore[union-attr]
        direct = await self.request("ann", RoomDirect(user="bob"))
        self._rooms.append(str(direct.summary.room))  # type: ignore[union-attr]

    async def run(self, count: int) -> None:
        for _ in range(count):
            self.server.env.advance(1)
            await self._chance.choice(self._steps)()

    async def request(self, user: str, request: Any) -> Ok | None:
        """Send one request; return the answer, None for a refusal, which is kept."""
        try:
            reply = await self.writer.submit_and_wait(user, request)
        except ChatError as error:
            self.refused.append(error)
            return None
        self._told(self.writer.published)
        stays = isinstance(request, Send) and request.room != self._brief
        if stays and isinstance(reply, WriteOk) and not reply.duplicate:
            assert isinstance(reply.seq, int)
            self.acknowledged.append(Acknowledged(user, request, reply.seq, self.writer.published))
        return reply

    def key(self) -> str:
        self._keys += 1
        return f"key-{self._seed}-{self._keys:08}"

    def somewhere(self) -> tuple[str, str]:
        return self._chance.choice(PEOPLE[:3]), self._chance.choice(self._rooms)

    def target(self) -> tuple[str, str, int]:
        """Return a message that was acknowledged: its author, room and number."""
        said = self._chance.choice(self.acknowledged)
        return said.user, said.request.room, said.seq

    async def send(self) -> None:
        user, room = self.somewhere()
        text = "x" * self._chance.choice((1, 80, 700, 5000))
        mentions = self._chance.choice(([], [], ["bob"], ["*"]))
        body = SentBody(text=text, mentions=mentions) if mentions else SentBody(text=text)
        await self.request(user, Send(room=room, key=self.key(), body=body))

    async def burst(self) -> None:
        await asyncio.gather(*(self.send() for _ in range(self._chance.randrange(2, BURST))))

    async def edit(self) -> None:
        if self.acknowledged:
            user, room, seq = self.target()
            body = SentBody(text=f"edited {self._keys}")
            await self.request(user, Edit(room=room, key=self.key(), target=seq, body=body))

    async def recall(self) -> None:
        if self.acknowledged:
            user, room, seq = self.target()
            await self.request(user, Recall(room=room, key=self.key(), target=seq))

    async def react(self) -> None:
        if self.acknowledged:
            user, room, seq = self.target()
            wanted = self._chance.random() < 0.7
            await self.request(user, React(room=room, key=self.key(), target=seq, emoji="👍", set=wanted))

    async def read(self) -> None:
        user, room = self.somewhere()
        await self.request(user, Read(room=room, seq=self._chance.randrange(1, 40)))

    async def join_or_leave(self) -> None:
        user = self._chance.choice(PEOPLE[3:])
        kind = self._chance.choice((RoomJoin, RoomJoin, RoomLeave))
        await self.request(user, kind(room=self._rooms[1], key=self.key()))

    async def repeat(self) -> None:
        """Send an acknowledged message again: the answer is its number."""
        if self.acknowledged:
            said = self._chance.choice(self.acknowledged)
            reply = await self.request(said.user, said.request)
            assert reply is None or reply.seq == said.seq  # type: ignore[attr-defined]

    async def change_settings(self) -> None:
        title = f"title {self._keys}"
        await self.request("ann", RoomUpdate(room=self._rooms[0], key=self.key(), title=title))

    async def see_device(self) -> None:
        user = self._chance.choice(PEOPLE)
        await self.request(user, RecordDevice(device="a-device-of-24-characters", app="app"))
        await self.request(user, Amend(name=f"{user} {self._keys}"))
        address = Address("fcm", "", f"token of {user}")
        await self.request(user, Registration(user, "a-device-of-24-characters", address, 0, "epoch"))

    async def befriend(self) -> None:
        """Change what two users are to each other, which is stored on both sides."""
        user, other = self._chance.sample(PEOPLE[:3], 2)
        kinds = (FriendRequest, FriendRequest, FriendAccept, FriendDecline, FriendRemove)
        await self.request(user, self._chance.choice(kinds)(user=other))

    async def keep(self) -> None:
        """Block another user, let them be, or give them another name; change the own card."""
        user, other = self._chance.sample(PEOPLE[:3], 2)
        await self.request(user, ContactSet(user=other, blocked=self._chance.random() < 0.3))
        await self.request(user, ContactSet(user=other, remark=f"remark {self._keys}"))
        await self.request(user, ProfileSet(bio=f"bio {self._keys}"))

    async def write_later(self) -> None:
        """Schedule some messages, cancel one, and send what is due."""
        user, room = self.somewhere()
        keys = [self.key() for _ in range(3)]
        body = SentBody(text="later")
        asked = [Schedule(room=room, key=key, at=1, body=body) for key in keys]
        await asyncio.gather(*(self.request(user, one) for one in asked))
        await self.request(user, Schedule(room=room, key=keys[0]))
        if self._chance.random() < 0.7:
            await self.carry_out(self.server.app.scheduled.send_due())

    async def draft(self) -> None:
        user, room = self.somewhere()
        body = DraftBody(text=f"draft {self._keys}") if self._chance.random() < 0.7 else UNSET
        await self.request(user, Draft(room=room, key=self.key(), body=body))

    async def tidy(self) -> None:
        """Put a room into a folder, mark it, or take some of it out of the own view."""
        user, room = self.somewhere()
        low = self._chance.randrange(1, 20)
        await self.request(user, Preferences(room=room, folder=self._chance.randrange(2), unread_mark=True))
        await self.request(user, Read(room=room, seq=low + 2))
        await self.request(user, Delete(room=room, ranges=[(low, low + self._chance.randrange(3))]))
        if self._chance.random() < 0.2:
            await self.request(user, Clear(room=room, seq=low))

    async def write_briefly(self) -> None:
        """Say something that goes with the month, and make a draft of it that was sent."""
        key, body = self.key(), SentBody(text="x" * 700)
        await self.request("ann", Draft(room=self._brief, key=key, body=DraftBody(text="x")))
        await self.request("ann", Send(room=self._brief, key=key, body=body))

    async def carry_out(self, work: Awaitable[object]) -> None:
        """Let a job of the daemon work."""
        try:
            await work
        except ChatError as error:
            self.refused.append(error)
            return
        self._told(self.writer.published)

    async def pass_month(self) -> None:
        """Let a month go by, and run the maintenance."""
        self.server.env.advance(MONTH_S)
        await self.carry_out(self.server.app.maintenance.compact())
        await self.carry_out(self.server.app.persons.retention.purge())

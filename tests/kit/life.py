"""Random lives of a few users in a few rooms: the traffic that scenarios compare the truth against."""

import asyncio
import random
from collections import Counter
from typing import Any

from tests.kit.phone import Phone, fresh_key


class Life:
    """Random deeds of some users in a few rooms. Every mutation may be sent twice, as after a lost ack."""

    def __init__(self, phones: dict[str, Phone], seed: int) -> None:
        self.phones = phones
        self.users = list(phones)
        self.choose = random.Random(seed)
        self.rooms: dict[str, Phone] = {}  # with a phone that had all rights at first
        self.sent: list[tuple[str, int, Phone]] = []
        self.done: Counter[str] = Counter()

    async def goes_on(self) -> None:
        """Three deeds at the same time."""
        deeds = [self.sends] * 4 + [self.changes] * 3 + [self.reads, self.prefers, self.creates, self.looks]
        deeds += [self.comes, self.comes, self.goes, self.invites, self.removes, self.promotes, self.updates]
        phones = list(self.phones.values())
        await asyncio.gather(*(self.choose.choice(deeds)(self.choose.choice(phones)) for _ in range(3)))

    async def creates(self, phone: Phone) -> None:
        if len(self.rooms) < 6:
            others = self.choose.sample(self.users, 3)
            fields = {"title": "t", "users": others, "public": self.choose.random() < 0.7}
            reply = await self._does(phone, {"type": "room.create", "kind": "group", **fields})
            self.rooms[reply["summary"]["room"]] = phone
        else:
            peer = self.choose.choice([user for user in self.users if user != phone.user])
            self.rooms[await phone.opens_direct(peer)] = phone

    async def sends(self, phone: Phone) -> None:
        mentions = self.choose.choice([[], [], ["*"], [self.choose.choice(self.users)]])
        body = {"text": "words", **({"mentions": mentions} if mentions else {})}
        room = self._room()
        if room and (
            seq := (await self._does(phone, {"type": "send", "room": room, "body": body})).get("seq")
        ):
            self.sent.append((room, seq, phone))

    async def changes(self, phone: Phone) -> None:
        """Do something to a message: mostly as its author, sometimes as whoever may not."""
        if not self.sent:
            return
        room, target, author = self.choose.choice(self.sent[-20:])
        deed: dict[str, Any] = self.choose.choice(
            [
                {"type": "edit", "body": {"text": "other words"}},
                {"type": "recall"},
                {"type": "react", "emoji": self.choose.choice("👍🎉"), "set": self.choose.random() < 0.7},
                {"type": "react", "emoji": "👍", "set": True},
                {"type": "pin", "set": self.choose.random() < 0.7},
            ]
        )
        by = self.choose.choice([author, author, self.rooms[room], phone])
        await self._does(by, {**deed, "room": room, "target": target})

    async def reads(self, phone: Phone) -> None:
        if room := self._room():
            await phone.is_answered({"type": "read", "room": room, "seq": self.choose.randint(0, 30)})

    async def prefers(self, phone: Phone) -> None:
        choices: list[dict[str, Any]] = [
            {"pinned": True},
            {"pinned": False},
            {"hidden": True},
            {"muted_until": 1},
            {"muted_until": 0},
        ]
        if room := self._room():
            await phone.is_answered({"type": "preferences", "room": room, **self.choose.choice(choices)})

    async def looks(self, phone: Phone) -> None:
        rooms = self.choose.sample(list(self.rooms), min(2, len(self.rooms)))
        await phone.asks({"type": "focus", "rooms": rooms})
        await phone.asks({"type": "mode", "mode": self.choose.choice(["foreground", "background"])})

    async def comes(self, phone: Phone) -> None:
        await self._in_room(phone, {"type": "room.join"})

    async def goes(self, phone: Phone) -> None:
        if self.choose.random() < 0.6:
            await self._in_room(phone, {"type": "room.leave"})
        else:
            await self._ruling(phone, {"type": "room.delete"})

    async def invites(self, phone: Phone) -> None:
        await self._ruling(phone, {"type": "members.add", "users": self.choose.sample(self.users, 2)})

    async def removes(self, phone: Phone) -> None:
        await self._ruling(phone, {"type": "members.remove", "users": [self.choose.choice(self.users)]})

    async def promotes(self, phone: Phone) -> None:
        role = self.choose.choice(["member", "admin", "owner"])
        users = [{"user": self.choose.choice(self.users), "role": role}]
        await self._ruling(phone, {"type": "members.role", "users": users})

    async def updates(self, phone: Phone) -> None:
        fields: dict[str, Any] = self.choose.choice(
            [{"title": f"t{self.choose.random()}"}, {"public": True}, {"public": False}]
        )
        await self._ruling(phone, {"type": "room.update", **fields})

    def _room(self) -> str | None:
        return self.choose.choice(list(self.rooms)) if self.rooms else None

    async def _ruling(self, phone: Phone, packet: dict[str, Any]) -> None:
        """Something for owners: mostly done by the one who made the room."""
        if room := self._room():
            by = self.rooms[room] if self.choose.random() < 0.8 else phone
            await self._does(by, {**packet, "room": room})

    async def _in_room(self, phone: Phone, packet: dict[str, Any]) -> None:
        if room := self._room():
            await self._does(phone, {**packet, "room": room})

    async def _does(self, phone: Phone, packet: dict[str, Any]) -> dict[str, Any]:
        """Send a mutation, sometimes again with its key: what was stored is answered as it was."""
        packet = {**packet, "key": fresh_key()}
        reply = await phone.is_answered(packet)
        self.done[packet["type"]] += reply["type"] == "ok" and "duplicate" not in reply
        if reply["type"] == "ok" and "duplicate" not in reply and self.choose.random() < 0.4:
            again = await phone.asks(packet)
            number = None if packet["type"] == "room.create" else reply.get("seq")
            assert (again["duplicate"], again.get("seq")) == (True, number)
        return reply

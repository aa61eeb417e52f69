"""Random actions of a few users in a few rooms: the traffic after which scenarios compare all copies."""

import asyncio
import random
from collections import Counter
from typing import Any

from tests.kit.client import TestClient, fresh_key


class RandomTraffic:
    """Random actions of some users in a few rooms. Every mutation may be sent twice, as after a lost reply."""

    def __init__(self, peers: dict[str, TestClient], seed: int) -> None:
        self.peers = peers
        self.users = list(peers)
        self.choose = random.Random(seed)
        # Each room with a client that had all permissions at first.
        self.rooms: dict[str, TestClient] = {}
        self.sent: list[tuple[str, int, TestClient]] = []
        self.done: Counter[str] = Counter()

    async def step(self) -> None:
        """Do three actions at the same time."""
        actions = (
            [self.send] * 4
            + [self.change_message] * 3
            + [self.read, self.set_preference, self.create_room, self.change_mode]
        )
        actions += [self.join, self.join, self.leave, self.invite, self.remove, self.promote, self.update]
        peers = list(self.peers.values())
        await asyncio.gather(*(self.choose.choice(actions)(self.choose.choice(peers)) for _ in range(3)))

    async def create_room(self, client: TestClient) -> None:
        if len(self.rooms) < 6:
            others = self.choose.sample(self.users, 3)
            fields = {"title": "t", "users": others, "public": self.choose.random() < 0.7}
            reply = await self._mutate(client, {"type": "room.create", "kind": "group", **fields})
            self.rooms[reply["summary"]["room"]] = client
        else:
            peer = self.choose.choice([user for user in self.users if user != client.user])
            self.rooms[await client.open_direct(peer)] = client

    async def send(self, client: TestClient) -> None:
        mentions = self.choose.choice([[], [], ["*"], [self.choose.choice(self.users)]])
        body = {"text": "words", **({"mentions": mentions} if mentions else {})}
        room = self._room()
        if room and (
            seq := (await self._mutate(client, {"type": "send", "room": room, "body": body})).get("seq")
        ):
            self.sent.append((room, seq, client))

    async def change_message(self, client: TestClient) -> None:
        """Change a message: mostly as its author, sometimes as a user who may not."""
        if not self.sent:
            return
        room, target, author = self.choose.choice(self.sent[-20:])
        action: dict[str, Any] = self.choose.choice(
            [
                {"type": "edit", "body": {"text": "other words"}},
                {"type": "recall"},
                {"type": "react", "emoji": self.choose.choice("👍🎉"), "set": self.choose.random() < 0.7},
                {"type": "react", "emoji": "👍", "set": True},
                {"type": "pin", "set": self.choose.random() < 0.7},
            ]
        )
        by = self.choose.choice([author, author, self.rooms[room], client])
        await self._mutate(by, {**action, "room": room, "target": target})

    async def read(self, client: TestClient) -> None:
        if room := self._room():
            await client.reply_to({"type": "read", "room": room, "seq": self.choose.randint(0, 30)})

    async def set_preference(self, client: TestClient) -> None:
        choices: list[dict[str, Any]] = [
            {"pinned": True},
            {"pinned": False},
            {"hidden": True},
            {"muted_until": 1},
            {"muted_until": 0},
        ]
        if room := self._room():
            await client.reply_to({"type": "preferences", "room": room, **self.choose.choice(choices)})

    async def change_mode(self, client: TestClient) -> None:
        rooms = self.choose.sample(list(self.rooms), min(2, len(self.rooms)))
        await client.request({"type": "focus", "rooms": rooms})
        await client.request({"type": "mode", "mode": self.choose.choice(["foreground", "background"])})

    async def join(self, client: TestClient) -> None:
        await self._in_room(client, {"type": "room.join"})

    async def leave(self, client: TestClient) -> None:
        if self.choose.random() < 0.6:
            await self._in_room(client, {"type": "room.leave"})
        else:
            await self._ruling(client, {"type": "room.delete"})

    async def invite(self, client: TestClient) -> None:
        await self._ruling(client, {"type": "members.add", "users": self.choose.sample(self.users, 2)})

    async def remove(self, client: TestClient) -> None:
        await self._ruling(client, {"type": "members.remove", "users": [self.choose.choice(self.users)]})

    async def promote(self, client: TestClient) -> None:
        role = self.choose.choice(["member", "admin", "owner"])
        users = [{"user": self.choose.choice(self.users), "role": role}]
        await self._ruling(client, {"type": "members.role", "users": users})

    async def update(self, client: TestClient) -> None:
        fields: dict[str, Any] = self.choose.choice(
            [{"title": f"t{self.choose.random()}"}, {"public": True}, {"public": False}]
        )
        await self._ruling(client, {"type": "room.update", **fields})

    def _room(self) -> str | None:
        return self.choose.choice(list(self.rooms)) if self.rooms else None

    async def _ruling(self, client: TestClient, packet: dict[str, Any]) -> None:
        """Do something that owners may: mostly as the user who made the room."""
        if room := self._room():
            by = self.rooms[room] if self.choose.random() < 0.8 else client
            await self._mutate(by, {**packet, "room": room})

    async def _in_room(self, client: TestClient, packet: dict[str, Any]) -> None:
        if room := self._room():
            await self._mutate(client, {**packet, "room": room})

    async def _mutate(self, client: TestClient, packet: dict[str, Any]) -> dict[str, Any]:
        """Send a mutation, sometimes again with its key: the answer is the same as before."""
        packet = {**packet, "key": fresh_key()}
        reply = await client.reply_to(packet)
        self.done[packet["type"]] += reply["type"] == "ok" and "duplicate" not in reply
        if reply["type"] == "ok" and "duplicate" not in reply and self.choose.random() < 0.4:
            again = await client.request(packet)
            number = None if packet["type"] == "room.create" else reply.get("seq")
            assert (again["duplicate"], again.get("seq")) == (True, number)
        return reply

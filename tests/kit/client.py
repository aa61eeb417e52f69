"""`TestClient`: a scripted user of the daemon, for scenarios. It shares no code with chatd."""

import secrets
from collections import deque
from typing import Any

from tests.kit.client_socket import Link, Packet
from tests.kit.packet_client import TIMEOUT_S, Event, PacketClient
from tests.kit.tokens import token_for


def fresh_key() -> str:
    """Return a new idempotency key, 22 characters as protocol.md "Identifiers and counters" recommends."""
    return secrets.token_urlsafe(16)


def fresh_device() -> str:
    return secrets.token_urlsafe(16)


class TestClient(PacketClient):
    """One device of one user on one connection."""

    __test__ = False

    def __init__(self, link: Link, user: str, device: str | None = None, token: str | None = None) -> None:
        super().__init__(link, user)
        self.user = user
        self.device = device or fresh_device()
        self.token = token or token_for(user)

    @classmethod
    async def connect(cls, url: str, user: str, *, encoding: str = "msgpack", **options: Any) -> "TestClient":
        """Return one with an open WebSocket that has not said hello; `options` are those of Link and TestClient."""
        own = {name: options.pop(name) for name in ("device", "token") if name in options}
        return cls(await Link.open(url, encoding, **options), user, **own)

    # Requests

    async def say_hello(self, **fields: Any) -> Packet:
        """Send the first packet and return the reply; `fields` add to the minimal hello."""
        return await self.request(self.hello(**fields))

    def hello(self, **fields: Any) -> Packet:
        return {"type": "hello", "version": 1, "token": self.token, "device": self.device, **fields}

    async def create_group(self, title: str, *others: "TestClient | str", **fields: Any) -> str:
        """Create a group with these members and return its room."""
        users = [other.user if isinstance(other, TestClient) else other for other in others]
        packet = {"type": "room.create", "key": fresh_key(), "kind": "group", "title": title, "users": users}
        reply = await self.request({**packet, **fields})
        return str(reply["summary"]["room"])

    async def open_direct(self, other: "TestClient | str") -> str:
        """Get or create the 1:1 room with `other` and return its room."""
        user = other.user if isinstance(other, TestClient) else other
        reply = await self.request({"type": "room.direct", "user": user})
        return str(reply["summary"]["room"])

    async def mutate(self, kind: str, room: str, **fields: Any) -> Packet:
        """Send a mutation of `room` with a fresh `key`."""
        return await self.request({"type": kind, "room": room, "key": fresh_key(), **fields})

    async def send(self, room: str, text: str, *, key: str | None = None, **fields: Any) -> Packet:
        """Send a text message; fields of the body go into `body=`."""
        body = {"text": text, **fields.pop("body", {})}
        return await self.mutate("send", room, **{"key": key or fresh_key(), "body": body, **fields})

    async def edit(self, room: str, target: int, text: str) -> Packet:
        return await self.mutate("edit", room, target=target, body={"text": text})

    async def recall(self, room: str, target: int) -> Packet:
        return await self.mutate("recall", room, target=target)

    async def react(self, room: str, target: int, emoji: str, *, to: bool = True) -> Packet:
        return await self.mutate("react", room, target=target, emoji=emoji, set=to)

    async def pin(self, room: str, target: int, *, to: bool = True) -> Packet:
        return await self.mutate("pin", room, target=target, set=to)

    async def read(self, room: str, seq: int) -> Packet:
        return await self.request({"type": "read", "room": room, "seq": seq})

    async def get_room(self, room: str) -> Packet:
        """Return the current summary of a room."""
        summary: Packet = (await self.request({"type": "room.get", "room": room}))["summary"]
        return summary

    async def read_log(self, room: str, start: int = 1, **fields: Any) -> list[Event]:
        """Return the whole log of a room from `start`, page by page."""
        events: list[Event] = []
        position: int | None = start
        while position is not None:
            reply = await self.request({"type": "log", "room": room, "from": position, **fields})
            assert "reset" not in reply, f"log of {room} was reset: {reply!r}"
            events += reply["events"]
            position = reply.get("next")
        return events

    async def request_history(self, room: str, **fields: Any) -> list[Event]:
        """Return one page of messages, the newest unless `before`, `after` or `around` says otherwise."""
        events: list[Event] = (await self.request({"type": "history", "room": room, **fields}))["events"]
        return events

    # Pushes

    async def next_event(self, room: str, kind: str | None = None, *, within_s: float = TIMEOUT_S) -> Event:
        """Return the next event of a room; with `kind`, the next of that kind, passing over others."""

        def take() -> Event | None:
            events = self._events.get(room, deque())
            while events:
                event = events.popleft()
                if kind in (None, event["kind"]):
                    return event
            return None

        return await self._wait_for(take, f"event {kind or ''} in {room}", within_s)

    async def collect_until(self, room: str, seq: int, *, within_s: float = TIMEOUT_S) -> list[Event]:
        """Return the waiting and coming events of a room up to the one numbered `seq`."""
        events = [await self.next_event(room, within_s=within_s)]
        while events[-1]["seq"] < seq:
            events.append(await self.next_event(room, within_s=within_s))
        return events

    async def wait_for_head(self, room: str, seq: int, *, within_s: float = TIMEOUT_S) -> Packet:
        """Return the head of a room once it has reached `seq`."""

        def take() -> Packet | None:
            for push in [push for push in self._pushes if push["type"] == "head"]:
                self._pushes.remove(push)
                heads = [head for head in push["rooms"] if head["room"] == room and head["seq"] >= seq]
                if heads:
                    return Packet(heads[0])
            return None

        return await self._wait_for(take, f"head of {room} at {seq}", within_s)

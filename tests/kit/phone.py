"""`Phone`: a scripted user of the daemon, for scenarios. Shares no code with chatd."""

import secrets
from collections import deque
from typing import Any

from tests.kit.caller import PATIENCE_S, Caller, Event
from tests.kit.link import Link, Packet
from tests.kit.tokens import token_for


def fresh_key() -> str:
    """A new idempotency key, 22 characters as protocol.md 4 recommends."""
    return secrets.token_urlsafe(16)


def fresh_device() -> str:
    return secrets.token_urlsafe(16)


class Phone(Caller):
    """One device of one user on one connection."""

    def __init__(self, link: Link, user: str, device: str | None = None, token: str | None = None) -> None:
        super().__init__(link, user)
        self.user = user
        self.device = device or fresh_device()
        self.token = token or token_for(user)

    @classmethod
    async def connect(cls, url: str, user: str, *, encoding: str = "msgpack", **options: Any) -> "Phone":
        """A phone with an open WebSocket that has not said hello; `options` are those of Link and Phone."""
        own = {name: options.pop(name) for name in ("device", "token") if name in options}
        return cls(await Link.open(url, encoding, **options), user, **own)

    # Saying what people say

    async def says_hello(self, **fields: Any) -> Packet:
        """The first packet; `fields` add to the minimal hello."""
        return await self.asks(self.hello(**fields))

    def hello(self, **fields: Any) -> Packet:
        return {"type": "hello", "version": 1, "token": self.token, "device": self.device, **fields}

    async def creates_group(self, title: str, *others: "Phone | str", **fields: Any) -> str:
        """Create a group with these members and return its room."""
        users = [other.user if isinstance(other, Phone) else other for other in others]
        packet = {"type": "room.create", "key": fresh_key(), "kind": "group", "title": title, "users": users}
        reply = await self.asks({**packet, **fields})
        return str(reply["summary"]["room"])

    async def opens_direct(self, other: "Phone | str") -> str:
        """Get or create the 1:1 room with `other` and return its room."""
        user = other.user if isinstance(other, Phone) else other
        reply = await self.asks({"type": "room.direct", "user": user})
        return str(reply["summary"]["room"])

    async def does(self, kind: str, room: str, **fields: Any) -> Packet:
        """A mutation of `room` with a fresh `key`."""
        return await self.asks({"type": kind, "room": room, "key": fresh_key(), **fields})

    async def sends(self, room: str, text: str, *, key: str | None = None, **fields: Any) -> Packet:
        """Send a text message; fields of the body go into `body=`."""
        body = {"text": text, **fields.pop("body", {})}
        return await self.does("send", room, **{"key": key or fresh_key(), "body": body, **fields})

    async def edits(self, room: str, target: int, text: str) -> Packet:
        return await self.does("edit", room, target=target, body={"text": text})

    async def recalls(self, room: str, target: int) -> Packet:
        return await self.does("recall", room, target=target)

    async def reacts(self, room: str, target: int, emoji: str, *, to: bool = True) -> Packet:
        return await self.does("react", room, target=target, emoji=emoji, set=to)

    async def pins(self, room: str, target: int, *, to: bool = True) -> Packet:
        return await self.does("pin", room, target=target, set=to)

    async def reads(self, room: str, seq: int) -> Packet:
        return await self.asks({"type": "read", "room": room, "seq": seq})

    async def gets(self, room: str) -> Packet:
        """The current summary of a room."""
        summary: Packet = (await self.asks({"type": "room.get", "room": room}))["summary"]
        return summary

    async def logs(self, room: str, start: int = 1, **fields: Any) -> list[Event]:
        """The whole log of a room from `start`, page by page."""
        events: list[Event] = []
        position: int | None = start
        while position is not None:
            reply = await self.asks({"type": "log", "room": room, "from": position, **fields})
            assert "reset" not in reply, f"log of {room} was reset: {reply!r}"
            events += reply["events"]
            position = reply.get("next")
        return events

    async def asks_history(self, room: str, **fields: Any) -> list[Event]:
        """One page of messages, the newest unless `before`, `after` or `around` says otherwise."""
        events: list[Event] = (await self.asks({"type": "history", "room": room, **fields}))["events"]
        return events

    # Hearing

    async def hears(self, room: str, kind: str | None = None, *, within_s: float = PATIENCE_S) -> Event:
        """The next event of a room; with `kind`, the next of that kind, passing over others."""

        def take() -> Event | None:
            events = self._events.get(room, deque())
            while events:
                event = events.popleft()
                if kind in (None, event["kind"]):
                    return event
            return None

        return await self._wait_for(take, f"event {kind or ''} in {room}", within_s)

    async def collects_until(self, room: str, seq: int, *, within_s: float = PATIENCE_S) -> list[Event]:
        """The waiting and coming events of a room up to the one numbered `seq`."""
        events = [await self.hears(room, within_s=within_s)]
        while events[-1]["seq"] < seq:
            events.append(await self.hears(room, within_s=within_s))
        return events

    async def hears_of(self, room: str, seq: int, *, within_s: float = PATIENCE_S) -> Packet:
        """The head of a room once it has reached `seq`."""

        def take() -> Packet | None:
            for push in [push for push in self._pushes if push["type"] == "head"]:
                self._pushes.remove(push)
                heads = [head for head in push["rooms"] if head["room"] == room and head["seq"] >= seq]
                if heads:
                    return Packet(heads[0])
            return None

        return await self._wait_for(take, f"head of {room} at {seq}", within_s)

    async def catches_up(self) -> None:
        """Return when everything the server had queued for this phone has arrived: a ping round trip."""
        await self.asks({"type": "ping"})

    async def is_silent(self, *kinds: str) -> None:
        """Nothing waits and nothing was on its way: no push at all, or none of these types."""
        await self.catches_up()
        unheard = [push for push in self.waiting() if not kinds or push["type"] in kinds]
        assert not unheard, f"{self.user} heard {unheard!r}"

    async def forgets(self) -> None:
        """Catch up and throw away what waits."""
        await self.catches_up()
        self._pushes.clear()
        self._events.clear()

"""A tiny server that tells lies on purpose: a harness that finds nothing wrong with it is itself wrong.

It speaks as much of protocol.md as a replay needs, on the `websockets` library and in memory, and commits one
fault at a known moment. It is no model of the daemon: no rights, no limits, no receipts.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import msgpack
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

Packet = dict[str, Any]

FAULTY_MESSAGE = 5  # the message of a room that the fault befalls, unless a test says otherwise
HANG_UP_S = 0.2  # long enough that everybody is in, short enough for a short run
FAULTS = (
    "none",
    "swallow",  # acknowledged and numbered, but neither stored nor pushed: the next one takes its place
    "forget",  # not pushed to one member; a later push shows the gap, if there is a later one
    "double",  # pushed twice
    "store_twice",  # one key becomes two messages
    "swap",  # pushed after the one behind it
    "reverse",  # a batch is stored backwards
    "stray",  # pushed to somebody who is not a member
    "alter",  # stored and pushed with another text
    "whisper",  # one member is told another text than the log holds
    "lock_out",  # hello is refused for now, for ever
    "silence",  # stored and pushed, never acknowledged
    "hang_up",  # a connection that said hello is ended a moment later
)


@dataclass
class _Room:
    name: str
    users: list[str]
    events: list[Packet] = field(default_factory=list)
    messages: int = 0


class Canary:
    """The server; `url` says where, `fault` is one of FAULTS and befalls the message `faulty` of each room."""

    def __init__(self, fault: str, faulty: int = FAULTY_MESSAGE) -> None:
        self.url = ""
        self.fault = fault
        self._faulty = faulty
        self._rooms: dict[str, _Room] = {}
        self._online: dict[str, ServerConnection] = {}
        self._held: list[tuple[_Room, Packet]] = []
        self._writing = asyncio.Lock()  # one post at a time, so that everybody sees one order
        self._commands: dict[str, Callable[[str, Packet], Packet]] = {
            "room.create": self._create,
            "room.direct": self._direct,
            "members.add": self._add,
            "log": self._log,
        }

    async def serve(self, link: ServerConnection) -> None:
        """One connection until it ends."""
        user = ""
        try:
            with suppress(ConnectionClosed):
                async for frame in link:
                    content = msgpack.unpackb(frame)
                    batch = content if isinstance(content, list) else [content]
                    for packet in reversed(batch) if self.fault == "reverse" else batch:
                        user = await self._packet(link, user, packet)
        finally:
            if self._online.get(user) is link:
                del self._online[user]

    async def _packet(self, link: ServerConnection, user: str, packet: Packet) -> str:
        if packet["type"] == "hello":
            user = _subject(packet["token"])
            self._online[user] = link
            if self.fault == "lock_out" and self._rooms:
                refusal = {"code": "internal", "retry": "later"}
                await _send(link, {"type": "error", "id": packet["id"], **refusal})
            else:
                await _send(link, {"type": "ok", "id": packet["id"], **self._hello(user)})
            if self.fault == "hang_up":
                self.fault = "none"  # once is enough
                asyncio.get_running_loop().call_later(HANG_UP_S, link.transport.abort)
        elif packet["type"] == "send":
            async with self._writing:
                await self._post(link, user, packet)
        else:
            await _send(
                link, {"type": "ok", "id": packet["id"], **self._commands[packet["type"]](user, packet)}
            )
        return user

    def crash(self) -> None:
        """Every connection is lost, as when the daemon is killed; what was stored is not."""
        for link in self._online.values():
            link.transport.abort()

    def _hello(self, user: str) -> Packet:
        rooms = [{"room": r.name, "seq": len(r.events)} for r in self._rooms.values() if user in r.users]
        return {"epoch": "e", "user": user, "sync": {"rooms": rooms, "cursor": "c"}}

    def _create(self, user: str, packet: Packet) -> Packet:
        room = _Room(f"g{len(self._rooms):011d}", [user, *packet["users"]])
        self._rooms[room.name] = room
        self._append(room, {"kind": "created", "user": user, "users": room.users.copy()})
        return {"summary": {"room": room.name, "seq": 1}}

    def _direct(self, user: str, packet: Packet) -> Packet:
        return self._create(user, {"users": [packet["user"]]})

    def _add(self, user: str, packet: Packet) -> Packet:
        room = self._rooms[packet["room"]]
        room.users += packet["users"]
        event = self._append(room, {"kind": "joined", "user": user, "users": packet["users"]})
        return {"seq": event["seq"], "time": event["time"]}

    def _log(self, user: str, packet: Packet) -> Packet:
        events = self._rooms[packet["room"]].events
        page = events[packet["from"] - 1 : packet.get("to")][:50]
        rest = (
            {"next": page[-1]["seq"] + 1} if page and page[-1]["seq"] < packet.get("to", len(events)) else {}
        )
        return {"events": page, "seq": len(events), **rest}

    def _append(self, room: _Room, event: Packet) -> Packet:
        event = {"seq": len(room.events) + 1, "time": 1_700_000_000_000, **event}
        room.events.append(event)
        return event

    async def _post(self, link: ServerConnection, user: str, packet: Packet) -> None:
        room, key = self._rooms[packet["room"]], packet["key"]
        stored = next((e for e in room.events if (e.get("key"), e["user"]) == (key, user)), None)
        if stored is not None:
            await _send(link, _ack(packet, stored, duplicate=True))
            return
        room.messages += 1
        faulty = room.messages == self._faulty
        body = {"text": "lies"} if faulty and self.fault == "alter" else packet["body"]
        event = {"kind": "message", "user": user, "ordinal": room.messages, "key": key, "body": body}
        event = self._append(room, event)
        if not (faulty and self.fault == "silence"):
            await _send(link, _ack(packet, event))
        if faulty and self.fault == "swallow":
            room.events.pop()
            return
        await self._publish(room, event, user, faulty=faulty)
        if faulty and self.fault == "store_twice":
            again = self._append(room, {**event, "seq": len(room.events) + 1})
            await self._push(room, again, author="")

    async def _publish(self, room: _Room, event: Packet, author: str, *, faulty: bool) -> None:
        if faulty and self.fault == "swap":
            self._held.append((room, event))
            return
        await self._push(room, event, author, faulty=faulty)
        if faulty and self.fault == "double":
            await self._push(room, event, author)
        while self._held and self._held[0][0] is room:
            await self._push(*self._held.pop(), author="")

    async def _push(self, room: _Room, event: Packet, author: str, *, faulty: bool = False) -> None:
        users = [user for user in room.users if user != author]
        if faulty and self.fault == "stray":
            users = [*users, *(user for user in self._online if user not in room.users)]
        for place, user in enumerate(users):
            told = event
            if faulty and place == 0 and self.fault == "forget":
                continue
            if faulty and place == 0 and self.fault == "whisper":
                told = {**event, "body": {"text": "psst"}}
            if link := self._online.get(user):
                await _send(link, {"type": "event", "room": room.name, "events": [told]})


@asynccontextmanager
async def canary(fault: str, faulty: int = FAULTY_MESSAGE) -> AsyncIterator[Canary]:
    """A running canary on a free loopback port."""
    bird = Canary(fault, faulty)
    protocols = [Subprotocol("chatd.v1.msgpack")]
    async with serve(bird.serve, "127.0.0.1", 0, subprotocols=protocols, ping_interval=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        bird.url = f"ws://127.0.0.1:{port}/v1/ws"
        yield bird


def _ack(packet: Packet, event: Packet, *, duplicate: bool = False) -> Packet:
    ack = {
        "type": "ok",
        "id": packet["id"],
        "seq": event["seq"],
        "time": event["time"],
        "ordinal": event["ordinal"],
    }
    return {**ack, "duplicate": True} if duplicate else ack


def _subject(token: str) -> str:
    claims = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"])


async def _send(link: ServerConnection, packet: Packet) -> None:
    with suppress(ConnectionClosed):
        await link.send(msgpack.packb(packet))

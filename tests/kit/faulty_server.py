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
from itertools import groupby
from typing import Any, NamedTuple

import msgpack
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

Packet = dict[str, Any]

FAULTY_MESSAGE = 5  # the message of a room that the fault befalls, unless a test says otherwise
STALL_S = 0.5  # long enough that what is due meanwhile is seen to wait
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
    "slam",  # a hello is answered by the end of the connection, once there is a room
    "skip",  # a place of the log is given to nobody
    "babble",  # pushed as bytes that are no packet
    "conceal",  # one member is told a head instead, and what he asks for is not in the log he gets
    "misquote",  # the same, and the log he gets has another text
)
# What an honest server does now and then, and a harness must take for what it is.
MOODS = (
    "lag",  # one member is told a head instead of the event
    "later",  # refused for now, once
    "stall",  # everything stops for a moment before it is stored
)


@dataclass
class _Room:
    name: str
    users: list[str]
    events: list[Packet] = field(default_factory=list)
    messages: int = 0
    last: int = 0  # the place of its newest event


class _Told(NamedTuple):
    """One event on its way to the members of a room but its author."""

    room: _Room
    event: Packet
    author: str
    faulty: bool


class FaultyServer:
    """The server; `url` says where, `fault` is one of FAULTS and MOODS and befalls the message `faulty` of each room.

    `joined`: what came in one frame is pushed in one, as the daemon does with what it committed together.
    """

    def __init__(self, fault: str, faulty: int = FAULTY_MESSAGE, *, joined: bool = False) -> None:
        self.url = ""
        self.fault = fault
        self.refused: list[str] = []  # keys
        self.addresses: set[str] = set()  # that connections came from
        self._joined = joined
        self._faulty = faulty
        self._chosen = ""  # who was told of a head
        self._telling: list[_Told] = []
        self._rooms: dict[str, _Room] = {}
        self._online: dict[str, ServerConnection] = {}
        self._held: list[_Told] = []
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
        self.addresses.add(link.remote_address[0])
        try:
            with suppress(ConnectionClosed):
                async for frame in link:
                    content = msgpack.unpackb(frame)
                    batch = content if isinstance(content, list) else [content]
                    for packet in reversed(batch) if self.fault == "reverse" else batch:
                        user = await self._packet(link, user, packet)
                    async with self._writing:
                        await self._flush()
        finally:
            if self._online.get(user) is link:
                del self._online[user]

    async def _packet(self, link: ServerConnection, user: str, packet: Packet) -> str:
        if packet["type"] == "hello":
            user = _subject(packet["token"])
            self._online[user] = link
            if self.fault == "slam" and self._rooms:
                self.fault = "none"  # once is enough
                link.transport.abort()
            elif self.fault == "lock_out" and self._rooms:
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
        """Every connection is lost, as when the daemon is killed; what was stored is not.

        What comes back is honest: a room that begins in the storm would have a fault of its own, or none, by how fast
        the machine is.
        """
        self.fault = "none"
        for link in self._online.values():
            link.transport.abort()

    def _hello(self, user: str) -> Packet:
        rooms = [{"room": r.name, "seq": r.last} for r in self._rooms.values() if user in r.users]
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
        room = self._rooms[packet["room"]]
        last = packet.get("to", room.last)
        events = [event for event in room.events if packet["from"] <= event["seq"] <= last]
        page = events[:50]
        rest = {"next": page[-1]["seq"] + 1} if len(events) > len(page) else {}
        if user == self._chosen:
            page = [told for event in page for told in self._quoted(event)]
        return {"events": page, "seq": room.last, **rest}

    def _quoted(self, event: Packet) -> list[Packet]:
        """An event of the log as somebody is told who was told of a head before."""
        if event.get("ordinal") != self._faulty or self.fault == "lag":
            return [event]
        return [{**event, "body": {"text": "psst"}}] if self.fault == "misquote" else []

    def _append(self, room: _Room, event: Packet) -> Packet:
        room.last += 1
        event = {"time": 1_700_000_000_000, **event, "seq": room.last}
        room.events.append(event)
        return event

    async def _post(self, link: ServerConnection, user: str, packet: Packet) -> None:
        room, key = self._rooms[packet["room"]], packet["key"]
        stored = next((e for e in room.events if (e.get("key"), e["user"]) == (key, user)), None)
        if stored is not None:
            await _send(link, _ack(packet, stored, duplicate=True))
            return
        faulty = room.messages + 1 == self._faulty
        if faulty and self.fault == "later" and key not in self.refused:
            self.refused.append(key)
            await _send(link, {"type": "error", "id": packet["id"], **_LATER})
            return
        await self._store(link, user, packet, faulty=faulty)

    async def _store(self, link: ServerConnection, user: str, packet: Packet, *, faulty: bool) -> None:
        room = self._rooms[packet["room"]]
        room.messages += 1
        room.last += faulty and self.fault == "skip"
        if faulty and self.fault == "stall":
            await asyncio.sleep(STALL_S)
        body = {"text": "lies"} if faulty and self.fault == "alter" else packet["body"]
        event = {
            "kind": "message",
            "user": user,
            "ordinal": room.messages,
            "key": packet["key"],
            "body": body,
        }
        event = self._append(room, event)
        if not (faulty and self.fault == "silence"):
            await _send(link, _ack(packet, event))
        if faulty and self.fault == "swallow":
            room.events.pop()
            room.last -= 1
            return
        await self._publish(_Told(room, event, user, faulty))
        if faulty and self.fault == "store_twice":
            await self._tell(_Told(room, self._append(room, event), "", False))

    async def _publish(self, told: _Told) -> None:
        if told.faulty and self.fault == "swap":
            self._held.append(told)
            return
        await self._tell(told)
        if told.faulty and self.fault == "double":
            await self._tell(told._replace(faulty=False))
        while self._held and self._held[0].room is told.room:
            await self._tell(self._held.pop()._replace(author="", faulty=False))

    async def _tell(self, told: _Told) -> None:
        self._telling.append(told)
        if not self._joined:
            await self._flush()

    async def _flush(self) -> None:
        """Pushes what waits, in one push as far as it is of one room and author."""
        telling, self._telling = self._telling, []
        for _, same in groupby(telling, key=lambda told: (told.room.name, told.author)):
            await self._push(list(same))

    async def _push(self, telling: list[_Told]) -> None:
        room, author, faulty = telling[0].room, telling[0].author, any(told.faulty for told in telling)
        users = [user for user in room.users if user != author]
        if faulty and self.fault == "stray":
            users = [*users, *(user for user in self._online if user not in room.users)]
        for place, user in enumerate(users):
            if link := self._online.get(user):
                await self._push_to(link, telling, chosen=faulty and place == 0)

    async def _push_to(self, link: ServerConnection, telling: list[_Told], *, chosen: bool) -> None:
        """One member gets what waits; a fault that befalls one befalls the chosen one."""
        room = telling[0].room.name
        if any(told.faulty for told in telling) and self.fault == "babble":
            await link.send(_BABBLE)
        elif chosen and self.fault in ("lag", "conceal", "misquote"):
            heads = [{"room": room, "seq": telling[-1].event["seq"]}]
            self._chosen = next(user for user, theirs in self._online.items() if theirs is link)
            await _send(link, {"type": "head", "rooms": heads})
        elif events := [event for told in telling for event in self._heard(told, chosen=chosen)]:
            await _send(link, {"type": "event", "room": room, "events": events})

    def _heard(self, told: _Told, *, chosen: bool) -> list[Packet]:
        """What a member hears of an event."""
        if told.faulty and chosen and self.fault == "forget":
            return []
        if told.faulty and chosen and self.fault == "whisper":
            return [{**told.event, "body": {"text": "psst"}}]
        return [told.event]


_LATER = {"code": "rate_limited", "retry": "later", "retry_after": 1}
_BABBLE = b"\xc1"  # the one byte that MessagePack never uses


@asynccontextmanager
async def canary(
    fault: str, faulty: int = FAULTY_MESSAGE, *, joined: bool = False
) -> AsyncIterator[FaultyServer]:
    """A running faulty server on a free loopback port."""
    bird = FaultyServer(fault, faulty, joined=joined)
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

"""A small server with deliberate faults: a harness that finds nothing wrong with it is itself wrong.

It speaks as much of protocol.md as a replay needs, on the `websockets` library and in memory, and commits one fault
at a known moment. It is no model of the daemon: no permissions, no limits, no receipts.
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

# The message of a room with the fault, unless a test names another.
FAULTY_MESSAGE = 5
# Long enough that the next messages are seen to wait.
STALL_S = 0.5
# Long enough for all clients to connect, short enough for a short run.
HANG_UP_S = 0.2
FAULTS = (
    "none",
    "swallow",  # acknowledged and numbered, but neither stored nor pushed: the next one takes its number
    "forget",  # not pushed to one member; a later push shows the gap, if there is one
    "double",  # pushed twice
    "store_twice",  # one key becomes two messages
    "swap",  # pushed after the one behind it
    "reverse",  # a batch is stored backwards
    "stray",  # pushed to a user who is not a member
    "alter",  # stored and pushed with another text
    "whisper",  # one member gets another text than the log holds
    "lock_out",  # hello is refused for now, for ever
    "silence",  # stored and pushed, never acknowledged
    "hang_up",  # a connection that said hello is closed a moment later
    "slam",  # a hello is answered by closing the connection, once there is a room
    "skip",  # a number of the log is never used
    "babble",  # pushed as bytes that are no packet
    "conceal",  # one member gets a head instead, and the log served to them lacks the message
    "misquote",  # the same, and the log served to them has another text
)
# Behaviour of a correct server that a harness must accept.
MOODS = (
    "lag",  # one member gets a head instead of the event
    "later",  # refused for now, once
    "stall",  # everything stops for a moment before it is stored
)


@dataclass
class _Room:
    name: str
    users: list[str]
    events: list[Packet] = field(default_factory=list)
    messages: int = 0
    # The number of its newest event.
    last: int = 0


class _Delivery(NamedTuple):
    """One event on its way to the members of a room except its author."""

    room: _Room
    event: Packet
    author: str
    faulty: bool


class FaultyServer:
    """The server; `url` is its address, `fault` is one of FAULTS and MOODS and applies to the message `faulty` of
    each room.

    `joined`: the messages of one frame are pushed in one, as the daemon does with one commit.
    """

    def __init__(self, fault: str, faulty: int = FAULTY_MESSAGE, *, joined: bool = False) -> None:
        self.url = ""
        self.fault = fault
        # The keys of refused requests.
        self.refused: list[str] = []
        # Source addresses of connections.
        self.addresses: set[str] = set()
        self._joined = joined
        self._faulty = faulty
        # The member who got a head.
        self._chosen = ""
        self._waiting: list[_Delivery] = []
        self._rooms: dict[str, _Room] = {}
        self._online: dict[str, ServerConnection] = {}
        self._held: list[_Delivery] = []
        # One post at a time, so that all members see one order.
        self._writing = asyncio.Lock()
        self._commands: dict[str, Callable[[str, Packet], Packet]] = {
            "room.create": self._create,
            "room.direct": self._direct,
            "members.add": self._add,
            "log": self._log,
        }

    async def serve(self, link: ServerConnection) -> None:
        """Serve one connection until it ends."""
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
                # Once is enough.
                self.fault = "none"
                link.transport.abort()
            elif self.fault == "lock_out" and self._rooms:
                refusal = {"code": "internal", "retry": "later"}
                await _send(link, {"type": "error", "id": packet["id"], **refusal})
            else:
                await _send(link, {"type": "ok", "id": packet["id"], **self._hello(user)})
            if self.fault == "hang_up":
                # Once is enough.
                self.fault = "none"
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
        """Lose every connection, as when the daemon is killed; stored messages stay.

        Afterwards the server is correct: a room that begins in the storm would have a fault of its own, or none,
        depending on the speed of the machine.
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
            page = [delivery for event in page for delivery in self._quoted(event)]
        return {"events": page, "seq": room.last, **rest}

    def _quoted(self, event: Packet) -> list[Packet]:
        """Return an event of the log as the member sees it who got a head before."""
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
        await self._publish(_Delivery(room, event, user, faulty))
        if faulty and self.fault == "store_twice":
            await self._deliver(_Delivery(room, self._append(room, event), "", False))

    async def _publish(self, delivery: _Delivery) -> None:
        if delivery.faulty and self.fault == "swap":
            self._held.append(delivery)
            return
        await self._deliver(delivery)
        if delivery.faulty and self.fault == "double":
            await self._deliver(delivery._replace(faulty=False))
        while self._held and self._held[0].room is delivery.room:
            await self._deliver(self._held.pop()._replace(author="", faulty=False))

    async def _deliver(self, delivery: _Delivery) -> None:
        self._waiting.append(delivery)
        if not self._joined:
            await self._flush()

    async def _flush(self) -> None:
        """Push what waits, in one push as far as it is of one room and author."""
        deliveries, self._waiting = self._waiting, []
        for _, same in groupby(deliveries, key=lambda delivery: (delivery.room.name, delivery.author)):
            await self._push(list(same))

    async def _push(self, deliveries: list[_Delivery]) -> None:
        room, author = deliveries[0].room, deliveries[0].author
        faulty = any(delivery.faulty for delivery in deliveries)
        users = [user for user in room.users if user != author]
        if faulty and self.fault == "stray":
            users = [*users, *(user for user in self._online if user not in room.users)]
        for place, user in enumerate(users):
            if link := self._online.get(user):
                await self._push_to(link, deliveries, chosen=faulty and place == 0)

    async def _push_to(self, link: ServerConnection, deliveries: list[_Delivery], *, chosen: bool) -> None:
        """Push what waits to one member; a fault that applies to one member applies to the chosen one."""
        room = deliveries[0].room.name
        if any(delivery.faulty for delivery in deliveries) and self.fault == "babble":
            await link.send(_BABBLE)
        elif chosen and self.fault in ("lag", "conceal", "misquote"):
            heads = [{"room": room, "seq": deliveries[-1].event["seq"]}]
            self._chosen = next(user for user, theirs in self._online.items() if theirs is link)
            await _send(link, {"type": "head", "rooms": heads})
        elif events := [event for delivery in deliveries for event in self._shown(delivery, chosen=chosen)]:
            await _send(link, {"type": "event", "room": room, "events": events})

    def _shown(self, delivery: _Delivery, *, chosen: bool) -> list[Packet]:
        """Return an event as one member gets it."""
        if delivery.faulty and chosen and self.fault == "forget":
            return []
        if delivery.faulty and chosen and self.fault == "whisper":
            return [{**delivery.event, "body": {"text": "psst"}}]
        return [delivery.event]


_LATER = {"code": "rate_limited", "retry": "later", "retry_after": 1}
# The one byte that MessagePack never uses.
_BABBLE = b"\xc1"


@asynccontextmanager
async def canary(
    fault: str, faulty: int = FAULTY_MESSAGE, *, joined: bool = False
) -> AsyncIterator[FaultyServer]:
    """Run a faulty server on a free loopback port."""
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

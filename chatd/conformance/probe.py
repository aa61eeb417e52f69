"""A user without a client: requests of the kit itself to a real server, one at a time."""

import os
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from .codec import Packet, base64url, encode, read

PAGE = 200


class ProbeError(Exception):
    """A server refused a request of the kit."""


class Probe:
    """One connection of a user, on a device of its own: `async with Probe(url, token) as probe`."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token
        self._last_id = 0
        self._socket: ClientConnection

    async def __aenter__(self) -> Self:
        protocol = Subprotocol("chatd.v1.msgpack")
        self._socket = await connect(
            self._url, subprotocols=[protocol], compression=None, proxy=None, max_size=None
        )
        device = base64url(os.urandom(16))
        await self.ask("hello", version=1, token=self._token, device=device)
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self._socket.close()

    async def ask(self, kind: str, /, **fields: Any) -> Packet:
        """Send a request and return its `ok`. Raises ProbeError."""
        self._last_id += 1
        await self._socket.send(encode([{"type": kind, "id": self._last_id, **fields}], "msgpack"))
        while True:
            for packet in read(await self._socket.recv()):
                if packet.get("id") == self._last_id and packet["type"] == "ok":
                    return dict(packet)
                if packet.get("id") == self._last_id:
                    raise ProbeError(f"{kind} was refused: {packet}")
                if packet["type"] == "ping":
                    await self._socket.send(encode([{"type": "pong"}], "msgpack"))

    async def group(self) -> str:
        """Create a group that anybody may join, and return its room."""
        reply = await self.ask("room.create", key=_key(), kind="group", title="Kit", public=True)
        return str(reply["summary"]["room"])

    async def join(self, room: str) -> None:
        """Join a public room."""
        await self.ask("room.join", key=_key(), room=room)

    async def messages(self, room: str) -> list[Packet]:
        """Return all messages of a room in their current state, ascending."""
        found: list[Packet] = []
        start = 1
        while True:
            reply = await self.ask("log", room=room, limit=PAGE, **{"from": start})
            found += [event for event in reply["events"] if event["kind"] == "message"]
            if "next" not in reply:
                return found
            start = reply["next"]

    async def summary(self, room: str) -> Packet:
        """Return the summary of a room."""
        return dict((await self.ask("room.get", room=room))["summary"])


def _key() -> str:
    return f"kit-{os.urandom(9).hex()}"

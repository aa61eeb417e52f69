"""A user who writes while daemons come and go: an outbox, the acknowledged messages, and the checks at the end."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.kit.client import TestClient, fresh_key
from tests.kit.client_socket import Packet
from tests.kit.packet_client import Event, Refused

# Messages in flight at once.
BURST_MAX = 8


@dataclass
class Author:
    """A user who writes into one room; what was not acknowledged is sent again with the same key."""

    user: str
    room: str
    chance: random.Random
    # Whether acknowledged messages are edited.
    changes_mind: bool = True
    # The seq of each key.
    acknowledged: dict[str, int] = field(default_factory=dict)
    # Keys in the order of writing.
    outbox: list[str] = field(default_factory=list)
    # Texts by seq, in the order of the requests.
    edits: dict[int, list[str]] = field(default_factory=dict)
    # The last acknowledged text by seq.
    edited: dict[int, str] = field(default_factory=dict)
    # The highest position that was acknowledged.
    read: int = 0

    async def write_until_cut(self, client: TestClient) -> None:
        """Send the outbox again, then other requests, until the connection breaks."""
        try:
            await self.send_the_rest(client)
            while True:
                await self._act(client)
        except Refused:
            raise
        except AssertionError:
            # No answer comes any more.
            assert not client.is_connected

    async def send_the_rest(self, client: TestClient) -> None:
        for key in list(self.outbox):
            await self._send(client, key)

    async def _act(self, client: TestClient) -> None:
        kind = self.chance.randrange(10)
        if kind == 0 and self.acknowledged and self.changes_mind:
            await self._edit(client)
        elif kind == 1 and self.acknowledged:
            position = max(self.acknowledged.values())
            self.read = max(self.read, (await client.read(self.room, position))["read"])
        else:
            await self._write(client, 1 if kind < 7 else self.chance.randint(2, BURST_MAX))

    async def _write(self, client: TestClient, count: int) -> None:
        keys = [fresh_key() for _ in range(count)]
        self.outbox += keys
        outcomes = await asyncio.gather(*(self._send(client, key) for key in keys), return_exceptions=True)
        for failure in filter(None, outcomes):
            raise failure

    async def _send(self, client: TestClient, key: str) -> None:
        ack: Packet = await client.send(self.room, f"{self.user} {key}", key=key)
        assert self.acknowledged.setdefault(key, ack["seq"]) == ack["seq"]
        self.outbox.remove(key)

    async def _edit(self, client: TestClient) -> None:
        seq = self.chance.choice(list(self.acknowledged.values()))
        text = f"edited by {self.user} {fresh_key()}"
        self.edits.setdefault(seq, []).append(text)
        await client.edit(self.room, seq, text)
        self.edited[seq] = text

    def check_log(self, log: Mapping[int, Event]) -> None:
        """Check that everything acknowledged is in `log`, at its number and in its last state."""
        for key, seq in self.acknowledged.items():
            assert log[seq].get("key") == key, (
                f"{self.user}: {key} was acknowledged as {seq}, there is {log[seq]}"
            )
        for seq, text in self.edited.items():
            asked = self.edits[seq]
            assert log[seq]["body"]["text"] in asked[asked.index(text) :], (
                f"{self.user}: edit of {seq} is gone"
            )

"""The clients of a scenario: they are made for one daemon, and all leave at the end."""

import asyncio
from typing import Any

from tests.kit.client import TestClient, fresh_device
from tests.kit.tokens import earlier_token


class Clients:
    """The clients of one daemon. Every broken promise that one of them saw is raised when they leave."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.peers: list[TestClient] = []

    async def open(self, user: str, **options: Any) -> TestClient:
        """Return a client that has not said hello."""
        client = await TestClient.connect(self.url, user, **options)
        self.peers.append(client)
        return client

    async def connect(self, user: str, *, hello: dict[str, Any] | None = None, **options: Any) -> TestClient:
        """Return a client that has said hello."""
        client = await self.open(user, **options)
        await client.say_hello(**(hello or {}))
        return client

    async def connect_bound(self, user: str) -> TestClient:
        """Return a client whose token, issued some seconds ago, is valid on its device only."""
        device = fresh_device()
        return await self.connect(user, device=device, token=earlier_token(user, device=device))

    async def connect_all(self, *users: str) -> list[TestClient]:
        """Return several clients that have said hello, in this order."""
        return [await self.connect(user) for user in users]

    async def in_group(self, *users: str, **fields: Any) -> tuple[str, list[TestClient]]:
        """Create a group of these users, the first its owner; every client has received it and nothing waits."""
        peers = await self.connect_all(*users)
        room = await peers[0].create_group("a group", *peers[1:], **fields)
        for client in peers:
            await client.forget()
        return room, peers

    async def in_direct(self, first: str, second: str) -> tuple[str, list[TestClient]]:
        """Create the 1:1 room of two users, both connected; nothing waits."""
        peers = await self.connect_all(first, second)
        room = await peers[0].open_direct(peers[1])
        for client in peers:
            await client.forget()
        return room, peers

    async def in_touch(self, first: str, second: str) -> tuple[str, list[TestClient]]:
        """Create a 1:1 room to which both have sent a message (events 2 and 3); nothing waits."""
        room, peers = await self.in_direct(first, second)
        for client in peers:
            await client.send(room, "hello")
        for client in peers:
            await client.forget()
        return room, peers

    async def reconnect(self, client: TestClient, **hello: Any) -> tuple[TestClient, dict[str, Any]]:
        """Connect the same device anew; return the client and the reply to its hello."""
        fresh = await self.open(client.user, device=client.device, encoding=client.link.encoding)
        return fresh, await fresh.say_hello(**hello)

    async def leave(self) -> None:
        """Disconnect every client; raises the first promise that the server broke."""
        await asyncio.gather(*(client.link.close() for client in self.peers))
        for client in self.peers:
            await client.stop_listening()
            client.check_promises()

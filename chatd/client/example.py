"""A whole chat program: python -m chatd.client.example ws://127.0.0.1:8470/v1/ws TOKEN PEER

Sends the lines typed to PEER and prints what PEER writes, through every loss of the network, until end of input.
"""

import asyncio
import sys

from chatd.client import Client, MessageAdded, Room


async def send_lines(client: Client, room: Room) -> None:
    while line := await asyncio.to_thread(sys.stdin.readline):
        await room.send(line.rstrip("\n"))
    # This ends the iterator of changes.
    await client.close()


async def chat(url: str, token: str, peer: str) -> None:
    async def get_token() -> str:
        return token

    async with Client(url, get_token) as client:
        changes, room = client.changes(), await client.direct(peer)
        typing = asyncio.create_task(send_lines(client, room))
        async for change in changes:
            if isinstance(change, MessageAdded) and (change.room, change.message.user) == (room.id, peer):
                print(f"{peer}: {change.message.text}")
        await typing


if __name__ == "__main__":
    asyncio.run(chat(*sys.argv[1:4]))

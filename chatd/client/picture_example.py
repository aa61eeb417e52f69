"""Sends a picture: python -m chatd.client.picture_example ws://127.0.0.1:8470/v1/ws TOKEN PEER picture.jpg

It goes on at the byte where the network broke, and ends when the message is stored.
"""

import asyncio
import sys

from chatd.client import Client


async def send_picture(url: str, token: str, peer: str, path: str) -> None:
    async def get_token() -> str:
        return token

    async with Client(url, get_token) as client:
        picture = await client.upload(path, kind="picture", on_progress=lambda sent: print(sent, "bytes"))
        room = await client.direct(peer)
        await room.send("Look!", files=[picture])


if __name__ == "__main__":
    asyncio.run(send_picture(*sys.argv[1:5]))

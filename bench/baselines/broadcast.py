"""Floor (b): the same fan-out with `websockets.broadcast`, as an application of that library would do it.

Whoever sends a message is an author: every later one goes to all others as the same prebuilt payload.
"""

import asyncio
import sys

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.typing import Subprotocol

from bench import machine
from bench.wire import ENCODINGS


async def main(port: int, frame_bytes: int) -> None:
    members: set[ServerConnection] = set()
    payload = bytes(frame_bytes)

    async def connected(connection: ServerConnection) -> None:
        members.add(connection)
        try:
            async for _ in connection:
                if connection in members:
                    members.discard(connection)
                else:
                    broadcast(members, payload)
                    await asyncio.sleep(0)  # one at a time, so that writes are not joined
        finally:
            members.discard(connection)

    subprotocols = [Subprotocol(encoding.subprotocol) for encoding in ENCODINGS.values()]
    listening = serve(
        connected,
        "127.0.0.1",
        port,
        subprotocols=subprotocols,
        compression=None,
        ping_interval=None,
        backlog=4096,
    )
    async with listening as server:
        await server.serve_forever()


if __name__ == "__main__":
    machine.run(main(int(sys.argv[1]), int(sys.argv[2])))

"""Floor (a): one prebuilt frame to N transports, one write each; what the kernel costs, and nothing else.

Whoever says `A` first is an author: each byte after it is a message, and goes to all others as the frame.
"""

import asyncio
import gc
import sys
from typing import cast

from bench import machine
from bench.wire import server_frame

GREETING = b"+"  # accepted: the kernel connects long before a program looks


class Floor:
    """The members, and the messages that wait: one at a time, so that writes are never joined."""

    def __init__(self, frame: bytes) -> None:
        self.members: set[asyncio.Transport] = set()
        self._frame = frame
        self._waiting = 0

    def messages(self, count: int) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._push)
        self._waiting += count

    def _push(self) -> None:
        for member in self.members:
            member.write(self._frame)
        self._waiting -= 1
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._push)


class Connection(asyncio.Protocol):
    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._floor.members.add(self._transport)
        self._transport.write(GREETING)

    def data_received(self, data: bytes) -> None:
        if self._transport in self._floor.members:
            self._floor.members.discard(self._transport)
            data = data[1:]
        if data:
            self._floor.messages(len(data))

    def connection_lost(self, error: Exception | None) -> None:
        self._floor.members.discard(self._transport)


async def main(port: int, frame_bytes: int) -> None:
    floor = Floor(server_frame(bytes(frame_bytes)))
    gc.freeze()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(floor), "127.0.0.1", port, backlog=4096
    )
    await server.serve_forever()


if __name__ == "__main__":
    machine.run(main(int(sys.argv[1]), int(sys.argv[2])))

"""A network that breaks by a seed: connections are reset, or lost on one side alone, after some bytes."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

CHUNK_BYTES = 16_384


class BadNetwork:
    """A way to a port of this machine; `port` is where it begins. `breaks`: how many there were.

    `bytes_max`: how many bytes a connection carries at most before it breaks. `on_bytes`: called with the number of
    all that were carried.
    """

    def __init__(self, upstream: int, seed: int, bytes_max: int, on_bytes: Callable[[int], None]) -> None:
        self.port = 0
        self.breaks = 0
        self._upstream = upstream
        self._chance = random.Random(seed)
        self._bytes_max = bytes_max
        self._on_bytes = on_bytes
        self._carried = 0
        # A phone that changed its network leaves connections behind, of which the server hears nothing more.
        self._forgotten: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until it ends or breaks."""
        budget = self._chance.randrange(self._bytes_max)
        is_forgotten = self._chance.randrange(2) == 0
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        back = asyncio.create_task(self._back(there_reader, writer))
        with suppress(OSError):
            while chunk := await reader.read(min(CHUNK_BYTES, budget)):
                there_writer.write(chunk)
                await there_writer.drain()
                budget -= len(chunk)
                self._carried += len(chunk)
                self._on_bytes(self._carried)
                if budget <= 0:
                    self.breaks += 1
                    writer.transport.abort()
                    break
        if is_forgotten and budget <= 0:
            self._forgotten.append(there_writer)
            self._tasks.add(back)
            return
        there_writer.transport.abort()
        await back

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                writer.write(chunk)
                await writer.drain()
        writer.close()

    async def close(self) -> None:
        for writer in self._forgotten:
            writer.transport.abort()
        await asyncio.gather(*self._tasks)


@asynccontextmanager
async def bad_network(
    upstream: int, seed: int, bytes_max: int, on_bytes: Callable[[int], None] = lambda count: None
) -> AsyncIterator[BadNetwork]:
    """Run such a network to a port of the loopback around the block."""
    network = BadNetwork(upstream, seed, bytes_max, on_bytes)
    async with await asyncio.start_server(network.carry, "127.0.0.1", 0) as server:
        network.port = server.sockets[0].getsockname()[1]
        try:
            yield network
        finally:
            await network.close()

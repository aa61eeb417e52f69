"""A network between a browser and a daemon, on a port of its own, that can be cut and mended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

CHUNK_BYTES = 65_536


class CutLink:
    """The network; `port` is where the daemon seems to be."""

    def __init__(self, upstream: int) -> None:
        self.port = 0
        self.is_cut = False
        self._upstream = upstream
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def sockets(self) -> int:
        """The number of connections it carries."""
        return len(self._writers) // 2

    def cut(self) -> None:
        """Reset all connections, and every new one."""
        self.is_cut = True
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        self.is_cut = False

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it."""
        if self.is_cut:
            writer.transport.abort()
            return
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        both = {writer, there_writer}
        self._writers |= both
        await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))
        self._writers -= both


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def cut_link(upstream: int) -> AsyncIterator[CutLink]:
    """Run such a network to a port of the loopback around the block."""
    link = CutLink(upstream)
    async with await asyncio.start_server(link.carry, "127.0.0.1", 0) as server:
        link.port = server.sockets[0].getsockname()[1]
        yield link
        link.cut()

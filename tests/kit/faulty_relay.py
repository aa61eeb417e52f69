"""A server of the NATS protocol that lies on purpose: what a comparison with others must notice, too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

FAULTY_MESSAGE = 5  # the message that the fault befalls
RELAY_FAULTS = (
    "none",
    "swallow",  # nobody gets it
    "forget",  # one subscriber does not get it
    "double",  # everybody gets it twice
    "stutter",  # one subscriber gets it twice
    "swap",  # it comes behind the next one
    "alter",  # with other words
)


class FaultyRelay:
    """The server; `port` says where."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.port = 0
        self._subscribers: list[asyncio.StreamWriter] = []
        self._messages = 0
        self._held = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection until it ends."""
        while line := await reader.readline():
            word, *rest = line.split()
            if word == b"PING":
                writer.write(b"PONG\r\n")
            elif word == b"SUB":
                self._subscribers.append(writer)
            elif word == b"PUB":
                self._publish((await reader.readexactly(int(rest[-1]) + 2))[:-2])
        writer.close()

    def _publish(self, said: bytes) -> None:
        self._messages += 1
        faulty = self.fault if self._messages == FAULTY_MESSAGE else "none"
        message = b"MSG room 1 %d\r\n%b\r\n" % (len(said), said.swapcase() if faulty == "alter" else said)
        if faulty == "swap":
            self._held = message
            return
        times = {"swallow": 0, "double": 2}.get(faulty, 1)
        for subscriber in self._subscribers[1 if faulty == "forget" else 0 :]:
            subscriber.write(message * times + self._held)
        if faulty == "stutter":
            self._subscribers[0].write(message)
        self._held = b""


@asynccontextmanager
async def relay(fault: str) -> AsyncIterator[FaultyRelay]:
    """A running relay on a free loopback port."""
    liar = FaultyRelay(fault)
    server = await asyncio.start_server(liar.serve, "127.0.0.1", 0)
    liar.port = next(iter(server.sockets)).getsockname()[1]
    try:
        yield liar
    finally:
        server.close()

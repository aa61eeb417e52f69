"""A server of the NATS protocol with deliberate faults, which a comparison with other servers must notice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# The number of the message with the fault.
FAULTY_MESSAGE = 5
RELAY_FAULTS = (
    "none",
    "swallow",  # nobody gets it
    "forget",  # one subscriber does not get it
    "double",  # everybody gets it twice
    "stutter",  # one subscriber gets it twice
    "swap",  # it comes behind the next one
    "alter",  # it comes with another text
)


class FaultyRelay:
    """The server; `port` is where it listens."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.port = 0
        self._subscribers: list[asyncio.StreamWriter] = []
        self._messages = 0
        self._held = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
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
    """Run a relay on a free loopback port."""
    liar = FaultyRelay(fault)
    server = await asyncio.start_server(liar.serve, "127.0.0.1", 0)
    liar.port = next(iter(server.sockets)).getsockname()[1]
    try:
        yield liar
    finally:
        server.close()

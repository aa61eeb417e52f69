"""The back end of a host app, as small as it can be: it takes what the feed delivers and lets all changes pass, and it
is a push gateway whose phones take everything.

Each answer comes after a millisecond, and none to what is posted to /dead. A GET is told what was delivered. It shares
a core with the generator, so it reads no more of a body than it counts.
"""

import asyncio
import sys
from functools import partial
from typing import cast

import msgspec
from msgspec import Raw, Struct

from bench import machine

ANSWER_S = 0.001
IDS: set[str] = set()
SEEN = {"entries": 0, "messages": 0, "pushed": 0}


class Entry(Struct):
    """An entry of the feed, or an item to judge."""

    id: str
    type: str = ""


class Asked(Struct):
    """A body of any kind."""

    # With None beside it msgspec would take nothing else.
    notification: Raw = Raw()
    items: list[Entry] = []
    events: list[Entry] = []


decode = msgspec.json.Decoder(Asked).decode


def answer(body: bytes) -> object:
    """Return the answer to a POST, or to a GET, which asks nothing: entries, messages, and how many different ones."""
    if not body:
        return {**SEEN, "different": len(IDS)}
    asked = decode(body)
    if bytes(asked.notification):
        SEEN["pushed"] += 1
        return {"rejected": []}
    if asked.items:
        return {"items": [{"id": item.id, "do": "pass"} for item in asked.items]}
    ids = [entry.id for entry in asked.events if entry.type == "event.message"]
    SEEN["entries"] += len(asked.events)
    SEEN["messages"] += len(ids)
    IDS.update(ids)
    return {}


class Receiver(asyncio.Protocol):
    """One connection, with one request at a time."""

    def __init__(self) -> None:
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._came += data
        head, blank, body = self._came.partition(b"\r\n\r\n")
        if not blank or len(body) < int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]):
            return
        self._came = b""
        if not head.startswith(b"POST /dead"):
            send = partial(self._send, msgspec.json.encode(answer(body)), is_last=not body)
            asyncio.get_running_loop().call_later(ANSWER_S, send)

    def _send(self, content: bytes, *, is_last: bool) -> None:
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content)
        if is_last:
            self._transport.close()


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    machine.run(main(int(sys.argv[1])))

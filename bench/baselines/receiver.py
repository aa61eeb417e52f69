"""The back end of a host app, as small as it can be: it takes deliveries of the event feed and lets all changes pass.

Each answer comes a millisecond after its POST, and none to what is posted to /dead. A GET tells how many messages were
delivered, how many of them were different ones, and how many entries there were in all.
"""

import asyncio
import gc
import json
import sys
from typing import Any, cast

from bench import machine

ANSWER_S = 0.001


class Seen:
    """What was delivered to any connection."""

    def __init__(self) -> None:
        self.entries = self.messages = 0
        self.ids: set[str] = set()

    def answer(self, asked: Any) -> bytes:
        """Return the body of the answer to a POST, or to a GET, which asks nothing."""
        if asked is None:
            found = {"entries": self.entries, "messages": self.messages, "different": len(self.ids)}
            return json.dumps(found).encode()
        if asked["type"] == "before":
            return json.dumps(
                {"items": [{"id": item["id"], "do": "pass"} for item in asked["items"]]}
            ).encode()
        ids = [entry["id"] for entry in asked["events"] if entry["type"] == "event.message"]
        self.entries += len(asked["events"])
        self.messages += len(ids)
        self.ids.update(ids)
        return b""


class Connection(asyncio.Protocol):
    def __init__(self, seen: Seen) -> None:
        self._seen, self._data = seen, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, mark, body = self._data.partition(b"\r\n\r\n")
        _, given, size = head.lower().partition(b"\r\ncontent-length:")
        length = int(size.split(b"\r\n")[0]) if given else 0
        if not mark or len(body) < length:
            return
        self._data = b""
        if not head.startswith(b"POST /dead"):
            content = self._seen.answer(json.loads(body) if length else None)
            answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content
            asyncio.get_running_loop().call_later(ANSWER_S, self._transport.write, answer)
        if head.startswith(b"GET"):
            asyncio.get_running_loop().call_later(2 * ANSWER_S, self._transport.close)


async def main(port: int) -> None:
    seen = Seen()
    gc.freeze()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(seen), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    machine.run(main(int(sys.argv[1])))

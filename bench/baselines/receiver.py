"""The back end of a host app, as small as it can be: it takes what the feed delivers and lets all changes pass, and it
is a push gateway whose phones take everything.

Each answer comes after a millisecond, and none to what is posted to /dead. A GET is told what was delivered.
"""

import asyncio
import json
import sys
from contextlib import suppress
from typing import Any

from bench import machine

ANSWER_S = 0.001
IDS: set[str] = set()
SEEN = {"entries": 0, "messages": 0, "pushed": 0}


def answer(asked: Any) -> object:
    """Return the answer to a POST, or to a GET, which asks nothing: entries, messages, and how many different ones."""
    if asked is None:
        return {**SEEN, "different": len(IDS)}
    if "notification" in asked:
        SEEN["pushed"] += 1
        return {"rejected": []}
    if asked["type"] == "before":
        return {"items": [{"id": item["id"], "do": "pass"} for item in asked["items"]]}
    ids = [entry["id"] for entry in asked["events"] if entry["type"] == "event.message"]
    SEEN["entries"] += len(asked["events"])
    SEEN["messages"] += len(ids)
    IDS.update(ids)
    return {}


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    asked: Any = ""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while asked is not None:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            asked = json.loads(await reader.readexactly(length) or b"null")
            if not head.startswith(b"POST /dead"):
                content = json.dumps(answer(asked)).encode()
                await asyncio.sleep(ANSWER_S)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content)
    writer.close()


async def main(port: int) -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    machine.run(main(int(sys.argv[1])))

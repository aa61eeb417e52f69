"""Bulk routes: a body of one JSON object a line, and an answer of one line for each.

A line is a change of its own, and repeating it does no harm: an upload that was cut is sent again, whole. It is read
before the first line is carried out, because a client that sends before it reads would wait for us, and we for it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from chatd.http.api.problems import problem_of, refusal_for
from chatd.http.api.route import Call
from chatd.protocol.errors import Refused, Unavailable

MEDIA_TYPE = "application/x-ndjson"
BULK_BYTES_MAX = 8 << 20
LINES_MAX = 10_000
LINE_BYTES_MAX = 1 << 20
# Uploads in memory at once, each whole and as lines: 64 MiB.
UPLOADS_MAX = 4
UPLOAD_RETRY_MS = 1000
# Lines carried out at once: as many as may wait for the writer by default.
TOGETHER = 64
# As many bytes, too: some milliseconds of the event loop.
BYTES_TOGETHER = 1 << 18

Decode = Callable[[bytes], Any]


class Lines(NamedTuple):
    """The lines of an upload with their numbers. `decode` reads one; it raises Refused."""

    numbered: Sequence[tuple[int, bytes]]
    decode: Decode


class Uploads:
    """The places for uploads and other large bodies."""

    def __init__(self) -> None:
        self._taken = 0

    def take(self) -> None:
        """Take a place; Unavailable when there is none."""
        if self._taken >= UPLOADS_MAX:
            raise Unavailable(
                "overloaded", f"{UPLOADS_MAX} uploads are under way", retry_after=UPLOAD_RETRY_MS
            )
        self._taken += 1

    def free(self) -> None:
        self._taken -= 1


def lines_of(body: bytes) -> list[tuple[int, bytes]]:
    """Return the lines that are not empty, with their numbers from 1 on. Raises Refused("too_large")."""
    if body.count(b"\n") > LINES_MAX:
        raise Refused("too_large", f"an upload has at most {LINES_MAX} lines")
    return [(number, line) for number, line in enumerate(body.split(b"\n"), 1) if line.strip()]


async def answered(call: Call, lines: Sequence[tuple[int, bytes]], decode: Decode) -> AsyncIterator[bytes]:
    """Carry out the lines, in their order as they reach the writer, and yield the answers in that order."""
    for some in groups(lines):
        yield b"".join(await asyncio.gather(*(_answer(call, *line, decode) for line in some)))


def groups(lines: Sequence[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    """Yield the lines in groups that are carried out together."""
    some: list[tuple[int, bytes]] = []
    size = 0
    for line in lines:
        if some and (len(some) == TOGETHER or size + len(line[1]) > BYTES_TOGETHER):
            yield some
            some, size = [], 0
        some.append(line)
        size += len(line[1])
    if some:
        yield some


async def _answer(call: Call, number: int, line: bytes, decode: Decode) -> bytes:
    try:
        call.require_valid()
        if len(line) > LINE_BYTES_MAX:
            raise Refused("too_large", f"a line has at most {LINE_BYTES_MAX} bytes")
        told = msgspec.structs.asdict(await call.route.handler(call, decode(line)))
        found: Any = {"line": number, "ok": True, **told}
    except Exception as error:
        # One line at fault must not keep the lines behind it from being carried out.
        found = problem_of(refusal_for(error, call.request_id), line=number)
    return msgspec.json.encode(found) + b"\n"

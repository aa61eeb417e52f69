"""Replies that fit a server frame in every encoding (protocol.md "Size limits").

Pages are cut by their bytes as they are stored. Own reactions or JSON may make more of them: then the page is read
again, smaller.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from chatd.commands.context import Context, Session
from chatd.protocol.codec import as_json, encode
from chatd.protocol.envelope import Ok

Reply = TypeVar("Reply", bound=Ok)

# The bytes of a reply besides its rows, at most, and half as much again.
ENVELOPE_BYTES = 4096


def page_bytes(ctx: Context) -> int:
    """Return the bytes of rows in a reply, as they are stored."""
    return ctx.config.limits.server_frame_bytes - ENVELOPE_BYTES


def bytes_of(session: Session, part: Any) -> int:
    """Return the bytes of a packet, or of a part of one, in the encoding of this connection."""
    packed = encode(part)
    return len(as_json(packed)) if session.text else len(packed)


def smaller(ctx: Context, session: Session, reply: Any, size: int) -> int:
    """Return the bytes of rows to read instead of `size`, which made this `reply`; 0 when it fits a frame."""
    length, most = bytes_of(session, reply), page_bytes(ctx) + ENVELOPE_BYTES // 2
    # Less than in proportion, because the rows left may be the longer ones.
    return 0 if length <= most else size * most // length * 3 // 4


async def fitting(ctx: Context, session: Session, ask: Callable[[int], Awaitable[Reply]]) -> Reply:
    """Return the reply that `ask` makes of as many bytes of rows as fit; a single row always fits."""
    size = page_bytes(ctx)
    while less := smaller(ctx, session, reply := await ask(size), size):
        size = less
    return reply

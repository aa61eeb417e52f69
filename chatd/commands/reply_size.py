"""Replies that fit a server frame, whatever they hold and in whichever encoding (protocol.md "Size limits").

Pages are cut by their bytes as they are stored. What is added to them, or JSON, may make more of it: then the page is
read again, smaller.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from chatd.commands.context import Context, Session
from chatd.protocol.codec import as_json, encode
from chatd.protocol.envelope import Ok

Reply = TypeVar("Reply", bound=Ok)

ENVELOPE_BYTES = 4096  # what a reply holds besides its rows, and half as much of it


def page_bytes(ctx: Context) -> int:
    """Bytes of rows in a reply, as they are stored."""
    return ctx.config.limits.server_frame_bytes - ENVELOPE_BYTES


def bytes_of(session: Session, part: Any) -> int:
    """How long a packet, or a part of one, is on this connection."""
    packed = encode(part)
    return len(as_json(packed)) if session.text else len(packed)


def smaller(ctx: Context, session: Session, reply: Any, size: int) -> int:
    """How many bytes of rows to read instead of `size`, which made this `reply`; 0 where it fits a frame."""
    length, most = bytes_of(session, reply), page_bytes(ctx) + ENVELOPE_BYTES // 2
    return 0 if length <= most else size * most // length * 3 // 4  # the rows left may be the longer ones


async def fitting(ctx: Context, session: Session, ask: Callable[[int], Awaitable[Reply]]) -> Reply:
    """The reply that `ask` makes of as many bytes of rows as fit; a single row does always."""
    size = page_bytes(ctx)
    while less := smaller(ctx, session, reply := await ask(size), size):
        size = less
    return reply

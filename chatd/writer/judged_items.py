"""The questions to a before-hook about a request, and what verdicts and filters make of it."""

from collections.abc import Iterable
from typing import Any
from zlib import crc32

from msgspec.structs import replace

from chatd.core.filters import Hit
from chatd.core.forwarding import JudgedForward, content_of, keys_of
from chatd.core.room import Room
from chatd.core.screening import On, fields_of
from chatd.protocol.codec import encode
from chatd.protocol.messages import Body
from chatd.webhooks.interface import Item, Verdict
from chatd.writer.submission import Submission

# The words of changes that have a body.
REWRITTEN = frozenset[On](("message", "edit"))


def items_of(submission: Submission, on: On, room: Room | None) -> list[Item]:
    """Return what a judge is asked about a request: of a forward, about each message."""
    request = submission.request
    if isinstance(request, JudgedForward):
        bodies = zip(keys_of(request), request.bodies, strict=True)
        return [item_of(submission, on, room, key, body) for key, body in bodies]
    body = request.body if on in REWRITTEN else None
    return [item_of(submission, on, room, getattr(request, "key", ""), body)]


def item_of(submission: Submission, on: On, room: Room | None, key: str, body: Body | None) -> Item:
    """Return what a judge is asked about a request, or one of its messages."""
    request, requester = submission.request, submission.requester
    fields = {} if on in REWRITTEN else fields_of(request)
    name = "" if room is None else room.name
    key = key or f"{on}-{crc32(encode(fields)):08x}"
    return Item(
        id=f"{name}:{submission.user}:{key}",
        on=on,
        user=submission.user,
        device="" if requester is None else requester.device,
        address="" if requester is None else requester.address,
        room=name,
        kind="" if room is None else room.kind,
        members=0 if room is None else room.size,
        body=body,
        fields=fields,
    )


def rewritten(request: Any, place: int, verdict: Verdict) -> Any:
    """Return a request with the body of a verdict in place of its own, or of one of those that it forwards."""
    assert verdict.body is not None
    if not isinstance(request, JudgedForward):
        return replace(request, body=verdict.body)
    bodies = [*request.bodies]
    bodies[place] = content_of(verdict.body)
    return replace(request, bodies=bodies)


def flagging(hits: Iterable[Hit]) -> tuple[str, ...]:
    """Return the names of the filters that flag something."""
    return tuple(sorted({hit.filter.name for hit in hits if hit.filter.does == "flag"}))

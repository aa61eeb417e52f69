"""Answers as bytes and as far as two of them may be compared."""

from typing import Any

from tests.kit.link import Frame
from tests.kit.phone import Phone

_OF_THE_MOMENT = frozenset(
    {"id", "session", "time", "cursor"}
)  # keys of a hello reply that differ every time


async def frame_answering(phone: Phone, request: dict[str, Any]) -> Frame:
    """The frame with the reply to a request. Nothing else may be on its way to this phone."""
    count = len(phone.link.frames_received)
    await phone.is_answered(request)
    (frame,) = phone.link.frames_received[count:]
    return frame


def shown(reply: Any) -> Any:
    """A reply without what belongs to its moment, at every depth."""
    if isinstance(reply, dict):
        return {name: shown(value) for name, value in reply.items() if name not in _OF_THE_MOMENT}
    return [shown(element) for element in reply] if isinstance(reply, list) else reply
